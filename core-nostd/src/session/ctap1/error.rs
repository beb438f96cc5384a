//! Why a flow with a U2F key did not do what it was asked.

use crate::ctap1::{self, KeyHandleTooLong};
use crate::iso7816::Status;
use core::fmt;

/// Why a flow with a U2F key ended early; `T` is the transport's error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error<T> {
    /// No answer arrived. Whether the request had an effect is unknown.
    Transport(T),
    /// The answer cannot be read. The request had its effect.
    Malformed(ctap1::Error),
    /// The answer is longer than any is. The request had its effect.
    AnswerTooLong,
    /// The key does not speak U2F_V2.
    NotU2f,
    /// A U2F key cannot do this. Nothing was sent.
    Unsupported(Limit),
    /// The key handle is longer than U2F has. Nothing was sent.
    KeyHandle(KeyHandleTooLong),
    /// The key holds a credential of the exclude list.
    CredentialExcluded,
    /// The key holds no such credential.
    NoCredentials,
    /// Nobody touched the key in time.
    NotTouched,
    /// The keep-alive callback broke off.
    Cancelled,
    /// Any other status.
    Refused(Status),
}

/// What U2F does not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// Credentials that the key finds by itself.
    Discoverable,
    /// A PIN, or any other user verification.
    UserVerification,
    /// Signatures other than ES256.
    Algorithm,
}

impl<T> From<KeyHandleTooLong> for Error<T> {
    fn from(error: KeyHandleTooLong) -> Self {
        Self::KeyHandle(error)
    }
}

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transport(error) => return error.fmt(f),
            Self::Malformed(error) => {
                return write!(f, "the U2F key's answer cannot be read: {error}");
            }
            Self::KeyHandle(error) => return error.fmt(f),
            Self::Refused(status) => return write!(f, "the U2F key refused: {status}"),
            Self::AnswerTooLong => "the U2F key's answer is longer than any is expected",
            Self::NotU2f => "the token does not speak U2F",
            Self::Unsupported(Limit::Discoverable) => {
                "the token speaks U2F alone, which has no discoverable credentials; name the \
                 credential"
            }
            Self::Unsupported(Limit::UserVerification) => {
                "the token speaks U2F alone, which has no PIN"
            }
            Self::Unsupported(Limit::Algorithm) => {
                "the token speaks U2F alone, which signs with ES256 only"
            }
            Self::CredentialExcluded => "the token already holds one of the excluded credentials",
            Self::NoCredentials => "the token holds no such credential",
            Self::NotTouched => "the token was not touched in time",
            Self::Cancelled => "cancelled",
        })
    }
}

impl<T: core::error::Error + 'static> core::error::Error for Error<T> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::KeyHandle(error) => Some(error),
            _ => None,
        }
    }
}
