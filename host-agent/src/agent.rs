//! The agent as a whole: what is started, what is served, how it stops.

use std::{sync::Arc, time::Duration};

use keysteward_proto::agent::v1::{
    HostFacts, cards_server::CardsServer, fido_server::FidoServer, host_server::HostServer,
    journal_server::JournalServer, tokens_server::TokensServer,
};
use rand::{RngCore as _, rngs::OsRng};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

#[cfg(unix)]
use crate::settings::LocalSocket;
use crate::{
    clock,
    journal::{Journal, JournalError},
    rpc::{self, host::HostService, journal::JournalService, lease::Leases, tokens::TokensService},
    settings::Settings,
    token::{self, Inventory},
    transport::{TransportStartError, Transports},
    uplink_state::UplinkState,
    verb::{Steps, settle_without_token},
};

/// A running agent: journal open, links watched, a thread for each token.
#[derive(Debug)]
pub struct Agent {
    #[cfg(unix)]
    local_socket: LocalSocket,
    inventory: Arc<Inventory>,
    routes: Routes,
    uplink: UplinkState,
    transports: Transports,
    stopping: CancellationToken,
}

/// Why the agent does not run. Nothing of it does.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal could not be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A transport could not be started.
    #[error(transparent)]
    Transport(#[from] TransportStartError),
}

/// Why the agent does not serve callers on this machine.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket of `local_socket` could not be made.
    #[error("cannot listen on {path} (local_socket.path)")]
    Listen {
        /// `local_socket.path`
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// `local_socket.group` names no group.
    #[error("local_socket.group: found {group:?}, allowed: a group of this machine")]
    NoGroup {
        /// The name.
        group: String,
    },
    /// Serving ended with an error.
    #[error("serving the local socket failed")]
    Serve(#[from] tonic::transport::Error),
}

impl Agent {
    /// Opens the journal, watches the links, and starts a thread for each token.
    pub fn start(settings: &Settings) -> Result<Self, StartError> {
        let journal = Journal::open(&settings.state_dir)?;
        settle_without_token(&journal)?;
        let policy = Arc::new(settings.policy.clone());
        let inventory = Inventory::new(&mut OsRng);
        let steps = Steps {
            journal: Arc::clone(&journal),
            policy: Arc::clone(&policy),
        };
        let uplink = UplinkState::new(Arc::clone(&journal));
        let mut boot_id = [0; 16];
        OsRng.fill_bytes(&mut boot_id);
        let stopping = CancellationToken::new();
        let leases = Leases {
            steps: steps.clone(),
            inventory: Arc::clone(&inventory),
            stopping: stopping.clone(),
            idle: settings.lease_idle,
        };
        let routes = Routes::new(HostServer::new(HostService {
            journal: Arc::clone(&journal),
            inventory: Arc::clone(&inventory),
            uplink: uplink.clone(),
            policy,
            boot_id: hex::encode(boot_id).into(),
            started_at_us: clock::now_us(),
        }))
        .add_service(TokensServer::new(TokensService {
            inventory: Arc::clone(&inventory),
            stopping: stopping.clone(),
        }))
        .add_service(JournalServer::new(JournalService {
            journal,
            has_server: settings.server.is_some(),
        }))
        .add_service(FidoServer::new(leases.clone()))
        .add_service(CardsServer::new(leases))
        .prepare();
        let listener = token::watch(Arc::clone(&inventory), Arc::new(steps));
        let transports = Transports::start(settings, &listener)?;
        Ok(Self {
            #[cfg(unix)]
            local_socket: settings.local_socket.clone(),
            inventory,
            routes,
            uplink,
            transports,
            stopping,
        })
    }

    /// Every service, for the local socket and for the uplink alike.
    #[must_use]
    pub fn routes(&self) -> Routes {
        self.routes.clone()
    }

    /// Where the uplink writes how it stands.
    #[must_use]
    pub fn uplink_state(&self) -> UplinkState {
        self.uplink.clone()
    }

    /// What this machine is, for enrolment.
    #[must_use]
    pub fn host_facts() -> HostFacts {
        rpc::host::facts()
    }

    /// The tokens of this host.
    #[must_use]
    pub fn inventory(&self) -> Arc<Inventory> {
        Arc::clone(&self.inventory)
    }

    /// Serves callers on this machine until `shutdown`.
    #[cfg(unix)]
    pub async fn serve_local(&self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let served = crate::local::serve(&self.local_socket, self.routes(), shutdown.clone());
        let stopping = async {
            shutdown.cancelled().await;
            // Watchers and idle leases would go on for ever.
            self.stopping.cancel();
            std::future::pending().await
        };
        tokio::select! {
            served = served => served,
            never = stopping => never,
        }
    }

    /// Callers on this machine are served on Unix alone: waits for `shutdown`.
    #[cfg(not(unix))]
    pub async fn serve_local(&self, shutdown: CancellationToken) -> Result<(), ServeError> {
        shutdown.cancelled().await;
        self.stopping.cancel();
        Ok(())
    }

    /// Lets go of every token: those that are busy finish what they do, and the journal has it.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        drop(self.transports);
        let tokens = self.inventory.list();
        futures::future::join_all(tokens.iter().map(async |token| {
            // Waits for the step that runs, if one does; nobody gets the token after it.
            let lease = token.lease(SHUTDOWN_PATIENCE).await;
            self.inventory.remove(token);
            drop(lease);
        }))
        .await;
    }
}

/// How long a step may go on while the agent is being stopped.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);
