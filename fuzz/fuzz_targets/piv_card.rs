#![no_main]

use keysteward_core::crypto::RustCrypto;
use keysteward_core::iso7816::Status;
use keysteward_core::piv::{AID, yubico};
use keysteward_fuzz::virtual_key::Flash;
use keysteward_fuzz::{Chip, Counter, ROOM, Script, execute};
use keysteward_virtual_token::card::Applet;
use keysteward_virtual_token::piv::{Piv, Product};
use libfuzzer_sys::fuzz_target;

// The PIV card among readers that send what they like: it answers everything with a status, and
// what it has stored is always enough to start from.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let flash = Flash::default();
    let mut card = started(&flash);
    let mut response = vec![0; ROOM];
    while let Some(step) = script.byte() {
        let header = match step {
            // The commands of PIV, with the parameters that they mostly have.
            0x00..=0xBF => {
                let (ins, p1, p2) = COMMANDS[usize::from(step) % COMMANDS.len()];
                [0x00, ins, p1, p2]
            }
            0xC0..=0xEF => std::array::from_fn(|_| script.byte().unwrap_or(0)),
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
    let (version, status) = card.execute(&yubico::version(), &mut response);
    assert_eq!((version.len(), status), (3, Status::Success));
});

fn started(flash: &Flash) -> Piv<Flash, Chip> {
    let chip = Chip(RustCrypto(Counter(7)));
    Piv::new(flash.clone(), chip, Product::default()).expect("a card that starts")
}

const COMMANDS: &[(u8, u8, u8)] = &[
    (0x20, 0x00, 0x80),
    (0x20, 0xFF, 0x80),
    (0x24, 0x00, 0x80),
    (0x24, 0x00, 0x81),
    (0x2C, 0x00, 0x80),
    (0x47, 0x00, 0x9A),
    (0x47, 0x00, 0x9C),
    (0x87, 0x0A, 0x9B),
    (0x87, 0x11, 0x9A),
    (0x87, 0x07, 0x9C),
    (0xCB, 0x3F, 0xFF),
    (0xDB, 0x3F, 0xFF),
    (0xF6, 0x82, 0x9A),
    (0xF6, 0xFF, 0x9A),
    (0xF7, 0x00, 0x9A),
    (0xF7, 0x00, 0x9B),
    (0xF8, 0x00, 0x00),
    (0xF9, 0x9A, 0x00),
    (0xFA, 0x03, 0x03),
    (0xFB, 0x00, 0x00),
    (0xFE, 0x11, 0x9A),
    (0xFF, 0xFF, 0xFF),
];
