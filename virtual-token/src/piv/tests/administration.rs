use super::{Error, FACTORY_KEY, card, card_of, factory_key, pin, with};
use crate::storage::MemoryStorage;
use keysteward_core::admin_key::{AdminKey, Answer, Cipher, KeyError, LocalAdminKey};
use keysteward_core::iso7816::CardTransport;
use keysteward_core::piv::session::{AdminError, Instruction};
use keysteward_core::piv::{ObjectId, PinReference};

#[test]
fn the_admin_key_is_proven_in_every_cipher() {
    for cipher in Cipher::ALL {
        let mut card = card();
        let bytes: Vec<u8> = (0..cipher.key_len() as u8).collect();
        let mut new = LocalAdminKey::new(cipher, &bytes).unwrap();
        with(&mut card, |session| {
            let admin = session.authenticate_admin(&mut factory_key()).unwrap();
            session.change_admin_key(&admin, cipher, &bytes).unwrap();
            assert!(session.authenticate_admin(&mut new).is_ok(), "{cipher}");
            assert_eq!(session.admin_cipher(), Ok(Some(cipher)));
        });
        card.power_cycle();
        with(&mut card, |session| {
            assert!(session.authenticate_admin(&mut new).is_ok(), "{cipher}");
        });
    }
}

#[test]
fn a_card_that_is_started_again_has_the_same_secrets() {
    let storage = MemoryStorage::new();
    let mut card = card_of(storage.clone(), Cipher::Aes192);
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        session
            .change_admin_key(&admin, Cipher::Aes256, &[5; 32])
            .unwrap();
        session
            .change_pin(PinReference::Pin, &pin("123456"), &pin("111111"))
            .unwrap();
        session
            .change_pin(PinReference::Puk, &pin("12345678"), &pin("222222"))
            .unwrap();
    });
    let mut card = card_of(storage, Cipher::Aes192);
    with(&mut card, |session| {
        let mut key = LocalAdminKey::new(Cipher::Aes256, &[5; 32]).unwrap();
        assert!(session.authenticate_admin(&mut key).is_ok());
        assert!(session.verify(&pin("111111")).is_ok());
        session.set_pin(&pin("222222"), &pin("333333")).unwrap();
    });
}

#[test]
fn a_wrong_admin_key_is_told_from_one_of_another_cipher() {
    let mut card = card();
    with(&mut card, |session| {
        let cipher = Cipher::Aes192;
        let mut wrong = LocalAdminKey::new(cipher, &[9; 24]).unwrap();
        let refused = session.authenticate_admin(&mut wrong).err();
        let expected = Error::AdminKeyWrong { cipher };
        assert_eq!(refused, Some(AdminError::Card(expected)));
        let cipher = Cipher::TripleDes;
        let mut other = LocalAdminKey::new(cipher, &FACTORY_KEY).unwrap();
        let refused = session.authenticate_admin(&mut other).err();
        let expected = Error::AdminCipherRefused { cipher };
        assert_eq!(refused, Some(AdminError::Card(expected)));
    });
}

/// A key of which it is not said what it is for.
struct Unlabelled(Vec<(Cipher, LocalAdminKey)>, usize);

impl AdminKey for Unlabelled {
    type Error = KeyError;

    fn cipher(&self) -> Option<Cipher> {
        None
    }

    fn answer(
        &mut self,
        cipher: Cipher,
        witness: &[u8],
        challenge: &[u8],
    ) -> Result<Answer, KeyError> {
        self.1 += 1;
        let (_, key) = self.0.iter_mut().find(|(of, _)| *of == cipher).unwrap();
        key.answer(cipher, witness, challenge)
    }
}

#[test]
fn a_key_of_unknown_cipher_is_asked_once_for_the_cards() {
    for cipher in [Cipher::TripleDes, Cipher::Aes192] {
        let mut card = card_of(MemoryStorage::new(), cipher);
        let key = LocalAdminKey::new(cipher, &FACTORY_KEY).unwrap();
        let mut unlabelled = Unlabelled(vec![(cipher, key)], 0);
        let proven = with(&mut card, |session| {
            session.authenticate_admin(&mut unlabelled).is_ok()
        });
        assert!(proven);
        assert_eq!(unlabelled.1, 1);
    }
}

#[test]
fn what_needs_the_admin_key_is_refused_without() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        session.select_again().unwrap();
        let refused = session.write_object(&admin, ObjectId::CHUID, b"\x34\x00");
        let expected = Error::NotAuthenticated(Instruction::Write(ObjectId::CHUID));
        assert_eq!(refused, Err(expected));
    });
}

