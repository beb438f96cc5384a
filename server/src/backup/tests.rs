use std::os::unix::fs::PermissionsExt as _;

use super::*;

const NOW: Micros = Micros(1_700_000_000_000_000);

/// A server with a user table large enough for several pieces.
async fn server() -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    KeyStore::create(&settings.master_key).unwrap();
    let store = Store::open(&settings.database()).await.unwrap();
    let mut tx = store.write().await.unwrap();
    store::server::ensure(&mut tx, NOW).await.unwrap();
    for n in 0..40_u32 {
        let facts = [("padding", json!("x".repeat(60_000))), ("n", json!(n))];
        record(&mut tx, NOW, "test.row", facts).await.unwrap();
    }
    tx.commit().await.unwrap();
    store.close().await;
    (folder, settings)
}

fn settings(folder: &Path) -> Settings {
    Settings::parse(&format!("data_dir = {:?}", folder.to_str().unwrap())).unwrap()
}

async fn rows(settings: &Settings) -> u64 {
    let store = Store::open(&settings.database()).await.unwrap();
    let mut read = store.read().await.unwrap();
    store::audit::head(&mut read).await.unwrap().unwrap().0
}

#[tokio::test]
async fn a_backup_with_its_master_key_restores_into_an_empty_folder_and_waits_for_journals() {
    let (folder, old) = server().await;
    let file = folder.path().join("backup");
    let written = create(&old, &file, true, NOW).await.unwrap();
    assert!(written.bytes > 2 << 20, "{written:?}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let elsewhere = tempfile::tempdir().unwrap();
    let new = settings(elsewhere.path());
    let read = restore(&new, &file, Micros(NOW.0 + 1)).await.unwrap();
    assert_eq!(read, written);
    // 40 rows, the backup's own, the restore's own.
    assert_eq!(rows(&new).await, 42);
    let store = Store::open(&new.database()).await.unwrap();
    let server = store::server::get(&mut store.read().await.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(server.id, written.server);
    assert_eq!(server.reconcile_since, Some(Micros(NOW.0 + 1)));
    let left: Vec<_> = fs::read_dir(elsewhere.path())
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".tmp")),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_backup_without_its_master_key_holds_neither_the_key_nor_clear_text() {
    let (folder, old) = server().await;
    let file = folder.path().join("backup");
    create(&old, &file, false, NOW).await.unwrap();
    let bytes = fs::read(&file).unwrap();
    let key = hex::encode(fs::read(&old.master_key).unwrap());
    for secret in [key.as_bytes(), b"SQLite format", b"xxxxxxxx"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }

    let elsewhere = tempfile::tempdir().unwrap();
    let new = settings(elsewhere.path());
    let refusal = restore(&new, &file, NOW).await.unwrap_err();
    assert!(
        matches!(refusal, BackupError::NoMasterKey { .. }),
        "{refusal}"
    );
    assert!(!new.database().exists());
    fs::copy(&old.master_key, &new.master_key).unwrap();
    restore(&new, &file, NOW).await.unwrap();
}

#[tokio::test]
async fn a_damaged_backup_restores_nothing() {
    let (folder, old) = server().await;
    let file = folder.path().join("backup");
    create(&old, &file, true, NOW).await.unwrap();
    let whole = fs::read(&file).unwrap();
    let header = 24 + usize::from(u16::from_be_bytes([whole[22], whole[23]]));
    let second =
        header + 4 + u32::from_be_bytes(whole[header..header + 4].try_into().unwrap()) as usize;
    type Spoil = Box<dyn Fn(&mut Vec<u8>)>;
    let cases: [(&str, Spoil); 6] = [
        ("another file", Box::new(|b| b[0] = b'K')),
        ("empty", Box::new(Vec::clear)),
        (
            "a bit of a piece",
            Box::new(|b| *b.last_mut().unwrap() ^= 1),
        ),
        // The time of the backup, in the header.
        (
            "a digit of the header",
            Box::new(|b| {
                let at = b.windows(6).position(|w| w == b"\"taken").unwrap() + 13;
                b[at] ^= 1;
            }),
        ),
        (
            "cut off between pieces",
            Box::new(move |b| b.truncate(second)),
        ),
        (
            "a piece taken out",
            Box::new(move |b| drop(b.drain(header..second))),
        ),
    ];
    for (what, spoil) in cases {
        let mut bytes = whole.clone();
        spoil(&mut bytes);
        let elsewhere = tempfile::tempdir().unwrap();
        let damaged = elsewhere.path().join("damaged");
        fs::write(&damaged, bytes).unwrap();
        let new = settings(elsewhere.path());
        let refusal = restore(&new, &damaged, NOW).await.unwrap_err();
        assert!(
            matches!(refusal, BackupError::Damaged { .. }),
            "{what}: {refusal}"
        );
        assert!(!new.database().exists(), "{what}");
    }
}

#[tokio::test]
async fn a_backup_is_never_restored_over_a_database_or_written_over_a_file() {
    let (folder, old) = server().await;
    let file = folder.path().join("backup");
    create(&old, &file, true, NOW).await.unwrap();
    let refusal = restore(&old, &file, NOW).await.unwrap_err();
    assert!(matches!(refusal, BackupError::NotEmpty { .. }), "{refusal}");
    let before = fs::read(&file).unwrap();
    assert!(create(&old, &file, true, NOW).await.is_err());
    assert_eq!(fs::read(&file).unwrap(), before);
}
