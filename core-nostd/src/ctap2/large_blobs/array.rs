//! The serialized large-blob array: all blobs of a key, and what shows that they are whole.
//! CTAP 2.3 §6.10.2.
//!
//! Nobody but the holder of a credential's largeBlobKey can open its entry, so whoever edits the
//! array carries the others through, byte for byte.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use keysteward_core::crypto::RustCrypto;
//! use keysteward_core::ctap2::LargeBlobKey;
//! use keysteward_core::ctap2::large_blobs::array::{LargeBlobArray, LargeBlobMap};
//!
//! let mut crypto = RustCrypto(rand_core::OsRng);
//! let key = LargeBlobKey(&[7; 32]);
//! let array = LargeBlobArray::parse(&crypto, LargeBlobArray::INITIAL)?;
//!
//! let mut room = [0; 64];
//! let blob = LargeBlobMap::seal(&mut crypto, key, b"deflated bytes", 40, &mut room)?;
//! let mut buffer = [0; 128];
//! let serialized = array.append(&crypto, &blob, &mut buffer)?;
//!
//! let array = LargeBlobArray::parse(&crypto, serialized)?;
//! let mut room = [0; 128];
//! let found = array.find(&mut crypto, key, &mut room)?.expect("it was appended");
//! assert_eq!((found.index, found.deflated, found.orig_size), (0, &b"deflated bytes"[..], 40));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod map;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use map::{LargeBlobMap, OpenError, Opened, SealError, TAG_LENGTH};

use core::fmt;

use crate::cbor::{self, BufferFull, Encode, List, Parse, Raw, Writer};
use crate::crypto::Crypto;
use crate::ctap2::LargeBlobKey;

/// Bytes of the hash at the end.
pub const HASH_LENGTH: usize = 16;

/// Bytes of the shortest array: an empty one and its hash.
pub const MIN_LENGTH: usize = 17;

/// An array whose hash was checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LargeBlobArray<'a>(List<'a, Raw<'a>>);

impl<'a> LargeBlobArray<'a> {
    /// What a key holds from the factory and after a reset. A platform that reads an array whose
    /// hash is wrong goes on with this one.
    pub const INITIAL: &'static [u8; MIN_LENGTH] =
        b"\x80\x76\xbe\x8b\x52\x8d\x00\x75\xf7\xaa\xe9\x8d\x6f\xa5\x7a\x6d\x3c";

    /// Reads all that a key holds.
    pub fn parse(crypto: &impl Crypto, serialized: &'a [u8]) -> Result<Self, ArrayError> {
        let array = checked(crypto, serialized)?;
        List::parse(array).map(Self).map_err(ArrayError::Malformed)
    }

    /// The entries, those too that no one here can read.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.0.iter().map(Entry)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first entry that `key` opens. `room` is as long as the serialized array to be sure.
    pub fn find<'r>(
        &self,
        crypto: &mut impl Crypto,
        key: LargeBlobKey<'_>,
        room: &'r mut [u8],
    ) -> Result<Option<Found<'r>>, RoomTooSmall> {
        let mut found = None;
        for (index, entry) in (0..usize::MAX).zip(self.entries()) {
            let Some(map) = entry.map() else {
                continue;
            };
            match map.open(crypto, key, room) {
                Ok(opened) => {
                    found = Some((index, opened.deflated.len(), opened.orig_size));
                    break;
                }
                Err(OpenError::RoomTooSmall { needed }) => return Err(RoomTooSmall { needed }),
                Err(OpenError::NotThisKey) => {}
            }
        }
        let room: &'r [u8] = room;
        Ok(found.map(|(index, length, orig_size)| Found {
            index,
            deflated: room.get(..length).unwrap_or_default(),
            orig_size,
        }))
    }

    /// Serializes the array with `blob` behind its entries.
    pub fn append<'b>(
        &self,
        crypto: &impl Crypto,
        blob: &LargeBlobMap<'_>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], EditError> {
        let count = self.len().saturating_add(1);
        let kept = self.0.iter().map(Item::Kept);
        let items = kept.chain([Item::New(blob)]);
        Ok(serialize(crypto, count, items, buffer)?)
    }

    /// Serializes the array with `blob` in the place of an entry.
    pub fn replace<'b>(
        &self,
        crypto: &impl Crypto,
        index: usize,
        blob: &LargeBlobMap<'_>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], EditError> {
        let count = self.with_entry(index)?;
        let items = (0..usize::MAX).zip(self.0.iter()).map(|(at, kept)| {
            if at == index {
                Item::New(blob)
            } else {
                Item::Kept(kept)
            }
        });
        Ok(serialize(crypto, count, items, buffer)?)
    }

    /// Serializes the array without an entry.
    pub fn remove<'b>(
        &self,
        crypto: &impl Crypto,
        index: usize,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], EditError> {
        let count = self.with_entry(index)?.saturating_sub(1);
        let items = (0..usize::MAX).zip(self.0.iter());
        let kept = items.filter_map(|(at, kept)| (at != index).then_some(Item::Kept(kept)));
        Ok(serialize(crypto, count, kept, buffer)?)
    }

    /// The number of entries, if `index` is one.
    fn with_entry(&self, index: usize) -> Result<usize, EditError> {
        let entries = self.len();
        if index < entries {
            Ok(entries)
        } else {
            Err(EditError::NoSuchEntry { index, entries })
        }
    }
}

