//! Keys of maps. CTAP2 and COSE use integers and text.

use super::head::Major;
use super::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// Key of a map entry.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Key<'b> {
    /// Members of CTAP2 messages and COSE keys.
    Int(i64),
    /// Met in nothing that CTAP defines.
    Bytes(&'b [u8]),
    /// Members of entities, options and extensions.
    Text(&'b str),
}

impl From<i32> for Key<'_> {
    fn from(key: i32) -> Self {
        Self::Int(key.into())
    }
}

impl From<i64> for Key<'_> {
    fn from(key: i64) -> Self {
        Self::Int(key)
    }
}

impl<'b> From<&'b str> for Key<'b> {
    fn from(key: &'b str) -> Self {
        Self::Text(key)
    }
}

impl Encode for Key<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::Int(key) => w.integer(*key),
            Self::Bytes(key) => w.bytes(key),
            Self::Text(key) => w.text(key),
        }
    }
}

impl<'b> Parse<'b> for Key<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let head = r.peek()?;
        match head.major {
            Major::Text => r.text_of(head).map(Self::Text),
            Major::Bytes => r.string(head).map(Self::Bytes),
            Major::Unsigned | Major::Negative => r.integer_of(head).map(Self::Int),
            _ => Err(Error::Unexpected {
                position: r.position(),
                expected: "a map key: integer, text or bytes",
            }),
        }
    }
}
