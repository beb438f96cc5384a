use super::{Error, card, factory_key, with};
use keysteward_core::iso7816::CardTransport;
use keysteward_core::piv::certificate::{Certificate, Format};
use keysteward_core::piv::container_map::Record;
use keysteward_core::piv::session::{Deleted, Instruction};
use keysteward_core::piv::{Algorithm, KeyReference, ObjectId, generate};

const NINE_A: KeyReference = KeyReference::Authentication;

#[test]
fn certificates_are_written_read_back_and_deleted_with_their_keys() {
    let mut card = card();
    let der = vec![0x30; 2_900];
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let request = generate::Request {
            key: NINE_A,
            algorithm: Algorithm::P256,
            pin_policy: None,
            touch_policy: None,
        };
        session.generate(&admin, &request).unwrap();
        for format in [Format::Plain, Format::Gzip] {
            let certificate = Certificate {
                format,
                bytes: &der,
            };
            session
                .write_certificate(&admin, NINE_A, &certificate)
                .unwrap();
            assert_eq!(session.read_certificate(NINE_A), Ok(Some(certificate)));
        }
        for key in [NINE_A, KeyReference::Signature] {
            let mut record = Record::new(&[key.id(); 16], key, Algorithm::P256);
            record.set_default(true);
            session.write_container(&admin, record).unwrap();
        }
        let map = session.container_map().unwrap();
        let defaults: Vec<_> = map
            .iter()
            .map(|record| (record.key, record.is_default()))
            .collect();
        assert_eq!(defaults, [(0x9A, false), (0x9C, true)]);

        let deleted = session.delete_container(&admin, NINE_A);
        assert_eq!(deleted, Ok(Deleted { key: true }));
        assert_eq!(session.read_certificate(NINE_A), Ok(None));
        assert_eq!(session.container_map().unwrap().len(), 1);
        let none = session.sign(None, NINE_A, Algorithm::P256, &[0; 32]);
        assert_eq!(none, Err(Error::NoKey { key: NINE_A }));
        let again = session.delete_container(&admin, NINE_A);
        assert_eq!(again, Ok(Deleted { key: true }), "done twice");
    });
}

#[test]
fn a_certificate_for_which_the_card_has_no_room_is_refused() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let long = [0x30; 3_100];
        let refused = session.write_certificate(&admin, NINE_A, &Certificate::plain(&long));
        assert_eq!(refused, Err(Error::Full));
        let longer = vec![0x30; 5_000];
        let refused = session.write_certificate(&admin, NINE_A, &Certificate::plain(&longer));
        let expected = Error::TooLong(Instruction::Write(ObjectId(0x5F_C105)));
        assert_eq!(refused, Err(expected));
    });
}

#[test]
fn the_card_has_another_number_and_the_rest_of_its_identity_stays() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        assert_eq!(session.guid(), Ok(None));
        session.personalise(&admin, &[7; 16]).unwrap();
        assert_eq!(session.guid(), Ok(Some([7; 16])));
        let before = session
            .read_object(ObjectId::CHUID)
            .unwrap()
            .unwrap()
            .to_vec();
        session.renew_guid(&admin, &[8; 16]).unwrap();
        let after = session.read_object(ObjectId::CHUID).unwrap().unwrap();
        assert_eq!((&after[..29], &after[45..]), (&before[..29], &before[45..]));
        assert_eq!(after[29..45], [8; 16]);
        assert!(
            session
                .read_object(ObjectId::CAPABILITIES)
                .unwrap()
                .is_some()
        );
    });
}

#[test]
fn printed_information_is_for_who_shows_the_pin() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        session
            .write_object(&admin, ObjectId::PRINTED, b"\x01\x00")
            .unwrap();
        let hidden = session.read_object(ObjectId::PRINTED);
        let expected = Error::NotAuthenticated(Instruction::Read(ObjectId::PRINTED));
        assert_eq!(hidden, Err(expected));
        let _ = session.verify(&super::pin("123456")).unwrap();
        assert!(session.read_object(ObjectId::PRINTED).unwrap().is_some());
    });
    let mut room = [0; 16];
    let unknown = card.transmit(b"\x00\xCB\x3F\xFF\x05\x5C\x03\x5F\xC2\x02\x00", &mut room);
    assert_eq!(unknown, Ok(&b"\x6A\x82"[..]));
}
