//! The PIN: verified, changed, set by the administrator; how many tries are left. GIDS 2.0; ISO/IEC
//! 7816-4 §7.5.6 to §7.5.10.

use super::data_object::Address;
use super::{Error, command};
use crate::der::{Item, encode};
use crate::iso7816::tlv::{EncodeError, Objects, Tag};
use crate::iso7816::{Command, Le, Status};
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Fewest bytes of a PIN.
pub const MIN_PIN: usize = 4;

/// Most bytes of a PIN on any card: an old and a new one fill a command. Most cards take 16.
pub const MAX_PIN: usize = 127;

/// A PIN that some card could accept, wiped when dropped. It travels as it is, without padding.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Pin {
    bytes: [u8; MAX_PIN],
    len: usize,
}

impl Pin {
    /// Checks the length.
    pub fn new(bytes: &[u8]) -> Result<Self, PinError> {
        let len = bytes.len();
        if len < MIN_PIN {
            return Err(PinError::TooShort { bytes: len });
        }
        let mut pin = Self {
            bytes: [0; MAX_PIN],
            len,
        };
        pin.bytes
            .get_mut(..len)
            .filter(|room| room.len() == len)
            .ok_or(PinError::TooLong { bytes: len })?
            .copy_from_slice(bytes);
        Ok(pin)
    }

    /// What goes to the card.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Why a PIN can be none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PinError {
    /// Fewer bytes than [`MIN_PIN`].
    TooShort {
        /// Bytes of the PIN.
        bytes: usize,
    },
    /// More bytes than [`MAX_PIN`].
    TooLong {
        /// Bytes of the PIN.
        bytes: usize,
    },
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes } => {
                write!(
                    f,
                    "a card's PIN has at least {MIN_PIN} bytes, this one {bytes}"
                )
            }
            Self::TooLong { bytes } => {
                write!(
                    f,
                    "a card's PIN has at most {MAX_PIN} bytes, this one {bytes}"
                )
            }
        }
    }
}

impl core::error::Error for PinError {}

/// Which secret of the user a command is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reference {
    /// The PIN.
    Pin,
    /// What unblocks the PIN; cards of version 2 have none.
    Puk,
}

impl Reference {
    const fn p2(self) -> u8 {
        match self {
            Self::Pin => 0x80,
            Self::Puk => 0x81,
        }
    }

    /// The one of P2.
    pub const fn from_p2(p2: u8) -> Result<Self, Status> {
        match p2 {
            0x00 | 0x80 => Ok(Self::Pin),
            0x81 => Ok(Self::Puk),
            _ => Err(Status::ReferenceNotFound),
        }
    }

    /// Where its tries are told.
    #[must_use]
    pub const fn status(self) -> Address {
        match self {
            Self::Pin => super::data_object::PIN_STATUS,
            Self::Puk => super::data_object::PUK_STATUS,
        }
    }
}

/// VERIFY.
#[must_use]
pub fn verify(pin: &Pin) -> Command<'_> {
    command(VERIFY, 0x00, Reference::Pin.p2(), pin.bytes(), None)
}

/// VERIFY that takes back what was verified and authenticated, the admin key too.
#[must_use]
pub const fn deauthenticate() -> Command<'static> {
    command(VERIFY, 0x00, DEAUTHENTICATE, &[], None)
}

/// VERIFY without a PIN, which costs no try: 9000 when it is verified, or not needed.
#[must_use]
pub const fn is_verified(reference: Reference) -> Command<'static> {
    command(VERIFY, 0x00, reference.p2(), &[], None)
}

/// What a VERIFY wants.
#[derive(Clone, Copy, Eq, PartialEq)]
#[expect(missing_debug_implementations, reason = "holds a PIN")]
pub enum Verify<'a> {
    /// To know how many tries are left.
    Status(Reference),
    /// To be known as the user.
    Attempt(Reference, &'a [u8]),
    /// To be forgotten.
    Deauthenticate,
}

impl<'a> Verify<'a> {
    /// Reads a command.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        match (command.p1, command.p2, command.data) {
            (0x00, DEAUTHENTICATE, _) => Ok(Self::Deauthenticate),
            (0x00, p2, []) => Ok(Self::Status(Reference::from_p2(p2)?)),
            (0x00, p2, attempt) => Ok(Self::Attempt(Reference::from_p2(p2)?, attempt)),
            _ => Err(Status::IncorrectP1P2),
        }
    }
}

