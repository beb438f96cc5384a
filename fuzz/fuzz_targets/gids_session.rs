#![no_main]

use std::ops::ControlFlow;

use keysteward_core::crypto::RustCrypto;
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::gids::minidriver::certificate::CertificateFile;
use keysteward_core::gids::pin::{Pin, Reference};
use keysteward_core::gids::security_operation::Mechanism;
use keysteward_core::gids::session::{Buffers, Initialisation, NewAdminKey, NewContainer, Session};
use keysteward_core::time::Millis;
use keysteward_fuzz::{Counter, Script, ScriptedCard, ZeroKey};
use libfuzzer_sys::fuzz_target;

// Everything an administrator does to a GIDS card, on one that answers what it likes: it ends, and
// tells how.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let [flow, how] = std::array::from_fn(|_| script.byte().unwrap_or(0));
    let mut card = ScriptedCard::new(script);
    card.is_brief = true;
    card.max_command = (how & 1 == 1).then_some(261);
    run(&mut card, flow, how);
    assert!(card.now <= END.after(1_000), "{:?}", card.now);
});

const END: Millis = Millis(5_000);

fn run(card: &mut ScriptedCard<'_>, flow: u8, number: u8) {
    let mut crypto = RustCrypto(Counter(0));
    let mut buffers = Box::new(Buffers::new());
    let mut session = Session::new(card, &mut crypto, &mut buffers, END);
    if session.select().is_err() {
        return;
    }
    let (pin, new_admin_key) = (pin(), NewAdminKey::with_check_value(&[3; 24], [1, 2, 3]));
    let outcome = match flow % 20 {
        0 => session.facts().map(|facts| drop(format!("{facts:?}"))),
        1 => session.tries(Reference::Pin).map(drop),
        2 => session.initialise(&Initialisation {
            pin: &pin,
            admin_key: &new_admin_key,
            card_id: &[9; 16],
        }),
        3 => session.containers(&mut |_, container| {
            let _name: String = container.name().collect();
            ControlFlow::Continue(())
        }),
        4 => session.container(number).map(drop),
        5 => session.public_key(number).map(drop),
        6 => session.certificate(number).map(drop),
        7 => session.change_pin(&pin, &pin).map(drop),
        8 => session.block_pin(),
        9 => session.deauthenticate(),
        10..=14 => {
            let Ok(admin) = session.authenticate_admin(&mut ZeroKey) else {
                return;
            };
            match flow % 20 {
                10 => session.change_admin_key(&admin, &new_admin_key),
                11 => session.set_pin(admin, &pin),
                12 => session.delete_container(&admin, number),
                13 => {
                    let file = CertificateFile::parse(b"\x01\x00\x02\x00\x30\x00");
                    match file {
                        Ok(file) => session.write_certificate(&admin, number, &file, true),
                        Err(_) => return,
                    }
                }
                _ => {
                    let _opens = session.try_admin_key(&mut ZeroKey).is_ok();
                    return;
                }
            }
        }
        _ => {
            let Ok(user) = session.verify_pin(&pin) else {
                return;
            };
            match flow % 20 {
                15 => session
                    .create_container(
                        &user,
                        &NewContainer {
                            name: "{00000000-0000-0000-0000-000000000000}",
                            size: KeySize::Rsa2048,
                            is_default: true,
                        },
                    )
                    .map(drop),
                16 => session.generate_key(&user, number),
                17 => session.delete_container(&user, number),
                18 => session.sign(&user, number, &[7; 51]).map(drop),
                _ => session
                    .decipher(&user, number, Mechanism::DecipherPkcs1, &[7; 256])
                    .map(drop),
            }
        }
    };
    if let Err(error) = outcome {
        assert!(!error.to_string().is_empty());
    }
}

fn pin() -> Pin {
    Pin::new(b"12345678").expect("eight bytes")
}
