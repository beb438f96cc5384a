use super::*;
use crate::authenticator::factory::Factory;
use crate::storage::{MAX_RECORD, MemoryStorage, Record, whole};
use keysteward_core::crypto::RustCrypto;
use rand_core::OsRng;

#[test]
fn a_manufacturer_in_a_file_keeps_its_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manufacturer.pem");
    let founded = Manufacturer::open(&path).unwrap();
    let reopened = Manufacturer::open(&path).unwrap();
    assert_eq!(founded.root(), reopened.root());
    let order = Order::default();
    let made = reopened.make(&order, &mut RustCrypto(OsRng)).unwrap();
    assert_eq!(made.root, founded.root());
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no file is left over"
    );
}

#[test]
fn a_file_that_is_no_manufacturer_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manufacturer.pem");
    let founded = Manufacturer::found().unwrap();
    let certificate = certificate_pem(founded.root());
    for (content, problem) in [
        (String::new(), "holds no certificate"),
        (certificate.clone(), "holds no PKCS#8 private key"),
        (
            certificate.replace("CERTIFICATE", "PRIVATE KEY"),
            "holds no certificate",
        ),
        (
            format!(
                "{certificate}{}",
                certificate.replace("CERTIFICATE", "PRIVATE KEY")
            ),
            "holds a private key that cannot be used",
        ),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = Manufacturer::open(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}: {problem}", path.display()));
    }
}

#[test]
fn only_a_key_with_a_serial_number_has_an_enterprise_attestation() {
    let manufacturer = Manufacturer::found().unwrap();
    let make = |serial: Option<&str>| {
        let order = Order {
            serial: serial.map(Into::into),
            ..Order::default()
        };
        manufacturer.make(&order, &mut RustCrypto(OsRng))
    };
    assert!(make(None).unwrap().enterprise.is_none());
    let factory = make(Some("KS-0001")).unwrap();
    let enterprise = factory.enterprise.unwrap().attestation;
    let contains = |certificate: &[u8]| certificate.windows(7).any(|part| part == b"KS-0001");
    assert!(contains(&enterprise.certificate));
    assert!(!contains(&factory.attestation.certificate));
    assert!(enterprise.key.0 != factory.attestation.key.0);
    assert!(matches!(
        make(Some(&"9".repeat(128))),
        Err(Error::SerialTooLong)
    ));
}

#[test]
fn what_was_made_comes_back_from_storage() {
    let order = Order {
        serial: Some("KS-0001".into()),
        enterprise_rp_ids: vec!["a.example".into(), "b.example".into()],
        ..Order::default()
    };
    let mut crypto = RustCrypto(OsRng);
    let manufacturer = Manufacturer::found().unwrap();
    let made = manufacturer.make(&order, &mut crypto).unwrap();
    let mut storage = MemoryStorage::new();
    assert!(Factory::read_from(&storage).unwrap().is_none());
    made.burn_in(&mut storage, &mut crypto).unwrap();
    let factory = Factory::read_from(&storage).unwrap().unwrap();
    assert_eq!(factory.aaguid, AAGUID);
    assert_eq!(factory.attestation_key.0, made.attestation.key.0);
    let enterprise = made.enterprise.unwrap();
    assert_eq!(
        factory.enterprise_key.unwrap().0,
        enterprise.attestation.key.0
    );
    assert_eq!(factory.enterprise_rp_ids, 2);
    for (record, bytes) in [
        (Record::Root, manufacturer.root()),
        (Record::Certificate, &made.attestation.certificate),
        (
            Record::EnterpriseCertificate,
            &enterprise.attestation.certificate,
        ),
        (Record::Serial, b"KS-0001"),
        (Record::EnterpriseRpId(1), b"b.example"),
    ] {
        let mut room = [0; MAX_RECORD];
        let stored = whole(&storage, record, &mut room).unwrap();
        assert_eq!(stored, Some(bytes), "{record:?}");
    }
}
