//! A card's life: blank, initialised; its PIN right, wrong, blocked, changed.

use super::*;
use keysteward_core::gids::pin::Tries;
use keysteward_core::gids::select::Protocols;
use keysteward_core::iso7816::CardError;

const TAKEN_AWAY: Failed = Error::Card(CardError::Transport(TakenAway));

#[test]
fn a_blank_card_says_so() {
    select(&mut card(blank()), |session| {
        let facts = session.facts().unwrap();
        assert_eq!(facts.protocols, Some(Protocols::BOTH));
        assert_eq!((facts.card_id, facts.card_cf), (None, None));
        assert_eq!((facts.pin, facts.puk), (None, None));
        let verified = session.verify_pin(&pin("1234"));
        assert_eq!(verified, Err(Error::NotInitialised));
        let proven = session.try_admin_key(&mut admin_key(&ADMIN_KEY));
        assert!(matches!(proven, Err(error) if error == Error::NotInitialised.into()));
        let none = session.container(0);
        assert_eq!(none, Err(Error::NotInitialised));
    });
}

#[test]
fn a_card_is_initialised_once() {
    let mut card = card(blank());
    select(&mut card, |session| initialise(session).unwrap());
    select(&mut card, |session| {
        let facts = session.facts().unwrap();
        assert_eq!(facts.card_id, Some(CARD_ID));
        assert_eq!(facts.card_cf, Some(Default::default()));
        let full = Tries {
            left: 3,
            limit: Some(3),
        };
        assert_eq!((facts.pin, facts.puk), (Some(full), None));
        assert_eq!(initialise(session), Err(Error::AlreadyInitialised));
        // Whoever is known to the card, too.
        let _verified = session.verify_pin(&pin("1234")).unwrap();
        assert_eq!(initialise(session), Err(Error::AlreadyInitialised));
        let _verified = session.verify_pin(&pin("1234")).unwrap();
    });
}

#[test]
fn an_initialisation_that_was_cut_off_anywhere_is_taken_up_again() {
    for commands in 0.. {
        let mut card = card(blank());
        let begun = select(&mut card, |session| {
            initialise_until_taken_away(session, commands)
        });
        card.power_cycle();
        match begun {
            Ok(()) => {
                assert!(commands > 20, "{commands}");
                break;
            }
            Err(error) => assert_eq!(error, TAKEN_AWAY, "{commands}"),
        }
        let again = select(&mut card, initialise);
        // The last command may have done its work.
        assert!(
            matches!(again, Ok(()) | Err(Error::AlreadyInitialised)),
            "{commands}: {again:?}"
        );
        select(&mut card, |session| {
            assert_eq!(session.facts().unwrap().card_id, Some(CARD_ID));
            let _verified = session.verify_pin(&pin("1234")).unwrap();
            assert_eq!(initialise(session), Err(Error::AlreadyInitialised));
        });
    }
}

fn initialise_until_taken_away(session: &mut Flow<'_>, commands: usize) -> Result<(), Failed> {
    session.card_mut().take_away_after(Some(commands));
    initialise(session)
}

#[test]
fn a_wrong_pin_costs_a_try_and_the_right_one_gives_them_back() {
    let mut card = initialised();
    select(&mut card, |session| {
        let wrong = session.verify_pin(&pin("4321"));
        assert_eq!(wrong, Err(Error::PinWrong { tries: 2 }));
        let wrong = session.change_pin(&pin("4321"), &pin("5678"));
        assert_eq!(wrong, Err(Error::PinWrong { tries: 1 }));
    });
    // Tries survive a reset, and being known does not.
    card.power_cycle();
    select(&mut card, |session| {
        assert_eq!(session.facts().unwrap().pin.unwrap().left, 1);
        let _verified = session.verify_pin(&pin("1234")).unwrap();
        assert_eq!(session.facts().unwrap().pin.unwrap().left, 3);
    });
}

#[test]
fn a_pin_is_changed_whatever_the_lengths() {
    let mut card = initialised();
    select(&mut card, |session| {
        for (old, new) in [
            ("1234", "0123456789abcdef"),
            ("0123456789abcdef", "9876"),
            ("9876", "12345678"),
        ] {
            let _verified = session.change_pin(&pin(old), &pin(new)).unwrap();
        }
        let long = session.change_pin(&pin("12345678"), &pin("0123456789abcdef!"));
        let status = Status::WrongLength;
        assert_eq!(long, Err(Error::PinNotTaken { status }));
        let _verified = session.verify_pin(&pin("12345678")).unwrap();
        assert_eq!(session.facts().unwrap().card_cf.unwrap().pins, 3);
        // An old one shorter than the card's is no more right than any other.
        let short = session.change_pin(&pin("1111"), &pin("5678"));
        assert_eq!(short, Err(Error::PinWrong { tries: 2 }));
    });
}

#[test]
fn a_blocked_pin_is_set_anew_by_the_administrator() {
    let mut card = initialised();
    select(&mut card, |session| {
        session.block_pin().unwrap();
        assert_eq!(session.facts().unwrap().pin.unwrap().left, 0);
        assert_eq!(session.verify_pin(&pin("1234")), Err(Error::PinBlocked));
        let change = session.change_pin(&pin("1234"), &pin("5678"));
        assert_eq!(change, Err(Error::PinBlocked));
        session.block_pin().unwrap();

        let admin = session.authenticate_admin(&mut admin_key(&ADMIN_KEY));
        session.set_pin(admin.unwrap(), &pin("5678")).unwrap();
        let _verified = session.verify_pin(&pin("5678")).unwrap();
        let facts = session.facts().unwrap();
        assert_eq!(facts.pin.unwrap().left, 3);
        assert_eq!(facts.card_cf.unwrap().pins, 1);
    });
}

#[test]
fn what_the_card_was_told_to_forget_counts_no_more() {
    let mut card = initialised();
    let write = "00DBA01005DF220299 99";
    select(&mut card, |session| {
        let _verified = session.verify_pin(&pin("1234")).unwrap();
    });
    assert_eq!(raw(&mut card, write), Status::Success);
    select(&mut card, |_| ());
    assert_eq!(raw(&mut card, write), Status::SecurityStatusNotSatisfied);
    select(&mut card, |session| {
        let _verified = session.verify_pin(&pin("1234")).unwrap();
        session.deauthenticate().unwrap();
    });
    assert_eq!(raw(&mut card, write), Status::SecurityStatusNotSatisfied);
    assert_eq!(
        raw(&mut card, "00200080"),
        Status::VerifyFailed { retries: 3 }
    );
}

#[test]
fn a_storage_that_fails_costs_no_try() {
    let storage = MemoryStorage::new();
    let gids = GidsCard::new(storage.clone(), RustCrypto(OsRng));
    let mut card = initialised_as(gids);
    storage.set_worn_out(true);
    select(&mut card, |session| {
        let failed = session.verify_pin(&pin("4321"));
        assert!(matches!(failed, Err(Error::Refused { .. })), "{failed:?}");
    });
    storage.set_worn_out(false);
    select(&mut card, |session| {
        assert_eq!(session.facts().unwrap().pin.unwrap().left, 3);
    });
}
