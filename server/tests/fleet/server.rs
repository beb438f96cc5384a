//! A server's fleet on a port of its own, and what a test asks of it.

use std::{net::SocketAddr, time::Duration};

use keysteward_agent::{
    agent::Agent,
    settings::ServerAddress,
    uplink::{
        enrol::{EnrolError, Enrolled, enrol},
        identity::{Directory, Identity},
    },
};
use keysteward_proto::join_token::JoinToken;
use keysteward_server::{
    fleet::{Fleet, FleetEvent, FleetSettings, Link, NewJoinToken},
    key_store::KeyStore,
    store::{self, Clock, HostId, JoinTokenId, Page, Store, host::Host},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::broadcast, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

pub(crate) const OPERATOR: &str = "api-key:test";
/// Nothing on loopback takes this long, whatever else the machine does.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) fleet: Fleet,
    pub(crate) store: Store,
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
    shutdown: CancellationToken,
    directory: TempDir,
}

impl Server {
    pub(crate) async fn start(settings: FleetSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        KeyStore::create(&directory.path().join("master-key")).unwrap();
        Self::on(directory, settings).await
    }

    /// Starts on data that is there already.
    pub(crate) async fn reopen(directory: TempDir) -> Self {
        Self::on(directory, FleetSettings::default()).await
    }

    async fn on(directory: TempDir, settings: FleetSettings) -> Self {
        let store = Store::open(&directory.path().join("db")).await.unwrap();
        let key_store = KeyStore::load(&directory.path().join("master-key")).unwrap();
        let fleet = Fleet::open(store.clone(), &key_store, Clock::system(), settings)
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn({
            let (fleet, shutdown) = (fleet.clone(), shutdown.clone());
            async move { fleet.serve(listener, shutdown).await.unwrap() }
        });
        Self {
            fleet,
            store,
            address,
            serving,
            shutdown,
            directory,
        }
    }

    /// Stops, and starts again on the same data, on another port.
    pub(crate) async fn restart(self, settings: FleetSettings) -> Self {
        let directory = self.stop().await;
        Self::on(directory, settings).await
    }

    pub(crate) async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        self.serving.await.unwrap();
        self.store.close().await;
        self.directory
    }

    /// Signs checkpoints of the audit.
    pub(crate) fn audit_key(&self) -> ed25519_dalek::SigningKey {
        let path = self.directory.path().join("master-key");
        KeyStore::load(&path).unwrap().signing_key().clone()
    }

    pub(crate) fn address(&self) -> ServerAddress {
        address(self.address)
    }

    pub(crate) async fn join_token(&self, new: NewJoinToken) -> (JoinTokenId, JoinToken) {
        let (row, text) = self.fleet.create_join_token(OPERATOR, new).await.unwrap();
        (row.id, JoinToken::parse(&text).unwrap())
    }

    /// A machine that has enrolled.
    pub(crate) async fn machine(&self) -> Machine {
        let (_, token) = self.join_token(NewJoinToken::default()).await;
        let machine = Machine::new();
        match machine.enrol(self, &token).await.unwrap() {
            Enrolled::Now(_) => machine,
            Enrolled::ApprovalPending { .. } => panic!("nothing needs approval here"),
        }
    }

    pub(crate) async fn host(&self, id: HostId) -> Host {
        let mut read = self.store.read().await.unwrap();
        store::host::get(&mut read, id).await.unwrap().unwrap()
    }

    pub(crate) async fn hosts(&self) -> Vec<Host> {
        let mut read = self.store.read().await.unwrap();
        store::host::list(&mut read, &store::host::Filter::default(), Page::first(100))
            .await
            .unwrap()
            .rows
    }

    /// Verbs and outcomes in the audit, in order.
    pub(crate) async fn audited(&self) -> Vec<(String, String)> {
        let mut read = self.store.read().await.unwrap();
        store::audit::list(
            &mut read,
            &store::audit::Filter::default(),
            Page::first(1000),
        )
        .await
        .unwrap()
        .rows
        .into_iter()
        .map(|row| (row.verb, row.outcome.to_string()))
        .collect()
    }

    pub(crate) async fn link(&self, host: HostId) -> Link {
        soon(async || self.fleet.link(host)).await
    }
}

/// Waits until `look` sees something.
pub(crate) async fn soon<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    tokio::time::timeout(SOON, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it did not happen in time")
}

/// The first event that `pick` takes.
pub(crate) async fn event<T>(
    events: &mut broadcast::Receiver<FleetEvent>,
    mut pick: impl FnMut(FleetEvent) -> Option<T>,
) -> T {
    tokio::time::timeout(SOON, async {
        loop {
            if let Some(found) = pick(events.recv().await.unwrap()) {
                return found;
            }
        }
    })
    .await
    .expect("the event did not come in time")
}

pub(crate) fn address(address: SocketAddr) -> ServerAddress {
    address.to_string().parse().unwrap()
}

/// The disk of a client machine.
pub(crate) struct Machine {
    pub(crate) state: TempDir,
    pub(crate) directory: Directory,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let directory = Directory::new(state.path());
        Self { state, directory }
    }

    pub(crate) async fn enrol(
        &self,
        server: &Server,
        token: &JoinToken,
    ) -> Result<Enrolled, EnrolError> {
        self.enrol_at(&server.address(), token).await
    }

    pub(crate) async fn enrol_at(
        &self,
        server: &ServerAddress,
        token: &JoinToken,
    ) -> Result<Enrolled, EnrolError> {
        enrol(&self.directory, server, token, Agent::host_facts(), false).await
    }

    pub(crate) fn identity(&self) -> Identity {
        self.directory.identity().unwrap().unwrap()
    }

    pub(crate) fn host(&self) -> HostId {
        self.identity().host_id.parse().unwrap()
    }
}
