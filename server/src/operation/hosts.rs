//! The hosts, as operations see them: what is plugged in where, steps on
//! tokens, journals. The fleet in a server, a script in a test.

use std::sync::Arc;

use async_trait::async_trait;
use keysteward_proto::agent::v1::{Outcome, Progress, Step, StepError, StepKey, StepResult, Token};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{audit::Checkpoint, store::HostId};

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
    fn subscribe(&self) -> broadcast::Receiver<HostEvent>;

    /// Does a step on a token.
    async fn step(&self, host: HostId, request: StepRequest) -> Result<StepResult, CallError>;

    /// What became of an attempt, by the host's journal.
    async fn outcome(&self, host: HostId, key: StepKey) -> Result<Outcome, CallError>;

    /// These outcomes are stored; the host may forget them.
    async fn acknowledge(&self, host: HostId, keys: Vec<StepKey>) -> Result<(), CallError>;

    /// Gives the host a checkpoint to keep.
    async fn witness(&self, host: HostId, checkpoint: Checkpoint) -> Result<(), CallError>;
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

/// A token that is plugged in now.
#[derive(Clone, Debug)]
pub struct PresentToken {
    /// Where.
    pub host: HostId,
    /// As the agent describes it.
    pub token: Token,
}

/// What happens at the hosts. Who falls behind reads [`Hosts::present`] again.
#[derive(Clone, Debug)]
pub enum HostEvent {
    /// Its link is up; its tokens follow.
    Up(HostId),
    /// Its link is gone, and every token there with it.
    Down(HostId),
    /// A token was plugged in, or what is known of it changed.
    Seen(HostId, Arc<Token>),
    /// A token was unplugged.
    Gone(HostId, String),
    /// What its journal holds that was not acknowledged; told after each link,
    /// even when it is nothing.
    Unacknowledged(HostId, Arc<[Outcome]>),
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
