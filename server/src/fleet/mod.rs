//! The uplinks of agents: accept, registry, calls, events.
//!
//! One port. An agent dials it over TLS 1.3; ALPN says whether it wants to
//! enrol or renew (ordinary gRPC), or to be called (the reverse link: the agent
//! is the HTTP/2 server on the connection that it dialled).
//!
//! | module | does |
//! |---|---|
//! | [`authority`] | signs for agents and for the port |
//! | `accept` | handshakes, within limits; ALPN |
//! | `admission` | whether a verified certificate may still be used |
//! | [`enrolment`] | join tokens, enrolment, renewal, approval, revocation |
//! | [`link`] | one uplink: its life, and the calls on it |
//! | `registry` | which hosts are linked, what is plugged in there |
//! | `presence` | writes down when hosts were seen |
//! | `witness` | what agents remember of our audit |
//!
//! Above it, `operation` reads [`FleetEvent`]s and calls [`Link::step`].

mod accept;
mod admission;
pub mod authority;
pub mod enrolment;
pub mod link;
mod presence;
mod registry;
mod settings;
mod witness;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use keysteward_proto::agent::v1::{Outcome, Token};
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    accept::Door,
    authority::{Authority, AuthorityError, PortCertificate},
    presence::Seen,
    registry::Registry,
};
pub use self::{
    accept::TlsError,
    enrolment::{EnrolmentError, NewJoinToken},
    link::{CallError, Link, Sent},
    settings::FleetSettings,
};
use crate::{
    key_store::KeyStore,
    store::{self, Clock, HostId, Micros, Store},
};

/// Every agent of this server. Clones share it.
#[derive(Clone, Debug)]
pub struct Fleet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    settings: FleetSettings,
    authority: Arc<Authority>,
    registry: Registry,
    events: broadcast::Sender<FleetEvent>,
    seen: mpsc::Sender<Seen>,
    /// Until [`Fleet::serve`] takes it.
    to_write_down: Mutex<Option<mpsc::Receiver<Seen>>>,
    /// With which checkpoints of the audit are signed.
    audit_key: [u8; 32],
    witness_disagreed: AtomicBool,
    tasks: TaskTracker,
    closing: CancellationToken,
}

/// What happens at the hosts. Who falls behind misses some, and reads
/// [`Fleet::present`] again.
#[derive(Clone, Debug)]
pub enum FleetEvent {
    /// A host's link is up; its tokens follow.
    HostUp {
        /// Which.
        host: HostId,
    },
    /// It is gone, and every token there with it.
    HostDown {
        /// Which.
        host: HostId,
    },
    /// A token was plugged in, or what is known of it has changed.
    TokenSeen {
        /// Where.
        host: HostId,
        /// As the agent describes it.
        token: Arc<Token>,
    },
    /// A token was unplugged.
    TokenGone {
        /// Where.
        host: HostId,
        /// Which.
        presence_id: String,
    },
    /// After each [`HostUp`](Self::HostUp): what the agent's journal holds that
    /// was not acknowledged. May be nothing, and is told all the same: then the
    /// host is reconciled.
    Unacknowledged {
        /// Where.
        host: HostId,
        /// Settled or not.
        outcomes: Arc<[Outcome]>,
    },
}

/// A token that is plugged in now.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentToken {
    /// Where.
    pub host: HostId,
    /// As the agent describes it.
    pub token: Token,
}

/// An agent whose link was refused because another with the same identity lives:
/// a cloned disk, or a stolen one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Duplicate {
    /// The identity that both claim.
    pub host: HostId,
    /// The refused agent's process.
    pub boot_id: String,
    /// What the refused machine calls itself.
    pub hostname: String,
    /// Where it dialled from.
    pub address: SocketAddr,
    /// When it last tried.
    pub seen_at: Micros,
}

/// Why there is no fleet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// There is no certification authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The agent port has no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// [`Fleet::serve`] was called before.
    #[error("the fleet is served already")]
    Served,
}

