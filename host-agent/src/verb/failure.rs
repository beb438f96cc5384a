//! Why a verb did not succeed, in words that a person and a program can act on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::settings::Forbidden;

/// The kind of a [`Failure`]. Numbers and order are those of `journal.proto`, and on disk: new
/// ones come last.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of StepError.Code in journal.proto"
)]
pub enum Code {
    PinInvalid = 1,
    PinAuthBlocked = 2,
    PinBlocked = 3,
    PinNotSet = 4,
    PinAlreadySet = 5,
    PinPolicyViolation = 6,
    PinRequired = 7,
    PinChangeForced = 8,
    TouchTimeout = 9,
    DeniedByUser = 10,
    Cancelled = 11,
    CredentialExcluded = 12,
    CredentialNotFound = 13,
    NoRoom = 14,
    NotSupported = 15,
    ResetWindowMissed = 16,
    TokenNotPresent = 17,
    TokenRemoved = 18,
    TokenSwapped = 19,
    TokenBusy = 20,
    TokenSilent = 21,
    TokenMalformed = 22,
    ForbiddenByHost = 23,
    InvalidRequest = 24,
    KeyReused = 25,
    Refused = 26,
    OutcomeUnknown = 27,
    Internal = 28,
    CutOff = 29,
    AdminKeyWrong = 30,
    PukInvalid = 31,
    PukBlocked = 32,
    ContainerEmpty = 33,
    KeyMismatch = 34,
    CallerSilent = 35,
    ResetPretended = 36,
    UvInvalid = 37,
    UvBlocked = 38,
    UvNotSetUp = 39,
}

/// Why a verb did not succeed. The token is as it was unless `changed`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// For programs.
    pub code: Code,
    /// For people: what happened, and what to do.
    pub message: String,
    /// The status byte, where the token gave one.
    pub ctap_status: Option<u8>,
    /// Tries left, where the token told them: of the PIN, or, where the code tells of it, of the
    /// token's own user verification.
    pub retries: Option<u32>,
    /// The rule that a PIN broke, or the host's setting that forbids the verb.
    pub rule: String,
    /// The request field at fault.
    pub field: String,
    /// Whether the token may have changed in spite of the failure.
    pub changed: bool,
    /// SW1 and SW2, where a card gave them.
    pub status_word: Option<u16>,
    /// Tries left of the PUK, where the card told them.
    pub puk_tries: Option<u32>,
}

impl Failure {
    /// A failure that left the token as it was.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            ctap_status: None,
            retries: None,
            rule: String::new(),
            field: String::new(),
            changed: false,
            status_word: None,
            puk_tries: None,
        }
    }

    /// A request that cannot be carried out as it stands; no token has seen it.
    pub fn invalid(field: &str, found: impl fmt::Display, allowed: &str) -> Self {
        Self {
            field: field.to_owned(),
            ..Self::new(
                Code::InvalidRequest,
                format!("{field}: found {found}, allowed: {allowed}"),
            )
        }
    }
}

impl From<Forbidden> for Failure {
    fn from(forbidden: Forbidden) -> Self {
        Self {
            rule: forbidden.setting().to_owned(),
            ..Self::new(Code::ForbiddenByHost, forbidden.to_string())
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
