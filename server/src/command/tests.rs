mod published;

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{init, run, status};
use crate::{
    attestation::{MetadataFiles, Stale},
    fleet::FleetSettings,
    key_store::KeyStore,
    settings::Settings,
    store::{self, Clock, Store},
};

/// A server in `folder`, on ports that the system picks.
fn settings(folder: &Path) -> Settings {
    let any = "listen = \"127.0.0.1:0\"";
    Settings::parse(&format!(
        "data_dir = {:?}\n[api]\n{any}\n[agents]\n{any}\n[metrics]\n{any}\n",
        folder.join("server")
    ))
    .unwrap()
}

async fn serve(settings: &Settings, stop: CancellationToken) -> anyhow::Result<()> {
    run::serve(settings, Clock::system(), FleetSettings::default(), stop).await
}

#[tokio::test]
async fn a_fresh_folder_is_set_up_once_and_its_secrets_are_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let made = init::init(&settings, Clock::system()).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&made.data_dir), 0o700);
    for secret in [
        &made.api_key_file,
        &settings.master_key,
        &settings.database(),
    ] {
        assert_eq!(mode(secret), 0o600, "{}", secret.display());
    }
    let profile = fs::read_to_string(&made.profile).unwrap();
    assert!(
        profile.contains("https://localhost:0") && profile.contains("root.pem"),
        "{profile}"
    );

    // The key in the file is the one in the database, by its hash only.
    let secret = fs::read_to_string(&made.api_key_file).unwrap();
    let database = fs::read(settings.database()).unwrap();
    let needle = secret.trim().as_bytes();
    assert!(
        !database
            .windows(needle.len())
            .any(|window| window == needle)
    );
    let store = Store::open(&settings.database()).await.unwrap();
    let mut read = store.read().await.unwrap();
    let key = store::api_key::by_name(&mut read, "admin")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(key.scopes.len(), 6);

    let refusal = init::init(&settings, Clock::system()).await.unwrap_err();
    assert!(refusal.to_string().contains("set up before"), "{refusal}");
}

#[tokio::test]
async fn a_master_key_that_was_put_there_first_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    settings.master_key = folder.path().join("elsewhere.key");
    KeyStore::create(&settings.master_key).unwrap();
    let before = fs::read(&settings.master_key).unwrap();
    init::init(&settings, Clock::system()).await.unwrap();
    assert_eq!(fs::read(&settings.master_key).unwrap(), before);
}

#[tokio::test]
async fn a_server_that_was_not_set_up_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let refusals = [
        serve(&settings, CancellationToken::new())
            .await
            .unwrap_err(),
        status::status(&settings).await.unwrap_err(),
    ];
    for refusal in refusals {
        assert!(
            refusal.to_string().contains("keysteward-server init"),
            "{refusal}"
        );
    }
    assert!(!settings.data_dir.exists());
}

#[tokio::test]
async fn a_server_serves_until_it_is_told_to_stop_and_puts_its_roots_back() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let made = init::init(&settings, Clock::system()).await.unwrap();
    let roots = fs::read_to_string(&made.trusted_root).unwrap();
    fs::remove_file(&made.trusted_root).unwrap();
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stopper.cancel();
    });
    timeout(Duration::from_secs(20), serve(&settings, stop))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(fs::read_to_string(&made.trusted_root).unwrap(), roots);
    let status = status::status(&settings).await.unwrap();
    assert_eq!(
        (status.server_id, status.operations_open),
        (made.server_id, 0)
    );
}

#[tokio::test]
async fn metadata_that_are_not_believed_keep_the_server_from_starting_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    let made = init::init(&settings, Clock::system()).await.unwrap();
    fs::remove_file(&made.trusted_root).unwrap();
    let before = fs::read(settings.database()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let root = rcgen::CertificateParams::default()
        .self_signed(&key)
        .unwrap();
    let (blob, root_file) = (
        folder.path().join("blob.jwt"),
        folder.path().join("root.pem"),
    );
    fs::write(&blob, "<html>not found</html>").unwrap();
    fs::write(&root_file, root.pem()).unwrap();
    settings.attestation.metadata = Some(MetadataFiles {
        blob: blob.clone(),
        root: root_file,
        signer: "mds.fidoalliance.org".to_owned(),
        stale: Stale::Warn,
    });
    let refusal = serve(&settings, CancellationToken::new())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains(blob.to_str().unwrap()) && refusal.contains("JWS"),
        "{refusal}"
    );
    assert!(!made.trusted_root.exists());
    assert_eq!(fs::read(settings.database()).unwrap(), before);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_by_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    init::init(&settings, Clock::system()).await.unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    settings.agents_listen = taken.local_addr().unwrap();
    let refusal = serve(&settings, CancellationToken::new())
        .await
        .unwrap_err();
    assert!(
        refusal.to_string().starts_with("agents.listen: "),
        "{refusal}"
    );
}