impl Fleet {
    /// Opens the certification authority (making it at the first start). Nothing
    /// listens yet.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn open(
        store: Store,
        key_store: &KeyStore,
        clock: Clock,
        settings: FleetSettings,
    ) -> Result<Self, FleetError> {
        let mut tx = store.write().await?;
        let server = store::server::ensure(&mut tx, clock.now()).await?;
        tx.commit().await?;
        let authority = Authority::open(&store, key_store, server.id, clock.now()).await?;
        let (seen, to_write_down) = mpsc::channel(QUEUE);
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            settings,
            authority: Arc::new(authority),
            registry: Registry::default(),
            events: broadcast::Sender::new(EVENTS),
            seen,
            to_write_down: Mutex::new(Some(to_write_down)),
            audit_key: key_store.signing_key().verifying_key().to_bytes(),
            witness_disagreed: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        })))
    }

    /// Serves agents on `listener` until `shutdown`; then every link is closed.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), FleetError> {
        let fleet = &self.0;
        let to_write_down = fleet
            .to_write_down
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or(FleetError::Served)?;
        let port = PortCertificate::new(fleet.authority.clone(), fleet.clock.clone())?;
        let door = Door::new(fleet, &Arc::new(port))?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let writer = tokio::spawn(presence::write_down(
            fleet.store.clone(),
            to_write_down,
            stopped,
        ));
        tokio::select! {
            () = door.open(fleet.clone(), listener) => {}
            () = shutdown.cancelled() => {}
        }
        fleet.closing.cancel();
        fleet.tasks.close();
        fleet.tasks.wait().await;
        drop(stop);
        // A panic there was logged by the runtime; there is nothing to undo.
        let _ = writer.await;
        Ok(())
    }

    /// The live link of a host.
    #[must_use]
    pub fn link(&self, host: HostId) -> Option<Link> {
        self.0.registry.link(host)
    }

    /// Every live link.
    #[must_use]
    pub fn links(&self) -> Vec<Link> {
        self.0.registry.links()
    }

    /// Hosts that are linked now.
    #[must_use]
    pub fn linked_hosts(&self) -> Vec<HostId> {
        self.0.registry.hosts()
    }

    /// How many are.
    #[must_use]
    pub fn linked(&self) -> usize {
        self.0.registry.len()
    }

    /// Every token that is plugged in at a linked host.
    #[must_use]
    pub fn present(&self) -> Vec<PresentToken> {
        self.0.registry.present()
    }

    /// Tokens that are plugged in at `host`.
    #[must_use]
    pub fn tokens(&self, host: HostId) -> Vec<Token> {
        self.0.registry.tokens(host)
    }

    /// Agents that were refused because another with their identity lives.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Duplicate> {
        self.0.registry.duplicates()
    }

    /// The one with the identity of `host`.
    #[must_use]
    pub fn duplicate_of(&self, host: HostId) -> Option<Duplicate> {
        self.0.registry.duplicate_of(host)
    }

    /// What happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<FleetEvent> {
        self.0.events.subscribe()
    }

    /// Closes a host's link, if there is one. An agent that may will come back.
    pub fn close(&self, host: HostId) {
        if let Some(link) = self.link(host) {
            link.close();
        }
    }

    /// A certificate of ours for another port of this server, known by these DNS names and
    /// addresses.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn certificate_for(&self, names: Vec<String>) -> Result<PortCertificate, AuthorityError> {
        PortCertificate::for_names(self.0.authority.clone(), self.0.clock.clone(), names)
    }

    /// The certification authority.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.0.authority
    }
}

impl Inner {
    /// A task that ends when the fleet does.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = closing.cancelled() => {}
            }
        });
    }

    fn tell(&self, event: FleetEvent) {
        // An error says that nobody listens.
        let _ = self.events.send(event);
    }
}

const EVENTS: usize = 4096;
const QUEUE: usize = 4096;
