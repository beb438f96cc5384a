//! Why a call to an agent has no answer.

use keysteward_proto::agent::v1::StepError;
use tonic::{Code, Status};

use super::channel::ChannelError;

/// Whether a request had left this server when its link was lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// It cannot have reached the agent.
    No,
    /// It reached the agent.
    Yes,
    /// It may have.
    Unknown,
}

/// Why a call to an agent has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The host has no link now.
    #[error("the host is not linked")]
    NotLinked,
    /// The agent did not do the step, and says why.
    #[error("{}", .0.message)]
    Refused(Box<StepError>),
    /// The agent does not take the call at all.
    #[error("the agent answered {}: {}", .0.code(), .0.message())]
    Rejected(Box<Status>),
    /// The link went away. What changes something is never simply tried again:
    /// the agent's journal knows what became of it.
    #[error("the link to the host was lost")]
    LinkLost {
        /// Whether the request had left.
        request_was_sent: Sent,
    },
    /// The answer did not come in time; the agent may still be at work.
    #[error("the host did not answer in time")]
    DeadlineExceeded,
    /// The agent's answer lacks what it must have.
    #[error("the agent's answer is malformed: {0}")]
    Malformed(&'static str),
}

impl CallError {
    /// Of a status that a generated client gave: ours when the transport failed,
    /// the agent's otherwise.
    pub(super) fn of(status: Status) -> Self {
        match transport(&status) {
            Some(error) => Self::LinkLost {
                request_was_sent: error.sent,
            },
            None if status.code() == Code::DeadlineExceeded => Self::DeadlineExceeded,
            None => Self::Rejected(Box::new(status)),
        }
    }
}

fn transport(status: &Status) -> Option<&ChannelError> {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        source = error.source();
    }
    None
}
