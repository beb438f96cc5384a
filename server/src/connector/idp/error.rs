//! Why a call to an identity provider failed, and what that leaves behind.

use crate::connector::{Outcome, Said};
use std::{fmt, time::Duration};
use thiserror::Error;

/// A failed call.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{call}: {why}")]
pub struct IdpError {
    /// The one request that failed: `ensure_user` makes up to three.
    pub call: Call,
    #[source]
    pub why: Why,
}

/// What was asked of the provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    Check,
    FindUser,
    CreateUser,
    ListAuthenticators,
    AddAuthenticator,
    Suspend,
    Resume,
    Delete,
}

impl Call {
    /// Whether the request, if it arrives, can change anything.
    #[must_use]
    pub const fn changes(self) -> bool {
        match self {
            Self::Check | Self::FindUser | Self::ListAuthenticators => false,
            Self::CreateUser
            | Self::AddAuthenticator
            | Self::Suspend
            | Self::Resume
            | Self::Delete => true,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check => "checking the connection",
            Self::FindUser => "finding the user",
            Self::CreateUser => "creating the user",
            Self::ListAuthenticators => "listing authenticators",
            Self::AddAuthenticator => "adding the authenticator",
            Self::Suspend => "suspending the authenticator",
            Self::Resume => "resuming the authenticator",
            Self::Delete => "deleting the authenticator",
        })
    }
}

/// Why, with the facts. `status` is the HTTP status, `said` the body.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Why {
    // Found before anything was sent.
    #[error("the user has no {field}, which the identity provider needs")]
    UserLacks { field: &'static str },
    #[error("{field} is {found:?}; allowed is {allowed}")]
    Unusable {
        field: &'static str,
        found: String,
        allowed: &'static str,
    },
    /// No connection, or no TLS: the request was not sent.
    #[error("the identity provider cannot be reached: {0}")]
    Unreachable(String),

    // Refused by status.
    #[error("the identity provider calls the request wrong (HTTP {status}); it said {said}")]
    BadRequest { status: u16, said: Said },
    #[error(
        "the identity provider refuses the API key or its permissions (HTTP {status}): check the \
         key, what it may do, and whether importing authenticators is switched on; it said {said}"
    )]
    NotPermitted { status: u16, said: Said },
    #[error("not there (HTTP {status}); the identity provider said {said}")]
    NotFound { status: u16, said: Said },
    #[error("there already (HTTP 409); the identity provider said {said}")]
    Exists { said: Said },
    #[error("a precondition failed (HTTP 412); the identity provider said {said}")]
    PreconditionFailed { said: Said },
    #[error("too many requests (HTTP 429){}", again(*retry_after))]
    TooManyRequests { retry_after: Option<Duration> },

    // Arrived, and nobody knows what became of it.
    #[error("the identity provider gave up waiting (HTTP 408); it said {said}")]
    RequestTimeout { said: Said },
    #[error("the identity provider failed (HTTP {status}); it said {said}")]
    ServerFault { status: u16, said: Said },
    #[error("unexpected HTTP status {status}; the identity provider said {said}")]
    UnexpectedStatus { status: u16, said: Said },
    #[error("no complete answer from the identity provider: {0}")]
    NoAnswer(String),
    #[error("no answer from the identity provider within {} s", .0.as_secs_f32())]
    TooLate(Duration),
    #[error("the answer is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the answer is not {expected}: {found}; it said {said}")]
    Malformed {
        expected: &'static str,
        found: String,
        said: Said,
    },
    #[error("the answer is about something else: {field} is {found:?}, {expected:?} was due")]
    WrongObject {
        field: &'static str,
        expected: String,
        found: String,
    },
    #[error("the list has more than {limit} pages")]
    TooManyPages { limit: usize },
}

impl IdpError {
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        if !self.call.changes() {
            return Outcome::Unchanged;
        }
        match self.why {
            Why::UserLacks { .. }
            | Why::Unusable { .. }
            | Why::Unreachable(_)
            | Why::BadRequest { .. }
            | Why::NotPermitted { .. }
            | Why::NotFound { .. }
            | Why::Exists { .. }
            | Why::PreconditionFailed { .. }
            | Why::TooManyRequests { .. } => Outcome::Unchanged,
            Why::RequestTimeout { .. }
            | Why::ServerFault { .. }
            | Why::UnexpectedStatus { .. }
            | Why::NoAnswer(_)
            | Why::TooLate(_)
            | Why::TooLong { .. }
            | Why::Malformed { .. }
            | Why::WrongObject { .. }
            | Why::TooManyPages { .. } => Outcome::MaybeChanged,
        }
    }

    /// How long the provider wants to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.why {
            Why::TooManyRequests { retry_after } => retry_after,
            _ => None,
        }
    }

    /// Whether the same call can succeed later without anybody changing a
    /// setting, a permission or a user.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self.why {
            Why::Unreachable(_)
            | Why::TooManyRequests { .. }
            | Why::RequestTimeout { .. }
            | Why::ServerFault { .. }
            | Why::NoAnswer(_)
            | Why::TooLate(_)
            // A proxy's page in the place of an answer, a truncated body.
            | Why::TooLong { .. }
            | Why::Malformed { .. }
            | Why::WrongObject { .. } => true,
            Why::UserLacks { .. }
            | Why::Unusable { .. }
            | Why::BadRequest { .. }
            | Why::NotPermitted { .. }
            | Why::NotFound { .. }
            | Why::Exists { .. }
            | Why::PreconditionFailed { .. }
            | Why::UnexpectedStatus { .. }
            | Why::TooManyPages { .. } => false,
        }
    }
}

fn again(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!(": try again in {} s", wait.as_secs_f32().ceil()),
        None => ": try again later".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_never_changes_anything_and_a_lost_change_may_have() {
        let why = Why::NoAnswer("connection closed".to_owned());
        for (call, outcome) in [
            (Call::Check, Outcome::Unchanged),
            (Call::FindUser, Outcome::Unchanged),
            (Call::ListAuthenticators, Outcome::Unchanged),
            (Call::CreateUser, Outcome::MaybeChanged),
            (Call::AddAuthenticator, Outcome::MaybeChanged),
            (Call::Suspend, Outcome::MaybeChanged),
            (Call::Resume, Outcome::MaybeChanged),
            (Call::Delete, Outcome::MaybeChanged),
        ] {
            let error = IdpError {
                call,
                why: why.clone(),
            };
            assert_eq!(error.outcome(), outcome, "{error}");
        }
    }

    #[test]
    fn a_wait_is_rounded_up_in_the_text() {
        let why = Why::TooManyRequests {
            retry_after: Some(Duration::from_millis(1200)),
        };
        assert_eq!(
            why.to_string(),
            "too many requests (HTTP 429): try again in 2 s"
        );
    }
}
