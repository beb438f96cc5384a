//! The canonical writer.

use core::fmt;
use core::ops::Range;

use super::head::{FALSE, Major, TRUE, shortest};
use super::{Encode, Key, Raw};

/// The buffer is too small for the message. What was written so far is of no use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BufferFull;

impl fmt::Display for BufferFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer is too small for the message")
    }
}

impl core::error::Error for BufferFull {}

/// Writes items one after the other into a buffer of the caller's.
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

/// Shows the length only: the bytes may be secret.
impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} of {} bytes)", self.length, self.buffer.len())
    }
}

impl<'b> Writer<'b> {
    /// Writes to the front of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// What was written so far.
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// What was written, for as long as the buffer lives.
    pub fn finish(self) -> &'b [u8] {
        let Self { buffer, length } = self;
        let buffer: &'b [u8] = buffer;
        buffer.get(..length).unwrap_or_default()
    }

    /// Writes a non-negative integer.
    pub fn unsigned(&mut self, value: u64) -> Result<(), BufferFull> {
        self.head(Major::Unsigned, value)
    }

    /// Writes an integer.
    pub fn integer(&mut self, value: i64) -> Result<(), BufferFull> {
        match u64::try_from(value) {
            Ok(value) => self.head(Major::Unsigned, value),
            // -1 - n is !n in two's complement.
            Err(_) => self.head(Major::Negative, (!value).unsigned_abs()),
        }
    }

    /// Writes `true` or `false`.
    pub fn boolean(&mut self, value: bool) -> Result<(), BufferFull> {
        self.head(Major::Simple, if value { TRUE } else { FALSE })
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), BufferFull> {
        self.string(Major::Bytes, value)
    }

    /// Writes text.
    pub fn text(&mut self, value: &str) -> Result<(), BufferFull> {
        self.string(Major::Text, value.as_bytes())
    }

    /// Writes an item that is encoded already.
    pub fn raw(&mut self, value: Raw<'_>) -> Result<(), BufferFull> {
        self.append(value.bytes())
    }

    /// Writes an array of the items.
    pub fn array<T: Encode>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
    ) -> Result<(), BufferFull> {
        self.head(
            Major::Array,
            u64::try_from(items.len()).map_err(|_| BufferFull)?,
        )?;
        for item in items {
            item.encode(self)?;
        }
        Ok(())
    }

    /// Writes a map of the entries that `entries` writes, in canonical order.
    pub fn map(
        &mut self,
        entries: impl FnOnce(&mut MapWriter<'_, 'b>) -> Result<(), BufferFull>,
    ) -> Result<(), BufferFull> {
        let start = self.length;
        // The count is known at the end; nearly always it fits this one byte.
        self.head(Major::Map, 0)?;
        let body = self.length;
        let mut map = MapWriter {
            writer: self,
            count: 0,
            last_key: start..start,
        };
        entries(&mut map)?;
        let (head, head_length) = shortest(Major::Map, map.count);
        let end = self.length;
        let head = head.get(..head_length).unwrap_or_default();
        if let Some(longer) = head.get(1..).filter(|longer| !longer.is_empty()) {
            self.append(longer)?;
            self.buffer
                .copy_within(body..end, start.saturating_add(head_length));
        }
        let room = self
            .buffer
            .get_mut(start..start.saturating_add(head_length));
        room.ok_or(BufferFull)?.copy_from_slice(head);
        Ok(())
    }

    fn head(&mut self, major: Major, argument: u64) -> Result<(), BufferFull> {
        let (head, length) = shortest(major, argument);
        self.append(head.get(..length).unwrap_or_default())
    }

    fn string(&mut self, major: Major, value: &[u8]) -> Result<(), BufferFull> {
        self.head(major, u64::try_from(value.len()).map_err(|_| BufferFull)?)?;
        self.append(value)
    }

    /// Writes bytes that are no item of their own.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let end = self.length.checked_add(bytes.len()).ok_or(BufferFull)?;
        let room = self.buffer.get_mut(self.length..end).ok_or(BufferFull)?;
        room.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }
}

/// Writes the entries of one map.
#[derive(Debug)]
pub struct MapWriter<'w, 'b> {
    writer: &'w mut Writer<'b>,
    count: u64,
    /// Where the last key lies in the buffer; empty before the first.
    last_key: Range<usize>,
}

impl MapWriter<'_, '_> {
    /// Writes an entry. The caller brings the keys in canonical order, each once; debug builds
    /// assert it.
    pub fn entry<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: impl Encode,
    ) -> Result<(), BufferFull> {
        let start = self.writer.length;
        key.into().encode(self.writer)?;
        let key = start..self.writer.length;
        debug_assert!(
            self.key(&self.last_key) < self.key(&key),
            "map keys out of canonical order"
        );
        self.last_key = key;
        self.count = self.count.saturating_add(1);
        value.encode(self.writer)
    }

    /// Writes an entry if there is a value for it.
    pub fn optional<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: Option<impl Encode>,
    ) -> Result<(), BufferFull> {
        match value {
            Some(value) => self.entry(key, value),
            None => Ok(()),
        }
    }

    /// The order of encoded keys, byte by byte, is the canonical one: the head holds first the
    /// major type, then the length.
    fn key(&self, range: &Range<usize>) -> &[u8] {
        self.writer.buffer.get(range.clone()).unwrap_or_default()
    }
}
