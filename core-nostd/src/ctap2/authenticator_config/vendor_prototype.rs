//! Parameters of vendorPrototype (0xFF). CTAP 2.3 §6.11.5.

use core::fmt;

use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Raw, Reader, Writer, required};

/// A vendor's own command, and what it takes.
#[derive(Clone, Copy)]
pub struct VendorPrototype<'a> {
    vendor_command_id: u64,
    members: Source<'a>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Items(&'a [(i64, Raw<'a>)]),
    /// All parameters, vendorCommandId among them.
    Encoded(Raw<'a>),
}

impl<'a> VendorPrototype<'a> {
    /// A command with parameters of the vendor's, whose keys stand in canonical order from 0x02
    /// on.
    pub const fn new(vendor_command_id: u64, members: &'a [(i64, Raw<'a>)]) -> Self {
        Self {
            vendor_command_id,
            members: Source::Items(members),
        }
    }

    /// 0x01: one of member 0x15 of getInfo.
    pub const fn vendor_command_id(&self) -> u64 {
        self.vendor_command_id
    }

    /// The vendor's parameters, in the order in which they came.
    pub fn members(&self) -> impl Iterator<Item = (i64, Raw<'a>)> + use<'a> {
        let (items, encoded) = match self.members {
            Source::Items(items) => (items, None),
            Source::Encoded(all) => (&[][..], Some(all.entries())),
        };
        let encoded = encoded.into_iter().flatten();
        items
            .iter()
            .copied()
            .chain(encoded.filter_map(|(key, value)| match key {
                Key::Int(key) if key != VENDOR_COMMAND_ID => Some((key, value)),
                Key::Int(_) | Key::Text(_) | Key::Bytes(_) => None,
            }))
    }

    /// The vendor's parameter under `key`.
    pub fn member(&self, key: i64) -> Option<Raw<'a>> {
        self.members()
            .find_map(|(one, value)| (one == key).then_some(value))
    }
}

/// Parameters that came are sent on as they came.
impl Encode for VendorPrototype<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self.members {
            Source::Items(items) => w.map(|m| {
                m.entry(VENDOR_COMMAND_ID, self.vendor_command_id)?;
                items
                    .iter()
                    .try_for_each(|(key, value)| m.entry(*key, value))
            }),
            Source::Encoded(all) => w.raw(all),
        }
    }
}

impl<'b> Parse<'b> for VendorPrototype<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut vendor_command_id = None;
        let mut ahead = r.clone();
        let all = r.raw()?;
        ahead.map(|key, r| {
            match key {
                Key::Int(VENDOR_COMMAND_ID) => vendor_command_id = Some(r.read()?),
                Key::Int(_) => r.skip()?,
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            vendor_command_id: required(vendor_command_id, "vendorCommandId (0x01)")?,
            members: Source::Encoded(all),
        })
    }
}

impl PartialEq for VendorPrototype<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.vendor_command_id == other.vendor_command_id && self.members().eq(other.members())
    }
}

impl Eq for VendorPrototype<'_> {}

/// Shows of the vendor's parameters how long they are: they may be secret.
impl fmt::Debug for VendorPrototype<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entry(&VENDOR_COMMAND_ID, &self.vendor_command_id)
            .entries(self.members())
            .finish()
    }
}

const VENDOR_COMMAND_ID: i64 = 0x01;
