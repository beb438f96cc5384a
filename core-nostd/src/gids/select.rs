//! SELECT by name. GIDS 2.0; ISO/IEC 7816-4 §7.1.1.

use super::{AID, Error, command, required};
use crate::der::{Item, encode};
use crate::iso7816::tlv::{EncodeError, Objects, Tag};
use crate::iso7816::{Command, Le};

/// SELECT of the applet.
#[must_use]
pub const fn select() -> Command<'static> {
    command(SELECT, BY_NAME, 0x00, &AID, Some(Le::SHORT))
}

/// Whether an applet of this name answers to a SELECT of `name`, which may be its beginning.
#[must_use]
pub fn is_selected_by(name: &[u8]) -> bool {
    name.len() >= AID.len() && FULL_AID.starts_with(name)
}

/// What the applet says of itself when it is selected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileControlInformation<'a> {
    /// Its whole identifier, the version at its end.
    pub aid: &'a [u8],
    /// How the administrator can be authenticated; `None`: it does not say.
    pub protocols: Option<Protocols>,
}

/// How a card authenticates its administrator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Protocols(pub u8);

impl Protocols {
    /// Both ways, and each of them alone.
    pub const BOTH: Self = Self(0xC0);
    /// Card and host prove the key to each other.
    pub const MUTUAL: Self = Self(0x80);
    /// The host proves the key, with a challenge short enough to be read aloud.
    pub const EXTERNAL: Self = Self(0x40);

    /// Whether card and host prove the key to each other.
    #[must_use]
    pub const fn has_mutual(self) -> bool {
        self.0 & Self::MUTUAL.0 != 0
    }

    /// Whether the host alone may prove the key.
    #[must_use]
    pub const fn has_external(self) -> bool {
        self.0 & Self::EXTERNAL.0 != 0
    }
}

impl<'a> FileControlInformation<'a> {
    /// What version 2 of the specification answers.
    pub const VERSION_2: FileControlInformation<'static> = FileControlInformation {
        aid: &FULL_AID,
        protocols: Some(Protocols::BOTH),
    };

    /// Reads the answer to SELECT. Cards of version 1 answer nothing at all.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, Error> {
        let Some(template) = Objects::new(bytes).find(Tag(TEMPLATE))? else {
            return Ok(None);
        };
        let aid = required(template.value, NAME)?;
        let protocols = match Objects::new(template.value).find(Tag(DISCRETIONARY))? {
            Some(found) => Objects::new(found.value).find(Tag(PROTOCOLS))?,
            None => None,
        };
        Ok(Some(Self {
            aid,
            protocols: match protocols.map(|found| found.value) {
                Some(&[byte]) => Some(Protocols(byte)),
                _ => None,
            },
        }))
    }

    /// Encodes into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let byte = self.protocols.map(|protocols| [protocols.0]);
        let protocols = byte.as_ref().map(|byte| [Item::Value(PROTOCOLS, byte)]);
        let template = match &protocols {
            Some(protocols) => &[
                Item::Value(NAME, self.aid),
                Item::Template(DISCRETIONARY, protocols),
            ][..],
            None => &[Item::Value(NAME, self.aid)],
        };
        encode(&[Item::Template(TEMPLATE, template)], buffer)
    }
}

/// Version 2.
const FULL_AID: [u8; 11] = [
    0xA0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59, 0x02, 0x01,
];
const SELECT: u8 = 0xA4;
const BY_NAME: u8 = 0x04;
/// Application template.
const TEMPLATE: u32 = 0x61;
/// Application identifier.
const NAME: u32 = 0x4F;
/// Discretionary data objects.
const DISCRETIONARY: u32 = 0x73;
/// Authentication protocols that the card supports.
const PROTOCOLS: u32 = 0x40;
