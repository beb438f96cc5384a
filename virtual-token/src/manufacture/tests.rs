use super::*;
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
    let state = reopened.make(&order, &mut RustCrypto(OsRng)).unwrap();
    assert_eq!(state.factory.root, founded.root());
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
    assert!(make(None).unwrap().factory.enterprise.is_none());
    let factory = make(Some("KS-0001")).unwrap().factory;
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
        ..Order::default()
    };
    let made = Manufacturer::found()
        .unwrap()
        .make(&order, &mut RustCrypto(OsRng))
        .unwrap();
    let blob = made.encode().unwrap();
    let read = State::decode(&blob).unwrap();
    assert_eq!(read.encode().unwrap(), blob);
    assert_eq!(read.factory.serial.as_deref(), Some("KS-0001"));
}

#[test]
fn storage_that_is_no_state_is_refused() {
    let made = Manufacturer::found().unwrap();
    let made = made
        .make(&Order::default(), &mut RustCrypto(OsRng))
        .unwrap();
    let blob = made.encode().unwrap();
    let error = |blob: &[u8]| {
        State::decode(blob)
            .err()
            .map(|error| error.to_string())
            .unwrap()
    };
    assert_eq!(error(&[]), "the storage is empty");
    assert_eq!(error(&blob[..blob.len() - 1]), "the storage is damaged");
    let mut later = blob.to_vec();
    later[0] = 9;
    assert_eq!(
        error(&later),
        "the storage was written by a later version (9) of this program"
    );
}
