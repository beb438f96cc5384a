//! From what the core says to what a person and a program can act on: one function for each enum.

use keysteward_core::{
    ctap2::{Command, Status},
    ctaphid::TransportError,
    iso7816::CardError,
    nfcctap::NfcError,
    pin_protocol::PinError,
    session::{
        Error, PinRule,
        ctap1::{self, MsgError},
    },
};

use super::{Code, Failure};
use crate::{
    token::ChannelError,
    transport::{LinkError, pcsc::PcscError},
};

/// Errors of flows over a token's channel.
pub(super) type SessionError = Error<ChannelError>;

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let message = error.to_string();
        let mut failure = Self::new(code(&error), message);
        match error {
            Error::Transport(error) => return Self::from(error),
            Error::PinInvalid { retries }
            | Error::PinAuthBlocked { retries }
            | Error::UvInvalid { retries } => failure.retries = retries.map(u32::from),
            Error::PinBlocked | Error::UvBlocked => failure.retries = Some(0),
            Error::PinPolicy(rule) => failure.rule = rule_name(rule),
            Error::Refused { status, .. } => failure.ctap_status = Some(status.into()),
            _ => {}
        }
        failure
    }
}

fn code(error: &SessionError) -> Code {
    match error {
        Error::Transport(error) => channel_code(error),
        Error::Malformed { .. } | Error::EmptyAnswer { .. } | Error::Crypto => Code::TokenMalformed,
        Error::RequestTooLong { .. } => Code::InvalidRequest,
        Error::Unsupported(_) => Code::NotSupported,
        Error::PinNotSet => Code::PinNotSet,
        Error::PinAlreadySet => Code::PinAlreadySet,
        Error::PinRequired => Code::PinRequired,
        Error::PinInvalid { .. } => Code::PinInvalid,
        Error::PinAuthBlocked { .. } => Code::PinAuthBlocked,
        Error::PinBlocked => Code::PinBlocked,
        Error::PinPolicy(_) => Code::PinPolicyViolation,
        Error::PinChangeRequired => Code::PinChangeForced,
        Error::CredentialExcluded => Code::CredentialExcluded,
        Error::NoCredentials => Code::CredentialNotFound,
        // Another program of the host has used the token meanwhile.
        Error::TokenRejected { .. } | Error::EnumerationInterrupted { .. } => Code::TokenBusy,
        Error::NotTouched => Code::TouchTimeout,
        Error::Denied => Code::DeniedByUser,
        Error::Cancelled => Code::Cancelled,
        Error::ResetTooLate => Code::ResetWindowMissed,
        Error::ResetDenied => Code::DeniedByUser,
        Error::StoreFull
        | Error::TooManyRpIds { .. }
        | Error::FingerprintsFull
        | Error::LargeBlobsFull { .. } => Code::NoRoom,
        Error::CredBlobTooLong { .. } | Error::FingerprintNameTooLong => Code::InvalidRequest,
        Error::NoSuchFingerprint => Code::CredentialNotFound,
        Error::ResetTouchTooShort => Code::TouchTimeout,
        Error::ListTooLong { .. }
        | Error::ListRepeats { .. }
        | Error::OtherCredential
        | Error::EnrolmentEndless
        | Error::LargeBlobsGarbled
        | Error::LargeBlobsUnreadable(_)
        | Error::LargeBlobBufferTooSmall { .. } => Code::TokenMalformed,
        Error::LargeBlobsInterrupted => Code::TokenBusy,
        Error::PermissionRefused { .. } => Code::NotSupported,
        Error::UvInvalid { .. } => Code::UvInvalid,
        Error::UvBlocked => Code::UvBlocked,
        Error::UvNotSetUp => Code::UvNotSetUp,
        Error::Refused {
            command: Command::MakeCredential,
            status: Status::UnsupportedAlgorithm | Status::UnsupportedOption,
        } => Code::NotSupported,
        _ => Code::Refused,
    }
}

