//! `mscp/cmapfile`: the containers, a record each, at the place that is their number. Windows Smart
//! Card Minidriver Specification 7.07, CONTAINER_MAP_RECORD.

use super::super::Error;
use super::super::key_file::{KeySize, Usage};
use super::{put_at, records, u16_at};

/// Bytes of a record.
pub const RECORD: usize = 86;

/// Longest name of a container, in units of UTF-16.
pub const MAX_NAME: usize = 39;

/// A container.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Container {
    /// Its name in UTF-16, zeros behind it. Windows takes a GUID in braces.
    name: [u16; 40],
    /// Whether logon takes this one.
    pub is_default: bool,
    /// The key in it: what for, and how long.
    pub usage: Option<Usage>,
}

impl Container {
    /// One of this name, of which no more than [`MAX_NAME`] units are kept.
    #[must_use]
    pub fn new(name: &str, is_default: bool, usage: Option<Usage>) -> Self {
        let mut units = [0; 40];
        let room = units.iter_mut().take(MAX_NAME);
        for (to, from) in room.zip(name.encode_utf16()) {
            *to = from;
        }
        Self {
            name: units,
            is_default,
            usage,
        }
    }

    /// Reads a record; `None`: it is free.
    #[must_use]
    pub fn parse(record: &[u8; RECORD]) -> Option<Self> {
        let flags = record.get(FLAGS).copied().unwrap_or_default();
        if flags & VALID == 0 {
            return None;
        }
        let mut name = [0; 40];
        for (unit, bytes) in name.iter_mut().zip(record.as_chunks::<2>().0) {
            *unit = u16::from_le_bytes(*bytes);
        }
        let signature = KeySize::of_bits(u16_at(record, SIGNATURE_BITS));
        let exchange = KeySize::of_bits(u16_at(record, EXCHANGE_BITS));
        Some(Self {
            name,
            is_default: flags & DEFAULT != 0,
            usage: match (exchange, signature) {
                (Some(size), _) => Some(Usage::KeyExchange(size)),
                (None, Some(size)) => Some(Usage::Signature(size)),
                (None, None) => None,
            },
        })
    }

    /// Its record.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        for (to, from) in record.as_chunks_mut::<2>().0.iter_mut().zip(&self.name) {
            *to = from.to_le_bytes();
        }
        let flags = if self.is_default {
            VALID | DEFAULT
        } else {
            VALID
        };
        put_at(&mut record, FLAGS, &[flags]);
        let (at, size) = match self.usage {
            Some(Usage::KeyExchange(size)) => (EXCHANGE_BITS, size),
            Some(Usage::Signature(size)) => (SIGNATURE_BITS, size),
            Some(Usage::Admin) | None => return record,
        };
        put_at(&mut record, at, &size.bits().to_le_bytes());
        record
    }

    /// Its name; what is no text is replaced.
    pub fn name(&self) -> impl Iterator<Item = char> + '_ {
        let units = self.name.iter().copied().take_while(|unit| *unit != 0);
        char::decode_utf16(units).map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// The records of the file: container 0, 1 and so on; `None` where one is free.
pub fn containers(
    file: &[u8],
) -> Result<impl ExactSizeIterator<Item = Option<Container>> + '_, Error> {
    let records: &[[u8; RECORD]] = records(file).ok_or(Error::File {
        name: "cmapfile",
        problem: "is not made of records of 86 bytes",
    })?;
    Ok(records.iter().map(Container::parse))
}

const FLAGS: usize = 80;
const SIGNATURE_BITS: usize = 82;
const EXCHANGE_BITS: usize = 84;
const VALID: u8 = 0x01;
const DEFAULT: u8 = 0x02;