/// The array without its hash, which is right. All that a token looks at: what the array holds
/// is for the platforms.
pub fn checked<'a>(crypto: &impl Crypto, serialized: &'a [u8]) -> Result<&'a [u8], ArrayError> {
    let length = serialized.len();
    match serialized.split_last_chunk() {
        Some((array, hash)) if length >= MIN_LENGTH => {
            if self::hash(crypto, array) == *hash {
                Ok(array)
            } else {
                Err(ArrayError::WrongHash)
            }
        }
        _ => Err(ArrayError::TooShort { length }),
    }
}

/// One entry, as it stands in the array.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry<'a>(Raw<'a>);

impl<'a> Entry<'a> {
    /// The entry as the specification has it; `None` for one of another kind.
    pub fn map(self) -> Option<LargeBlobMap<'a>> {
        LargeBlobMap::parse(self.0.bytes()).ok()
    }

    /// Its bytes.
    pub const fn bytes(self) -> &'a [u8] {
        self.0.bytes()
    }
}

/// The entry that a key opened.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Found<'r> {
    /// Its place in the array.
    pub index: usize,
    /// What was stored, compressed by raw DEFLATE (RFC 1951).
    pub deflated: &'r [u8],
    /// Bytes that it inflates to. Authentic, but chosen by whoever stored it: bound it first.
    pub orig_size: u64,
}

/// Leaves out what was stored.
impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("index", &self.index)
            .field("orig_size", &self.orig_size)
            .finish_non_exhaustive()
    }
}

/// What stands in an array that is written.
enum Item<'i> {
    Kept(Raw<'i>),
    New(&'i LargeBlobMap<'i>),
}

impl Encode for Item<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::Kept(raw) => w.raw(*raw),
            Self::New(blob) => blob.encode(w),
        }
    }
}

/// Items of a known number.
struct Counted<I> {
    left: usize,
    items: I,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let item = self.items.next()?;
        self.left = self.left.saturating_sub(1);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

fn serialize<'i, 'b>(
    crypto: &impl Crypto,
    count: usize,
    items: impl Iterator<Item = Item<'i>>,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], BufferFull> {
    let mut writer = Writer::new(buffer);
    writer.array(Counted { left: count, items })?;
    let hash = hash(crypto, writer.written());
    writer.append(&hash)?;
    Ok(writer.finish())
}

fn hash(crypto: &impl Crypto, array: &[u8]) -> [u8; HASH_LENGTH] {
    let mut left = [0; HASH_LENGTH];
    for (to, from) in left.iter_mut().zip(crypto.sha256(&[array])) {
        *to = from;
    }
    left
}

/// Why bytes are not a large-blob array.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ArrayError {
    /// There is not even an empty array and its hash.
    TooShort {
        /// Bytes.
        length: usize,
    },
    /// The array is not the one that was hashed: a write was cut off, or the memory is worn.
    WrongHash,
    /// The hash is right, and what it covers is no array that can be carried through.
    Malformed(cbor::Error),
}

impl fmt::Display for ArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { length } => write!(
                f,
                "the large-blob array has {length} bytes, the shortest has {MIN_LENGTH}"
            ),
            Self::WrongHash => f.write_str("the large-blob array does not fit its hash"),
            Self::Malformed(error) => {
                write!(f, "the large-blob array cannot be read: {error}")
            }
        }
    }
}

impl core::error::Error for ArrayError {}

/// Why an array could not be edited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EditError {
    /// The buffer is too small for the new array.
    BufferFull,
    /// There is no entry at this place.
    NoSuchEntry {
        /// The place asked for, from 0.
        index: usize,
        /// How many there are.
        entries: usize,
    },
}

impl From<BufferFull> for EditError {
    fn from(BufferFull: BufferFull) -> Self {
        Self::BufferFull
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferFull => f.write_str("the buffer is too small for the large-blob array"),
            Self::NoSuchEntry { index, entries } => write!(
                f,
                "the large-blob array has {entries} entries, and none at index {index}"
            ),
        }
    }
}

impl core::error::Error for EditError {}

/// An entry is longer than the room to open it in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RoomTooSmall {
    /// Bytes.
    pub needed: usize,
}

impl fmt::Display for RoomTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed } = self;
        write!(f, "a large blob needs {needed} bytes to be opened in")
    }
}

impl core::error::Error for RoomTooSmall {}
