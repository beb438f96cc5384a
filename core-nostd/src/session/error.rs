//! Why a flow did not do what it was asked. The token's statuses are told
//! apart here once, for everybody above. CTAP 2.3 §8.2 and the steps of §6.

use crate::cbor;
use crate::ctap2::{Command, Status};
use crate::pin_protocol::PinProtocol;
use core::fmt;

/// Why a flow ended early. Unless a variant says otherwise, the token is as it
/// was before the request that failed; `T` is the transport's error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error<T> {
    /// No answer arrived. Whether the request had an effect is unknown.
    Transport(T),
    /// The answer cannot be read. The request had its effect.
    Malformed {
        /// What was asked.
        command: Command,
        /// What is wrong with the answer.
        error: cbor::Error,
    },
    /// The answer lacks even a status.
    EmptyAnswer {
        /// What was asked.
        command: Command,
    },
    /// The request does not fit what the token takes. Nothing was sent.
    RequestTooLong {
        /// What was to be asked.
        command: Command,
        /// Bytes that the token takes.
        max: usize,
    },
    /// A key, a token or randomness was unusable.
    Crypto,
    /// The token cannot do this. Nothing was sent.
    Unsupported(Feature),
    /// The token has no PIN; set one first.
    PinNotSet,
    /// The token has a PIN; change it instead.
    PinAlreadySet,
    /// The token wants its PIN for this.
    PinRequired,
    /// The PIN is wrong; one try is used up.
    PinInvalid {
        /// Tries left, where the token says.
        retries: Option<u8>,
    },
    /// Three wrong PINs since power-up: replugging helps.
    PinAuthBlocked {
        /// Tries left after that, where the token says.
        retries: Option<u8>,
    },
    /// No try is left: only a reset helps.
    PinBlocked,
    /// The PIN breaks a rule of the token.
    PinPolicy(PinRule),
    /// The PIN must be changed before it is good for anything.
    PinChangeRequired,
    /// The pinUvAuthToken has expired or does not permit this; get a new one.
    TokenRejected {
        /// What was asked.
        command: Command,
    },
    /// The token holds a credential of the exclude list.
    CredentialExcluded,
    /// The token holds no credential like this.
    NoCredentials,
    /// Another request came between two answers of a list; list again.
    EnumerationInterrupted {
        /// Entries that came.
        got: u32,
        /// Entries announced.
        total: u32,
    },
    /// Nobody touched the token in time.
    NotTouched,
    /// The person refused, or did not touch the token in time.
    Denied,
    /// The keep-alive callback broke off.
    Cancelled,
    /// The token was powered up too long ago, or was used since.
    ResetTooLate,
    /// The token does not take a reset on this transport, or the person
    /// refused.
    ResetDenied,
    /// No room for another credential.
    StoreFull,
    /// Any other status.
    Refused {
        /// What was asked.
        command: Command,
        /// What the token said.
        status: Status,
    },
}

/// What a token may lack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Feature {
    /// `clientPin`
    ClientPin,
    /// A PIN/UV auth protocol that we speak.
    PinProtocol,
    /// A PIN for makeCredential and getAssertion:
    /// `noMcGaPermissionsWithClientPin` is true.
    PinForCredentials,
    /// `credMgmt` and `credentialMgmtPreview`
    CredentialManagement,
    /// updateUserInformation; the preview has none.
    UpdateUserInformation,
    /// `authnrCfg`, or this subcommand of it
    AuthenticatorConfig,
    /// `setMinPINLength`
    SetMinPinLength,
    /// `ep`
    EnterpriseAttestation,
    /// `alwaysUv`
    AlwaysUv,
    /// longTouchForReset
    LongTouchForReset,
}

/// Which rule a PIN, or a change of the rules, breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PinRule {
    /// minPINLength
    TooShort {
        /// Code points wanted.
        min: u32,
        /// Code points of the PIN.
        code_points: u32,
    },
    /// maxPINLength
    TooLong {
        /// Code points allowed.
        max: u32,
        /// Code points of the PIN.
        code_points: u32,
    },
    /// The token wants another PIN than the last.
    SameAsBefore,
    /// pinComplexityPolicy: which one only the maker's page says.
    Complexity,
    /// minPINLength may only grow.
    MinLengthMayOnlyGrow {
        /// What it is.
        current: u32,
    },
    /// The token does not say.
    Unknown,
}

impl<T> Error<T> {
    /// Whether unplugging the token and plugging it in again helps.
    #[must_use]
    pub const fn power_cycle_helps(&self) -> bool {
        matches!(self, Self::PinAuthBlocked { .. } | Self::ResetTooLate)
    }

