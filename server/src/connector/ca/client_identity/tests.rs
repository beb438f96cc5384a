//! Files that OpenSSL makes, old and new.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use std::{path::Path, process::Command};

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl must be installed: apt-get install openssl");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {text}");
}

/// A folder with a root, and a client's key and certificate under it.
fn folder(key: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key \
         -out root.pem -subj /CN=Root -days 30"
            .to_owned(),
        format!(
            "req -newkey {key} -nodes -keyout key.pem -out csr.pem -subj /CN=versasec \
             -addext extendedKeyUsage=clientAuth"
        ),
        "x509 -req -in csr.pem -CA root.pem -CAkey root.key -days 10 -out own.pem \
         -copy_extensions copy"
            .to_owned(),
    ] {
        openssl(folder.path(), &arguments);
    }
    folder
}

fn refused(result: Result<ClientIdentity, SettingError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.field, "credential");
    error.found
}

#[test]
fn files_of_every_age_open_and_only_with_their_password() {
    let folder = folder("rsa:2048");
    let export = "pkcs12 -export -inkey key.pem -in own.pem -certfile root.pem -out";
    for (name, options) in [
        ("modern.p12", "-macalg SHA256"),
        ("legacy.p12", "-legacy"),
        (
            "3des.p12",
            "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg SHA1",
        ),
        (
            "rc2-40.p12",
            "-legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40 -macalg SHA1",
        ),
        (
            "both-rc2.p12",
            "-legacy -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-40 -macalg SHA1",
        ),
        ("aes128.p12", "-keypbe AES-128-CBC -certpbe AES-128-CBC"),
    ] {
        openssl(
            folder.path(),
            &format!("{export} {name} {options} -passout pass:geheim"),
        );
        let file = std::fs::read(folder.path().join(name)).unwrap();
        let identity = ClientIdentity::from_pkcs12(&file, "geheim")
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(identity.subject(), "CN=versasec", "{name}");
        assert_eq!(identity.chain.len(), 2, "{name}");
        assert!(identity.not_after().is_some());
        let found = refused(ClientIdentity::from_pkcs12(&file, "falsch"));
        assert!(
            found.contains("password") && !found.contains("falsch"),
            "{found}"
        );
    }
}

#[test]
fn what_was_unpacked_is_kept_and_read_again() {
    for key in ["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-384", "ed25519"] {
        let folder = folder(key);
        let text = ["key.pem", "own.pem", "root.pem"]
            .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
            .concat();
        let first = ClientIdentity::from_pem(&text).unwrap();
        let again = ClientIdentity::from_secret(&first.to_secret()).unwrap();
        assert_eq!(again.chain, first.chain, "{key}");
        assert_eq!(again.key, first.key, "{key}");
    }
}

#[test]
fn the_room_for_a_key_as_text_is_known_before_it_is_written() {
    for length in [0, 1, 2, 3, 47, 48, 49, 95, 96, 97, 2349] {
        for label in ["EC PRIVATE KEY", "RSA PRIVATE KEY", "CERTIFICATE"] {
            let mut text = String::new();
            push_pem(&mut text, label, &vec![7; length]);
            assert!(text.len() <= room_as_pem(length), "{label} {length}");
        }
    }
}

#[test]
fn a_key_without_its_certificate_is_refused() {
    let key = KeyPair::generate().unwrap();
    let other = KeyPair::generate().unwrap();
    let certificate = |key: &KeyPair| CertificateParams::default().self_signed(key).unwrap().pem();
    let own = key.serialize_pem();
    ClientIdentity::from_pem(&(own.clone() + &certificate(&other) + &certificate(&key))).unwrap();
    for (text, expected) in [
        (own.clone(), "without its certificate"),
        (
            own.clone() + &certificate(&other),
            "without its certificate",
        ),
        (certificate(&key), "without a private key"),
        (
            own.clone() + &other.serialize_pem() + &certificate(&key),
            "2 private keys",
        ),
        (String::new(), "without a private key"),
        (
            own.replace("PRIVATE", "ENCRYPTED PRIVATE") + &certificate(&key),
            "under a password",
        ),
        ("x".repeat(LONGEST + 1), "characters"),
    ] {
        let found = refused(ClientIdentity::from_pem(&text));
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn a_file_that_is_no_pkcs12_is_refused() {
    for file in [
        b"".as_slice(),
        b"hello",
        &[0x30; 100],
        &vec![0; LONGEST + 1],
    ] {
        refused(ClientIdentity::from_pkcs12(file, "geheim"));
    }
}

#[test]
fn the_key_is_in_no_text() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    let identity = ClientIdentity::from_pem(&(key.serialize_pem() + &certificate.pem())).unwrap();
    let text = format!("{identity:?}");
    assert_eq!(text, "ClientIdentity(\"CN=rcgen self signed cert\")");
}