/// Errors of flows with a token that speaks U2F alone.
impl From<ctap1::Error<ChannelError>> for Failure {
    fn from(error: ctap1::Error<ChannelError>) -> Self {
        use ctap1::Error as U2f;
        let message = error.to_string();
        let code = match &error {
            U2f::Malformed(_) | U2f::AnswerTooLong | U2f::NotU2f => Code::TokenMalformed,
            U2f::Unsupported(_) => Code::NotSupported,
            U2f::KeyHandle(_) => Code::InvalidRequest,
            U2f::CredentialExcluded => Code::CredentialExcluded,
            U2f::NoCredentials => Code::CredentialNotFound,
            U2f::NotTouched => Code::TouchTimeout,
            U2f::Cancelled => Code::Cancelled,
            _ => Code::Refused,
        };
        match error {
            U2f::Transport(error) => error.into(),
            U2f::Refused(status) => Self {
                status_word: Some(status.into()),
                ..Self::new(code, message)
            },
            _ => Self::new(code, message),
        }
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        let message = match &error {
            ChannelError::Hid(TransportError::Link(LinkError::Gone)) => {
                "the token was unplugged; plug it in again".to_owned()
            }
            ChannelError::Hid(TransportError::Deadline) => {
                "the token did not answer in time; unplug it and plug it in again".to_owned()
            }
            ChannelError::Nfc(NfcError::Deadline) => {
                "the token did not answer in time; take it off the reader and put it on again"
                    .to_owned()
            }
            error => error.to_string(),
        };
        Self {
            status_word: match &error {
                ChannelError::Nfc(NfcError::Refused(status)) => Some((*status).into()),
                _ => None,
            },
            ..Self::new(channel_code(&error), message)
        }
    }
}

impl From<PcscError> for Failure {
    fn from(error: PcscError) -> Self {
        Self::new(card_code(&error), error.to_string())
    }
}

fn channel_code(error: &ChannelError) -> Code {
    match error {
        ChannelError::Hid(error) => transport_code(error),
        ChannelError::Nfc(NfcError::Card(CardError::Transport(error))) => card_code(error),
        ChannelError::Nfc(NfcError::Deadline) => Code::TokenSilent,
        ChannelError::Nfc(NfcError::NoApplet) => Code::NotSupported,
        ChannelError::Nfc(NfcError::RequestTooLong { .. })
        | ChannelError::U2f(MsgError::Command(_)) => Code::InvalidRequest,
        ChannelError::Nfc(NfcError::Refused(_)) => Code::Refused,
        ChannelError::Nfc(_) | ChannelError::U2f(_) => Code::TokenMalformed,
    }
}

fn transport_code(error: &TransportError<LinkError>) -> Code {
    match error {
        TransportError::Link(LinkError::Gone) => Code::TokenRemoved,
        TransportError::Link(_) => Code::TokenNotPresent,
        TransportError::Deadline => Code::TokenSilent,
        TransportError::Request(_) => Code::InvalidRequest,
        _ => Code::TokenMalformed,
    }
}

fn card_code(error: &PcscError) -> Code {
    match error {
        PcscError::NoReader { .. } | PcscError::NoCard { .. } | PcscError::Removed { .. } => {
            Code::TokenRemoved
        }
        PcscError::InUse { .. } | PcscError::HeldElsewhere { .. } | PcscError::Reset { .. } => {
            Code::TokenBusy
        }
        PcscError::NoThread { .. } => Code::Internal,
        PcscError::Unresponsive { .. } => Code::TokenSilent,
        PcscError::NotAtReader => Code::NotSupported,
        PcscError::AnswerTooLong => Code::TokenMalformed,
        _ => Code::TokenNotPresent,
    }
}

/// The rule as getInfo spells it.
fn rule_name(rule: PinRule) -> String {
    match rule {
        PinRule::TooShort { min, .. } => format!("minPINLength {min}"),
        PinRule::TooLong { max, .. } => format!("maxPINLength {max}"),
        PinRule::SameAsBefore => "sameAsBefore".to_owned(),
        PinRule::Complexity => "pinComplexityPolicy".to_owned(),
        PinRule::MinLengthMayOnlyGrow { current } => {
            format!("minPINLength may only grow from {current}")
        }
        PinRule::MinLengthAboveMax { max } => format!("maxPINLength {max}"),
        _ => "unknown".to_owned(),
    }
}

/// A PIN that no token could take, in the request's field `field`.
pub(crate) fn pin_refused(field: &str, error: PinError) -> Failure {
    let (rule, allowed) = match error {
        PinError::TooShort { .. } => ("minPINLength 4", "at least 4 characters"),
        PinError::TooLong { .. } => ("maxPINLength 63", "at most 63 bytes of UTF-8"),
        _ => ("no zero at the end", "text that does not end with a zero"),
    };
    Failure {
        rule: rule.to_owned(),
        field: field.to_owned(),
        ..Failure::new(
            Code::PinPolicyViolation,
            format!("{field}: {error}; allowed: {allowed}"),
        )
    }
}
