use super::{Error, card, card_of, factory_key, pin, with};
use crate::storage::MemoryStorage;
use keysteward_core::admin_key::Cipher;
use keysteward_core::iso7816::CardTransport;
use keysteward_core::piv::PinReference::{Pin, Puk};

#[test]
fn a_wrong_pin_costs_a_try_and_a_right_one_gives_them_back() {
    let mut card = card();
    with(&mut card, |session| {
        assert_eq!(session.tries_left(Pin), Ok(Some(3)));
        let wrong = session.verify(&pin("654321")).err();
        let (reference, left) = (Pin, Some(2));
        assert_eq!(wrong, Some(Error::PinWrong { reference, left }));
        assert_eq!(session.tries_left(Pin), Ok(Some(2)));
        assert!(session.verify(&pin("123456")).is_ok());
        assert_eq!(session.tries_left(Pin), Ok(Some(3)));
    });
}

#[test]
fn tries_are_used_up_for_good() {
    let storage = MemoryStorage::new();
    for left in [Some(2), Some(1)] {
        let mut card = card_of(storage.clone(), Cipher::Aes192);
        let wrong = with(&mut card, |session| session.verify(&pin("654321")).err());
        let reference = Pin;
        assert_eq!(wrong, Some(Error::PinWrong { reference, left }));
    }
    let mut card = card_of(storage, Cipher::Aes192);
    with(&mut card, |session| {
        let blocked = Some(Error::PinBlocked { reference: Pin });
        assert_eq!(session.verify(&pin("654321")).err(), blocked, "the last");
        assert_eq!(session.verify(&pin("123456")).err(), blocked, "even so");
        assert_eq!(session.tries_left(Pin), Ok(Some(0)));
    });
}

#[test]
fn a_try_counts_before_it_is_known_to_be_wrong() {
    let storage = MemoryStorage::new();
    let mut card = card_of(storage.clone(), Cipher::Aes192);
    storage.set_worn_out(true);
    let refused = with(&mut card, |session| session.verify(&pin("123456")).err());
    assert!(
        matches!(refused, Some(Error::Refused { .. })),
        "{refused:?}"
    );
}

#[test]
fn pin_and_puk_are_changed_by_who_knows_them() {
    let mut card = card();
    with(&mut card, |session| {
        session
            .change_pin(Pin, &pin("123456"), &pin("111111"))
            .unwrap();
        session
            .change_pin(Puk, &pin("12345678"), &pin("222222"))
            .unwrap();
        assert!(session.verify(&pin("111111")).is_ok());
        session.set_pin(&pin("222222"), &pin("333333")).unwrap();
        assert!(session.verify(&pin("333333")).is_ok());
        let wrong = session.change_pin(Puk, &pin("12345678"), &pin("444444"));
        let (reference, left) = (Puk, Some(2));
        assert_eq!(wrong, Err(Error::PinWrong { reference, left }));
        assert_eq!(session.tries_left(Puk), Ok(Some(2)));
    });
}

#[test]
fn a_blocked_pin_is_set_with_the_puk_and_a_blocked_puk_is_told() {
    let mut card = card();
    with(&mut card, |session| {
        session.block(Pin).unwrap();
        assert_eq!(session.tries_left(Pin), Ok(Some(0)));
        session.set_pin(&pin("12345678"), &pin("333333")).unwrap();
        assert_eq!(session.tries_left(Pin), Ok(Some(3)));
        session.block(Puk).unwrap();
        let refused = session.set_pin(&pin("12345678"), &pin("444444"));
        assert_eq!(refused, Err(Error::PinBlocked { reference: Puk }));
        assert!(
            session.verify(&pin("333333")).is_ok(),
            "the PIN is as it was"
        );
    });
}

#[test]
fn a_pin_that_is_none_costs_nothing() {
    let mut card = card();
    card.transmit(SELECT, &mut [0; 300]).unwrap();
    for apdu in [
        &b"\x00\x20\x00\x80\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"[..],
        b"\x00\x20\x00\x80\x0612345\xFF",
        b"\x00\x24\x00\x80\x10654321\xFF\xFF12345\xFF\xFF\xFF",
        b"\x00\x2C\x00\x80\x108765432112345\xFF\xFF\xFF",
    ] {
        let mut room = [0; 16];
        let answer = card.transmit(apdu, &mut room).unwrap();
        assert_eq!(answer, b"\x6A\x80", "{apdu:02X?}");
    }
    with(&mut card, |session| {
        assert_eq!(session.tries_left(Pin), Ok(Some(3)));
        assert_eq!(session.tries_left(Puk), Ok(Some(3)));
    });
}

#[test]
fn other_numbers_of_tries_bring_the_pins_of_the_factory_back() {
    let mut card = card();
    with(&mut card, |session| {
        session
            .change_pin(Pin, &pin("123456"), &pin("111111"))
            .unwrap();
        let verified = session.verify(&pin("111111")).unwrap();
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        session.set_retries(&admin, &verified, 5, 7).unwrap();
        assert!(session.verify(&pin("123456")).is_ok());
        assert_eq!(session.tries_left(Pin), Ok(Some(5)));
        assert_eq!(session.tries_left(Puk), Ok(Some(7)));
    });
}

#[test]
fn what_was_verified_is_forgotten_on_demand() {
    let mut card = card();
    let forgotten = |card: &mut _| {
        with(card, |session| {
            let _ = session.verify(&pin("123456")).unwrap();
            session.forget_pin().unwrap();
        });
    };
    forgotten(&mut card);
    let mut room = [0; 16];
    let status = card.transmit(b"\x00\x20\x00\x80", &mut room).unwrap();
    assert_eq!(status, b"\x63\xC3");
}

const SELECT: &[u8] = b"\x00\xA4\x04\x00\x09\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x00";