/// CHANGE REFERENCE DATA. It holds a PIN, or two.
#[derive(Clone, Copy, Eq, PartialEq)]
#[expect(missing_debug_implementations, reason = "holds PINs")]
pub enum Change<'a> {
    /// The first PIN of a card that is being initialised.
    First(&'a [u8]),
    /// The old and the new one, without a mark between them: the card knows how long the old one
    /// is.
    Exchange(&'a [u8]),
}

impl<'a> Change<'a> {
    /// The command for a first PIN.
    #[must_use]
    pub fn first(pin: &'a Pin) -> Command<'a> {
        command(CHANGE, 0x01, Reference::Pin.p2(), pin.bytes(), None)
    }

    /// The command that replaces `old` by `new`, whose data are written to `buffer`; wipe it.
    pub fn exchange(old: &Pin, new: &Pin, buffer: &'a mut [u8; 254]) -> Command<'a> {
        let both = old.bytes().iter().chain(new.bytes());
        let mut len: usize = 0;
        for (to, from) in buffer.iter_mut().zip(both) {
            *to = *from;
            len = len.saturating_add(1);
        }
        let data = buffer.get(..len).unwrap_or_default();
        command(CHANGE, 0x00, Reference::Pin.p2(), data, None)
    }

    /// Reads a command.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        match Reference::from_p2(command.p2)? {
            Reference::Puk => return Err(Status::ReferenceNotFound),
            Reference::Pin => {}
        }
        match command.p1 {
            0x00 => Ok(Self::Exchange(command.data)),
            0x01 => Ok(Self::First(command.data)),
            _ => Err(Status::IncorrectP1P2),
        }
    }
}

/// RESET RETRY COUNTER by the administrator: a new PIN, all of its tries. The administrator has to
/// prove the key anew for anything else.
#[must_use]
pub fn reset(pin: &Pin) -> Command<'_> {
    command(RESET, BY_ADMIN, Reference::Pin.p2(), pin.bytes(), None)
}

/// The new PIN in a RESET RETRY COUNTER.
pub fn parse_reset<'a>(command: &Command<'a>) -> Result<&'a [u8], Status> {
    match (command.p1, command.p2) {
        (BY_ADMIN, 0x80) => Ok(command.data),
        (BY_ADMIN, _) => Err(Status::ReferenceNotFound),
        _ => Err(Status::IncorrectP1P2),
    }
}

/// GET DATA of the tries.
pub fn tries<'b>(reference: Reference, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
    let command = super::data_object::GetData::Object(reference.status()).command(buffer)?;
    Ok(Command {
        le: Some(Le::SHORT),
        ..command
    })
}

/// How many tries there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tries {
    /// Until it is blocked.
    pub left: u8,
    /// When it is full; `None`: the card does not say.
    pub limit: Option<u8>,
}

impl Tries {
    /// Reads the answer to [`tries`].
    pub fn parse(answer: &[u8], reference: Reference) -> Result<Self, Error> {
        let template = super::required(answer, reference.status().object.0)?;
        let byte = |tag| -> Result<Option<u8>, Error> {
            match Objects::new(template)
                .find(Tag(tag))?
                .map(|found| found.value)
            {
                None => Ok(None),
                Some(&[byte]) => Ok(Some(byte)),
                Some(value) => Err(Error::WrongLength {
                    tag: Tag(tag),
                    len: value.len(),
                }),
            }
        };
        // Version 1 of the specification had a tag of its own.
        let left = match byte(LEFT)? {
            None => byte(LEFT_BEFORE)?,
            left => left,
        };
        Ok(Self {
            left: left.ok_or(Error::Missing(Tag(LEFT)))?,
            limit: byte(LIMIT)?,
        })
    }

    /// Encodes the answer into the front of `buffer`.
    pub fn encode<'b>(
        &self,
        reference: Reference,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], EncodeError> {
        let (left, limit) = ([self.left], self.limit.map(|limit| [limit]));
        let left = Item::Value(LEFT, &left);
        let template = match &limit {
            Some(limit) => &[left, Item::Value(LIMIT, limit)][..],
            None => &[left],
        };
        let tag = reference.status().object.0;
        encode(&[Item::Template(tag, template)], buffer)
    }
}

/// VERIFY.
pub(super) const VERIFY: u8 = 0x20;
/// CHANGE REFERENCE DATA.
const CHANGE: u8 = 0x24;
/// RESET RETRY COUNTER.
const RESET: u8 = 0x2C;
/// P1: the administrator was authenticated, the data are the new PIN.
const BY_ADMIN: u8 = 0x02;
/// P2 of VERIFY.
const DEAUTHENTICATE: u8 = 0x82;
const LEFT: u32 = 0x97;
const LEFT_BEFORE: u32 = 0x9F17;
const LIMIT: u32 = 0x93;
