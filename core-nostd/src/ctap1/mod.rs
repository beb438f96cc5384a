//! CTAP1: the messages of U2F keys, and what they mean in CTAP2. FIDO U2F Raw Message Formats 1.2;
//! CTAP 2.3 §10.
//!
//! Each message is an APDU: over HID in a CTAPHID_MSG, over NFC as it is. Both directions are
//! here, because keys of CTAP2 answer U2F clients, too.
//!
//! | module | message |
//! |---|---|
//! | [`register`] | U2F_REGISTER (0x01) |
//! | [`authenticate`] | U2F_AUTHENTICATE (0x02) |
//! | [`VERSION`] | U2F_VERSION (0x03) |
//!
//! ```
//! use keysteward_core::ctap1::{self, Request, authenticate};
//! use keysteward_core::iso7816::{Command, Form, Status};
//!
//! let request = authenticate::Request {
//!     control: authenticate::Control::CheckOnly,
//!     challenge: &[1; 32],
//!     application: &[2; 32],
//!     key_handle: b"key handle",
//! };
//! let (mut data, mut apdu) = ([0; ctap1::MAX_DATA], [0; ctap1::MAX_APDU]);
//! let apdu = request.command(&mut data)?.encode(Form::Extended, &mut apdu)?;
//!
//! // At the key:
//! let (command, _) = Command::parse(apdu)?;
//! assert_eq!(Request::parse(&command), Ok(Request::Authenticate(request)));
//! let unknown = Command { ins: 0x40, ..command };
//! assert_eq!(Request::parse(&unknown), Err(Status::InsNotSupported));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authenticate;
pub mod register;

#[cfg(test)]
pub(crate) mod tests;

use crate::iso7816::{Command, Le, Status};
use core::fmt;

/// What U2F_VERSION answers.
pub const VERSION: &[u8] = b"U2F_V2";

/// Longest data of a request: an authentication with the longest key handle.
pub const MAX_DATA: usize = 320;

/// Longest request: [`MAX_DATA`] in the extended form.
pub const MAX_APDU: usize = 329;

/// Longest key handle.
pub const MAX_KEY_HANDLE: usize = 255;

/// U2F_REGISTER.
const REGISTER: u8 = 0x01;
/// U2F_AUTHENTICATE.
const AUTHENTICATE: u8 = 0x02;
/// U2F_VERSION.
const VERSION_INS: u8 = 0x03;

/// A request, as the key gets it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Request<'a> {
    /// 0x01
    Register(register::Request<'a>),
    /// 0x02
    Authenticate(authenticate::Request<'a>),
    /// 0x03; answered with [`VERSION`]
    Version,
}

impl<'a> Request<'a> {
    /// Reads a command; the status is what the key answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        match (command.cla, command.ins) {
            (0x00, REGISTER) => register::Request::parse(command.data).map(Self::Register),
            (0x00, AUTHENTICATE) => {
                let control = authenticate::Control::from(command.p1);
                authenticate::Request::parse(control, command.data).map(Self::Authenticate)
            }
            (0x00, VERSION_INS) if command.data.is_empty() => Ok(Self::Version),
            (0x00, VERSION_INS) => Err(Status::WrongLength),
            (0x00, _) => Err(Status::InsNotSupported),
            _ => Err(Status::ClaNotSupported),
        }
    }
}

/// The command that asks for the version.
#[must_use]
pub const fn version() -> Command<'static> {
    command(VERSION_INS, 0, &[])
}

const fn command(ins: u8, p1: u8, data: &[u8]) -> Command<'_> {
    Command {
        cla: 0x00,
        ins,
        p1,
        p2: 0x00,
        data,
        le: Some(Le::EXTENDED),
    }
}

/// Why an answer of a U2F key cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// It ends before this member does.
    TooShort {
        /// Which member.
        member: &'static str,
    },
    /// It begins with another byte than 05.
    ReservedByte(u8),
    /// The public key is not an uncompressed point.
    NotAPoint,
    /// A new credential without a name.
    KeyHandleEmpty,
    /// The certificate or the signature is not a sequence in DER.
    NotDer {
        /// Which member.
        member: &'static str,
    },
    /// Bytes follow the signature.
    TrailingBytes {
        /// How many.
        len: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { member } => write!(f, "the answer ends before its {member} does"),
            Self::ReservedByte(byte) => {
                write!(f, "a registration begins with 05, this one with {byte:02X}")
            }
            Self::NotAPoint => f.write_str("the public key is not an uncompressed point"),
            Self::KeyHandleEmpty => f.write_str("the key handle has no byte, 1 to 255 are due"),
            Self::NotDer { member } => write!(f, "the {member} is not in DER"),
            Self::TrailingBytes { len } => write!(f, "{len} bytes follow the signature"),
        }
    }
}

impl core::error::Error for Error {}

/// A key handle longer than U2F has. It is of another token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyHandleTooLong {
    /// Bytes.
    pub len: usize,
}

impl fmt::Display for KeyHandleTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a key handle of {} bytes exceeds the {MAX_KEY_HANDLE} of U2F",
            self.len
        )
    }
}

impl core::error::Error for KeyHandleTooLong {}

/// Splits a sequence in DER off.
fn der_sequence<'a>(bytes: &'a [u8], member: &'static str) -> Result<(&'a [u8], &'a [u8]), Error> {
    let short = Error::TooShort { member };
    let (&[tag, length], rest) = bytes.split_first_chunk().ok_or(short)?;
    let (header, length) = match (tag, length, rest) {
        (0x30, 0x00..=0x7F, _) => (2_usize, usize::from(length)),
        (0x30, 0x81, [length, ..]) => (3, usize::from(*length)),
        (0x30, 0x82, [hi, lo, ..]) => (4, usize::from(u16::from_be_bytes([*hi, *lo]))),
        (0x30, 0x81 | 0x82, _) => return Err(short),
        _ => return Err(Error::NotDer { member }),
    };
    bytes
        .split_at_checked(header.saturating_add(length))
        .ok_or(short)
}

/// The signature, which ends the answer.
fn signature(bytes: &[u8]) -> Result<&[u8], Error> {
    match der_sequence(bytes, "signature")? {
        (signature, []) => Ok(signature),
        (_, rest) => Err(Error::TrailingBytes { len: rest.len() }),
    }
}
