//! Why a flow did not do what it was asked.

use crate::crypto;
use crate::gids;
use crate::iso7816::{CardError, Status};
use core::fmt;

/// Why a flow ended early; `T` is the transport's error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error<T> {
    /// No answer arrived. Whether the command had an effect is unknown.
    Card(CardError<T>),
    /// The answer, or a file on the card, cannot be read.
    Malformed(gids::Error),
    /// The card has no GIDS applet.
    NotGids,
    /// The card is blank: it has neither files nor a PIN.
    NotInitialised,
    /// The card is not blank.
    AlreadyInitialised,
    /// The PIN is wrong; it cost a try.
    PinWrong {
        /// Until it is blocked.
        tries: u8,
    },
    /// No try is left.
    PinBlocked,
    /// The card does not take this PIN for a new one: most cards want 4 to 16 bytes.
    PinNotTaken {
        /// What it said.
        status: Status,
    },
    /// Wrong PINs do not use up the tries.
    PinNotCounted,
    /// The admin key does not open the card.
    AdminKeyWrong,
    /// The card has not proven that it has the admin key: it may not be the card it seems to be.
    CardUnproven,
    /// The card authenticates both ways only, which cannot be read aloud.
    NoShortChallenge,
    /// PIN or admin key are needed first.
    NotPermitted {
        /// Of the command that was refused.
        instruction: u8,
    },
    /// There is no such container.
    NoContainer {
        /// Its number.
        number: u8,
    },
    /// The container's key cannot do this.
    WrongUsage,
    /// There is no room for another container or certificate.
    CardFull,
    /// The maps of containers and keys do not fit each other.
    MapsDisagree {
        /// Records in the map of containers.
        containers: usize,
        /// Records in the map of keys.
        keys: usize,
    },
    /// More than a file or a command holds. Nothing was sent.
    TooLong,
    /// There were no random numbers.
    Crypto,
    /// Any other status.
    Refused {
        /// Of the command.
        instruction: u8,
        /// What the card said.
        status: Status,
    },
}

/// Why the administrator was not authenticated; `K` is the admin key's error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AdminError<T, K> {
    /// The card, or what was done with it.
    Session(Error<T>),
    /// The key did not answer.
    Key(K),
}

impl<T> Error<T> {
    /// What the card said, where that is why.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        match *self {
            Self::PinWrong { tries } => Some(Status::VerifyFailed { retries: tries }),
            Self::PinBlocked => Some(Status::AuthenticationBlocked),
            Self::AdminKeyWrong | Self::NotPermitted { .. } => {
                Some(Status::SecurityStatusNotSatisfied)
            }
            Self::PinNotTaken { status } | Self::Refused { status, .. } => Some(status),
            _ => None,
        }
    }
}

impl<T> From<gids::Error> for Error<T> {
    fn from(error: gids::Error) -> Self {
        Self::Malformed(error)
    }
}

impl<T> From<crypto::Error> for Error<T> {
    fn from(_: crypto::Error) -> Self {
        Self::Crypto
    }
}

impl<T, K> From<Error<T>> for AdminError<T, K> {
    fn from(error: Error<T>) -> Self {
        Self::Session(error)
    }
}

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card(error) => return error.fmt(f),
            Self::Malformed(error) => return write!(f, "the card cannot be read: {error}"),
            Self::PinWrong { tries: 1 } => "wrong PIN; one try is left before it is blocked",
            Self::PinWrong { tries } => return write!(f, "wrong PIN; {tries} tries are left"),
            Self::PinNotTaken { status } => {
                return write!(
                    f,
                    "the card does not take this PIN ({status}); most want 4 to 16 characters"
                );
            }
            Self::NoContainer { number } => {
                return write!(f, "the card has no container {number}; list them anew");
            }
            Self::MapsDisagree { containers, keys } => {
                return write!(
                    f,
                    "the card's maps disagree: {containers} containers, {keys} keys; it was \
                     damaged by another program"
                );
            }
            Self::NotPermitted { instruction } => {
                return write!(
                    f,
                    "the card wants its PIN or the admin key before instruction {instruction:02X}"
                );
            }
            Self::Refused {
                instruction,
                status,
            } => {
                return write!(
                    f,
                    "the card refused instruction {instruction:02X}: {status}"
                );
            }
            Self::NotGids => "the card has no GIDS applet",
            Self::NotInitialised => "the card is blank; initialise it first",
            Self::AlreadyInitialised => {
                "the card is initialised already, and cannot be initialised again"
            }
            Self::PinBlocked => "the PIN is blocked; the administrator can set a new one",
            Self::PinNotCounted => "the card does not count wrong PINs, so that it never blocks",
            Self::AdminKeyWrong => "the admin key does not open the card",
            Self::CardUnproven => {
                "the card did not prove that it has the admin key; it may not be the card that it \
                 seems to be"
            }
            Self::NoShortChallenge => {
                "the card gives no challenge that can be read aloud; unblock it online"
            }
            Self::WrongUsage => "the container's key is not for this",
            Self::CardFull => "the card is full; delete a container first",
            Self::TooLong => "that is more than the card's files and commands hold",
            Self::Crypto => "there were no random numbers",
        })
    }
}

impl<T: core::error::Error + 'static> core::error::Error for Error<T> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Card(error) => Some(error),
            Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}

impl<T: fmt::Display, K: fmt::Display> fmt::Display for AdminError<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
        }
    }
}

impl<T, K> core::error::Error for AdminError<T, K>
where
    T: core::error::Error + 'static,
    K: core::error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Session(error) => Some(error),
            Self::Key(error) => Some(error),
        }
    }
}
