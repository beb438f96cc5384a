//! The key map: what is known of each key, a record for each container. Windows' minidriver for GIDS
//! keeps it, undocumented; the form is the one that it and OpenSC agree on.

use super::super::key_file::Usage;
use super::super::{Error, KeyReference};
use super::{put_at, records, u16_at};

/// Bytes of a record.
pub const RECORD: usize = 12;

/// The byte that the file begins with.
pub const VERSION: u8 = 0x01;

/// A key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key {
    /// The low half of its algorithm identifiers.
    pub algorithm: u8,
    /// Whether it only signs.
    pub signs_only: bool,
    /// Which.
    pub reference: KeyReference,
}

impl Key {
    /// The key of a container; `None` for the admin key, which is not in the map.
    #[must_use]
    pub const fn new(reference: KeyReference, usage: Usage) -> Option<Self> {
        match usage.size() {
            Some(size) => Some(Self {
                algorithm: size.id(),
                signs_only: !usage.deciphers(),
                reference,
            }),
            None => None,
        }
    }

    /// Reads a record; `None`: it is free.
    #[must_use]
    pub fn parse(record: &[u8; RECORD]) -> Option<Self> {
        let [state, _, _, _, algorithm, kind, reference, ..] = *record;
        (state != 0).then_some(Self {
            algorithm,
            signs_only: kind == SIGNATURE,
            reference: KeyReference(reference),
        })
    }

    /// Its record.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        let kind = if self.signs_only { SIGNATURE } else { EXCHANGE };
        put_at(&mut record, 0, &[1, 0, 0, 0, self.algorithm, kind]);
        put_at(&mut record, 6, &self.reference.file().0.to_le_bytes());
        put_at(&mut record, 8, &NONE.to_le_bytes());
        record
    }
}

/// A record that is free.
#[must_use]
pub fn free() -> [u8; RECORD] {
    let mut record = [0; RECORD];
    put_at(&mut record, 6, &NONE.to_le_bytes());
    put_at(&mut record, 8, &NONE.to_le_bytes());
    record
}

/// The records of the file.
pub fn keys(file: &[u8]) -> Result<impl ExactSizeIterator<Item = Option<Key>> + '_, Error> {
    let wrong = Error::File {
        name: "key map",
        problem: "does not begin with 01, or is not made of records of 12 bytes",
    };
    let bytes = match file {
        [] => &[],
        [VERSION, bytes @ ..] => bytes,
        _ => return Err(wrong),
    };
    let records: &[[u8; RECORD]] = records(bytes).ok_or(wrong)?;
    Ok(records.iter().map(|record| {
        // A file that is gone has no name of a key.
        Key::parse(record).filter(|_| u16_at(record, 6) != NONE)
    }))
}

const EXCHANGE: u8 = 0x9A;
const SIGNATURE: u8 = 0x9C;
const NONE: u16 = 0xFFFF;
