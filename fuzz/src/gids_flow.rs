//! Everything an administrator and a user do to a GIDS card, by number.

use std::ops::ControlFlow;

use keysteward_core::admin_key::AdminKey;
use keysteward_core::crypto::Crypto;
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::gids::minidriver::certificate::CertificateFile;
use keysteward_core::gids::pin::{Pin, Reference};
use keysteward_core::gids::security_operation::Mechanism;
use keysteward_core::gids::session::{
    Error, Initialisation, NewAdminKey, NewContainer, Restoration, Session,
};
use keysteward_core::iso7816::CardTransport;

/// What came of a flow; a proof that was not given ends it, too.
pub type Outcome<T> = Result<(), Option<Error<T>>>;

/// The flow of this number, on the container of that.
pub fn run<T: CardTransport, C: Crypto>(
    session: &mut Session<'_, T, C>,
    admin_key: &mut impl AdminKey,
    new_admin_key: &NewAdminKey,
    flow: u8,
    number: u8,
) -> Outcome<T::Error> {
    let pin = pin();
    let done = match flow % FLOWS {
        0 => session.facts().map(|facts| drop(format!("{facts:?}"))),
        1 => session.tries(Reference::Pin).map(drop),
        2 => session.initialise(&Initialisation {
            pin: &pin,
            admin_key: new_admin_key,
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
        10..=15 => return by_the_administrator(session, admin_key, new_admin_key, flow, number),
        _ => return by_the_user(session, flow, number),
    };
    done.map_err(Some)
}

fn by_the_administrator<T: CardTransport, C: Crypto>(
    session: &mut Session<'_, T, C>,
    admin_key: &mut impl AdminKey,
    new_admin_key: &NewAdminKey,
    flow: u8,
    number: u8,
) -> Outcome<T::Error> {
    // One way, or both.
    let admin = match number & 0x80 {
        0 => session.authenticate_admin(admin_key),
        _ => session.authenticate_admin_and_card(admin_key),
    };
    let Ok(admin) = admin else {
        return Err(None);
    };
    let pin = pin();
    let done = match flow % FLOWS {
        10 => session.change_admin_key(&admin, new_admin_key),
        11 => session.set_pin(admin, &pin),
        12 => session.delete_container(&admin, number),
        13 => {
            let file = CertificateFile::parse(b"\x01\x00\x02\x00\x30\x00").expect("a certificate");
            session.write_certificate(&admin, number, &file, true)
        }
        14 => session.restore(
            admin,
            &Restoration {
                pin: &pin,
                card_id: &[8; 16],
            },
        ),
        _ => {
            let _opens = session.try_admin_key(admin_key).is_ok();
            return Ok(());
        }
    };
    done.map_err(Some)
}

fn by_the_user<T: CardTransport, C: Crypto>(
    session: &mut Session<'_, T, C>,
    flow: u8,
    number: u8,
) -> Outcome<T::Error> {
    let user = session.verify_pin(&pin()).map_err(Some)?;
    let new = NewContainer {
        name: "{00000000-0000-0000-0000-000000000000}",
        size: KeySize::Rsa2048,
        is_default: true,
    };
    let done = match flow % FLOWS {
        16 => session.create_container(&user, &new).map(drop),
        17 => session.generate_key(&user, number),
        18 => session.delete_container(&user, number),
        19 => session.sign(&user, number, &[7; 51]).map(drop),
        _ => session
            .decipher(&user, number, Mechanism::DecipherPkcs1, &[7; 256])
            .map(drop),
    };
    done.map_err(Some)
}

/// The only PIN that these flows know.
pub fn pin() -> Pin {
    Pin::new(b"12345678").expect("eight bytes")
}

const FLOWS: u8 = 21;
