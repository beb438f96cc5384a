//! Certificates of roots for Windows: the objects MSROOTS of Yubico's minidriver, in which one PKCS
//! #7 lies in up to five parts.

use super::{MAX_OBJECT, Malformed};
use crate::iso7816::tlv::{EncodeError, Objects, Tag, encode};

/// Part of the roots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part<'a> {
    /// Bytes of the PKCS #7.
    pub bytes: &'a [u8],
    /// Whether no other part follows.
    pub is_last: bool,
}

impl<'a> Part<'a> {
    /// Reads an object's content; `None`: there is none.
    pub fn parse(content: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let Some(object) = Objects::new(content).next() else {
            return Ok(None);
        };
        let object = object.map_err(|_| Malformed)?;
        let is_last = match object.tag {
            LAST => true,
            FURTHER => false,
            _ => return Err(Malformed),
        };
        Ok(Some(Self {
            bytes: object.value,
            is_last,
        }))
    }

    /// Encodes an object's content into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let tag = if self.is_last { LAST } else { FURTHER };
        encode(tag, &[self.bytes], buffer)
    }
}

/// Cuts a PKCS #7 into parts that fit an object of `room` bytes each.
pub fn parts(pkcs7: &[u8], room: usize) -> impl Iterator<Item = Part<'_>> {
    let room = room.clamp(1, MAX_OBJECT.saturating_sub(HEADER));
    let mut rest = Some(pkcs7);
    core::iter::from_fn(move || {
        let bytes = rest.take()?;
        match bytes.split_at_checked(room) {
            Some((part, more @ [_, ..])) => {
                rest = Some(more);
                Some(Part {
                    bytes: part,
                    is_last: false,
                })
            }
            _ => Some(Part {
                bytes,
                is_last: true,
            }),
        }
    })
}

const LAST: Tag = Tag(0x82);
const FURTHER: Tag = Tag(0x83);
/// Bytes of tag and length.
const HEADER: usize = 4;
