//! Records of the authenticator: the version, then a CBOR map. Members that a later version adds
//! are passed over by an earlier one.

use super::Error;
use crate::storage::{FORMAT, Record, Storage, whole};
use keysteward_core::cbor::{self, BufferFull, Encode, Parse};

/// Encodes a record into the front of `room`.
pub(super) fn record<'b>(value: &impl Encode, room: &'b mut [u8]) -> Result<&'b [u8], BufferFull> {
    let (version, body) = room.split_first_mut().ok_or(BufferFull)?;
    *version = FORMAT;
    let length = cbor::encode(value, body)?.len();
    room.get(..=length).ok_or(BufferFull)
}

/// Reads what [`record`] encoded.
pub(super) fn parse_record<'b, T: Parse<'b>>(record: &'b [u8]) -> Result<T, cbor::Error> {
    match record.split_first() {
        Some((&FORMAT, map)) => T::parse(map),
        _ => Err(cbor::Error::OutOfRange {
            position: 0,
            expected: "a record of this version",
        }),
    }
}

/// Reads a record through `room`; `None` where it does not exist.
pub(super) fn load<'b, T: Parse<'b>>(
    storage: &impl Storage,
    record: Record,
    room: &'b mut [u8],
) -> Result<Option<T>, Error> {
    match whole(storage, record, room)? {
        None => Ok(None),
        Some(bytes) => match parse_record(bytes) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Error::Damaged(record)),
        },
    }
}