    /// What a status means, whatever was asked; flows know more in places.
    pub(super) const fn from_status(command: Command, status: Status) -> Self {
        match status {
            Status::PinInvalid => Self::PinInvalid { retries: None },
            Status::PinBlocked => Self::PinBlocked,
            Status::PinAuthBlocked => Self::PinAuthBlocked { retries: None },
            Status::PinAuthInvalid | Status::PinTokenExpired => Self::TokenRejected { command },
            Status::PinNotSet => Self::PinNotSet,
            Status::PuatRequired => Self::PinRequired,
            Status::PinPolicyViolation => Self::PinPolicy(PinRule::Unknown),
            Status::CredentialExcluded => Self::CredentialExcluded,
            // Some tokens give the second answer to an id that they do not know.
            Status::NoCredentials | Status::InvalidCredential => Self::NoCredentials,
            Status::UserActionTimeout | Status::ActionTimeout => Self::NotTouched,
            Status::OperationDenied => Self::Denied,
            Status::KeepaliveCancel => Self::Cancelled,
            Status::KeyStoreFull => Self::StoreFull,
            status => Self::Refused { command, status },
        }
    }
}

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Transport(error) => return error.fmt(f),
            Self::Malformed { command, error } => {
                return write!(f, "the answer to {command:?} cannot be read: {error}");
            }
            Self::EmptyAnswer { command } => {
                return write!(f, "the answer to {command:?} is empty");
            }
            Self::RequestTooLong { command, max } => {
                return write!(
                    f,
                    "{command:?} does not fit the {max} bytes the token takes"
                );
            }
            Self::Unsupported(feature) => return feature.fmt(f),
            Self::PinInvalid { retries } => return wrong_pin(f, *retries),
            Self::PinAuthBlocked { retries } => {
                f.write_str("too many wrong PINs in a row; unplug the token, plug it in again")?;
                return match retries {
                    Some(left) => write!(f, ", and try again: {left} tries are left"),
                    None => f.write_str(", and try again"),
                };
            }
            Self::PinPolicy(rule) => return rule.fmt(f),
            Self::TokenRejected { command } => {
                return write!(
                    f,
                    "the PIN token has expired or does not permit {command:?}; enter the PIN again"
                );
            }
            Self::EnumerationInterrupted { got, total } => {
                return write!(
                    f,
                    "another program interrupted the list after {got} of {total} entries; list again"
                );
            }
            Self::Refused { command, status } => {
                return write!(f, "the token refused {command:?}: {status}");
            }
            Self::Crypto => "a key or PIN token from the token is unusable",
            Self::PinNotSet => "the token has no PIN; set one first",
            Self::PinAlreadySet => "the token has a PIN already; change it instead",
            Self::PinRequired => "the token wants its PIN for this",
            Self::PinBlocked => {
                "the PIN is blocked for good; only a reset helps, which erases the token"
            }
            Self::PinChangeRequired => "the PIN must be changed before it can be used",
            Self::CredentialExcluded => "the token already holds one of the excluded credentials",
            Self::NoCredentials => "the token holds no such credential",
            Self::NotTouched => "the token was not touched in time",
            Self::Denied => "the person at the token refused, or did not touch it in time",
            Self::Cancelled => "cancelled",
            Self::ResetTooLate => {
                "the token takes a reset only within 10 seconds after it is plugged in, and as \
                 the first thing asked; unplug it, plug it in, and reset at once"
            }
            Self::ResetDenied => {
                "the token does not take a reset on this transport, or the person at the token \
                 refused it; try over USB"
            }
            Self::StoreFull => "the token has no room for another credential; delete one first",
        };
        f.write_str(words)
    }
}

fn wrong_pin(f: &mut fmt::Formatter<'_>, retries: Option<u8>) -> fmt::Result {
    match retries {
        Some(1) => f.write_str("wrong PIN; one try is left before the token blocks for good"),
        Some(left) => write!(f, "wrong PIN; {left} tries are left"),
        None => f.write_str("wrong PIN"),
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientPin => "the token takes no PIN",
            Self::PinProtocol => {
                let [one, two] = [PinProtocol::One, PinProtocol::Two].map(PinProtocol::id);
                return write!(f, "the token speaks neither PIN protocol {one} nor {two}");
            }
            Self::PinForCredentials => {
                "the token takes no PIN for credentials, only its own user verification"
            }
            Self::CredentialManagement => "the token cannot list or delete credentials",
            Self::UpdateUserInformation => "the token cannot change the user of a credential",
            Self::AuthenticatorConfig => "the token cannot be configured in this way",
            Self::SetMinPinLength => "the token has no settable minimum PIN length",
            Self::EnterpriseAttestation => "the token has no enterprise attestation",
            Self::AlwaysUv => "the token cannot always ask for user verification",
            Self::LongTouchForReset => "the token cannot ask for a long touch before a reset",
        })
    }
}

impl fmt::Display for PinRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { min, code_points } => write!(
                f,
                "the token wants a PIN of at least {min} characters, this one has {code_points}"
            ),
            Self::TooLong { max, code_points } => write!(
                f,
                "the token takes a PIN of at most {max} characters, this one has {code_points}"
            ),
            Self::SameAsBefore => f.write_str("the token wants a PIN other than the last one"),
            Self::Complexity => f.write_str(
                "the PIN is too simple for the token's complexity policy; avoid sequences, \
                 repetitions and common PINs",
            ),
            Self::MinLengthMayOnlyGrow { current } => write!(
                f,
                "the minimum PIN length is {current} and may only grow; a reset sets it back"
            ),
            Self::Unknown => f.write_str(
                "the token refused the PIN by a policy of its own, which it does not name",
            ),
        }
    }
}

impl<T: core::error::Error + 'static> core::error::Error for Error<T> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Malformed { error, .. } => Some(error),
            _ => None,
        }
    }
}
