//! One uplink, from this end: the calls that can be made on it.
//!
//! | module | does |
//! |---|---|
//! | [`Link`] | the calls |
//! | `lease` `card_lease` | a step on a token, on a card |
//! | `life` | greeting, HTTP/2, Hello, the token watch, the end |
//! | `inline` | one task for all of it |
//! | `channel`, [`CallError`] | what a lost link looks like |

mod card_lease;
mod channel;
mod error;
mod inline;
mod lease;
pub(super) mod life;
mod watch;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use http::Uri;
use keysteward_proto::agent::v1::{
    AcknowledgeRequest, AuditCheckpoint, GetHealthRequest, GetHealthResponse, GetOutcomeRequest,
    HelloRequest, HelloResponse, ListOutcomesRequest, Outcome, StepKey, host_client::HostClient,
    journal_client::JournalClient,
};
use tokio::{sync::Notify, time::timeout};
use tonic::{Request, Response, Status};

use self::channel::Channel;
pub use self::error::{CallError, Sent};
use crate::store::{HostId, ServerId};

/// A handle on one live uplink; clones share it. Holding it does not keep the
/// link alive: calls on one that is gone say [`CallError::LinkLost`].
#[derive(Clone)]
pub struct Link(Arc<Inner>);

/// Small: there is one for each of ten thousand idle hosts.
struct Inner {
    host: HostId,
    epoch: u64,
    boot_id: Box<str>,
    agent_version: Box<str>,
    capabilities: Box<[Box<str>]>,
    forbidden_verbs: Box<[Box<str>]>,
    channel: Channel,
    close: Notify,
}

impl Link {
    fn new(host: HostId, channel: Channel, hello: &HelloResponse) -> Self {
        let boxed = |words: &[String]| words.iter().map(|word| word.as_str().into()).collect();
        Self(Arc::new(Inner {
            host,
            epoch: hello.link_epoch,
            boot_id: hello.boot_id.as_str().into(),
            agent_version: hello.agent_version.as_str().into(),
            capabilities: boxed(&hello.capabilities),
            forbidden_verbs: boxed(&hello.forbidden_verbs),
            channel,
            close: Notify::new(),
        }))
    }

    /// Whose it is.
    #[must_use]
    pub fn host(&self) -> HostId {
        self.0.host
    }

    /// Which of the host's uplinks: it grows with each.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The agent's version.
    #[must_use]
    pub fn agent_version(&self) -> &str {
        &self.0.agent_version
    }

    /// Whether the agent can do what `capability` names: "fido.reset".
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        self.0.capabilities.iter().any(|able| **able == *capability)
    }

    /// Whether the host's own settings forbid `verb`.
    #[must_use]
    pub fn forbids(&self, verb: &str) -> bool {
        self.0
            .forbidden_verbs
            .iter()
            .any(|forbidden| **forbidden == *verb)
    }

    /// Whether it is gone for certain; `false` may be out of date at once.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.channel.0.is_closed()
    }

    /// What became of one attempt of a step. NOT_FOUND is an answer: it never
    /// started there.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn outcome(&self, key: StepKey) -> Result<Outcome, CallError> {
        let request = GetOutcomeRequest { key: Some(key) };
        self.call(ANSWER, async |channel| {
            journal(channel).get_outcome(within(ANSWER, request)).await
        })
        .await
    }

    /// Every outcome that was not acknowledged, settled or not.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn unacknowledged(&self) -> Result<Vec<Outcome>, CallError> {
        let request = ListOutcomesRequest { all: false };
        let answer = self
            .call(ANSWER, async |channel| {
                journal(channel)
                    .list_outcomes(within(ANSWER, request))
                    .await
            })
            .await?;
        Ok(answer.outcomes)
    }

    /// These outcomes are in the store: the agent may forget them.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn acknowledge(&self, keys: Vec<StepKey>) -> Result<(), CallError> {
        let request = AcknowledgeRequest { keys };
        self.call(ANSWER, async |channel| {
            journal(channel).acknowledge(within(ANSWER, request)).await
        })
        .await?;
        Ok(())
    }

    /// How the agent is.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn health(&self) -> Result<GetHealthResponse, CallError> {
        self.call(ANSWER, async |channel| {
            host(channel)
                .get_health(within(ANSWER, GetHealthRequest {}))
                .await
        })
        .await
    }

    /// Gives the agent a checkpoint of the audit to keep as a witness.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn witness(
        &self,
        server: ServerId,
        newest: crate::audit::Checkpoint,
    ) -> Result<(), CallError> {
        let hello = hello(server, Some(newest));
        say_hello(self.0.channel.clone(), ANSWER, hello)
            .await
            .map(drop)
    }

    /// Ends it now; calls under way are lost, not what they started.
    pub(super) fn close(&self) {
        self.0.close.notify_one();
    }

    /// Whether both handles are on the same uplink.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn boot_id(&self) -> &str {
        &self.0.boot_id
    }

    /// Whether an agent is at the other end, found out by asking it.
    pub(super) async fn answers_within(&self, limit: Duration) -> bool {
        let asked = self
            .call(limit, async |channel| {
                host(channel)
                    .get_health(within(limit, GetHealthRequest {}))
                    .await
            })
            .await;
        // Any answer is one.
        matches!(asked, Ok(_) | Err(CallError::Rejected(_)))
    }

    async fn call<T>(
        &self,
        limit: Duration,
        call: impl AsyncFnOnce(Channel) -> Result<Response<T>, Status>,
    ) -> Result<T, CallError> {
        bounded(limit, call(self.0.channel.clone())).await
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("host", &self.0.host)
            .field("epoch", &self.0.epoch)
            .finish_non_exhaustive()
    }
}

/// What this server says of itself.
fn hello(server: ServerId, newest: Option<crate::audit::Checkpoint>) -> HelloRequest {
    HelloRequest {
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        server_id: server.to_string(),
        checkpoint: newest.map(|newest| checkpoint(server, newest)),
    }
}

async fn say_hello(
    channel: Channel,
    limit: Duration,
    request: HelloRequest,
) -> Result<HelloResponse, CallError> {
    bounded(limit, host(channel).hello(within(limit, request))).await
}

/// The agent ends a call at its deadline; this end does not rely on it.
async fn bounded<T>(
    limit: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, CallError> {
    timeout(limit, call)
        .await
        .map_err(|_| CallError::DeadlineExceeded)?
        .map(Response::into_inner)
        .map_err(CallError::of)
}

fn within<T>(limit: Duration, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(limit);
    request
}

fn host(channel: Channel) -> HostClient<Channel> {
    HostClient::with_origin(channel, Uri::from_static(ORIGIN))
}

fn journal(channel: Channel) -> JournalClient<Channel> {
    JournalClient::with_origin(channel, Uri::from_static(ORIGIN))
}

/// A checkpoint as agents keep it: one for each server that they ever had.
fn checkpoint(server: ServerId, checkpoint: crate::audit::Checkpoint) -> AuditCheckpoint {
    AuditCheckpoint {
        stream: server.to_string(),
        sequence: checkpoint.seq,
        hash: checkpoint.hash.to_vec(),
        signed_at_us: checkpoint.signed_at_us,
        signature: checkpoint.signature.to_vec(),
        public_key: checkpoint.public_key.to_vec(),
    }
}

const ANSWER: Duration = Duration::from_secs(15);
/// HTTP/2 wants an authority; nobody looks it up.
const ORIGIN: &str = "https://agent.keysteward.internal";
