//! A host, with an agent in this process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use keysteward_agent::{
    agent::Agent,
    journal::Journal,
    settings::{LocalSocket, Policy, Settings},
};
use tempfile::TempDir;
use tokio::{net::UnixStream, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Caller, Key, Lease, until, until_async};

/// A host with an agent in this process.
pub(crate) struct Host {
    pub(crate) folder: TempDir,
    settings: Settings,
    agent: Arc<Agent>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with_policy(Policy::default()).await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), policy);
        Self::start(folder, settings).await
    }

    async fn start(folder: TempDir, settings: Settings) -> Self {
        let agent = Arc::new(Agent::start(&settings).unwrap());
        let stop = CancellationToken::new();
        let (serving, until) = (Arc::clone(&agent), stop.clone());
        let served = tokio::spawn(async move { serving.serve_local(until).await.unwrap() });
        let socket = settings.local_socket.path.clone();
        until_async("the agent listens", async || {
            UnixStream::connect(&socket).await.is_ok()
        })
        .await;
        Self {
            folder,
            settings,
            agent,
            stop,
            served,
        }
    }

    /// A key with the serial number KS-1 and a PIN, plugged in here.
    pub(crate) async fn key(&self) -> Key {
        let key = Key::new(self.folder.path(), Some("KS-1"));
        let mut lease = self.lease().await;
        lease.set_pin("setup").await;
        key
    }

    pub(crate) async fn caller(&self) -> Caller {
        Caller::connect(&self.settings.local_socket.path).await
    }

    /// A lease on the only token.
    pub(crate) async fn lease(&self) -> Lease {
        self.caller().await.lease().await
    }

    /// Pulls a key out, and plugs it in once the agent has noticed.
    pub(crate) async fn replug(&self, key: &Key) {
        let caller = self.caller().await;
        let before = caller.list().await.len();
        key.device.unplug();
        until_async("the key is gone", async || {
            caller.list().await.len() < before
        })
        .await;
        key.device.plug();
    }

    /// The service is stopped in order, and started anew on the same disk.
    pub(crate) async fn restart(self) -> Self {
        let policy = self.settings.policy.clone();
        self.restart_with(policy).await
    }

    pub(crate) async fn restart_with(self, policy: Policy) -> Self {
        let Self {
            folder,
            settings,
            agent,
            stop,
            served,
        } = self;
        let settings = Settings { policy, ..settings };
        stop.cancel();
        served.await.unwrap();
        Arc::into_inner(agent).unwrap().shutdown().await;
        until("the journal is free", || {
            Journal::open(&settings.state_dir).is_ok()
        })
        .await;
        Self::start(folder, settings).await
    }
}

fn settings(folder: &Path, policy: Policy) -> Settings {
    let defaults = Settings::parse("").unwrap();
    Settings {
        state_dir: folder.join("state"),
        local_socket: LocalSocket {
            path: folder.join("agent.sock"),
            mode: 0o600,
            group: None,
        },
        danger_virtual_token_socket: Some(virtual_tokens(folder)),
        policy,
        ..defaults
    }
}

pub(super) fn virtual_tokens(folder: &Path) -> PathBuf {
    folder.join("tokens.sock")
}
