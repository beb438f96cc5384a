//! Heads of items: their major type and argument. RFC 8949 §3.
//!
//! Our own rather than a library's, because every read of every message begins here: what CTAP2
//! forbids is refused in the same pass, and on a microcontroller this is a tenth of what a reader
//! of all of CBOR takes.

use super::Error;
use super::reader::SMALL;

/// Major type, in the order of the initial bytes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Simple,
}

impl Major {
    pub(super) const fn of(initial: u8) -> Self {
        match initial >> 5 {
            0 => Self::Unsigned,
            1 => Self::Negative,
            2 => Self::Bytes,
            3 => Self::Text,
            4 => Self::Array,
            5 => Self::Map,
            6 => Self::Tag,
            _ => Self::Simple,
        }
    }
}

/// Proof that an item may be read: its head is whole, and neither of indefinite length nor of a
/// reserved form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) major: Major,
    /// An integer, a length, a number of items or entries, a tag; of a simple value or a float,
    /// its bits.
    pub(super) argument: u64,
    /// Where the head ends.
    pub(super) end: usize,
}

impl Head {
    /// Reads the head of the item at `position`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn parse(input: &[u8], position: usize) -> Result<Self, Error> {
        let Some(&initial) = input.get(position) else {
            return Err(Error::EndOfInput { position });
        };
        let info = initial & 0x1f;
        let after = position.saturating_add(1);
        // Nearly all heads are one byte.
        if info <= LAST_IMMEDIATE {
            return Ok(Self {
                major: Major::of(initial),
                argument: info.into(),
                end: after,
            });
        }
        // Of the others nearly all are two or three, for hashes, keys, signatures and sizes.
        if !SMALL && info == ONE_BYTE_FOLLOWS && initial < SIMPLE {
            let argument = input.get(after).ok_or(Error::EndOfInput { position })?;
            return Ok(Self {
                major: Major::of(initial),
                argument: (*argument).into(),
                end: after.saturating_add(1),
            });
        }
        if !SMALL && info == TWO_BYTES_FOLLOW {
            let argument = input.get(after..).and_then(<[u8]>::first_chunk);
            let argument = argument.ok_or(Error::EndOfInput { position })?;
            return Ok(Self {
                major: Major::of(initial),
                argument: u16::from_be_bytes(*argument).into(),
                end: after.saturating_add(2),
            });
        }
        Self::parse_long(input, position, initial)
    }

    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn parse_long(input: &[u8], position: usize, initial: u8) -> Result<Self, Error> {
        let width = match initial & 0x1f {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(Error::Malformed { position }),
        };
        let major = Major::of(initial);
        let start = position.saturating_add(1);
        let end = start.saturating_add(width);
        let bytes = input.get(start..end);
        let argument = bytes
            .ok_or(Error::EndOfInput { position })?
            .iter()
            .fold(0, |argument, byte| argument << 8 | u64::from(*byte));
        // RFC 8949 §3.3: simple values below 32 have no two-byte form.
        if major == Major::Simple && width == 1 && argument < 32 {
            return Err(Error::Malformed { position });
        }
        Ok(Self {
            major,
            argument,
            end,
        })
    }
}

/// The greatest argument that stands in the initial byte.
pub(super) const LAST_IMMEDIATE: u8 = 23;

/// What the initial byte says of arguments of eight and of sixteen bits.
pub(super) const ONE_BYTE_FOLLOWS: u8 = 24;
const TWO_BYTES_FOLLOW: u8 = 25;

/// The least initial byte of simple values and floats.
const SIMPLE: u8 = 0xe0;
