//! Becoming known to a server, and staying so: enrolment and renewal.
//!
//! Both are safe to repeat: the key is on the disk before the server is asked,
//! and for the same key the server gives the same enrolment.

use std::time::Duration;

use keysteward_proto::{
    agent::v1::HostFacts,
    enrolment::v1::{EnrolRequest, RenewRequest},
    error::v1::ErrorDetail,
    join_token::JoinToken,
};
use prost::Message as _;
use tonic::{Code, Request, Status};

use super::{
    call,
    dial::{DialError, Purpose, dial},
    identity::{Directory, Identity, IdentityError, Key},
};
use crate::settings::ServerAddress;

/// What one request to enrol came to.
#[derive(Debug)]
pub enum Enrolled {
    /// This host has an identity. From [`enrol`], it is on the disk, and in use
    /// from the next dial on.
    Now(Box<Identity>),
    /// An operator has still to approve host `host_id`: ask again.
    ApprovalPending {
        /// Its id at the server.
        host_id: String,
    },
}

/// Why this host is not enrolled, or its certificate not renewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// This host has an enrolment already.
    #[error(
        "this host is already enrolled with {server} as {host_id}: say --replace to enrol it anew"
    )]
    AlreadyEnrolled {
        /// Where.
        server: ServerAddress,
        /// Its id there.
        host_id: String,
    },
    /// No connection; nothing is lost, the same request may be made again.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection was lost before the answer; the same request may be made again.
    #[error("the connection was lost before the answer came: {0}")]
    AnswerLost(String),
    /// The server says no.
    #[error("{message}")]
    Refused {
        /// Stable: JOIN_TOKEN_EXPIRED.
        reason: String,
        /// For people, with what to do.
        message: String,
    },
    /// The identity cannot be made, read or kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl EnrolError {
    /// Whether asking again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dial(error) => !matches!(
                error,
                DialError::WrongServer { .. }
                    | DialError::WrongRoot { .. }
                    | DialError::NotAnAgentPort { .. }
            ),
            Self::AnswerLost(_) => true,
            Self::AlreadyEnrolled { .. } | Self::Refused { .. } | Self::Identity(_) => false,
        }
    }
}

/// Asks once. Call it again with the same arguments while it answers
/// [`Enrolled::ApprovalPending`] or a [transient](EnrolError::is_transient) error.
///
/// # Errors
/// See [`EnrolError`]. An enrolment in use is untouched.
pub async fn enrol(
    directory: &Directory,
    server: &ServerAddress,
    join_token: &JoinToken,
    facts: HostFacts,
    replace: bool,
) -> Result<Enrolled, EnrolError> {
    if !replace && let Some(identity) = directory.identity()? {
        return Err(EnrolError::AlreadyEnrolled {
            server: identity.server,
            host_id: identity.host_id,
        });
    }
    let key = directory.enrolment_key(&join_token.secret_text())?;
    let answer = ask(server, join_token, key, facts).await?;
    if let Enrolled::Now(identity) = &answer {
        directory.keep(identity)?;
    }
    Ok(answer)
}

/// The question alone: for `key`, and with nothing kept.
///
/// # Errors
/// See [`EnrolError`].
pub async fn ask(
    server: &ServerAddress,
    join_token: &JoinToken,
    key: Key,
    facts: HostFacts,
) -> Result<Enrolled, EnrolError> {
    let purpose = Purpose::Enrol {
        root_sha256: join_token.root_sha256(),
    };
    let mut client = call::enrolment(dial(server, purpose).await?)
        .await
        .map_err(|error| EnrolError::AnswerLost(error.to_string()))?;
    let answer = client
        .enrol(within(EnrolRequest {
            join_token: join_token.secret_text().to_string(),
            certificate_request: key.certificate_request()?,
            facts: Some(facts),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        }))
        .await
        .map_err(|status| refusal(&status))?
        .into_inner();
    if answer.approval_pending {
        return Ok(Enrolled::ApprovalPending {
            host_id: answer.host_id,
        });
    }
    let identity = Identity::new(server.clone(), key, answer.certificate, answer.roots)?;
    Ok(Enrolled::Now(Box::new(identity)))
}

/// Asks for a new certificate, with a new key. The old one stays valid until the
/// server sees the new one in use.
///
/// # Errors
/// See [`EnrolError`]. The identity in use is untouched.
pub async fn renew(
    directory: &Directory,
    server: &ServerAddress,
    identity: &Identity,
) -> Result<Identity, EnrolError> {
    let key = directory.renewal_key(identity)?;
    let mut client = call::enrolment(dial(server, Purpose::Calls(identity)).await?)
        .await
        .map_err(|error| EnrolError::AnswerLost(error.to_string()))?;
    let answer = client
        .renew(within(RenewRequest {
            certificate_request: key.certificate_request()?,
        }))
        .await
        .map_err(|status| refusal(&status))?
        .into_inner();
    let renewed = Identity::new(
        identity.server.clone(),
        key,
        answer.certificate,
        answer.roots,
    )?;
    if renewed.host_id != identity.host_id {
        return Err(IdentityError::Unfit("the renewed certificate is for another host").into());
    }
    directory.keep(&renewed)?;
    Ok(renewed)
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(ANSWER);
    request
}

fn refusal(status: &Status) -> EnrolError {
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded => {
            EnrolError::AnswerLost(status.message().to_owned())
        }
        _ => EnrolError::Refused {
            reason: ErrorDetail::decode(status.details())
                .map(|detail| detail.reason)
                .unwrap_or_default(),
            message: status.message().to_owned(),
        },
    }
}

const ANSWER: Duration = Duration::from_secs(30);
