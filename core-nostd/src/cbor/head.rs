//! Heads of items: their major type and argument. RFC 8949 §3.
//!
//! Our own rather than a library's, because every read of every message begins here: what CTAP2
//! forbids is refused in the same pass, and on a microcontroller this is a tenth of what a reader
//! of all of CBOR takes.

use super::Error;

/// Major type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
    pub(super) fn parse(input: &[u8], position: usize) -> Result<Self, Error> {
        let rest = input.get(position..).unwrap_or_default();
        let short = Error::EndOfInput { position };
        let (&initial, rest) = rest.split_first().ok_or(short)?;
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
        let width = match initial & 0x1f {
            immediate @ 0..=23 => {
                return Ok(Self {
                    major,
                    argument: immediate.into(),
                    end: position.saturating_add(1),
                });
            }
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(Error::Malformed { position }),
        };
        let bytes = rest.get(..width).ok_or(short)?;
        let argument = bytes
            .iter()
            .fold(0, |argument, byte| argument << 8 | u64::from(*byte));
        // RFC 8949 §3.3: simple values below 32 have no two-byte form.
        if major == Major::Simple && width == 1 && argument < 32 {
            return Err(Error::Malformed { position });
        }
        Ok(Self {
            major,
            argument,
            end: position.saturating_add(1).saturating_add(width),
        })
    }
}
