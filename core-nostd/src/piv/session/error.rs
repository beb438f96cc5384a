//! Why a flow did not do what it was asked. Status words are told apart here once.

use crate::admin_key::Cipher;
use crate::iso7816::{CardError, Status};
use crate::piv::{KeyReference, ObjectId, PinReference};
use core::fmt;

/// Why a flow ended early. Unless a variant says otherwise, the card is as it was before the
/// command that failed; `T` is the reader's error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error<T> {
    /// No answer arrived, or none that can be read. Whether the command had an effect is unknown.
    Card(CardError<T>),
    /// The time was over, between two commands.
    Deadline,
    /// The card has no PIV applet.
    NoApplet,
    /// The answer cannot be read. The command had its effect.
    Malformed(Instruction),
    /// The PIN or PUK is wrong; one try is used up.
    PinWrong {
        /// Which.
        reference: PinReference,
        /// Tries left, where the card says.
        left: Option<u8>,
    },
    /// No try is left.
    PinBlocked {
        /// Which.
        reference: PinReference,
    },
    /// The card does not take this PIN or PUK for a new one. No try is used up.
    NewPinRefused {
        /// Which.
        reference: PinReference,
    },
    /// Wrong ones do not block it.
    NeverBlocks {
        /// Which.
        reference: PinReference,
    },
    /// The admin key is wrong.
    AdminKeyWrong {
        /// With which it was tried.
        cipher: Cipher,
    },
    /// The admin key of the card is not of this cipher.
    AdminCipherRefused {
        /// Which was tried.
        cipher: Cipher,
    },
    /// The card has no cipher for its admin key that is known here.
    NoAdminCipher,
    /// The card took the proof of the admin key, and does not have that key itself.
    CardDoesNotKnowAdminKey,
    /// The card wants its PIN, or its admin key, for this.
    NotAuthenticated(Instruction),
    /// The card does not have this command, or not what it asks for.
    Unsupported(Instruction),
    /// No key is there.
    NoKey {
        /// Where.
        key: KeyReference,
    },
    /// What was written is not what is read.
    NotWritten {
        /// Where.
        object: ObjectId,
    },
    /// The card is full.
    Full,
    /// Nothing was sent: it is longer than the card's commands are here.
    TooLong(Instruction),
    /// The card resets itself only once PIN and PUK are blocked, and says they are not.
    NotBlocked,
    /// No randomness could be had.
    Crypto,
    /// Any other status.
    Refused {
        /// What was asked.
        instruction: Instruction,
        /// What the card said.
        status: Status,
    },
}

/// What was asked of the card.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Instruction {
    /// SELECT
    Select,
    /// GET DATA
    Read(ObjectId),
    /// PUT DATA
    Write(ObjectId),
    /// VERIFY
    Verify,
    /// CHANGE REFERENCE DATA
    ChangePin,
    /// RESET RETRY COUNTER
    SetPin,
    /// GENERAL AUTHENTICATE with the admin key
    Authenticate,
    /// GENERAL AUTHENTICATE with another key
    UseKey(KeyReference),
    /// GENERATE ASYMMETRIC KEY PAIR
    Generate(KeyReference),
    /// IMPORT ASYMMETRIC KEY
    Import(KeyReference),
    /// MOVE KEY
    MoveKey(KeyReference),
    /// ATTEST
    Attest(KeyReference),
    /// GET METADATA
    Metadata,
    /// GET VERSION
    Version,
    /// GET SERIAL
    Serial,
    /// SET MANAGEMENT KEY
    SetAdminKey,
    /// SET PIN RETRIES
    SetRetries,
    /// RESET
    Reset,
}

impl<T> Error<T> {
    /// What a status means wherever it comes.
    pub(super) const fn refused(instruction: Instruction, status: Status) -> Self {
        match status {
            Status::SecurityStatusNotSatisfied => Self::NotAuthenticated(instruction),
            Status::InsNotSupported | Status::FunctionNotSupported => {
                Self::Unsupported(instruction)
            }
            Status::NotEnoughMemory => Self::Full,
            status => Self::Refused {
                instruction,
                status,
            },
        }
    }

