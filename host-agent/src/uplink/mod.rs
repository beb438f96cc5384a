//! The one connection to the central server, dialled from here.
//!
//! The agent dials TLS 1.3 with its client certificate, waits for the server's
//! greeting, and is then the HTTP/2 *server* on that socket: the central server
//! makes its calls through it, and no host listens on a network.
//!
//! | module | does |
//! |---|---|
//! | [`identity`] | key, certificate and roots, and the files they are kept in |
//! | [`enrol`] | becomes known to a server; renews the certificate |
//! | `dial`, `trust` | from an address to a connection whose other end is ours |
//! | [`link`], `deadline` | serves calls on it until it is over |
//! | [`backoff`] | when to dial again; pure |
//! | `call` | the other direction: ordinary calls, for enrolment and renewal |
//!
//! [`Uplink::run`] puts them together and never gives up: a server that is away
//! costs a dial every few minutes, and nothing else of the agent.

pub mod backoff;
mod call;
mod deadline;
mod dial;
pub mod enrol;
pub mod identity;
pub mod link;
mod trust;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use keysteward_proto::uplink::Refusal;
use rand::Rng;
use tokio::time::sleep;
use tonic::service::Routes;
use tracing::{debug, error, info, warn};

pub use self::dial::{DialError, Stream};
use self::{
    backoff::{Backoff, Pace},
    dial::{Purpose, dial},
    identity::{Directory, Identity},
    link::Timing,
};
use crate::{causes::Causes, settings::ServerAddress, uplink_state::UplinkState};

/// What the uplink of one agent works with.
#[derive(Clone, Debug)]
pub struct Uplink {
    /// Where the identity is kept.
    pub directory: Directory,
    /// Where to dial. `None`: where this host enrolled.
    pub server: Option<ServerAddress>,
    /// What the server may call.
    pub routes: Routes,
    /// Where it is told how the uplink stands.
    pub state: UplinkState,
    /// How patient to be.
    pub pace: Pace,
    /// How a link is watched.
    pub timing: Timing,
}

/// Dials the reverse link once: what [`Uplink::run`] serves with [`link::serve`].
///
/// # Errors
/// See [`DialError`].
pub async fn dial_uplink(server: &ServerAddress, identity: &Identity) -> Result<Stream, DialError> {
    dial(server, Purpose::Uplink(identity)).await
}

impl Uplink {
    /// Keeps the link up, and the certificate fresh, for ever. An identity that
    /// is put on the disk meanwhile is taken into use at the next dial.
    ///
    /// Dropping the future cuts the link.
    pub async fn run(self, mut rng: impl Rng) {
        let mut backoff = Backoff::new(self.pace);
        loop {
            let Some(identity) = self.identity().await else {
                sleep(NOT_ENROLLED).await;
                continue;
            };
            self.state.dialling();
            let wait = match self.one_link(identity, &mut rng).await {
                Ok(lived) => backoff.after_link(lived, &mut rng),
                Err(retry_after) => backoff.after_failure(retry_after, &mut rng),
            };
            self.state.dialling();
            debug!(?wait, "dialling again after a while");
            sleep(wait).await;
        }
    }

    async fn identity(&self) -> Option<Identity> {
        match self.directory.identity() {
            Ok(Some(identity)) => Some(identity),
            Ok(None) => None,
            Err(error) => {
                error!(error = %Causes(&error), "this host's identity cannot be used");
                None
            }
        }
    }

    /// How long the link lived; or, when there was none, how long the server
    /// wants not to be dialled.
    async fn one_link(
        &self,
        mut identity: Identity,
        rng: &mut impl Rng,
    ) -> Result<Duration, Option<Duration>> {
        let server = self
            .server
            .clone()
            .unwrap_or_else(|| identity.server.clone());
        if identity.renewal_due() <= Timestamp::now() {
            identity = self.renewed(&server, identity).await;
        }
        self.state
            .certificate_expires(identity.not_after.as_microsecond());
        let stream = match dial_uplink(&server, &identity).await {
            Ok(stream) => stream,
            Err(error) => {
                let retry_after = match &error {
                    DialError::Refused { retry_after, .. } => Some(*retry_after),
                    _ => None,
                };
                match &error {
                    DialError::Refused {
                        refusal: Refusal::Revoked | Refusal::UnknownHost | Refusal::Superseded,
                        ..
                    }
                    | DialError::WrongServer { .. } => {
                        error!(%server, error = %Causes(&error), "not linked");
                    }
                    _ => warn!(%server, error = %Causes(&error), "not linked"),
                }
                return Err(retry_after);
            }
        };
        // On the disk before the server can ask for it.
        match self.state.linked() {
            Ok(epoch) => info!(%server, host = identity.host_id, epoch, "linked"),
            Err(error) => {
                error!(error = %Causes(&error), "the link cannot be counted, so it is not used");
                return Err(None);
            }
        }
        let since = Instant::now();
        let end = tokio::select! {
            end = link::serve(stream, self.routes.clone(), self.timing) => end,
            never = self.keep_fresh(&server, identity, rng) => match never {},
        };
        let lived = since.elapsed();
        match end {
            link::LinkEnd::NeverUsed { .. } => {
                warn!(%server, error = %end, "link dropped");
                Err(None)
            }
            end => {
                info!(%server, ?lived, reason = %end, "link over");
                Ok(lived)
            }
        }
    }

    /// Renews while the link is up. The link itself goes on: what it may do hangs
    /// on the host's state at the server, which closes it when that ends.
    async fn keep_fresh(
        &self,
        server: &ServerAddress,
        mut identity: Identity,
        rng: &mut impl Rng,
    ) -> std::convert::Infallible {
        // Failures are retried often enough for the other half of the life.
        let mut backoff = Backoff::new(Pace {
            base: self.pace.cap / 5,
            cap: self.pace.cap.saturating_mul(12),
            ..self.pace
        });
        loop {
            let due = identity.renewal_due();
            let left = due.duration_since(Timestamp::now());
            match Duration::try_from(left) {
                // Timers of months wake up in between: a suspended laptop's clock jumps.
                Ok(left) if !left.is_zero() => sleep(left.min(LOOK_AGAIN)).await,
                _ => {
                    let before = identity.not_after;
                    identity = self.renewed(server, identity).await;
                    if identity.not_after == before {
                        sleep(backoff.after_failure(None, rng)).await;
                    }
                }
            }
        }
    }

    /// The renewed identity, or the one before where that did not work.
    async fn renewed(&self, server: &ServerAddress, identity: Identity) -> Identity {
        match enrol::renew(&self.directory, server, &identity).await {
            Ok(renewed) => {
                info!(expires = %renewed.not_after, "certificate renewed");
                self.state
                    .certificate_expires(renewed.not_after.as_microsecond());
                renewed
            }
            Err(error) => {
                warn!(error = %Causes(&error), expires = %identity.not_after, "certificate not renewed");
                identity
            }
        }
    }
}

/// How often a host that is not enrolled looks whether it is by now.
const NOT_ENROLLED: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_secs(12 * 3600);
