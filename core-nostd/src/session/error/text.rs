//! What went wrong and what to do, in words.

use super::Error;
use core::fmt;

impl<T: fmt::Display> fmt::Display for Error<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Transport(error) => return error.fmt(f),
            Self::Malformed { command, error } => {
                return write!(
                    f,
                    "the answer to {command:?} cannot be read: {error}; if it stays so after the \
                     token was replugged, its firmware is at fault"
                );
            }
            Self::EmptyAnswer { command } => {
                return write!(
                    f,
                    "the answer to {command:?} is empty; unplug the token, plug it in, and try again"
                );
            }
            Self::RequestTooLong { command, max } => {
                return write!(
                    f,
                    "{command:?} does not fit the {max} bytes the token takes; shorten its names \
                     and lists"
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
            Self::UvInvalid { retries } => return not_recognised(f, *retries),
            Self::TokenRejected { command } => {
                return write!(
                    f,
                    "the PIN token has expired or does not permit {command:?}; enter the PIN again"
                );
            }
            Self::PermissionRefused { permissions } => {
                return write!(
                    f,
                    "the token does not give its permission for {permissions} in this way; try its \
                     PIN, or its own user verification"
                );
            }
            Self::EnumerationInterrupted { got, total } => {
                return write!(
                    f,
                    "another program interrupted the list after {got} of {total} entries; list again"
                );
            }
            Self::ListTooLong { command, announced } => {
                return write!(
                    f,
                    "the token announces {announced} entries for {command:?}, more than any token \
                     holds; do not trust this token"
                );
            }
            Self::ListRepeats { command } => {
                return write!(
                    f,
                    "the token's list for {command:?} goes round in circles; do not trust this token"
                );
            }
            Self::TooManyRpIds { max: Some(max) } => {
                return write!(
                    f,
                    "the token lets at most {max} RP IDs learn its minimum PIN length; name fewer"
                );
            }
            Self::CredBlobTooLong { max } => {
                return write!(
                    f,
                    "the token stores at most {max} bytes with a credential; shorten the blob"
                );
            }
            Self::LargeBlobsFull { needed, capacity } => {
                write!(f, "the large blobs would be {needed} bytes long, ")?;
                return match capacity {
                    Some(capacity) => write!(f, "the token stores {capacity}; remove some first"),
                    None => f.write_str("more than the token stores; remove some first"),
                };
            }
            Self::LargeBlobBufferTooSmall { needed } => {
                return write!(
                    f,
                    "the token may hold {needed} bytes of large blobs, more than there is room for"
                );
            }
            Self::LargeBlobsUnreadable(error) => {
                return write!(
                    f,
                    "the large blobs on the token are not in the standard's form: {error}; writing \
                     an empty array removes them"
                );
            }
            Self::Refused { command, status } => {
                return write!(f, "the token refused {command:?}: {status}");
            }
            Self::Crypto => {
                "a key or PIN token from the token is unusable; unplug it, plug it in, and try again"
            }
            Self::PinNotSet => "the token has no PIN; set one first",
            Self::PinAlreadySet => "the token has a PIN already; change it instead",
            Self::PinRequired => {
                "the token wants its PIN, or its own user verification, for this; give one"
            }
            Self::PinBlocked => {
                "the PIN is blocked for good; only a reset helps, which erases the token"
            }
            Self::PinChangeRequired => {
                "the PIN must be changed before it can be used; change it first"
            }
            Self::UvBlocked => {
                "the token's own user verification is blocked; enter the PIN, which unblocks it"
            }
            Self::UvNotSetUp => {
                "the token knows no finger or face yet; use its PIN, or enrol one first"
            }
            Self::CredentialExcluded => {
                "the token already holds one of the excluded credentials; use that one, or delete \
                 it first"
            }
            Self::NoCredentials => {
                "the token holds no such credential; list what it holds, or try another token"
            }
            Self::OtherCredential => {
                "the token answered for a credential that it was not asked for; do not trust this \
                 token"
            }
            Self::NotTouched => "the token was not touched in time; try again",
            Self::Denied => {
                "the person at the token refused, or did not touch it in time; try again"
            }
            Self::Cancelled => "cancelled",
            Self::ResetTooLate => {
                "the token takes a reset only within 10 seconds after it is plugged in, and as \
                 the first thing asked; unplug it, plug it in, and reset at once"
            }
            Self::ResetDenied => {
                "the token does not take a reset on this transport, or the person at the token \
                 refused it; try over USB"
            }
            Self::ResetTouchTooShort => {
                "the token takes a reset only after an uninterrupted touch of 5 seconds; unplug \
                 it, plug it in, and hold the touch until it is done"
            }
            Self::StoreFull => "the token has no room for another credential; delete one first",
            Self::TooManyRpIds { max: None } => {
                "the token has no room for so many RP IDs that learn its minimum PIN length; name \
                 fewer"
            }
            Self::FingerprintsFull => {
                "the token has no room for another fingerprint; remove one first"
            }
            Self::NoSuchFingerprint => "the token knows no such fingerprint; list them anew",
            Self::FingerprintNameTooLong => {
                "the name is longer than the token stores; give a shorter one"
            }
            Self::EnrolmentEndless => {
                "the sensor never had enough of the finger; clean it, and try again"
            }
            Self::LargeBlobsInterrupted => {
                "another program interrupted the writing of large blobs; read them and write again"
            }
            Self::LargeBlobsGarbled => {
                "the token did not take down the large blobs as they were sent; write them again"
            }
        };
        f.write_str(words)
    }
}

fn wrong_pin(f: &mut fmt::Formatter<'_>, retries: Option<u8>) -> fmt::Result {
    match retries {
        Some(1) => f.write_str("wrong PIN; one try is left before the token blocks for good"),
        Some(left) => write!(f, "wrong PIN; {left} tries are left"),
        None => f.write_str("wrong PIN; check it before the next try"),
    }
}

fn not_recognised(f: &mut fmt::Formatter<'_>, retries: Option<u8>) -> fmt::Result {
    f.write_str("the finger or face was not recognised")?;
    match retries {
        Some(1) => f.write_str("; one try is left before the token wants its PIN"),
        Some(left) => write!(f, "; {left} tries are left before the token wants its PIN"),
        None => f.write_str("; try again, or use the PIN"),
    }
}
