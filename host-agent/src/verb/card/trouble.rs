//! From what the core says of a card to what a person and a program can act on: one function for
//! each enum.

use keysteward_core::{
    gids::{self, session as gids_session},
    iso7816::CardError,
    piv::{self, PinReference, session as piv_session},
};

use super::watched::Interrupted;
use crate::{
    transport::pcsc::PcscError,
    verb::{Code, Failure},
};

type LinkTrouble = CardError<Interrupted<PcscError>>;
type PivError = piv_session::Error<Interrupted<PcscError>>;
type GidsError = gids_session::Error<Interrupted<PcscError>>;

impl From<LinkTrouble> for Failure {
    fn from(error: LinkTrouble) -> Self {
        match error {
            CardError::Transport(Interrupted::Link(error)) => error.into(),
            CardError::Transport(error @ Interrupted::NoAnswer) => {
                Self::new(Code::TokenRemoved, error.to_string())
            }
            CardError::Transport(Interrupted::Cancelled) => Self::new(
                Code::Cancelled,
                "the step was given up between two commands to the card",
            ),
            CardError::Deadline => too_late(),
            CardError::Command(_) => Self::new(
                Code::InvalidRequest,
                "that is longer than the commands that the card takes",
            ),
            error => Self::new(Code::TokenMalformed, error.to_string()),
        }
    }
}

impl From<PivError> for Failure {
    fn from(error: PivError) -> Self {
        use piv_session::Error;
        let message = error.to_string();
        let status_word = error.status_word();
        let mut failure = Self::new(piv_code(&error), message);
        match error {
            Error::Card(error) => failure = error.into(),
            Error::Deadline => failure = too_late(),
            Error::PinWrong {
                reference: PinReference::Puk,
                left,
            } => failure.puk_tries = left.map(u32::from),
            Error::PinWrong { left, .. } => failure.retries = left.map(u32::from),
            Error::PinBlocked {
                reference: PinReference::Puk,
            } => failure.puk_tries = Some(0),
            Error::PinBlocked { .. } => failure.retries = Some(0),
            Error::NewPinRefused { .. } => failure.rule = "the card's own".to_owned(),
            _ => {}
        }
        Self {
            status_word,
            ..failure
        }
    }
}

fn piv_code(error: &PivError) -> Code {
    use piv_session::Error;
    match error {
        Error::NoApplet
        | Error::Unsupported(_)
        | Error::NoAdminCipher
        | Error::NeverBlocks { .. } => Code::NotSupported,
        Error::Malformed(_) | Error::CardDoesNotKnowAdminKey => Code::TokenMalformed,
        Error::PinWrong {
            reference: PinReference::Puk,
            ..
        } => Code::PukInvalid,
        Error::PinWrong { .. } => Code::PinInvalid,
        Error::PinBlocked {
            reference: PinReference::Puk,
        } => Code::PukBlocked,
        Error::PinBlocked { .. } => Code::PinBlocked,
        Error::NewPinRefused { .. } => Code::PinPolicyViolation,
        Error::AdminKeyWrong { .. } | Error::AdminCipherRefused { .. } => Code::AdminKeyWrong,
        Error::NotAuthenticated(_) => Code::PinRequired,
        Error::NoKey { .. } => Code::ContainerEmpty,
        Error::Full | Error::TooLong(_) => Code::NoRoom,
        Error::Crypto => Code::Internal,
        _ => Code::Refused,
    }
}

impl From<piv_session::AdminError<Interrupted<PcscError>, Failure>> for Failure {
    fn from(error: piv_session::AdminError<Interrupted<PcscError>, Failure>) -> Self {
        match error {
            piv_session::AdminError::Card(error) => error.into(),
            piv_session::AdminError::Key(failure) => failure,
        }
    }
}

impl From<GidsError> for Failure {
    fn from(error: GidsError) -> Self {
        use gids_session::Error;
        let message = error.to_string();
        let status_word = error.status().map(u16::from);
        let mut failure = Self::new(gids_code(&error), message);
        match error {
            Error::Card(error) => failure = error.into(),
            Error::PinWrong { tries } => failure.retries = Some(tries.into()),
            Error::PinBlocked => failure.retries = Some(0),
            Error::PinNotTaken { .. } => failure.rule = "the card's own".to_owned(),
            _ => {}
        }
        Self {
            status_word,
            ..failure
        }
    }
}

fn gids_code(error: &GidsError) -> Code {
    use gids_session::Error;
    match error {
        Error::Malformed(_) | Error::CardUnproven | Error::MapsDisagree { .. } => {
            Code::TokenMalformed
        }
        Error::NotGids
        | Error::NotInitialised
        | Error::AlreadyInitialised
        | Error::PinNotCounted
        | Error::NoShortChallenge
        | Error::WrongUsage => Code::NotSupported,
        Error::PinWrong { .. } => Code::PinInvalid,
        Error::PinBlocked => Code::PinBlocked,
        Error::PinNotTaken { .. } => Code::PinPolicyViolation,
        Error::AdminKeyWrong => Code::AdminKeyWrong,
        Error::NotPermitted { .. } => Code::PinRequired,
        Error::NoContainer { .. } => Code::ContainerEmpty,
        Error::CardFull | Error::TooLong => Code::NoRoom,
        Error::Crypto => Code::Internal,
        _ => Code::Refused,
    }
}

impl From<gids_session::AdminError<Interrupted<PcscError>, Failure>> for Failure {
    fn from(error: gids_session::AdminError<Interrupted<PcscError>, Failure>) -> Self {
        match error {
            gids_session::AdminError::Session(error) => error.into(),
            gids_session::AdminError::Key(failure) => failure,
        }
    }
}

/// A PIN or PUK that no PIV card could take.
pub(super) fn piv_pin(field: &str, pin: &super::CardPin) -> Result<piv::Pin, Failure> {
    piv::Pin::new(pin.as_str()).map_err(|error| pin_refused(field, error, "6 to 8 characters"))
}

/// A PIN that no GIDS card could take.
pub(super) fn gids_pin(field: &str, pin: &super::CardPin) -> Result<gids::pin::Pin, Failure> {
    gids::pin::Pin::new(pin.as_str().as_bytes())
        .map_err(|error| pin_refused(field, error, "4 to 127 characters"))
}

fn pin_refused(field: &str, error: impl std::fmt::Display, allowed: &str) -> Failure {
    Failure {
        rule: allowed.to_owned(),
        field: field.to_owned(),
        ..Failure::new(
            Code::PinPolicyViolation,
            format!("{field}: {error}; allowed: {allowed}"),
        )
    }
}

pub(super) fn no_applet() -> Failure {
    Failure::new(
        Code::NotSupported,
        "the card has neither a PIV nor a GIDS applet",
    )
}

fn too_late() -> Failure {
    Failure::new(
        Code::TokenSilent,
        "the time of the step was over before the card was done; ask again with more time \
         (timeout_ms)",
    )
}

/// The applet cannot do that.
pub(super) fn not_there(what: &str) -> Failure {
    Failure::new(Code::NotSupported, what)
}

/// What the request has to bring for this applet.
pub(super) fn needed<'v, T>(
    field: &str,
    value: Option<&'v T>,
    why: &str,
) -> Result<&'v T, Failure> {
    value.ok_or_else(|| match field {
        "pin" => Failure {
            field: field.to_owned(),
            ..Failure::new(
                Code::PinRequired,
                format!("pin: found nothing, allowed: {why}"),
            )
        },
        field => Failure::invalid(field, "nothing", why),
    })
}
