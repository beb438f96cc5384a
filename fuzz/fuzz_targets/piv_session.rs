#![no_main]

use keysteward_core::admin_key::Cipher;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::piv::certificate::Certificate;
use keysteward_core::piv::container_map::Record;
use keysteward_core::piv::session::{Buffers, PivSession};
use keysteward_core::piv::yubico::{import_key, metadata, move_key};
use keysteward_core::piv::{Algorithm, KeyReference, ObjectId, Pin, PinReference, generate};
use keysteward_core::time::Millis;
use keysteward_fuzz::{Counter, Script, ScriptedCard, ZeroKey};
use libfuzzer_sys::fuzz_target;

// Everything an administrator does to a PIV card, on one that answers what it likes: it ends, and
// tells how.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let [flow, how] = std::array::from_fn(|_| script.byte().unwrap_or(0));
    let mut card = ScriptedCard::new(script);
    card.is_brief = true;
    card.max_command = (how & 1 == 1).then_some(261);
    // The application property template with its name alone.
    card.select_answer = (how & 2 == 2).then_some(b"\x61\x05\x4F\x03\xA0\x00\x00\x90\x00");
    run(&mut card, flow);
    assert!(card.now <= END.after(1_000), "{:?}", card.now);
});

const END: Millis = Millis(5_000);

fn run(card: &mut ScriptedCard<'_>, flow: u8) {
    let mut crypto = RustCrypto(Counter(0));
    let mut buffers = Box::new(Buffers::new());
    let Ok(mut session) = PivSession::select(card, &mut crypto, &mut buffers, END) else {
        return;
    };
    let key = KeyReference::from_id(flow | 0x80).unwrap_or(KeyReference::Authentication);
    let algorithm = Algorithm::ALL[usize::from(flow) % Algorithm::ALL.len()];
    let outcome = match flow % 24 {
        0..=2 => session
            .inspect(&mut |place| drop(format!("{:?}", place.key)))
            .map(|facts| drop(format!("{facts:?}"))),
        3 => session
            .metadata(metadata::Request { of: key.id() })
            .map(drop),
        4 => session.verify(&pin()).map(drop),
        5 => session.forget_pin(),
        6 => session.tries_left(PinReference::Puk).map(drop),
        7 => session.change_pin(PinReference::Pin, &pin(), &pin()),
        8 => session.set_pin(&pin(), &pin()),
        9 => session.block(PinReference::Pin),
        10 => session.reset(),
        11 => session.read_certificate(key).map(drop),
        12 => session.container_map().map(drop),
        13 => session.guid().map(drop),
        14 => session.attest(key).map(drop),
        15 => session
            .sign(Some(&pin()), key, algorithm, &[7; 32])
            .map(drop),
        16 => session.agree(None, key, algorithm, &[4; 65]).map(drop),
        17 => session.read_object(ObjectId::DISCOVERY).map(drop),
        18 => session.admin_cipher().map(drop),
        _ => {
            let Ok(admin) = session.authenticate_admin(&mut ZeroKey) else {
                return;
            };
            match flow % 8 {
                0 => session.change_admin_key(&admin, Cipher::Aes192, &[3; 24]),
                1 => session
                    .generate(
                        &admin,
                        &generate::Request {
                            key,
                            algorithm,
                            pin_policy: None,
                            touch_policy: None,
                        },
                    )
                    .map(drop),
                2 => session.write_certificate(&admin, key, &Certificate::plain(b"\x30\x00")),
                3 => {
                    let record = Record::new(&[5; 16], key, algorithm);
                    session.write_container(&admin, record)
                }
                4 => session.delete_container(&admin, key).map(drop),
                5 => session.personalise(&admin, &[6; 16]),
                6 => session.renew_guid(&admin, &[6; 16]),
                _ => session
                    .move_key(
                        &admin,
                        move_key::Request {
                            from: key,
                            to: None,
                        },
                    )
                    .and_then(|()| {
                        let secret = import_key::Secret::Ec(&[9; 32]);
                        session.import(
                            &admin,
                            &import_key::Request {
                                key,
                                algorithm: Algorithm::P256,
                                secret,
                                pin_policy: None,
                                touch_policy: None,
                            },
                        )
                    }),
            }
        }
    };
    if let Err(error) = outcome {
        assert!(!error.to_string().is_empty());
    }
}

fn pin() -> Pin {
    Pin::new("123456").expect("six digits")
}
