#![no_main]

use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::gids::AID;
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::gids::session::{Buffers, Error, NewAdminKey, Session};
use keysteward_core::iso7816::Status;
use keysteward_core::time::Millis;
use keysteward_fuzz::virtual_key::Flash;
use keysteward_fuzz::{AppletReader, Counter, ROOM, Script, execute, gids_flow};
use keysteward_virtual_token::card::Applet;
use keysteward_virtual_token::gids::GidsCard;
use libfuzzer_sys::fuzz_target;

type Gids = GidsCard<Flash, RustCrypto<Counter>>;

// The GIDS card among readers that send what they like, and a session of ours in between: it
// answers everything with a status, and what a session was told to be done is done.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let flash = Flash::default();
    let mut card = started(&flash);
    let mut response = vec![0; ROOM];
    let mut buffers = Box::new(Buffers::new());
    while let Some(step) = script.byte() {
        let header = match step {
            // The commands of GIDS, with the parameters that they mostly have.
            0x00..=0x5F => {
                let (ins, p1, p2) = COMMANDS[usize::from(step) % COMMANDS.len()];
                [0x00, ins, p1, p2]
            }
            0x60..=0xBF => std::array::from_fn(|_| script.byte().unwrap_or(0)),
            0xC0..=0xEF => {
                let number = script.byte().unwrap_or(0) & 0x03;
                administer(&mut card, &mut buffers, step & 0x3F, number);
                continue;
            }
            0xF0..=0xF7 => {
                assert!(card.is_named(&AID));
                let (_, status) = card.select(&mut response);
                assert_eq!(status, Status::Success);
                continue;
            }
            0xF8.. => {
                card.deselect();
                card = started(&flash);
                continue;
            }
        };
        execute(&mut card, header, script.rest_of_step(), &mut response);
    }
    let mut card = started(&flash);
    let (said, status) = card.select(&mut response);
    assert_eq!((said.is_empty(), status), (false, Status::Success));
});

/// What is at rest is always enough to start from. Every key is the same, and nobody's.
fn started(flash: &Flash) -> Gids {
    GidsCard::new(flash.clone(), RustCrypto(Counter(7))).with_keys_made_by(|size| {
        let key = include_bytes!("../src/rsa_2048.der");
        (size == KeySize::Rsa2048).then(|| key.to_vec().into())
    })
}

fn administer(card: &mut Gids, buffers: &mut Buffers, flow: u8, number: u8) {
    let mut crypto = RustCrypto(Counter(1));
    let mut reader = AppletReader::new(card);
    let mut session = Session::new(&mut reader, &mut crypto, buffers, Millis(1_000_000));
    session.select().expect("the applet");
    let key = [5; 24];
    let mut admin_key = LocalAdminKey::new(Cipher::TripleDes, &key).expect("a key");
    let new_admin_key = NewAdminKey::new(&key).expect("a key");
    match gids_flow::run(&mut session, &mut admin_key, &new_admin_key, flow, number) {
        Ok(()) => match flow % 21 {
            8 => assert!(matches!(
                session.verify_pin(&gids_flow::pin()),
                Err(Error::PinBlocked)
            )),
            7 | 11 | 14 => assert!(session.verify_pin(&gids_flow::pin()).is_ok()),
            _ => {}
        },
        Err(Some(error)) => assert!(!error.to_string().is_empty()),
        Err(None) => {}
    }
}

const COMMANDS: &[(u8, u8, u8)] = &[
    (0x20, 0x00, 0x80),
    (0x20, 0x00, 0x82),
    (0x22, 0x41, 0xB6),
    (0x22, 0x41, 0xB8),
    (0x22, 0x81, 0xA4),
    (0x24, 0x00, 0x80),
    (0x24, 0x01, 0x80),
    (0x2A, 0x80, 0x86),
    (0x2A, 0x9E, 0x9A),
    (0x2C, 0x02, 0x80),
    (0x44, 0x00, 0x00),
    (0x47, 0x00, 0x00),
    (0x87, 0x00, 0x00),
    (0xA4, 0x00, 0x0C),
    (0xCB, 0x3F, 0xFF),
    (0xCB, 0xA0, 0x00),
    (0xCB, 0xA0, 0x10),
    (0xCB, 0xA0, 0x12),
    (0xDB, 0x3F, 0xFF),
    (0xDB, 0xA0, 0x00),
    (0xDB, 0xA0, 0x10),
    (0xDB, 0xA0, 0x12),
    (0xE0, 0x00, 0x00),
    (0xE4, 0x00, 0x00),
];
