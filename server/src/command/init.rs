//! `keysteward-server init`: a fresh folder with database, master key, certification authority,
//! and a first API key in a file of its own.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Map, json};

use crate::{
    api::{access::Scope, auth},
    audit::{self, Entry, Outcome},
    fleet::{Fleet, FleetSettings, authority::Authority},
    key_store::KeyStore,
    settings::Settings,
    store::{self, Clock, Store},
};

/// What was made.
#[derive(Debug, Serialize)]
pub struct Made {
    /// Everything else is in there.
    pub data_dir: PathBuf,
    /// Stays the same for ever.
    pub server_id: String,
    /// The first API key, mode 0600.
    pub api_key_file: PathBuf,
    /// Roots of the server's authority, PEM.
    pub trusted_root: PathBuf,
    /// A profile for the command line: `keysteward --profile FILE`.
    pub profile: PathBuf,
}

/// Makes all of it, or says what stands in the way.
///
/// # Errors
/// When a server is there already, or a file cannot be written.
pub async fn init(settings: &Settings, clock: Clock) -> anyhow::Result<Made> {
    let database = settings.database();
    if database.exists() {
        bail!(
            "{} exists: this server was set up before",
            database.display()
        );
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&settings.data_dir)
        .with_context(|| format!("cannot make {}", settings.data_dir.display()))?;
    // A key that was put there first (from another disk, from a backup) is used.
    let keys = if settings.master_key.exists() {
        KeyStore::load(&settings.master_key)?
    } else {
        KeyStore::create(&settings.master_key)?
    };
    let store = Store::open(&database).await?;
    fs::set_permissions(&database, fs::Permissions::from_mode(0o600))?;
    let fleet = Fleet::open(
        store.clone(),
        &keys,
        clock.clone(),
        FleetSettings::default(),
    )
    .await?;

    let now = clock.now();
    let (key, secret) = auth::new_key(FIRST_KEY, Scope::ALL, "system", FIRST_KEY_LIFE, now);
    let made = Made {
        data_dir: settings.data_dir.clone(),
        server_id: fleet.authority().server().to_string(),
        api_key_file: settings.data_dir.join("admin.key"),
        trusted_root: trusted_root(settings),
        profile: settings.data_dir.join("cli.toml"),
    };
    write_new(&made.api_key_file, 0o600, &format!("{}\n", secret.as_str()))?;
    publish_roots(settings, fleet.authority())?;
    write_new(&made.profile, 0o644, &profile(settings))?;

    let mut tx = store.write().await?;
    store::api_key::insert(&mut tx, &key).await?;
    let mut facts = Map::new();
    facts.insert("api_key".to_owned(), json!(FIRST_KEY));
    facts.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    let entry = Entry {
        at: now,
        actor: "system".to_owned(),
        verb: "server.init",
        object: "server".to_owned(),
        operation: None,
        outcome: Outcome::Ok,
        facts,
    };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    store.close().await;
    Ok(made)
}

/// For the command line on this machine.
fn profile(settings: &Settings) -> String {
    let name = settings
        .api
        .names
        .first()
        .map_or("localhost", String::as_str);
    let host = if name.contains(':') {
        format!("[{name}]")
    } else {
        name.to_owned()
    };
    let port = settings.api.listen.port();
    let mut text = format!("server = \"https://{host}:{port}\"\napi_key_file = \"admin.key\"\n");
    if settings.api.certificate.is_none() {
        text.push_str("trusted_root = \"root.pem\"\n");
    } else {
        text.push_str("# trusted_root = the root of api.certificate\n");
    }
    text
}

/// Puts the roots where clients of this machine look for them. They are public, and in the
/// database: after a restore, or a new root, the file is made anew.
pub(super) fn publish_roots(settings: &Settings, authority: &Authority) -> anyhow::Result<()> {
    let path = trusted_root(settings);
    let pem = roots(authority);
    if fs::read_to_string(&path).is_ok_and(|there| there == pem) {
        return Ok(());
    }
    fs::write(&path, pem).with_context(|| format!("cannot write {}", path.display()))
}

fn trusted_root(settings: &Settings) -> PathBuf {
    settings.data_dir.join("root.pem")
}

pub(crate) fn roots(authority: &Authority) -> String {
    let mut pem = String::new();
    for root in authority.roots() {
        let text = STANDARD.encode(root);
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII: any place is a boundary.
            let (line, more) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}

fn write_new(path: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

const FIRST_KEY: &str = "admin";
/// Long enough to set everything up and to make keys for daily use.
const FIRST_KEY_LIFE: Duration = Duration::from_secs(90 * 86_400);
