//! The head of an item: major type and argument. RFC 8949 §3.
//!
//! Our own thirty lines rather than a library: every head must refuse indefinite lengths, and an
//! item's bytes must stay at hand for MACs and for text that a key has cut inside a character.

use super::Error;

/// Major type. The order is the canonical order of map keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Major {
    Unsigned = 0,
    Negative = 1,
    Bytes = 2,
    Text = 3,
    Array = 4,
    Map = 5,
    Tag = 6,
    Simple = 7,
}

/// Major type, argument, and the length of both in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) major: Major,
    pub(super) argument: u64,
    pub(super) length: usize,
}

pub(super) const FALSE: u64 = 20;
pub(super) const TRUE: u64 = 21;

impl Head {
    /// Reads the head at the start of `bytes`, which begin at `position` of the message.
    pub(super) fn parse(bytes: &[u8], position: usize) -> Result<Self, Error> {
        let (&initial, rest) = bytes.split_first().ok_or(Error::EndOfInput { position })?;
        let major = match initial >> 5 {
            0 => Major::Unsigned,
            1 => Major::Negative,
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::Array,
            5 => Major::Map,
            6 => Major::Tag,
            _ => Major::Simple,
        };
        let (argument, length) = match initial & 0x1f {
            immediate @ 0..=23 => (Some(u64::from(immediate)), 1),
            24 => (rest.first().map(|&byte| u64::from(byte)), 2),
            25 => (big_endian(rest).map(|b| u16::from_be_bytes(b).into()), 3),
            26 => (big_endian(rest).map(|b| u32::from_be_bytes(b).into()), 5),
            27 => (big_endian(rest).map(u64::from_be_bytes), 9),
            _ => return Err(Error::Malformed { position }),
        };
        let argument = argument.ok_or(Error::EndOfInput { position })?;
        // RFC 8949 §3.3: simple values below 32 have no two-byte form.
        if major == Major::Simple && length == 2 && argument < 32 {
            return Err(Error::Malformed { position });
        }
        Ok(Self {
            major,
            argument,
            length,
        })
    }
}

/// The shortest head, in the front of the array, and its length.
pub(super) fn shortest(major: Major, argument: u64) -> ([u8; 9], usize) {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = argument.to_be_bytes();
    let major = (major as u8) << 5;
    match argument {
        0..=23 => ([major | b7, 0, 0, 0, 0, 0, 0, 0, 0], 1),
        24..=0xff => ([major | 24, b7, 0, 0, 0, 0, 0, 0, 0], 2),
        0x100..=0xffff => ([major | 25, b6, b7, 0, 0, 0, 0, 0, 0], 3),
        0x1_0000..=0xffff_ffff => ([major | 26, b4, b5, b6, b7, 0, 0, 0, 0], 5),
        _ => ([major | 27, b0, b1, b2, b3, b4, b5, b6, b7], 9),
    }
}

fn big_endian<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}
