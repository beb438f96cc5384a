//! The canonical writer.

use core::fmt;
use core::ops::Range;

use minicbor::Encoder;
use minicbor::encode;

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
    cursor: Cursor<'b>,
}

/// What minicbor writes to.
struct Cursor<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl encode::Write for Cursor<'_> {
    type Error = BufferFull;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let end = self.length.checked_add(bytes.len()).ok_or(BufferFull)?;
        let room = self.buffer.get_mut(self.length..end).ok_or(BufferFull)?;
        room.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }
}

/// Shows the length only: the bytes may be secret.
impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cursor { buffer, length } = &self.cursor;
        write!(f, "Writer({length} of {} bytes)", buffer.len())
    }
}

impl<'b> Writer<'b> {
    /// Writes to the front of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            cursor: Cursor { buffer, length: 0 },
        }
    }

    /// What was written so far.
    pub fn written(&self) -> &[u8] {
        let Cursor { buffer, length } = &self.cursor;
        buffer.get(..*length).unwrap_or_default()
    }

    /// What was written, for as long as the buffer lives.
    pub fn finish(self) -> &'b [u8] {
        let Cursor { buffer, length } = self.cursor;
        let buffer: &'b [u8] = buffer;
        buffer.get(..length).unwrap_or_default()
    }

    /// Writes a non-negative integer.
    pub fn unsigned(&mut self, value: u64) -> Result<(), BufferFull> {
        self.encode(|e| e.u64(value)?.ok())
    }

    /// Writes an integer.
    pub fn integer(&mut self, value: i64) -> Result<(), BufferFull> {
        self.encode(|e| e.i64(value)?.ok())
    }

    /// Writes `true` or `false`.
    pub fn boolean(&mut self, value: bool) -> Result<(), BufferFull> {
        self.encode(|e| e.bool(value)?.ok())
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), BufferFull> {
        self.encode(|e| e.bytes(value)?.ok())
    }

    /// Writes text.
    pub fn text(&mut self, value: &str) -> Result<(), BufferFull> {
        self.encode(|e| e.str(value)?.ok())
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
        let count = u64::try_from(items.len()).map_err(|_| BufferFull)?;
        self.encode(|e| e.array(count)?.ok())?;
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
        let start = self.cursor.length;
        // The count is known at the end; nearly always its head fits this one byte.
        self.encode(|e| e.map(0)?.ok())?;
        let body = self.cursor.length;
        let mut map = MapWriter {
            writer: self,
            count: 0,
            last_key: start..start,
        };
        entries(&mut map)?;
        let count = map.count;
        let end = self.cursor.length;

        let mut head = [0; LONGEST_HEAD];
        let mut head = Writer::new(&mut head);
        head.encode(|e| e.map(count)?.ok())?;
        let head = head.finish();
        let new_body = start.saturating_add(head.len());
        if let Some(longer) = head.get(1..).filter(|longer| !longer.is_empty()) {
            self.append(longer)?;
            self.cursor.buffer.copy_within(body..end, new_body);
        }
        let room = self.cursor.buffer.get_mut(start..new_body);
        room.ok_or(BufferFull)?.copy_from_slice(head);
        Ok(())
    }

    /// Lets minicbor write an item or a head, always in the shortest form.
    fn encode(
        &mut self,
        item: impl FnOnce(&mut Encoder<&mut Cursor<'b>>) -> Result<(), encode::Error<BufferFull>>,
    ) -> Result<(), BufferFull> {
        item(&mut Encoder::new(&mut self.cursor)).map_err(|_| BufferFull)
    }

    /// Writes bytes that are no item of their own.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        encode::Write::write_all(&mut self.cursor, bytes)
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
        let start = self.writer.cursor.length;
        key.into().encode(self.writer)?;
        let key = start..self.writer.cursor.length;
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
        let buffer = &self.writer.cursor.buffer;
        buffer.get(range.clone()).unwrap_or_default()
    }
}

/// Bytes of the head of an item with an argument of 64 bits.
const LONGEST_HEAD: usize = 9;
