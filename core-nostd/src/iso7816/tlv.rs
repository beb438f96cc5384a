//! Data objects of cards: BER-TLV, with the tags and lengths that cards use. ISO/IEC 7816-4 §6.3,
//! ISO/IEC 8825-1.
//!
//! ```
//! use keysteward_core::iso7816::tlv::{Object, Objects, Tag, encode};
//!
//! let mut buffer = [0; 16];
//! let bytes = encode(Tag(0x5FC102), &[b"card"], &mut buffer)?;
//! assert_eq!(bytes, b"\x5f\xc1\x02\x04card");
//! let object = Objects::new(bytes).next().unwrap()?;
//! assert_eq!(object, Object { tag: Tag(0x5FC102), offset: 0, header: 4, value: b"card" });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod template;
#[cfg(test)]
mod tests;

pub(crate) use template::Put;
pub use template::{encoded_len, template};

use core::fmt;

/// A tag, its bytes read as one big-endian number: 0x5FC102 stands on the wire as
/// `5F C1 02`.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag(pub u32);

/// One data object. `Debug` shows no value: it may be a secret.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Object<'b> {
    /// What it is.
    pub tag: Tag,
    /// Where its tag begins in the bytes that were given.
    pub offset: usize,
    /// Bytes of tag and length together.
    pub header: usize,
    /// What it holds.
    pub value: &'b [u8],
}

/// The data objects in a row of bytes, without those inside them. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Objects<'b> {
    bytes: &'b [u8],
    position: usize,
}

impl Tag {
    /// Whether the value is made of data objects itself.
    #[must_use]
    pub const fn is_constructed(self) -> bool {
        let [a, b, c, d] = self.0.to_be_bytes();
        let first = match (a, b, c) {
            (0, 0, 0) => d,
            (0, 0, _) => c,
            (0, _, _) => b,
            _ => a,
        };
        first & CONSTRUCTED != 0
    }
}

impl<'b> Objects<'b> {
    /// Reads `bytes` from their beginning.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The first object under `tag`; errors behind it do not count.
    pub fn find(self, tag: Tag) -> Result<Option<Object<'b>>, Error> {
        for object in self {
            let object = object?;
            if object.tag == tag {
                return Ok(Some(object));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<Object<'b>>, Error> {
        // Zeros and erased bytes may stand before, between and behind data objects.
        while matches!(self.bytes.get(self.position), Some(0x00 | 0xFF)) {
            self.position = self.position.saturating_add(1);
        }
        if self.position >= self.bytes.len() {
            return Ok(None);
        }
        let offset = self.position;
        let tag = self.tag(offset)?;
        let length = self.length(offset)?;
        let start = self.position;
        let left = self.bytes.len().saturating_sub(start);
        let value = start
            .checked_add(length)
            .and_then(|end| self.bytes.get(start..end))
            .ok_or(Error::ValueTooShort {
                offset,
                length,
                left,
            })?;
        self.position = start.saturating_add(length);
        Ok(Some(Object {
            tag,
            offset,
            header: start.saturating_sub(offset),
            value,
        }))
    }

    fn byte(&mut self, offset: usize) -> Result<u8, Error> {
        let byte = self.bytes.get(self.position).copied();
        self.position = self.position.saturating_add(1);
        byte.ok_or(Error::EndOfInput { offset })
    }

    fn tag(&mut self, offset: usize) -> Result<Tag, Error> {
        let first = self.byte(offset)?;
        let mut tag = u32::from(first);
        if first & LONG_TAG != LONG_TAG {
            return Ok(Tag(tag));
        }
        for _ in 0..MORE_TAG_BYTES {
            let next = self.byte(offset)?;
            tag = (tag << 8) | u32::from(next);
            if next & MORE == 0 {
                return Ok(Tag(tag));
            }
        }
        Err(Error::TagTooLong { offset })
    }

    fn length(&mut self, offset: usize) -> Result<usize, Error> {
        let first = self.byte(offset)?;
        let count = match first {
            0..=0x7F => return Ok(first.into()),
            0x81..=0x83 => first & 0x7F,
            _ => {
                return Err(Error::LengthForm {
                    offset,
                    found: first,
                });
            }
        };
        let mut length: usize = 0;
        for _ in 0..count {
            length = (length << 8) | usize::from(self.byte(offset)?);
        }
        Ok(length)
    }
}

impl<'b> Iterator for Objects<'b> {
    type Item = Result<Object<'b>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.position = self.bytes.len();
        }
        read.transpose()
    }
}

