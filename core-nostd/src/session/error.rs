//! Why a flow did not do what it was asked. The token's statuses are told
//! apart here once, for everybody above. CTAP 2.3 §8.2 and the steps of §6.

use super::{Feature, PinRule};
use crate::cbor;
use crate::ctap2::client_pin::Permissions;
use crate::ctap2::{Command, Status};

mod text;

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
    /// The token wants its PIN or its own user verification for this.
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
    /// The finger or face was not recognised; one try of these is used up.
    UvInvalid {
        /// Tries left, where the token says.
        retries: Option<u8>,
    },
    /// No try by built-in user verification is left: a PIN helps.
    UvBlocked,
    /// The token could verify its user itself, had that been set up.
    UvNotSetUp,
    /// The pinUvAuthToken has expired or does not permit this; get a new one.
    TokenRejected {
        /// What was asked.
        command: Command,
    },
    /// No pinUvAuthToken with these permissions can be had in this way.
    PermissionRefused {
        /// What was asked for.
        permissions: Permissions,
    },
    /// The token holds a credential of the exclude list.
    CredentialExcluded,
    /// The token holds no credential like this.
    NoCredentials,
    /// The token answered for a credential that it was not asked for.
    OtherCredential,
    /// Another request came between two answers of a list; list again.
    EnumerationInterrupted {
        /// Entries that came.
        got: u32,
        /// Entries announced.
        total: u32,
    },
    /// The token announced a list longer than any token's. Nothing of it was
    /// handed over.
    ListTooLong {
        /// What was asked.
        command: Command,
        /// Entries announced.
        announced: u32,
    },
    /// The token repeats the entries of a list.
    ListRepeats {
        /// What was asked.
        command: Command,
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
    /// The token wants a touch of five seconds for a reset, and got none.
    ResetTouchTooShort,
    /// No room for another credential.
    StoreFull,
    /// No room for so many RP IDs that may learn the minimum PIN length.
    TooManyRpIds {
        /// Room, where the token says.
        max: Option<usize>,
    },
    /// The blob is longer than the token stores with a credential.
    CredBlobTooLong {
        /// Bytes that the token stores.
        max: usize,
    },
    /// No room for another fingerprint.
    FingerprintsFull,
    /// The token knows no such fingerprint.
    NoSuchFingerprint,
    /// The name is longer than the token stores.
    FingerprintNameTooLong,
    /// The sensor wanted more samples than any finger gives. The enrolment was
    /// cancelled.
    EnrolmentEndless,
    /// The large blobs do not fit the token.
    LargeBlobsFull {
        /// Bytes of the array to be written.
        needed: usize,
        /// Bytes that the token stores, where it says.
        capacity: Option<usize>,
    },
    /// The large blobs do not fit the caller's buffer.
    LargeBlobBufferTooSmall {
        /// Bytes that the token may hold.
        needed: usize,
    },
    /// Another request came between two fragments. The array is as it was.
    LargeBlobsInterrupted,
    /// What the token took down is not what was sent. The array is as it was.
    LargeBlobsGarbled,
    /// The array on the token cannot be edited: its hash is right, and yet it
    /// is no array.
    LargeBlobsUnreadable(cbor::Error),
    /// Any other status.
    Refused {
        /// What was asked.
        command: Command,
        /// What the token said.
        status: Status,
    },
}

impl<T> Error<T> {
    /// Whether unplugging the token and plugging it in again helps.
    #[must_use]
    pub const fn power_cycle_helps(&self) -> bool {
        matches!(self, Self::PinAuthBlocked { .. } | Self::ResetTooLate)
    }

    /// Whether a PIN helps where built-in user verification did not.
    #[must_use]
    pub const fn pin_helps(&self) -> bool {
        matches!(
            self,
            Self::UvInvalid { .. }
                | Self::UvBlocked
                | Self::UvNotSetUp
                | Self::Unsupported(
                    Feature::UserVerification
                        | Feature::UserVerificationForFingerprints
                        | Feature::UserVerificationForConfiguration
                )
        )
    }

    /// An answer without a member that it must have.
    pub(super) const fn missing(command: Command, member: &'static str) -> Self {
        let error = cbor::Error::Missing { member };
        Self::Malformed { command, error }
    }

    /// What a status means, whatever was asked; flows know more in places.
    pub(super) const fn from_status(command: Command, status: Status) -> Self {
        match status {
            Status::PinInvalid => Self::PinInvalid { retries: None },
            Status::PinBlocked => Self::PinBlocked,
            Status::PinAuthBlocked => Self::PinAuthBlocked { retries: None },
            Status::PinAuthInvalid | Status::PinTokenExpired => Self::TokenRejected { command },
            // Of clientPIN it is about the token that is asked for.
            Status::UnauthorizedPermission if !matches!(command, Command::ClientPin) => {
                Self::TokenRejected { command }
            }
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
            Status::UvInvalid => Self::UvInvalid { retries: None },
            Status::UvBlocked => Self::UvBlocked,
            Status::FpDatabaseFull => Self::FingerprintsFull,
            status => Self::Refused { command, status },
        }
    }
}

impl<T: core::error::Error + 'static> core::error::Error for Error<T> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Malformed { error, .. } | Self::LargeBlobsUnreadable(error) => Some(error),
            _ => None,
        }
    }
}
