use super::{card, factory_key, pin, with};
use keysteward_core::admin_key::Cipher;
use keysteward_core::piv::certificate::Certificate;
use keysteward_core::piv::session::{Facts, Place};
use keysteward_core::piv::yubico::Version;
use keysteward_core::piv::{Algorithm, KeyReference, PinReference, generate};

#[test]
fn a_card_with_four_certificates_is_known_after_fourteen_commands() {
    let mut card = card();
    let der = vec![0x30; 1_500];
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        session.personalise(&admin, &[7; 16]).unwrap();
        for key in KeyReference::MAIN {
            let certificate = Certificate::plain(&der);
            session
                .write_certificate(&admin, key, &certificate)
                .unwrap();
        }
        let _ = session.verify(&pin("654321")).err().unwrap();
    });
    card.power_cycle();
    card.take_headers();
    let mut found = Vec::new();
    let facts = with(&mut card, |session| {
        session
            .inspect(&mut |place| {
                let certificate = place.certificate.map(|certificate| certificate.bytes.len());
                found.push((place.key, certificate));
            })
            .unwrap()
    });
    let commands = card.take_headers().len();
    assert!(commands <= 14, "{commands}");
    let expected = KeyReference::MAIN.map(|key| (key, Some(1_500)));
    assert_eq!(found, expected);
    assert_eq!(facts.label(), "Keysteward Virtual PIV");
    assert_eq!(facts.guid, Some([7; 16]));
    assert_eq!(facts.version, Some(Version([5, 7, 4])));
    assert_eq!(facts.serial, Some(0x8000_1234));
    assert_eq!(facts.admin_cipher, Some(Cipher::Aes192));
    assert_eq!(facts.admin_key_is_default, Some(true));
    assert_eq!((facts.pin.left, facts.pin.total), (Some(2), Some(3)));
    assert_eq!(
        (facts.puk.left, facts.puk.is_default),
        (Some(3), Some(true))
    );
    card.take_headers();
    found.clear();
    let again = with(&mut card, |session| {
        let mut find = |place: &Place<'_>| {
            let certificate = place.certificate.map(|certificate| certificate.bytes.len());
            found.push((place.key, certificate));
        };
        session.inspect_again(&mut find).unwrap()
    });
    assert_eq!(card.take_headers().len() + 3, commands);
    assert_eq!(found, expected);
    let lasting = Facts {
        version: None,
        serial: None,
        discovery: None,
        ..facts
    };
    assert_eq!(again, lasting);
}

#[test]
fn keys_without_certificates_are_found_too() {
    let mut card = card().with_short_commands();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let request = generate::Request {
            key: KeyReference::Signature,
            algorithm: Algorithm::P384,
            pin_policy: None,
            touch_policy: None,
        };
        session.generate(&admin, &request).unwrap();
        let mut found = Vec::new();
        session
            .inspect(&mut |place| {
                let metadata = place.metadata.clone().unwrap();
                found.push((place.key, metadata.key_algorithm(), metadata.generated));
                assert!(metadata.public_key().is_some());
            })
            .unwrap();
        let expected = (KeyReference::Signature, Some(Algorithm::P384), Some(true));
        assert_eq!(found, [expected]);
    });
}

#[test]
fn looking_uses_no_try_up() {
    let mut card = card();
    with(&mut card, |session| {
        for _ in 0..5 {
            session.inspect(&mut |_| {}).unwrap();
        }
        assert_eq!(session.tries_left(PinReference::Pin), Ok(Some(3)));
        assert_eq!(session.tries_left(PinReference::Puk), Ok(Some(3)));
    });
}
