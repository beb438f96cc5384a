//! The hosts, as operations see them: what is plugged in where, steps on
//! tokens, journals. The fleet in a server, a script in a test.

use async_trait::async_trait;
use keysteward_proto::agent::v1::{
    AdminAnswer, AdminChallenge, CardStep, Outcome, Progress, Step, StepError, StepKey, StepResult,
};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::Checkpoint,
    fleet::{self, Fleet, FleetEvent, PresentToken, Sent},
    key_store::AdminKey,
    store::{HostId, ServerId},
};

/// The hosts.
#[async_trait]
pub trait Hosts: Send + Sync + 'static {
    /// Whether a call to `host` can leave now.
    fn is_linked(&self, host: HostId) -> bool;

    /// Hosts that are linked now.
    fn linked(&self) -> Vec<HostId>;

    /// Every token that is plugged in at a linked host.
    fn present(&self) -> Vec<PresentToken>;

    /// What happens from now on.
    fn subscribe(&self) -> broadcast::Receiver<FleetEvent>;

    /// Does a step on a token.
    async fn step(&self, host: HostId, request: StepRequest) -> Result<StepResult, CallError>;

    /// Does a step on a card.
    async fn card(&self, host: HostId, request: CardRequest) -> Result<StepResult, CallError>;

    /// What became of an attempt, by the host's journal.
    async fn outcome(&self, host: HostId, key: StepKey) -> Result<Outcome, CallError>;

    /// Every outcome that was not acknowledged.
    async fn unacknowledged(&self, host: HostId) -> Result<Vec<Outcome>, CallError>;

    /// These outcomes are stored; the host may forget them.
    async fn acknowledge(&self, host: HostId, keys: Vec<StepKey>) -> Result<(), CallError>;

    /// Gives the host a checkpoint to keep.
    async fn witness(
        &self,
        host: HostId,
        server: ServerId,
        checkpoint: &Checkpoint,
    ) -> Result<(), CallError>;
}

/// A step for a token.
#[derive(Debug)]
pub struct StepRequest {
    /// Which token, from plug-in to unplug.
    pub presence_id: String,
    /// For the person at the host.
    pub purpose: String,
    /// What to do.
    pub step: Step,
    /// What happens meanwhile; what nobody takes off in time is lost.
    pub on_progress: mpsc::Sender<Progress>,
    /// Tells the token to give up; the step still ends by itself.
    pub cancelled: CancellationToken,
}

/// A step for a card.
#[derive(Debug)]
pub struct CardRequest {
    /// Which card, from the reader to the pocket.
    pub presence_id: String,
    /// For the person at the host.
    pub purpose: String,
    /// What to do.
    pub step: CardStep,
    /// What answers for the admin key.
    pub keys: AdminKeys,
    /// What happens meanwhile; what nobody takes off in time is lost.
    pub on_progress: mpsc::Sender<Progress>,
    /// Gives up between two commands to the card; the step still ends by itself.
    pub cancelled: CancellationToken,
}

/// Admin keys of a card for one step, each under the number by which the step asks
/// for it.
#[derive(Debug, Default)]
pub struct AdminKeys(pub Vec<AdminKey>);

impl AdminKeys {
    /// Two blocks under the key asked for. None for a question that no card asks.
    #[must_use]
    pub fn answer(&self, asked: &AdminChallenge) -> Option<AdminAnswer> {
        let number = usize::try_from(asked.candidate).ok()?;
        let algorithm = asked.algorithm.parse().ok()?;
        let answered = self
            .0
            .get(number)?
            .answer(algorithm, &asked.witness, &asked.challenge)?;
        Some(AdminAnswer {
            witness: answered.witness,
            challenge: answered.challenge,
        })
    }
}

/// Why a call to a host has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The agent did not do the step, and says why.
    #[error("{}", .0.message)]
    Refused(Box<StepError>),
    /// The request did not reach the agent.
    #[error("{0}")]
    NotSent(String),
    /// It may have, and the agent's journal knows what became of it.
    #[error("{0}")]
    Lost(String),
}

impl From<fleet::CallError> for CallError {
    fn from(error: fleet::CallError) -> Self {
        let said = error.to_string();
        match error {
            fleet::CallError::Refused(refused) => Self::Refused(refused),
            fleet::CallError::NotLinked
            | fleet::CallError::LinkLost {
                request_was_sent: Sent::No,
            } => Self::NotSent(said),
            // Everything else may have reached the token.
            _ => Self::Lost(said),
        }
    }
}

#[async_trait]
impl Hosts for Fleet {
    fn is_linked(&self, host: HostId) -> bool {
        self.link(host).is_some()
    }

    fn linked(&self) -> Vec<HostId> {
        self.linked_hosts()
    }

    fn present(&self) -> Vec<PresentToken> {
        Self::present(self)
    }

    fn subscribe(&self) -> broadcast::Receiver<FleetEvent> {
        Self::subscribe(self)
    }

    async fn step(&self, host: HostId, request: StepRequest) -> Result<StepResult, CallError> {
        let link = self.link(host).ok_or(fleet::CallError::NotLinked)?;
        let cancelled = request.cancelled;
        let result = link
            .step_unless(
                &request.presence_id,
                &request.purpose,
                request.step,
                request.on_progress,
                async move { cancelled.cancelled().await },
            )
            .await?;
        Ok(result)
    }

    async fn card(&self, host: HostId, request: CardRequest) -> Result<StepResult, CallError> {
        let link = self.link(host).ok_or(fleet::CallError::NotLinked)?;
        let (keys, cancelled) = (request.keys, request.cancelled);
        let result = link
            .card_step(
                &request.presence_id,
                &request.purpose,
                request.step,
                move |asked| keys.answer(asked),
                request.on_progress,
                async move { cancelled.cancelled().await },
            )
            .await?;
        Ok(result)
    }

    async fn outcome(&self, host: HostId, key: StepKey) -> Result<Outcome, CallError> {
        let link = self.link(host).ok_or(fleet::CallError::NotLinked)?;
        Ok(link.outcome(key).await?)
    }

    async fn unacknowledged(&self, host: HostId) -> Result<Vec<Outcome>, CallError> {
        let link = self.link(host).ok_or(fleet::CallError::NotLinked)?;
        Ok(link.unacknowledged().await?)
    }

    async fn acknowledge(&self, host: HostId, keys: Vec<StepKey>) -> Result<(), CallError> {
        let link = self.link(host).ok_or(fleet::CallError::NotLinked)?;
        Ok(link.acknowledge(keys).await?)
    }

    async fn witness(
        &self,
        host: HostId,
        server: ServerId,
        checkpoint: &Checkpoint,
    ) -> Result<(), CallError> {
        let link = self.link(host).ok_or(fleet::CallError::NotLinked)?;
        Ok(link.witness(server, checkpoint.clone()).await?)
    }
}
