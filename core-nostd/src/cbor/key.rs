//! Keys of maps. CTAP2 and COSE use integers and text.

use super::head::Major;
use super::{BufferFull, Encode, Error, Name, Parse, Reader, Writer};

/// Key of a map entry.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Key<'b> {
    /// Members of CTAP2 messages and COSE keys.
    Int(i64),
    /// Met in nothing that CTAP defines.
    Bytes(&'b [u8]),
    /// Members of entities, options and extensions.
    Text(Name<'b>),
}

impl Key<'_> {
    /// Whether this is that name.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn is(&self, name: &str) -> bool {
        matches!(self, Self::Text(text) if text == name)
    }
}

impl From<i32> for Key<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn from(key: i32) -> Self {
        Self::Int(key.into())
    }
}

impl From<i64> for Key<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn from(key: i64) -> Self {
        Self::Int(key)
    }
}

impl<'b> From<&'b str> for Key<'b> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn from(key: &'b str) -> Self {
        Self::Text(Name::new(key))
    }
}

impl Encode for Key<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::Int(key) => w.integer(*key),
            Self::Bytes(key) => w.bytes(key),
            Self::Text(key) => w.name(*key),
        }
    }
}

impl<'b> Parse<'b> for Key<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.member()?.key()
    }
}

/// What the canonical order of keys goes by: type, then value or length, then bytes. Equal are
/// keys that mean the same, whatever form they came in. CTAP 2.3 §8.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Rank<'b> {
    pub(super) major: Major,
    pub(super) argument: u64,
    /// Of an integer none.
    pub(super) string: &'b [u8],
}

impl Default for Rank<'_> {
    fn default() -> Self {
        Self {
            major: Major::Unsigned,
            argument: 0,
            string: &[],
        }
    }
}

impl<'b> Rank<'b> {
    /// Of a key with a head of one byte.
    pub(super) fn short(initial: u8, string: &'b [u8]) -> Self {
        Self {
            major: Major::of(initial),
            argument: (initial & 0x1f).into(),
            string,
        }
    }

    #[inline]
    pub(super) fn is_above(&self, other: &Self) -> bool {
        let (this, that) = ((self.major, self.argument), (other.major, other.argument));
        this > that || (this == that && self.string > other.string)
    }
}

/// The key of an entry as it stands in a message.
pub(super) struct Member<'b> {
    pub(super) rank: Rank<'b>,
    pub(super) position: usize,
}

impl<'b> Member<'b> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(super) fn key(&self) -> Result<Key<'b>, Error> {
        let Self { rank, position } = *self;
        match rank.major {
            Major::Text => Name::of_utf8(rank.string)
                .map(Key::Text)
                .ok_or(Error::NotUtf8 { position }),
            Major::Bytes => Ok(Key::Bytes(rank.string)),
            major => integer(major, rank.argument, position).map(Key::Int),
        }
    }
}

/// The integer of this type and argument.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(super) fn integer(major: Major, argument: u64, position: usize) -> Result<i64, Error> {
    let value = i64::try_from(argument);
    let value = match major {
        Major::Unsigned => value,
        // RFC 8949 §3.1: -1 less the argument, which is what inverting it gives.
        Major::Negative => value.map(|argument| !argument),
        _ => {
            return Err(Error::Unexpected {
                position,
                expected: "an integer",
            });
        }
    };
    value.map_err(|_| Error::OutOfRange {
        position,
        expected: "an integer of 64 bits",
    })
}
