use super::*;

const HERE: Context<'_> = Context {
    table: "sealed_secret",
    id: "1",
    kind: "pin",
};

fn new() -> (tempfile::TempDir, PathBuf, KeyStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let keys = KeyStore::create(&path).unwrap();
    (folder, path, keys)
}

#[test]
fn a_sealed_secret_opens_after_a_restart_and_is_not_in_the_ciphertext() {
    let (_folder, path, keys) = new();
    let sealed = keys.seal(HERE, b"314159");
    assert!(!sealed.windows(6).any(|window| window == b"314159"));
    let again = KeyStore::load(&path).unwrap();
    assert_eq!(again.open(HERE, &sealed).unwrap().as_slice(), b"314159");
    assert_eq!(
        again.signing_key().verifying_key(),
        keys.signing_key().verifying_key()
    );
}

#[test]
fn a_sealed_secret_opens_in_no_other_place() {
    let (_folder, _path, keys) = new();
    let sealed = keys.seal(HERE, b"314159");
    for elsewhere in [
        Context { id: "2", ..HERE },
        Context {
            table: "connection",
            ..HERE
        },
        Context {
            kind: "puk",
            ..HERE
        },
        // The same letters, cut elsewhere.
        Context {
            table: "sealed_secret1",
            id: "",
            ..HERE
        },
    ] {
        assert!(matches!(
            keys.open(elsewhere, &sealed),
            Err(Error::Sealed { .. })
        ));
    }
}

#[test]
fn a_damaged_or_short_ciphertext_does_not_open() {
    let (_folder, _path, keys) = new();
    let sealed = keys.seal(HERE, b"314159");
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 1;
        assert!(keys.open(HERE, &damaged).is_err(), "byte {at}");
        assert!(keys.open(HERE, &sealed[..at]).is_err(), "length {at}");
    }
}

#[test]
fn another_master_key_opens_nothing() {
    let (_folder, _path, keys) = new();
    let (_other_folder, _other_path, other) = new();
    assert!(other.open(HERE, &keys.seal(HERE, b"1")).is_err());
}

#[test]
fn a_master_key_is_never_written_over() {
    let (_folder, path, _keys) = new();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(KeyStore::create(&path), Err(Error::File { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_master_key_that_others_can_read_is_refused() {
    let (_folder, path, _keys) = new();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = KeyStore::load(&path).unwrap_err();
    assert!(
        matches!(refused, Error::Mode { mode: 0o640, .. }),
        "{refused}"
    );
}

#[test]
fn a_master_key_of_another_length_is_refused() {
    let (_folder, path, _keys) = new();
    std::fs::write(&path, [0; 31]).unwrap();
    assert!(matches!(
        KeyStore::load(&path),
        Err(Error::Length { found: 31, .. })
    ));
}
