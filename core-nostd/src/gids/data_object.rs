//! GET DATA and PUT DATA: the data objects in a file, the state of a PIN, the public half of a key.
//! GIDS 2.0; ISO/IEC 7816-4 §7.4.

use super::file::FileId;
use super::{Error, KeyReference, command, put_key, required, required_byte, unreadable};
use crate::der::{Item, encode};
use crate::iso7816::tlv::{EncodeError, Objects, Tag};
use crate::iso7816::{Command, Le, Status};

/// Where a data object lies.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address {
    /// The file.
    pub file: FileId,
    /// The object in it.
    pub object: Tag,
}

/// What there is in which file: see [`minidriver`](super::minidriver).
pub const MASTERFILE: Address = at(FileId::DIRECTORY, 0xDF1F);
/// What is known of each key.
pub const KEY_MAP: Address = at(FileId::DIRECTORY, 0xDF20);
/// The card's identifier, 16 bytes.
pub const CARD_ID: Address = at(FileId::ADMIN_WRITES, 0xDF20);
/// The applications on the card.
pub const CARD_APPS: Address = at(FileId::USER_WRITES, 0xDF21);
/// How often the card was changed.
pub const CARD_CF: Address = at(FileId::USER_WRITES, 0xDF22);
/// The containers.
pub const CMAPFILE: Address = at(FileId::USER_WRITES, 0xDF23);
/// How many tries the PIN has.
pub const PIN_STATUS: Address = at(FileId::APPLICATION, 0x7F71);
/// How many tries the PUK has.
pub const PUK_STATUS: Address = at(FileId::APPLICATION, 0x7F73);

const fn at(file: FileId, object: u32) -> Address {
    Address {
        file,
        object: Tag(object),
    }
}

/// GET DATA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GetData {
    /// The object with its tag and length; see [`value`].
    Object(Address),
    /// The public half of a key; see [`public_key`](super::public_key).
    PublicKey(KeyReference),
}

/// PUT DATA. Its value may be a secret: no `Debug`.
#[derive(Clone, Copy, Eq, PartialEq)]
#[expect(missing_debug_implementations, reason = "keys are written with it")]
pub enum PutData<'a> {
    /// Writes an object, which may be empty.
    Object(Address, &'a [u8]),
    /// Writes a key.
    Key(put_key::PutKey<'a>),
}

/// The value in an answer to [`GetData::Object`].
pub fn value(answer: &[u8], object: Tag) -> Result<&[u8], Error> {
    required(answer, object.0)
}

impl GetData {
    /// The command, whose data are written to `buffer`.
    pub fn command<'b>(&self, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let (file, data) = match *self {
            Self::Object(Address { file, object }) => {
                let tag = object.0.to_be_bytes();
                let tag = significant(&tag);
                (file, encode(&[Item::Value(TAG_LIST, tag)], buffer)?)
            }
            Self::PublicKey(key) => {
                let reference = [key.0];
                let key = [
                    Item::Value(REFERENCE, &reference),
                    Item::Value(KEY_VALUE, PUBLIC_HALF),
                ];
                let data = encode(&[Item::Template(KEY_USAGE, &key)], buffer)?;
                (FileId::APPLICATION, data)
            }
        };
        let [p1, p2] = file.0.to_be_bytes();
        Ok(command(GET_DATA, p1, p2, data, Some(Le::SHORT)))
    }

    /// Reads a command.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        if command.ins != GET_DATA {
            return Err(Status::InsNotSupported);
        }
        let file = FileId(u16::from_be_bytes([command.p1, command.p2]));
        let mut objects = Objects::new(command.data);
        let object = objects.next().ok_or(Status::IncorrectData)?;
        let object = object.map_err(|_| Status::IncorrectData)?;
        match (object.tag.0, file) {
            (TAG_LIST, _) => {
                let mut tag = [0; 4];
                let from = tag.len().saturating_sub(object.value.len());
                let room = tag.get_mut(from..).unwrap_or_default();
                if object.value.is_empty() || room.len() != object.value.len() {
                    return Err(Status::IncorrectData);
                }
                room.copy_from_slice(object.value);
                let object = Tag(u32::from_be_bytes(tag));
                if object == Tag(0) {
                    return Err(Status::IncorrectData);
                }
                Ok(Self::Object(Address { file, object }))
            }
            (KEY_USAGE, FileId::APPLICATION) => {
                let reference = required_byte(object.value, REFERENCE).map_err(unreadable)?;
                let wanted = required(object.value, KEY_VALUE).map_err(unreadable)?;
                // Nothing else of a key is ever read.
                if wanted != PUBLIC_HALF {
                    return Err(Status::IncorrectData);
                }
                Ok(Self::PublicKey(KeyReference(reference)))
            }
            _ => Err(Status::IncorrectData),
        }
    }
}

impl<'a> PutData<'a> {
    /// The command, whose data are written to `buffer`: the value and at most eight bytes more, of a
    /// key 32.
    pub fn command<'b>(&self, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let (file, data) = match *self {
            Self::Object(Address { file, object }, value) => {
                (file, encode(&[Item::Value(object.0, value)], buffer)?)
            }
            Self::Key(key) => (FileId::APPLICATION, key.encode(buffer)?),
        };
        let [p1, p2] = file.0.to_be_bytes();
        Ok(command(PUT_DATA, p1, p2, data, None))
    }

    /// Reads a command.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        if command.ins != PUT_DATA {
            return Err(Status::InsNotSupported);
        }
        let file = FileId(u16::from_be_bytes([command.p1, command.p2]));
        let mut objects = Objects::new(command.data);
        let object = objects.next().ok_or(Status::IncorrectData)?;
        let object = object.map_err(|_| Status::IncorrectData)?;
        let end = object.header.saturating_add(object.value.len());
        if object.offset != 0 || end != command.data.len() {
            return Err(Status::IncorrectData);
        }
        match (object.tag.0, file) {
            (KEY_USAGE, FileId::APPLICATION) => {
                Ok(Self::Key(put_key::PutKey::parse(object.value)?))
            }
            _ => Ok(Self::Object(
                Address {
                    file,
                    object: object.tag,
                },
                object.value,
            )),
        }
    }
}

/// A tag without its leading zeros.
fn significant(tag: &[u8; 4]) -> &[u8] {
    let zeros = tag.iter().take_while(|byte| **byte == 0).count();
    tag.get(zeros..).unwrap_or_default()
}

const GET_DATA: u8 = 0xCB;
const PUT_DATA: u8 = 0xDB;
const TAG_LIST: u32 = 0x5C;
/// Key usage template.
pub(super) const KEY_USAGE: u32 = 0x70;
/// The key's reference in it.
pub(super) const REFERENCE: u32 = 0x84;
/// The key's value in it.
pub(super) const KEY_VALUE: u32 = 0xA5;
/// The tag of a public key, and that nothing else of the key is wanted.
const PUBLIC_HALF: &[u8] = &[0x7F, 0x49, 0x80];