#[test]
fn a_witness_serves_once() {
    let mut card = card();
    let mut room = [0; 300];
    let mut say = |apdu: &[u8]| card.transmit(apdu, &mut room).unwrap().to_vec();
    say(b"\x00\xA4\x04\x00\x09\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x00");
    let asked = say(b"\x00\x87\x0A\x9B\x04\x7C\x02\x80\x00\x00");
    let witness = factory_key()
        .answer(Cipher::Aes192, &asked[4..20], &[])
        .unwrap()
        .witness;
    let head = b"\x00\x87\x0A\x9B\x26\x7C\x24\x80\x10";
    let shown = |witness: &[u8]| [&head[..], witness, b"\x81\x10", &[7; 16], &[0]].concat();
    assert_eq!(say(&shown(&[0; 16])), b"\x69\x82", "wrong");
    assert_eq!(say(&shown(&witness)), b"\x69\x85", "right, and too late");
}

#[test]
fn external_authentication_is_taken_too() {
    let mut card = card();
    let mut room = [0; 300];
    let mut say = |apdu: &[u8]| card.transmit(apdu, &mut room).unwrap().to_vec();
    say(b"\x00\xA4\x04\x00\x09\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x00");
    let asked = say(b"\x00\x87\x0A\x9B\x04\x7C\x02\x81\x00\x00");
    let answer = factory_key()
        .answer(Cipher::Aes192, &[], &asked[4..20])
        .unwrap()
        .challenge;
    let head = b"\x00\x87\x0A\x9B\x14\x7C\x12\x82\x10";
    assert_eq!(say(&[&head[..], &answer].concat()), b"\x90\x00");
    assert_eq!(
        say(b"\x00\xDB\x3F\xFF\x07\x5C\x03\x5F\xC1\x02\x53\x00"),
        b"\x90\x00"
    );
}

#[test]
fn a_card_that_does_not_know_the_admin_key_is_not_trusted() {
    /// Takes every proof, and makes its own up.
    struct Liar;

    impl CardTransport for Liar {
        type Error = core::fmt::Error;

        fn now(&mut self) -> keysteward_core::time::Millis {
            keysteward_core::time::Millis(0)
        }

        fn pause(&mut self, _: keysteward_core::time::Millis) {}

        fn transmit<'r>(
            &mut self,
            command: &[u8],
            response: &'r mut [u8],
        ) -> Result<&'r [u8], core::fmt::Error> {
            let answer: &[u8] = match command[..] {
                [_, 0x87, _, _, 0x04, ..] => b"\x7C\x0A\x80\x0812345678\x90\x00",
                [_, 0x87, ..] => b"\x7C\x0A\x82\x0812345678\x90\x00",
                _ => b"\x90\x00",
            };
            response[..answer.len()].copy_from_slice(answer);
            Ok(&response[..answer.len()])
        }
    }

    use keysteward_core::crypto::RustCrypto;
    use keysteward_core::piv::session::{Buffers, PivSession};
    let mut crypto = RustCrypto(rand_core::OsRng);
    let (mut card, mut buffers) = (Liar, Buffers::new());
    let deadline = keysteward_core::time::Millis(1000);
    let mut session = PivSession::select(&mut card, &mut crypto, &mut buffers, deadline).unwrap();
    let mut key = LocalAdminKey::new(Cipher::TripleDes, &FACTORY_KEY).unwrap();
    let refused = session.authenticate_admin(&mut key).err();
    let expected = keysteward_core::piv::session::Error::CardDoesNotKnowAdminKey;
    assert_eq!(refused, Some(AdminError::Card(expected)));
}

#[test]
fn a_reset_brings_the_factory_back_and_keeps_the_attestation_key() {
    let mut card = card();
    with(&mut card, |session| {
        let issuer = session
            .read_certificate(keysteward_core::piv::KeyReference::Attestation)
            .unwrap()
            .unwrap()
            .bytes
            .to_vec();
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        session.personalise(&admin, &[7; 16]).unwrap();
        session
            .change_admin_key(&admin, Cipher::Aes256, &[1; 32])
            .unwrap();
        session.reset().unwrap();
        assert_eq!(session.guid(), Ok(None));
        assert_eq!(session.tries_left(PinReference::Pin), Ok(Some(3)));
        assert!(session.verify(&pin("123456")).is_ok());
        assert!(session.authenticate_admin(&mut factory_key()).is_ok());
        let kept = session.read_certificate(keysteward_core::piv::KeyReference::Attestation);
        assert_eq!(kept.unwrap().unwrap().bytes, issuer);
    });
}

#[test]
fn a_reset_that_was_cut_off_goes_on() {
    let mut card = card();
    card.take_away_after(Some(4));
    let cut = with(&mut card, |session| session.reset());
    assert!(matches!(cut, Err(Error::Card(_))), "{cut:?}");
    card.power_cycle();
    with(&mut card, |session| {
        session.reset().unwrap();
        assert!(session.verify(&pin("123456")).is_ok());
    });
}
