//! Our client with Nitrokey's card: in one process, and over the real pcscd.

use super::desk::Desk;
use keysteward_agent::transport::pcsc::Service;
use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_core::crypto::{Crypto, RustCrypto};
use keysteward_core::iso7816::CardTransport;
use keysteward_core::piv::PinReference;
use keysteward_core::piv::certificate::Certificate;
use keysteward_core::piv::container_map::Record;
use keysteward_core::piv::pkcs1::{Digest, pad};
use keysteward_core::piv::session::{AdminError, Buffers, Deleted, Error, PivSession};
use keysteward_core::piv::yubico::Version;
use keysteward_core::piv::{Algorithm, KeyReference, Pin, PublicKey, generate};
use keysteward_tests::firmware::piv_authenticator::PivAuthenticator;
use keysteward_virtual_token::card::InProcessCard;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rand_core::OsRng;

stories! {
    the_life_of_a_card_that_is_not_ours
}

const NINE_A: KeyReference = KeyReference::Authentication;

fn the_life_of_a_card_that_is_not_ours() {
    let _desk = Desk::with_applet(PivAuthenticator::new);
    let service = Service::connect().unwrap();
    let reader = service
        .readers()
        .unwrap()
        .into_iter()
        .find(|reader| reader.has_card());
    let card = service.open(&reader.unwrap()).unwrap();
    live(&mut card.hold().unwrap());
}

#[test]
fn its_life_in_one_process() {
    live(&mut InProcessCard::new((PivAuthenticator::new(),)));
}

#[test]
fn its_life_in_short_commands() {
    live(&mut InProcessCard::new((PivAuthenticator::new(),)).with_short_commands());
}

fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap()
}

/// All that an administrator does to a card, from the first day to the last.
fn live<T: CardTransport>(card: &mut T) {
    let mut crypto = RustCrypto(OsRng);
    let mut buffers = Box::new(Buffers::new());
    let deadline = card.now().after(120_000);
    let mut session = PivSession::select(card, &mut crypto, &mut buffers, deadline).unwrap();

    let facts = session.inspect(&mut |place| panic!("{place:?}")).unwrap();
    assert_eq!(facts.label(), "Nitrokey PIV");
    assert_eq!(facts.version, Some(Version([6, 6, 6])));
    assert_eq!(facts.serial, Some(0x0052_F743));
    assert_eq!(facts.pin.left, Some(3), "told by VERIFY");

    let factory = b"\x01\x02\x03\x04\x05\x06\x07\x08".repeat(3);
    let mut wrong = LocalAdminKey::new(Cipher::TripleDes, &[9; 24]).unwrap();
    let cipher = Cipher::TripleDes;
    let refused = session.authenticate_admin(&mut wrong).err().unwrap();
    assert!(
        matches!(refused, AdminError::Card(Error::AdminKeyWrong { cipher: of }) if of == cipher),
        "{refused}"
    );
    let mut key = LocalAdminKey::new(cipher, &factory).unwrap();
    let admin = session.authenticate_admin(&mut key).unwrap();
    session
        .change_admin_key(&admin, Cipher::Aes256, &[7; 32])
        .unwrap();
    let refused = session.authenticate_admin(&mut key).err().unwrap();
    assert!(
        matches!(refused, AdminError::Card(Error::AdminCipherRefused { .. })),
        "{refused}"
    );
    let mut key = LocalAdminKey::new(Cipher::Aes256, &[7; 32]).unwrap();
    let admin = session.authenticate_admin(&mut key).unwrap();

    session.personalise(&admin, &[0xAB; 16]).unwrap();
    assert_eq!(session.guid().unwrap(), Some([0xAB; 16]));
    session.renew_guid(&admin, &[0xCD; 16]).unwrap();
    assert_eq!(session.guid().unwrap(), Some([0xCD; 16]));

    session
        .change_pin(PinReference::Pin, &pin("123456"), &pin("111111"))
        .unwrap();
    session
        .change_pin(PinReference::Puk, &pin("12345678"), &pin("222222"))
        .unwrap();
    let wrong = session.verify(&pin("999999")).err().unwrap();
    let expected = (PinReference::Pin, Some(2));
    assert!(
        matches!(wrong, Error::PinWrong { reference, left } if (reference, left) == expected),
        "{wrong}"
    );
    session.block(PinReference::Pin).unwrap();
    assert_eq!(session.tries_left(PinReference::Pin).unwrap(), Some(0));
    session.set_pin(&pin("222222"), &pin("333333")).unwrap();
    let pin_now = pin("333333");
    assert!(session.verify(&pin_now).is_ok());

    let digest = RustCrypto(OsRng).sha256(&[b"message"]);
    for (key, algorithm) in [
        (NINE_A, Algorithm::P256),
        (KeyReference::Signature, Algorithm::Rsa2048),
    ] {
        let request = generate::Request {
            key,
            algorithm,
            pin_policy: None,
            touch_policy: None,
        };
        let mut room = [0; 600];
        let answer = session.generate(&admin, &request).unwrap();
        let answer = answer.encode(&mut room).unwrap();
        let public = PublicKey::parse(answer, algorithm).unwrap();
        let mut block = [0; 256];
        pad(Digest::Sha256, &digest, &mut block).unwrap();
        let block = match algorithm {
            Algorithm::P256 => &digest[..],
            _ => &block,
        };
        let signature = session.sign(Some(&pin_now), key, algorithm, block).unwrap();
        match public {
            PublicKey::P256(point) => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
                let signature = p256::ecdsa::Signature::from_der(signature).unwrap();
                key.verify_prehash(&digest, &signature).unwrap();
            }
            PublicKey::Rsa { modulus, exponent } => {
                let raw = ring::signature::RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                let scheme = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
                raw.verify(scheme, b"message", signature).unwrap();
            }
            other => panic!("{other:?}"),
        }
        let certificate = Certificate::plain(&[0x30; 1_200]);
        session
            .write_certificate(&admin, key, &certificate)
            .unwrap();
    }
    assert_eq!(session.attest(NINE_A).unwrap(), None);

    let mut record = Record::new(&[1; 16], NINE_A, Algorithm::P256);
    record.set_default(true);
    match session.write_container(&admin, record) {
        Ok(()) => assert_eq!(session.container_map().unwrap().len(), 1),
        // Objects that are Yubico's need not be there.
        Err(Error::Refused { .. } | Error::Unsupported(_)) => {}
        Err(error) => panic!("{error}"),
    }
    let mut found = Vec::new();
    session
        .inspect(&mut |place| found.push((place.key, place.certificate.is_some())))
        .unwrap();
    assert_eq!(found, [(NINE_A, true), (KeyReference::Signature, true)]);
    let deleted = session.delete_container(&admin, NINE_A).unwrap();
    assert_eq!(deleted, Deleted { key: false }, "it cannot delete keys");
    assert_eq!(session.read_certificate(NINE_A).unwrap(), None);

    session.reset().unwrap();
    assert!(session.verify(&pin("123456")).is_ok());
    assert_ne!(
        session.guid().unwrap(),
        Some([0xCD; 16]),
        "it makes its own"
    );
    let mut key = LocalAdminKey::new(Cipher::TripleDes, &factory).unwrap();
    assert!(session.authenticate_admin(&mut key).is_ok());
}
