//! CBOR as CTAP2 uses it: a canonical [`Writer`] and a bounded, tolerant [`Reader`].
//! The encoding layer; knows no message. RFC 8949, CTAP 2.3 §8.
//!
//! Written: shortest integers and lengths, definite lengths, map keys in canonical order.
//! Read: the same, and also what keys in the field send: members in any order, integers longer
//! than need be, members nobody knows. Refused, because two readers could understand it
//! differently or one could be worn out by it: duplicate keys, trailing bytes, indefinite
//! lengths, lengths past the end, nesting deeper than [`MAX_DEPTH`].
//!
//! Heads of one byte, which nearly all are, are written here, longer ones by
//! [minicbor](https://docs.rs/minicbor). Heads are read here and not by a library: what CTAP2
//! forbids is then refused in the pass that reads, text that is not UTF-8 (keys of CTAP 2.0 send
//! it) can be kept, and on a microcontroller decoding and encoding every message takes a third less
//! flash and half the instructions of what it took with a decoder of all of CBOR.
//!
//! Nothing is copied: what is read borrows the message. A [`List`] or [`Entries`] holds the
//! checked bytes of an array or map and reads an item when it is asked for, so no array is too
//! long for a capacity.
//!
//! ```
//! use keysteward_core::cbor::{Encode, Key, Parse, Raw, Reader};
//!
//! let message = [0xa2, 0x01, 0x18, 0x20, 0x02, 0x43, 1, 2, 3];
//! let mut reader = Reader::new(&message);
//! let mut identifier: Option<&[u8]> = None;
//! reader.map(|key, r| match key {
//!     Key::Int(0x02) => Ok(identifier = Some(r.read()?)),
//!     unknown => r.skip_unknown(unknown),
//! })?;
//! reader.finish()?;
//! assert_eq!(identifier, Some(&[1, 2, 3][..]));
//! # Ok::<(), keysteward_core::cbor::Error>(())
//! ```

mod entries;
mod error;
mod head;
mod key;
mod list;
mod name;
mod plain;
mod raw;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use entries::Entries;
pub use error::Error;
pub use key::Key;
pub use list::List;
pub use name::Name;
pub use raw::Raw;
pub use reader::{MAX_DEPTH, MAX_UNSORTED_ENTRIES, Reader};
pub use writer::{BufferFull, MapWriter, Writer};

/// Has a canonical encoding.
pub trait Encode {
    /// Appends the encoding. On failure the writer holds a part of it, of no use to anyone.
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull>;
}

/// Can be read, borrowing from the bytes.
pub trait Parse<'b>: Sized {
    /// Reads one item and leaves the reader behind it.
    fn read(r: &mut Reader<'b>) -> Result<Self, Error>;

    /// The text of an item that is short text; `None` if this type is not read from text alone.
    #[doc(hidden)]
    #[inline]
    fn of_text(_: &'b str) -> Option<Self> {
        None
    }

    /// Reads bytes that hold one item and nothing else.
    fn parse(bytes: &'b [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let value = Self::read(&mut reader);
        if cfg!(not(target_pointer_width = "64")) {
            let value = value?;
            return reader.finish().map(|()| value);
        }
        // Handed on as it came: taken out and put back, a large value would be copied twice.
        match reader.finish() {
            Err(error) if value.is_ok() => Err(error),
            _ => value,
        }
    }
}

/// Encodes one item into the front of `buffer`.
pub fn encode<'b>(value: &dyn Encode, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferFull> {
    let mut writer = Writer::new(buffer);
    value.encode(&mut writer)?;
    Ok(writer.finish())
}

/// A member that the specification demands.
pub(crate) fn required<T>(value: Option<T>, member: &'static str) -> Result<T, Error> {
    value.ok_or(Error::Missing { member })
}
