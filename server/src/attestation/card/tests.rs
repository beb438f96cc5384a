//! The word of our own PIV applet for its keys, and every way in which it is not taken.

use keysteward_core::{
    admin_key::{Cipher, LocalAdminKey},
    crypto::RustCrypto,
    piv::{
        Algorithm, KeyReference, PublicKey, generate,
        session::{Buffers, PivSession},
    },
    time::Millis,
};
use keysteward_virtual_token::{
    card::InProcessCard,
    piv::{Piv, Product},
    storage::MemoryStorage,
};
use rand_core::OsRng;
use rustls_pki_types::CertificateDer;

use super::*;

/// What a card told of a key in 9A.
struct Told {
    public_key: Vec<u8>,
    statement: Vec<u8>,
    issuer: Vec<u8>,
}

impl Told {
    /// By a card that was made for it.
    fn new() -> Self {
        let product = Product {
            serial: SERIAL_NUMBER,
            ..Product::default()
        };
        let applet = Piv::new(MemoryStorage::new(), RustCrypto(OsRng), product).unwrap();
        let mut card = InProcessCard::new((applet,));
        let mut buffers = Box::new(Buffers::new());
        let mut crypto = RustCrypto(OsRng);
        let limit = Millis(60_000);
        let mut session = PivSession::select(&mut card, &mut crypto, &mut buffers, limit).unwrap();
        let factory = [1, 2, 3, 4, 5, 6, 7, 8].repeat(3);
        let mut admin = LocalAdminKey::new(Cipher::Aes192, &factory).unwrap();
        let admin = session.authenticate_admin(&mut admin).unwrap();
        let key = KeyReference::Authentication;
        let request = generate::Request {
            key,
            algorithm: Algorithm::P256,
            pin_policy: None,
            touch_policy: None,
        };
        let public = session.generate(&admin, &request).unwrap();
        let (mut answer, mut info) = ([0; 600], [0; PublicKey::MAX_SPKI]);
        let answer = public.encode(&mut answer).unwrap();
        let public = PublicKey::parse(answer, Algorithm::P256).unwrap();
        let public_key = public.spki(&mut info).unwrap().to_vec();
        let statement = session.attest(key).unwrap().unwrap().to_vec();
        let issuer = session.read_certificate(KeyReference::Attestation);
        let issuer = issuer.unwrap().unwrap().bytes.to_vec();
        Self {
            public_key,
            statement,
            issuer,
        }
    }

    fn key(&self) -> CardKey<'_> {
        CardKey {
            public_key: &self.public_key,
            statement: &self.statement,
            issuer: &self.issuer,
            serial: Some(SERIAL_NUMBER),
            pin_policy: None,
            touch_policy: None,
        }
    }

    /// The maker of this one card.
    fn roots(&self) -> Vec<Root> {
        vec![Root::read(CertificateDer::from(self.issuer.clone())).unwrap()]
    }

    fn refusal<'a>(&'a self, change: impl FnOnce(&mut CardKey<'a>)) -> CardRefusal {
        let mut key = self.key();
        change(&mut key);
        verify(&key, &self.roots(), now()).unwrap_err()
    }
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

#[test]
fn a_key_that_a_card_of_a_trusted_maker_made_is_proven_with_its_serial() {
    let told = Told::new();
    let proof = verify(&told.key(), &told.roots(), now()).unwrap();
    assert_eq!(
        proof.to_string(),
        "made on the card, proven to CN=Keysteward Virtual PIV Attestation; serial number 77001"
    );
    let without_serial = CardKey {
        serial: None,
        ..told.key()
    };
    assert!(verify(&without_serial, &told.roots(), now()).is_ok());
}

#[test]
fn a_card_of_another_maker_is_not_believed() {
    let (told, other) = (Told::new(), Told::new());
    let refused = verify(&told.key(), &other.roots(), now()).unwrap_err();
    assert!(matches!(refused, CardRefusal::Path(_)), "{refused}");
    let refused = verify(&told.key(), &[], now()).unwrap_err();
    assert_eq!(refused, CardRefusal::Path(Refusal::UnknownRoot));
    // Its own certificate does not go with the word of another.
    let mixed = CardKey {
        issuer: &other.issuer,
        ..told.key()
    };
    assert!(verify(&mixed, &other.roots(), now()).is_err());
}

#[test]
fn a_word_for_another_key_or_of_another_card_is_not_taken() {
    let (told, other) = (Told::new(), Told::new());
    let refused = told.refusal(|key| key.public_key = &other.public_key);
    assert_eq!(refused, CardRefusal::OtherKey);
    let refused = told.refusal(|key| key.serial = Some(5));
    let (certificate, card) = (SERIAL_NUMBER, 5);
    assert_eq!(refused, CardRefusal::OtherCard { certificate, card });
}

#[test]
fn a_card_that_says_nothing_or_too_little_is_not_believed() {
    let told = Told::new();
    assert_eq!(
        told.refusal(|key| key.statement = &[]),
        CardRefusal::Nothing
    );
    let garbage = told.refusal(|key| key.statement = &[0x30, 0x03, 1, 2, 3]);
    assert!(matches!(
        garbage,
        CardRefusal::Path(Refusal::Certificate(_))
    ));
    // Without the certificate between, the root has signed nothing that is shown; with
    // the root itself as the maker of F9, it has.
    let without = CardKey {
        issuer: &[],
        ..told.key()
    };
    assert!(verify(&without, &told.roots(), now()).is_ok());
    assert!(verify(&without, &Told::new().roots(), now()).is_err());
}

#[test]
fn a_key_that_asks_for_pin_and_touch_otherwise_than_it_should_is_refused() {
    let told = Told::new();
    // 9A as the card has it by itself: PIN once, never a touch.
    let as_made = |key: &mut CardKey<'_>| (key.pin_policy, key.touch_policy) = (Some(2), Some(1));
    let mut key = told.key();
    as_made(&mut key);
    assert!(verify(&key, &told.roots(), now()).is_ok());
    for (pin, touch, what) in [(3, 1, "PIN"), (2, 2, "touch")] {
        let refused = told.refusal(|key| {
            (key.pin_policy, key.touch_policy) = (Some(pin), Some(touch));
        });
        assert_eq!(refused, CardRefusal::OtherPolicy { what });
    }
}

const SERIAL_NUMBER: u32 = 77_001;
