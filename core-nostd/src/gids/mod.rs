//! The generic identity device's card edge, GIDS: what Windows speaks to smart cards without a
//! driver of their own. Generic Identity Device Specification 2.0 (Microsoft, October 2012), over
//! ISO/IEC 7816-4 and -8.
//!
//! | module | what |
//! |---|---|
//! | [`select`] | SELECT, and what the applet says of itself |
//! | [`data_object`] | GET DATA and PUT DATA of the objects in a file |
//! | [`mod@file`] | files: created, activated, selected, deleted; who may do what |
//! | [`key_file`] | files of keys, and what a key is for |
//! | [`generate`], [`public_key`] | a key made on the card; its public half |
//! | [`put_key`] | a key written to the card: the admin key, an RSA key |
//! | [`pin`] | the PIN: verified, changed, set by the administrator; tries left |
//! | [`authenticate`] | the admin key proven, one way and both ways |
//! | [`security_operation`] | signatures and decipherment |
//! | [`minidriver`] | the files that Windows' minidriver keeps in data objects |
//! | [`session`] | what an administrator does to a card |
//!
//! Every command is written by the host and read by the card: `command` and `parse`. What `parse`
//! refuses, it refuses with the status that the card answers.
//!
//! ```
//! use keysteward_core::gids::data_object::{CARD_ID, GetData};
//! use keysteward_core::iso7816::Form;
//!
//! let (mut data, mut apdu) = ([0; 8], [0; 16]);
//! let command = GetData::Object(CARD_ID).command(&mut data)?;
//! let apdu = command.encode(Form::Short, &mut apdu)?;
//! assert_eq!(apdu, b"\x00\xCB\xA0\x12\x04\x5C\x02\xDF\x20\x00");
//! assert_eq!(GetData::parse(&command), Ok(GetData::Object(CARD_ID)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authenticate;
pub mod data_object;
pub mod file;
pub mod generate;
pub mod key_file;
pub mod minidriver;
pub mod pin;
pub mod public_key;
pub mod put_key;
pub mod security_operation;
pub mod select;
pub mod session;

#[cfg(test)]
mod tests;

use crate::iso7816::tlv::{self, Objects, Tag};
use crate::iso7816::{Command, Le, Status};
use core::fmt;

/// The applet's identifier, without its version.
pub const AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59];

/// Names a key on the card: the admin key, or that of a container.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyReference(pub u8);

impl KeyReference {
    /// The administrator's symmetric key.
    pub const ADMIN: Self = Self(0x80);

    /// The key of the container of this number, of which there are 127.
    #[must_use]
    pub const fn of_container(number: u8) -> Option<Self> {
        match number {
            0..=0x7E => Some(Self(number.wrapping_add(0x81))),
            _ => None,
        }
    }

    /// The container that the key is of.
    #[must_use]
    pub const fn container(self) -> Option<u8> {
        self.0.checked_sub(0x81)
    }

    /// The file that the key lies in.
    #[must_use]
    pub const fn file(self) -> file::FileId {
        file::FileId(u16::from_be_bytes([0xB0, self.0]))
    }
}

/// Why a card's answer, or a file on it, cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// It is not made of data objects.
    Objects(tlv::Error),
    /// A data object that must be there is not.
    Missing(Tag),
    /// A data object has another length than the specification's.
    WrongLength {
        /// Which.
        tag: Tag,
        /// Bytes it has.
        len: usize,
    },
    /// A file of the minidriver is not in its form.
    File {
        /// Which.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl From<tlv::Error> for Error {
    fn from(error: tlv::Error) -> Self {
        Self::Objects(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Objects(error) => error.fmt(f),
            Self::Missing(tag) => write!(f, "the data object {tag} is missing"),
            Self::WrongLength { tag, len } => {
                write!(f, "the data object {tag} has a wrong length of {len} bytes")
            }
            Self::File { name, problem } => write!(f, "the file {name} {problem}"),
        }
    }
}

impl core::error::Error for Error {}

/// A command of the interindustry class.
const fn command<'d>(ins: u8, p1: u8, p2: u8, data: &'d [u8], le: Option<Le>) -> Command<'d> {
    Command {
        cla: 0x00,
        ins,
        p1,
        p2,
        data,
        le,
    }
}

/// The value of an object that must be there.
fn required(bytes: &[u8], tag: u32) -> Result<&[u8], Error> {
    let found = Objects::new(bytes).find(Tag(tag))?;
    Ok(found.ok_or(Error::Missing(Tag(tag)))?.value)
}

/// The value of an object of one byte that must be there.
fn required_byte(bytes: &[u8], tag: u32) -> Result<u8, Error> {
    match *required(bytes, tag)? {
        [byte] => Ok(byte),
        ref value => Err(Error::WrongLength {
            tag: Tag(tag),
            len: value.len(),
        }),
    }
}

/// What a card answers to data that it cannot read.
const fn unreadable(_: Error) -> Status {
    Status::IncorrectData
}
