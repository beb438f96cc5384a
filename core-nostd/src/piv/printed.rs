//! Printed information: what stands on the card's face. SP 800-73-5 part 1 §3.2.4.
//!
//! Several tools keep an admin key in this object instead. It wants the PIN to be read.

use super::Malformed;
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};

/// Printed information, as text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Printed<'a> {
    /// 01
    pub name: &'a [u8],
    /// 02: employee affiliation.
    pub affiliation: &'a [u8],
    /// 04: year, month as three letters, day.
    pub expiry: &'a [u8],
    /// 05: agency card serial number.
    pub serial: &'a [u8],
    /// 06: issuer identification.
    pub issuer: &'a [u8],
    /// 07: organisation affiliation, first line.
    pub organisation: &'a [u8],
    /// 08: second line.
    pub organisation_2: &'a [u8],
}

impl<'a> Printed<'a> {
    /// Reads an object's content.
    pub fn parse(content: &'a [u8]) -> Result<Self, Malformed> {
        let mut printed = Self::default();
        for object in Objects::new(content) {
            let object = object.map_err(|_| Malformed)?;
            let member = match object.tag {
                NAME => &mut printed.name,
                AFFILIATION => &mut printed.affiliation,
                EXPIRY => &mut printed.expiry,
                SERIAL => &mut printed.serial,
                ISSUER => &mut printed.issuer,
                ORGANISATION => &mut printed.organisation,
                ORGANISATION_2 => &mut printed.organisation_2,
                _ => continue,
            };
            *member = object.value;
        }
        Ok(printed)
    }

    /// Encodes an object's content into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let fields = [
            (NAME, self.name),
            (AFFILIATION, self.affiliation),
            (EXPIRY, self.expiry),
            (SERIAL, self.serial),
            (ISSUER, self.issuer),
            (ORGANISATION, self.organisation),
            (ORGANISATION_2, self.organisation_2),
            (CHECK, &[]),
        ];
        template(None, &fields, buffer)
    }
}

const NAME: Tag = Tag(0x01);
const AFFILIATION: Tag = Tag(0x02);
const EXPIRY: Tag = Tag(0x04);
const SERIAL: Tag = Tag(0x05);
const ISSUER: Tag = Tag(0x06);
const ORGANISATION: Tag = Tag(0x07);
const ORGANISATION_2: Tag = Tag(0x08);
const CHECK: Tag = Tag(0xFE);
