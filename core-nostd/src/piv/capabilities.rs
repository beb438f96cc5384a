//! Card capability container. SP 800-73-5 part 1 §3.1.1; NISTIR 6887 §6.

use super::Malformed;
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};

/// Card capability container: there to be there, but for the card's identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capabilities<'a> {
    /// F0: whose the scheme of numbers is, then the card's number in it.
    pub card_identifier: &'a [u8],
}

/// Of the number, the part that says whose it is and what kind of card it names.
pub const SCHEME: [u8; 7] = [0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02];

impl<'a> Capabilities<'a> {
    /// Reads an object's content.
    pub fn parse(content: &'a [u8]) -> Result<Self, Malformed> {
        match Objects::new(content).find(IDENTIFIER) {
            Ok(Some(object)) => Ok(Self {
                card_identifier: object.value,
            }),
            _ => Err(Malformed),
        }
    }

    /// The identifier of a card with this number.
    #[must_use]
    pub fn identifier(number: &[u8; 14]) -> [u8; 21] {
        let mut identifier = [0; 21];
        for (to, from) in identifier.iter_mut().zip(SCHEME.iter().chain(number)) {
            *to = *from;
        }
        identifier
    }

    /// Encodes an object's content into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let fields: [(Tag, &[u8]); 13] = [
            (IDENTIFIER, self.card_identifier),
            // Version of the container, then of its grammar.
            (Tag(0xF1), &[0x21]),
            (Tag(0xF2), &[0x21]),
            (Tag(0xF3), &[]),
            // Not of PKCS #15.
            (Tag(0xF4), &[0x00]),
            // The data model is that of PIV.
            (Tag(0xF5), &[0x10]),
            (Tag(0xF6), &[]),
            (Tag(0xF7), &[]),
            (Tag(0xFA), &[]),
            (Tag(0xFB), &[]),
            (Tag(0xFC), &[]),
            (Tag(0xFD), &[]),
            (Tag(0xFE), &[]),
        ];
        template(None, &fields, buffer)
    }
}

const IDENTIFIER: Tag = Tag(0xF0);
