//! Which containers Windows sees: the object MSCMAP of Yubico's minidriver.
//!
//! Records of 107 bytes, integers little endian.

use super::{Algorithm, KeyReference, Malformed};
use crate::iso7816::tlv::{EncodeError, Objects, Put, Tag};

/// One container: a key with its certificate, as Windows names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// UTF-16, as it stands: a GUID in braces mostly, zeros behind it.
    pub name: [u16; NAME],
    /// Where the key is, as [`KeyReference::id`] has it.
    pub key: u8,
    /// What Windows takes the key for.
    pub key_spec: u8,
    /// Bits of the key.
    pub bits: u16,
    /// 1: the record counts; 2: logon takes this container.
    pub flags: u8,
    /// Which PIN the key wants.
    pub pin: u8,
    /// Container of the ECDH key that belongs to it; FF: none.
    pub ecdh: u8,
    /// SHA-1 of the certificate.
    pub fingerprint: [u8; 20],
}

impl Record {
    /// Bytes of one.
    pub const LEN: usize = 107;

    /// A container that counts, of a key for all uses. `guid` names it.
    #[must_use]
    pub fn new(guid: &[u8; 16], key: KeyReference, algorithm: Algorithm) -> Self {
        Self {
            name: braced(guid),
            key: key.id(),
            key_spec: match (algorithm, key) {
                (Algorithm::P256, _) => 3,
                (Algorithm::P384, _) => 4,
                (_, KeyReference::Signature) => 2,
                _ => 1,
            },
            bits: algorithm.bits(),
            flags: VALID,
            pin: 1,
            ecdh: 0xFF,
            fingerprint: [0; 20],
        }
    }

    /// Whether logon takes this container.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        self.flags & DEFAULT != 0
    }

    /// Has logon take this container, or not.
    pub const fn set_default(&mut self, is_default: bool) {
        self.flags = if is_default {
            self.flags | DEFAULT
        } else {
            self.flags & !DEFAULT
        };
    }

    fn parse(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let (name, rest) = bytes.split_first_chunk::<80>()?;
        let &[
            key,
            key_spec,
            low,
            high,
            flags,
            pin,
            ecdh,
            ref fingerprint @ ..,
        ] = rest
        else {
            return None;
        };
        let mut units = [0; NAME];
        for (to, from) in units.iter_mut().zip(name.as_chunks().0) {
            *to = u16::from_le_bytes(*from);
        }
        Some(Self {
            name: units,
            key,
            key_spec,
            bits: u16::from_le_bytes([low, high]),
            flags,
            pin,
            ecdh,
            fingerprint: fingerprint.try_into().ok()?,
        })
    }

    fn encode(&self) -> [u8; Self::LEN] {
        let [low, high] = self.bits.to_le_bytes();
        let numbers = [
            self.key,
            self.key_spec,
            low,
            high,
            self.flags,
            self.pin,
            self.ecdh,
        ];
        let name = self.name.iter().flat_map(|unit| unit.to_le_bytes());
        let mut bytes = [0; Self::LEN];
        let content = name.chain(numbers).chain(self.fingerprint);
        for (to, from) in bytes.iter_mut().zip(content) {
            *to = from;
        }
        bytes
    }
}

/// The records of an object's content. Of a broken one no record is given.
pub fn records(content: &[u8]) -> Result<impl Iterator<Item = Record>, Malformed> {
    let map = match Objects::new(content).find(MAP) {
        Ok(Some(object)) => object.value,
        Ok(None) if content.is_empty() => &[],
        _ => return Err(Malformed),
    };
    match map.as_chunks() {
        (records, []) => Ok(records.iter().filter_map(Record::parse)),
        _ => Err(Malformed),
    }
}

/// Encodes an object's content into the front of `buffer`.
pub fn encode_records<'b>(
    records: &[Record],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let mut put = Put::new(buffer);
    put.header(MAP, records.len().saturating_mul(Record::LEN))?;
    for record in records {
        put.bytes(&record.encode())?;
    }
    put.finish()
}

/// Most records that are written: one for each place of a key.
pub const MAX_RECORDS: usize = 24;

/// Characters of a container's name.
pub const NAME: usize = 40;

/// A GUID as Windows writes it: its first three numbers are little endian.
fn braced(guid: &[u8; 16]) -> [u16; NAME] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *guid;
    let [i, j, rest @ ..] = rest;
    let groups: [&[u8]; 5] = [&[d, c, b, a], &[f, e], &[h, g], &[i, j], &rest];
    let mut name = [0; NAME];
    let mut places = name.iter_mut();
    let mut write = |character: u8| {
        if let Some(place) = places.next() {
            *place = character.into();
        }
    };
    write(b'{');
    for (number, group) in groups.into_iter().enumerate() {
        if number > 0 {
            write(b'-');
        }
        for byte in group {
            write(digit(byte >> 4));
            write(digit(byte & 0x0F));
        }
    }
    write(b'}');
    name
}

const fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0'.wrapping_add(nibble),
        _ => b'a'.wrapping_sub(10).wrapping_add(nibble),
    }
}

const MAP: Tag = Tag(0x81);
const VALID: u8 = 0x01;
const DEFAULT: u8 = 0x02;