/// Encodes one object, whose value is `parts` one after the other, into the front of `buffer`.
/// The length takes as few bytes as it can.
pub fn encode<'b>(
    tag: Tag,
    parts: &[&[u8]],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let length = parts
        .iter()
        .try_fold(0_usize, |all, part| all.checked_add(part.len()))
        .ok_or(EncodeError::ValueTooLong)?;
    let mut put = Put::new(buffer);
    put.header(tag, length)?;
    parts.iter().try_for_each(|part| put.bytes(part))?;
    put.finish()
}

/// A number without its leading zeros; zero is one byte.
fn significant(bytes: &[u8; 4]) -> &[u8] {
    match bytes {
        [0, 0, 0, rest @ ..] => rest,
        [0, 0, rest @ ..] => rest,
        [0, rest @ ..] => rest,
        all => all,
    }
}

/// Longest value that an object is written with, in bytes: what three bytes of length say.
pub const MAX_VALUE: usize = 0x00FF_FFFF;

const CONSTRUCTED: u8 = 0x20;
const LONG_TAG: u8 = 0x1F;
const MORE: u8 = 0x80;
/// Cards use tags of three bytes at most; certificates and their like of four.
const MORE_TAG_BYTES: u8 = 3;

/// Why bytes are no data objects. Offsets name the object's first byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end inside a tag or a length.
    EndOfInput {
        /// Where the object begins.
        offset: usize,
    },
    /// A tag of more than four bytes.
    TagTooLong {
        /// Where the object begins.
        offset: usize,
    },
    /// An indefinite length, or one of more than three bytes.
    LengthForm {
        /// Where the object begins.
        offset: usize,
        /// The length's first byte.
        found: u8,
    },
    /// Fewer bytes follow than the length says.
    ValueTooShort {
        /// Where the object begins.
        offset: usize,
        /// Bytes announced.
        length: usize,
        /// Bytes there are.
        left: usize,
    },
}

impl Error {
    /// Where the object at fault begins.
    #[must_use]
    pub const fn offset(&self) -> usize {
        match *self {
            Self::EndOfInput { offset }
            | Self::TagTooLong { offset }
            | Self::LengthForm { offset, .. }
            | Self::ValueTooShort { offset, .. } => offset,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EndOfInput { .. } => f.write_str("the bytes end inside a tag or a length"),
            Self::TagTooLong { .. } => f.write_str("the tag has more than four bytes"),
            Self::LengthForm { found, .. } => write!(
                f,
                "the length begins with {found:02X}: indefinite, or longer than three bytes"
            ),
            Self::ValueTooShort { length, left, .. } => {
                write!(f, "the value should have {length} bytes, {left} are left")
            }
        }
    }
}

impl core::error::Error for Error {}

/// Why an object was not written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too short for it.
    BufferFull,
    /// Longer than [`MAX_VALUE`].
    ValueTooLong,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferFull => f.write_str("the buffer is too short for the data object"),
            Self::ValueTooLong => {
                write!(f, "a data object holds at most {MAX_VALUE} bytes")
            }
        }
    }
}

impl core::error::Error for EncodeError {}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        significant(&self.0.to_be_bytes())
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("tag", &self.tag)
            .field("offset", &self.offset)
            .field("length", &self.value.len())
            .finish_non_exhaustive()
    }
}
