//! The admin key: proven, tried, changed; and the two halves of unblocking offline.

use super::*;
use keysteward_core::admin_key::AdminKey;
use keysteward_core::gids::select::Protocols;
use keysteward_core::gids::session::AdminError;

const OTHER_KEY: [u8; 24] = *b"another administrator's.";

fn of(protocols: Protocols) -> Card {
    initialised_as(blank().with_protocols(protocols))
}

#[test]
fn the_administrator_is_known_by_every_way_that_the_card_has() {
    for protocols in [Protocols::BOTH, Protocols::EXTERNAL, Protocols::MUTUAL] {
        let mut card = of(protocols);
        select(&mut card, |session| {
            assert_eq!(session.protocols(), Some(protocols));
            let proof = session.authenticate_admin(&mut admin_key(&ADMIN_KEY));
            session.set_pin(proof.unwrap(), &pin("5678")).unwrap();
            let _verified = session.verify_pin(&pin("5678")).unwrap();
            let wrong = session.authenticate_admin(&mut admin_key(&OTHER_KEY));
            let wrong = wrong.err().unwrap();
            assert_eq!(
                wrong,
                AdminError::Session(Error::AdminKeyWrong),
                "{protocols:?}"
            );
        });
    }
}

#[test]
fn a_key_is_tried_without_harm() {
    for protocols in [Protocols::BOTH, Protocols::MUTUAL] {
        let mut card = of(protocols);
        select(&mut card, |session| {
            for _ in 0..5 {
                let opens = session.try_admin_key(&mut admin_key(&OTHER_KEY));
                assert_eq!(opens, Ok(false));
            }
            assert_eq!(session.try_admin_key(&mut admin_key(&ADMIN_KEY)), Ok(true));
        });
        // Nobody is the administrator any more.
        assert_eq!(
            raw(&mut card, "002C02800435363738"),
            Status::SecurityStatusNotSatisfied
        );
    }
}

#[test]
fn another_key_takes_the_place_of_the_one_there_is() {
    let mut card = initialised();
    select(&mut card, |session| {
        let proof = session.authenticate_admin(&mut admin_key(&ADMIN_KEY));
        let proof = proof.unwrap();
        let wrong = NewAdminKey::with_check_value(&OTHER_KEY, [0xB0, 0x73, 0xDC]);
        let refused = session.change_admin_key(&proof, &wrong);
        assert_eq!(
            refused.err().and_then(|error| error.status()),
            Some(Status::IncorrectData)
        );
        let new = NewAdminKey::new(&OTHER_KEY).unwrap();
        session.change_admin_key(&proof, &new).unwrap();
        assert_eq!(session.try_admin_key(&mut admin_key(&ADMIN_KEY)), Ok(false));
        assert_eq!(session.try_admin_key(&mut admin_key(&OTHER_KEY)), Ok(true));
    });
}

#[test]
fn whoever_set_a_pin_proves_the_key_anew() {
    let mut card = initialised();
    select(&mut card, |session| {
        let mut proof = || session.authenticate_admin(&mut admin_key(&ADMIN_KEY));
        let (first, second) = (proof().unwrap(), proof().unwrap());
        session.set_pin(first, &pin("5678")).unwrap();
        let again = session.set_pin(second, &pin("9999"));
        assert_eq!(again, Err(Error::NotPermitted { instruction: 0x2C }));
        let _verified = session.verify_pin(&pin("5678")).unwrap();
    });
}

#[test]
fn a_pin_is_unblocked_by_somebody_who_is_told_the_challenge() {
    let mut card = initialised();
    select(&mut card, |session| {
        session.block_pin().unwrap();
        let challenge = session.give_challenge().unwrap();
        let answer = admin_key(&ADMIN_KEY).answer(Cipher::TripleDes, &[], &challenge);
        let answer = answer.unwrap().challenge[..].try_into().unwrap();
        let proof = session.answer_challenge(&answer).unwrap();
        session.set_pin(proof, &pin("5678")).unwrap();
        let _verified = session.verify_pin(&pin("5678")).unwrap();
        // It served.
        let again = session.answer_challenge(&answer);
        assert!(matches!(again, Err(Error::Refused { .. })), "{again:?}");
    });
}

#[test]
fn a_challenge_serves_once_and_dies_with_its_selection() {
    let mut card = initialised();
    let answer_to = |challenge: [u8; 8]| -> [u8; 8] {
        let answer = admin_key(&ADMIN_KEY).answer(Cipher::TripleDes, &[], &challenge);
        answer.unwrap().challenge[..].try_into().unwrap()
    };
    select(&mut card, |session| {
        let challenge = session.give_challenge().unwrap();
        let wrong = session.answer_challenge(&[0; 8]);
        assert_eq!(wrong, Err(Error::AdminKeyWrong));
        let late = session.answer_challenge(&answer_to(challenge));
        assert!(matches!(late, Err(Error::Refused { .. })));
        let (first, second) = (
            session.give_challenge().unwrap(),
            session.give_challenge().unwrap(),
        );
        assert_ne!(first, second);
        let old = session.answer_challenge(&answer_to(first));
        assert_eq!(old, Err(Error::AdminKeyWrong));
        let challenge = session.give_challenge().unwrap();
        session.select().unwrap();
        let late = session.answer_challenge(&answer_to(challenge));
        assert!(matches!(late, Err(Error::Refused { .. })));
    });
}

#[test]
fn a_card_that_proves_itself_both_ways_only_gives_no_challenge() {
    select(&mut of(Protocols::MUTUAL), |session| {
        assert!(!session.takes_short_challenge());
        assert_eq!(session.give_challenge(), Err(Error::NoShortChallenge));
    });
}
