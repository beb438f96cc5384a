//! Key history: how many retired keys there are. SP 800-73-5 part 1 §3.3.3.

use super::Malformed;
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};
use heapless::Vec;

/// Key history.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeyHistory<'a> {
    /// C1: keys whose certificates are on the card, from the first place on.
    pub on_card: u8,
    /// C2: keys whose certificates are elsewhere.
    pub off_card: u8,
    /// F3: where.
    pub url: &'a [u8],
}

impl<'a> KeyHistory<'a> {
    /// Reads an object's content.
    pub fn parse(content: &'a [u8]) -> Result<Self, Malformed> {
        let mut history = Self::default();
        for object in Objects::new(content) {
            let object = object.map_err(|_| Malformed)?;
            match (object.tag, object.value) {
                (ON_CARD, [count]) => history.on_card = *count,
                (OFF_CARD, [count]) => history.off_card = *count,
                (URL, url) => history.url = url,
                _ => {}
            }
        }
        Ok(history)
    }

    /// Encodes an object's content into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let (on_card, off_card) = ([self.on_card], [self.off_card]);
        let mut fields = Vec::<(Tag, &[u8]), 4>::new();
        // Four members fit four.
        let _ = fields.push((ON_CARD, &on_card));
        let _ = fields.push((OFF_CARD, &off_card));
        if self.off_card > 0 {
            let _ = fields.push((URL, self.url));
        }
        let _ = fields.push((CHECK, &[]));
        template(None, &fields, buffer)
    }
}

const ON_CARD: Tag = Tag(0xC1);
const OFF_CARD: Tag = Tag(0xC2);
const URL: Tag = Tag(0xF3);
const CHECK: Tag = Tag(0xFE);
