//! A machine with an agent, keys that are plugged in, and somebody who types.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use keysteward_agent::{
    agent::Agent,
    settings::{LocalSocket, Policy, Settings},
};
use keysteward_core::crypto::RustCrypto;
use keysteward_virtual_token::{
    authenticator::Authenticator,
    device::{Device, TouchPolicy},
    front_end::{Identity, socket},
    manufacture::{Manufacturer, Order, Profile},
    security_key::SecurityKey,
    storage::MemoryStorage,
};
use rand_core::OsRng;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

pub(crate) const PIN: &str = "314159";
pub(crate) const RP: &str = "login.example.com";

/// How long anything may take that needs no person.
const SOON: Duration = Duration::from_secs(30);

pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The JSON document on standard output; null where there is none.
    pub(crate) told: Value,
    /// Standard error.
    pub(crate) said: String,
    pub(crate) code: Option<i32>,
}

impl Desk {
    /// With an agent, and no key yet.
    pub(crate) async fn empty(policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let defaults = Settings::parse("").unwrap();
        let settings = Settings {
            state_dir: folder.path().join("state"),
            local_socket: LocalSocket {
                path: folder.path().join("agent.sock"),
                mode: 0o600,
                group: None,
            },
            danger_virtual_token_socket: Some(virtual_tokens(folder.path())),
            policy,
            ..defaults
        };
        let agent = Agent::start(&settings).unwrap();
        tokio::spawn(async move { agent.serve_local(CancellationToken::new()).await.unwrap() });
        let desk = Self { folder };
        desk.file("pin", PIN);
        desk
    }

    /// With one key of this kind.
    pub(crate) async fn with(profile: Profile) -> (Self, Arc<Device>) {
        let desk = Self::empty(Policy::default()).await;
        let device = desk.plug("KS-1", profile).await;
        (desk, device)
    }

    /// With one key of this kind that has a PIN.
    pub(crate) async fn with_pin(profile: Profile) -> (Self, Arc<Device>) {
        let (desk, device) = Self::with(profile).await;
        desk.done("set-pin --new-pin-file FOLDER/pin").await;
        (desk, device)
    }

    /// Plugs a key in that is touched whenever it asks; it is read once this is over.
    pub(crate) async fn plug(&self, serial: &str, profile: Profile) -> Arc<Device> {
        let before = self.tokens().await;
        let device = plug(self.folder.path(), serial, profile);
        let deadline = Instant::now() + SOON;
        while self.tokens().await <= before {
            assert!(Instant::now() < deadline, "the key {serial} is not seen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        device
    }

    /// How many keys are plugged in and read.
    async fn tokens(&self) -> usize {
        let typed = self.run(&["token", "list"]).await;
        let tokens = typed.told["tokens"].as_array().cloned().unwrap_or_default();
        let is_read = |token: &&Value| token["applets"].as_array().is_some_and(|a| !a.is_empty());
        tokens.iter().filter(is_read).count()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Types `token fido WORDS`, where FOLDER is this desk's.
    pub(crate) async fn types(&self, words: &str) -> Typed {
        let folder = self.folder.path().display().to_string();
        let words = words.replace("FOLDER", &folder);
        let mut typed = vec!["token", "fido"];
        typed.extend(words.split_whitespace());
        self.run(&typed).await
    }

    /// The same, with the PIN from its file.
    pub(crate) async fn types_with_pin(&self, words: &str) -> Typed {
        self.types(&format!("{words} --pin-file FOLDER/pin")).await
    }

    /// The same; it must succeed.
    pub(crate) async fn done(&self, words: &str) -> Value {
        let typed = self.types(words).await;
        assert_eq!(typed.code, Some(0), "{words}: {typed:?}");
        typed.told
    }

    pub(crate) async fn done_with_pin(&self, words: &str) -> Value {
        self.done(&format!("{words} --pin-file FOLDER/pin")).await
    }

    /// A credential's id.
    pub(crate) async fn made(&self, options: &str) -> String {
        let words = format!("make --rp-id {RP} --user-name alice {options}");
        let made = self.done_with_pin(&words).await;
        made["credential_id"].as_str().unwrap().to_owned()
    }

    async fn run(&self, words: &[&str]) -> Typed {
        let child = Command::new(env!("CARGO_BIN_EXE_keysteward"))
            .arg("--agent")
            .arg(self.path("agent.sock"))
            .args(["--output", "json"])
            .args(words)
            .env_clear()
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(SOON * 2, child)
            .await
            .unwrap()
            .unwrap();
        Typed {
            told: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            said: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }
}

impl Typed {
    /// It was refused, for this reason.
    pub(crate) fn refused(&self, code: i32, reason: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.said.contains(reason), "{reason}: {}", self.said);
        assert_eq!(self.told, Value::Null);
    }
}

fn virtual_tokens(folder: &Path) -> PathBuf {
    folder.join("tokens.sock")
}

fn plug(folder: &Path, serial: &str, profile: Profile) -> Arc<Device> {
    static MANUFACTURER: OnceLock<Manufacturer> = OnceLock::new();
    let order = Order {
        serial: Some(serial.to_owned()),
        enterprise_rp_ids: vec![RP.to_owned()],
        profile,
        ..Order::default()
    };
    let (mut storage, mut crypto) = (MemoryStorage::new(), RustCrypto(OsRng));
    MANUFACTURER
        .get_or_init(|| Manufacturer::found().unwrap())
        .make(&order, &mut crypto)
        .unwrap()
        .burn_in(&mut storage, &mut crypto)
        .unwrap();
    let device = Device::new(TouchPolicy::Always);
    let (powered, linked) = (Arc::clone(&device), Arc::clone(&device));
    thread::spawn(move || {
        let authenticator = Authenticator::new(storage, RustCrypto(OsRng)).unwrap();
        powered.run(&mut SecurityKey::new(authenticator));
    });
    let path = virtual_tokens(folder);
    let identity = Identity {
        name: serial.to_owned(),
        vendor_id: 0x1234,
        product_id: 1,
        manufacturer: "Keysteward".to_owned(),
        product: "Virtual Key".to_owned(),
        serial: Some(serial.to_owned()),
    };
    thread::spawn(move || socket::run(&linked, &identity, &path));
    device.plug();
    device
}
