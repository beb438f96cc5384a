//! The canonical writer.

use core::fmt;
#[cfg(debug_assertions)]
use core::ops::Range;

use minicbor::Encoder;
use minicbor::encode;

use super::head::{LAST_IMMEDIATE, Major, ONE_BYTE_FOLLOWS};
use super::reader::SMALL;
use super::{Encode, Key, Name, Raw};

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
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn unsigned(&mut self, value: u64) -> Result<(), BufferFull> {
        self.head(Major::Unsigned, value)
    }

    /// Writes an integer.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn integer(&mut self, value: i64) -> Result<(), BufferFull> {
        match u64::try_from(value) {
            Ok(value) => self.head(Major::Unsigned, value),
            // RFC 8949 §3.1: -1 less the value, which is what inverting it gives.
            Err(_) => self.head(Major::Negative, u64::try_from(!value).unwrap_or_default()),
        }
    }

    /// Writes `true` or `false`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn boolean(&mut self, value: bool) -> Result<(), BufferFull> {
        self.push(if value { 0xf5 } else { 0xf4 })
    }

    /// Writes a byte string.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), BufferFull> {
        self.string(Major::Bytes, value)
    }

    /// Writes a byte string of `length` bytes, which `fill` puts in their place: zeros until then.
    pub fn bytes_with(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), BufferFull> {
        self.counted(Major::Bytes, length)?;
        let end = self.length.checked_add(length).ok_or(BufferFull)?;
        let room = self.buffer.get_mut(self.length..end).ok_or(BufferFull)?;
        room.fill(0);
        fill(room);
        self.length = end;
        Ok(())
    }

    /// Writes text.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn text(&mut self, value: &str) -> Result<(), BufferFull> {
        self.string(Major::Text, value.as_bytes())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn name(&mut self, name: Name<'_>) -> Result<(), BufferFull> {
        self.string(Major::Text, name.as_bytes())
    }

    /// Writes an item that is encoded already.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn raw(&mut self, value: Raw<'_>) -> Result<(), BufferFull> {
        self.append(value.bytes())
    }

    /// Writes an array of the items.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn array<T: Encode>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
    ) -> Result<(), BufferFull> {
        self.counted(Major::Array, items.len())?;
        for item in items {
            item.encode(self)?;
        }
        Ok(())
    }

    /// Writes a map of the entries that `entries` writes, in canonical order.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn map(
        &mut self,
        entries: impl FnOnce(&mut MapWriter<'_, 'b>) -> Result<(), BufferFull>,
    ) -> Result<(), BufferFull> {
        // The count is known at the end; nearly always its head fits this one byte.
        let start = self.length;
        self.push(0)?;
        let mut map = MapWriter {
            count: 0,
            #[cfg(debug_assertions)]
            last_key: start..start,
            writer: self,
        };
        entries(&mut map)?;
        let count = map.count;
        self.close_map(start, count)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn close_map(&mut self, start: usize, count: usize) -> Result<(), BufferFull> {
        let first = match u8::try_from(count) {
            Ok(immediate @ 0..=LAST_IMMEDIATE) => (Major::Map as u8) << 5 | immediate,
            _ => self.insert_longer_head(start, count)?,
        };
        *self.buffer.get_mut(start).ok_or(BufferFull)? = first;
        Ok(())
    }

    /// Makes room behind the first byte of the head for the others, and puts them there; answers
    /// the first.
    #[cold]
    fn insert_longer_head(&mut self, start: usize, count: usize) -> Result<u8, BufferFull> {
        let mut head = [0; LONGEST_HEAD];
        let mut head = Writer::new(&mut head);
        head.counted(Major::Map, count)?;
        let (first, longer) = head.written().split_first().ok_or(BufferFull)?;
        for byte in longer.iter().rev() {
            self.insert(start.saturating_add(1), *byte)?;
        }
        Ok(*first)
    }

    /// Puts a byte before what stands at `position`. Byte by byte, since it is rare (of all
    /// messages only getInfo counts to 24), and code that moves memory would be larger than this
    /// whole file.
    fn insert(&mut self, position: usize, byte: u8) -> Result<(), BufferFull> {
        self.push(byte)?;
        let behind = self.buffer.get_mut(position..self.length);
        let mut carried = byte;
        for place in behind.ok_or(BufferFull)? {
            core::mem::swap(place, &mut carried);
        }
        Ok(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn string(&mut self, major: Major, value: &[u8]) -> Result<(), BufferFull> {
        if !SMALL && let Ok(immediate @ 0..=LAST_IMMEDIATE) = u8::try_from(value.len()) {
            return self.short_string((major as u8) << 5 | immediate, value);
        }
        self.counted(major, value.len())?;
        self.append(value)
    }

    /// The head and the string behind one look at the room that is left.
    #[inline(always)]
    fn short_string(&mut self, head: u8, value: &[u8]) -> Result<(), BufferFull> {
        let end = self.length.wrapping_add(value.len()).wrapping_add(1);
        let room = self.buffer.get_mut(self.length..end);
        let (first, room) = room.and_then(<[u8]>::split_first_mut).ok_or(BufferFull)?;
        *first = head;
        room.copy_from_slice(value);
        self.length = end;
        Ok(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn counted(&mut self, major: Major, count: usize) -> Result<(), BufferFull> {
        self.head(major, u64::try_from(count).map_err(|_| BufferFull)?)
    }

    /// Writes the shortest head with this argument. RFC 8949 §4.2.1.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn head(&mut self, major: Major, argument: u64) -> Result<(), BufferFull> {
        match u8::try_from(argument) {
            Ok(immediate @ 0..=LAST_IMMEDIATE) => self.push((major as u8) << 5 | immediate),
            // The lengths of hashes, keys and signatures.
            Ok(byte) if !SMALL => self.append(&[(major as u8) << 5 | ONE_BYTE_FOLLOWS, byte]),
            _ => self.long_head(major, argument),
        }
    }

    /// Heads of more than a byte are minicbor's to write, as an integer; the major type stands in
    /// the first three bits, which an integer leaves free.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn long_head(&mut self, major: Major, argument: u64) -> Result<(), BufferFull> {
        let start = self.length;
        Encoder::new(&mut *self)
            .u64(argument)
            .map_err(|_| BufferFull)?;
        *self.buffer.get_mut(start).ok_or(BufferFull)? |= (major as u8) << 5;
        Ok(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn push(&mut self, byte: u8) -> Result<(), BufferFull> {
        *self.buffer.get_mut(self.length).ok_or(BufferFull)? = byte;
        self.length = self.length.saturating_add(1);
        Ok(())
    }

    /// Writes bytes that are no item of their own.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let end = self.length.checked_add(bytes.len()).ok_or(BufferFull)?;
        let room = self.buffer.get_mut(self.length..end).ok_or(BufferFull)?;
        room.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }
}

impl encode::Write for Writer<'_> {
    type Error = BufferFull;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        self.append(bytes)
    }
}

/// Writes the entries of one map.
#[derive(Debug)]
pub struct MapWriter<'w, 'b> {
    writer: &'w mut Writer<'b>,
    count: usize,
    /// Where the last key lies in the buffer; empty before the first.
    #[cfg(debug_assertions)]
    last_key: Range<usize>,
}

impl MapWriter<'_, '_> {
    /// Writes an entry. The caller brings the keys in canonical order, each once; debug builds
    /// assert it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn entry<'k>(
        &mut self,
        key: impl Into<Key<'k>>,
        value: impl Encode,
    ) -> Result<(), BufferFull> {
        self.key(key.into())?;
        value.encode(self.writer)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn key(&mut self, key: Key<'_>) -> Result<(), BufferFull> {
        #[cfg(debug_assertions)]
        let start = self.writer.length;
        key.encode(self.writer)?;
        #[cfg(debug_assertions)]
        self.assert_ascends(start..self.writer.length);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Writes an entry if there is a value for it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
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
    #[cfg(debug_assertions)]
    fn assert_ascends(&mut self, key: Range<usize>) {
        let written = self.writer.written();
        assert!(
            written.get(self.last_key.clone()) < written.get(key.clone()),
            "map keys out of canonical order"
        );
        self.last_key = key;
    }
}

/// Bytes of the head of an item with an argument of 64 bits.
const LONGEST_HEAD: usize = 9;
