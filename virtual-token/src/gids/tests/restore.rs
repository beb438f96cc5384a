//! A card that was somebody's, taken back to where its initialisation left it.

use super::*;
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::gids::minidriver::certificate::CertificateFile;
use keysteward_core::gids::session::{NewContainer, Restoration};
use std::ops::ControlFlow;

const ANOTHER_ID: [u8; 16] = *b"another card's i";
const CERTIFICATE: CertificateFile<'_> = CertificateFile {
    len: 9,
    compressed: b"compressed",
};

/// A card with a certificate beside its second key, and a PIN that is blocked.
fn used() -> Card {
    let mut card = initialised_as(stocked());
    select(&mut card, |session| {
        let user = session.verify_pin(&pin("1234")).unwrap();
        for name in ["first", "second"] {
            let new = NewContainer {
                name,
                size: KeySize::Rsa2048,
                is_default: false,
            };
            session.create_container(&user, &new).unwrap();
        }
        session
            .write_certificate(&user, 1, &CERTIFICATE, true)
            .unwrap();
        session.block_pin().unwrap();
    });
    card
}

fn restore(session: &mut Flow<'_>) -> Result<(), Failed> {
    let admin = session.authenticate_admin(&mut admin_key(&ADMIN_KEY));
    session.restore(
        admin.unwrap(),
        &Restoration {
            pin: &pin("5678"),
            card_id: &ANOTHER_ID,
        },
    )
}

fn containers(session: &mut Flow<'_>) -> usize {
    let mut count = 0;
    let listed = session.containers(&mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    });
    listed.unwrap();
    count
}

/// The masterfile and `cmapfile`, as they are read.
fn files(card: &mut Card) -> [Vec<u8>; 2] {
    select(card, |_| ());
    ["00CBA000045C02DF1F00", "00CBA010045C02DF2300"].map(|read| {
        let mut response = [0; 258];
        card.transmit(&hex::decode(read).unwrap(), &mut response)
            .unwrap()
            .to_vec()
    })
}

fn assert_restored(card: &mut Card) {
    assert_eq!(files(card), files(&mut initialised()));
    for key in ["B081", "B082"] {
        let selected = raw(card, &format!("00A4000C02{key}"));
        assert_eq!(selected, Status::NotFound, "{key}");
    }
    select(card, |session| {
        assert_eq!(containers(session), 0);
        let facts = session.facts().unwrap();
        assert_eq!(facts.card_id, Some(ANOTHER_ID));
        assert_eq!(facts.pin.unwrap().left, 3);
    });
}

#[test]
fn a_card_that_was_somebodys_is_as_initialisation_left_it() {
    let mut card = used();
    let object = "00CBA010045C02DF2400";
    assert_eq!(raw(&mut card, object), Status::Success);
    let before = select(&mut card, |session| {
        let before = session.facts().unwrap().card_cf.unwrap();
        restore(session).unwrap();
        before
    });
    assert_restored(&mut card);
    let mut response = [0; 258];
    let certificate = card.transmit(&hex::decode(object).unwrap(), &mut response);
    assert_eq!(certificate.unwrap(), hex::decode("DF24009000").unwrap());
    select(&mut card, |session| {
        let after = session.facts().unwrap().card_cf.unwrap();
        assert_eq!(after.containers, before.containers + 2);
        assert_eq!(after.files, before.files + 2);
        assert_eq!(after.pins, before.pins + 1);
        let opens = session.try_admin_key(&mut admin_key(&ADMIN_KEY));
        assert!(opens.unwrap(), "the admin key is another flow's");
    });
}

#[test]
fn a_restored_card_is_the_next_users() {
    let mut card = used();
    select(&mut card, |session| {
        restore(session).unwrap();
        let user = session.verify_pin(&pin("5678")).unwrap();
        let new = NewContainer {
            name: "third",
            size: KeySize::Rsa2048,
            is_default: false,
        };
        assert_eq!(session.create_container(&user, &new), Ok(0));
        assert_eq!(session.certificate(0), Ok(None));
        let written = session.write_certificate(&user, 0, &CERTIFICATE, false);
        assert_eq!(written, Ok(()));
        assert_eq!(session.certificate(0), Ok(Some(CERTIFICATE)));
    });
}

#[test]
fn a_restoration_that_was_cut_off_anywhere_is_done_again() {
    let whole = {
        let mut card = used();
        select(&mut card, |session| {
            session.card_mut().take_headers();
            restore(session).unwrap();
            session.card_mut().take_headers().len()
        })
    };
    assert!(whole > 20, "{whole}");
    // The proof of the admin key is three commands.
    for commands in 3..whole {
        let mut card = used();
        let cut = select(&mut card, |session| {
            session.card_mut().take_away_after(Some(commands));
            restore(session)
        });
        let taken_away = Error::Card(keysteward_core::iso7816::CardError::Transport(TakenAway));
        assert_eq!(cut, Err(taken_away), "{commands}");
        card.power_cycle();
        select(&mut card, restore).unwrap();
        assert_restored(&mut card);
    }
}

#[test]
fn a_card_that_forgot_its_administrator_is_not_restored() {
    let mut card = used();
    select(&mut card, |session| {
        let admin = session.authenticate_admin(&mut admin_key(&ADMIN_KEY));
        session.deauthenticate().unwrap();
        let restored = session.restore(
            admin.unwrap(),
            &Restoration {
                pin: &pin("5678"),
                card_id: &ANOTHER_ID,
            },
        );
        assert!(
            matches!(restored, Err(Error::NotPermitted { .. })),
            "{restored:?}"
        );
        assert_eq!(containers(session), 2);
        assert_eq!(session.certificate(1), Ok(Some(CERTIFICATE)));
        assert_eq!(session.facts().unwrap().card_id, Some(CARD_ID));
        assert_eq!(session.facts().unwrap().pin.unwrap().left, 0);
    });
}