    /// The status word that the card gave, where it is the whole reason.
    #[must_use]
    pub fn status_word(&self) -> Option<u16> {
        let status = match *self {
            Self::PinWrong { left, .. } => Status::VerifyFailed { retries: left? },
            Self::PinBlocked { .. } => Status::AuthenticationBlocked,
            Self::NotAuthenticated(_) => Status::SecurityStatusNotSatisfied,
            Self::NoApplet => Status::NotFound,
            Self::Full => Status::NotEnoughMemory,
            Self::NotBlocked => Status::ConditionsNotSatisfied,
            Self::Refused { status, .. } => status,
            _ => return None,
        };
        Some(status.into())
    }
}

impl<T> From<CardError<T>> for Error<T> {
    fn from(error: CardError<T>) -> Self {
        match error {
            CardError::Deadline => Self::Deadline,
            error => Self::Card(error),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card(error) => error.fmt(f),
            Self::Deadline => f.write_str("the time was over before the card was done"),
            Self::NoApplet => f.write_str("the card has no PIV applet"),
            Self::Malformed(instruction) => {
                write!(f, "the card's answer to {instruction} cannot be read")
            }
            Self::PinWrong {
                reference,
                left: Some(left),
            } => write!(f, "the {reference} is wrong; tries left: {left}"),
            Self::PinWrong { reference, .. } => write!(f, "the {reference} is wrong"),
            Self::PinBlocked {
                reference: PinReference::Puk,
            } => f.write_str("the PUK is blocked; only a reset helps"),
            Self::PinBlocked { reference } => {
                write!(f, "the {reference} is blocked; set a new one with the PUK")
            }
            Self::NewPinRefused { reference } => write!(
                f,
                "the card does not take this {reference}; choose another, of 6 to 8 digits"
            ),
            Self::NeverBlocks { reference } => {
                write!(f, "the card does not block its {reference}")
            }
            Self::AdminKeyWrong { cipher } => write!(f, "the admin key ({cipher}) is wrong"),
            Self::AdminCipherRefused { cipher } => {
                write!(f, "the card's admin key is not one of {cipher}")
            }
            Self::NoAdminCipher => {
                f.write_str("the card has no cipher for its admin key that is known")
            }
            Self::CardDoesNotKnowAdminKey => f.write_str(
                "the card took the admin key and does not know it; it is not to be trusted",
            ),
            Self::NotAuthenticated(instruction) => write!(
                f,
                "the card wants its PIN, or its admin key, before {instruction}"
            ),
            Self::Unsupported(instruction) => write!(f, "the card cannot do {instruction}"),
            Self::NoKey { key } => write!(f, "the card has no key {key}"),
            Self::NotWritten { object } => write!(
                f,
                "what was written to the object {object} is not what is read there"
            ),
            Self::Full => f.write_str("the card is full"),
            Self::TooLong(instruction) => write!(f, "too many bytes for {instruction}"),
            Self::NotBlocked => f.write_str(
                "the card resets itself only once PIN and PUK are blocked, and says they are not",
            ),
            Self::Crypto => f.write_str("no randomness could be had"),
            Self::Refused {
                instruction,
                status,
            } => write!(f, "the card refused {instruction}: {status}"),
        }
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Read(object) => return write!(f, "GET DATA of {object}"),
            Self::Write(object) => return write!(f, "PUT DATA to {object}"),
            Self::UseKey(key) => return write!(f, "GENERAL AUTHENTICATE with {key}"),
            Self::Generate(key) => return write!(f, "GENERATE ASYMMETRIC KEY PAIR at {key}"),
            Self::Import(key) => return write!(f, "IMPORT ASYMMETRIC KEY to {key}"),
            Self::MoveKey(key) => return write!(f, "MOVE KEY from {key}"),
            Self::Attest(key) => return write!(f, "ATTEST of {key}"),
            Self::Select => "SELECT",
            Self::Verify => "VERIFY",
            Self::ChangePin => "CHANGE REFERENCE DATA",
            Self::SetPin => "RESET RETRY COUNTER",
            Self::Authenticate => "GENERAL AUTHENTICATE",
            Self::Metadata => "GET METADATA",
            Self::Version => "GET VERSION",
            Self::Serial => "GET SERIAL",
            Self::SetAdminKey => "SET MANAGEMENT KEY",
            Self::SetRetries => "SET PIN RETRIES",
            Self::Reset => "RESET",
        };
        f.write_str(name)
    }
}

impl<T: core::error::Error + 'static> core::error::Error for Error<T> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Card(error) => Some(error),
            _ => None,
        }
    }
}
