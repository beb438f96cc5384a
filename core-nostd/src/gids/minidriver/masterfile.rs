//! The masterfile: which file of the minidriver is which data object. Windows' minidriver for GIDS
//! keeps it; the form is the one that it and OpenSC agree on.

use super::super::Error;
use super::super::data_object::{Address, CARD_APPS, CARD_CF, CARD_ID, CMAPFILE};
use super::super::file::FileId;
use super::{put_at, records, u16_at};
use crate::iso7816::tlv::Tag;

/// Bytes of a record.
pub const RECORD: usize = 28;

/// The byte that the file begins with.
pub const VERSION: u8 = 0x01;

/// The first object that a certificate may lie in, and the one behind the last.
pub const FREE: core::ops::Range<u32> = 0xDF24..0xE000;

/// A name of a folder or a file: letters and digits, at most eight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Name([u8; 9]);

impl Name {
    /// The topmost folder, and the name of no file.
    pub const NONE: Self = Self([0; 9]);
    /// The folder of the smart card's own files.
    pub const MSCP: Self = Self::of(b"mscp");

    /// Of these letters, of which no more than eight are kept.
    #[must_use]
    pub const fn of(letters: &[u8]) -> Self {
        let mut name = [0; 9];
        let [eight @ .., _] = &mut name;
        let (mut room, mut letters): (&mut [u8], _) = (eight, letters);
        while let (Some((to, left)), Some((from, behind))) =
            (room.split_first_mut(), letters.split_first())
        {
            *to = *from;
            (room, letters) = (left, behind);
        }
        Self(name)
    }

    /// Its letters.
    #[must_use]
    pub fn letters(&self) -> &[u8] {
        let len = self.0.iter().take_while(|letter| **letter != 0).count();
        self.0.get(..len).unwrap_or_default()
    }
}

/// A file, or a folder, which has no name of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The folder.
    pub folder: Name,
    /// The file in it.
    pub name: Name,
    /// Where it lies.
    pub address: Address,
}

impl Entry {
    /// What every card has, in this order.
    pub const FIRST: [Self; 5] = [
        Self {
            folder: Name::MSCP,
            name: Name::NONE,
            address: Address {
                file: FileId::DIRECTORY,
                object: Tag(0),
            },
        },
        Self {
            folder: Name::NONE,
            name: Name::of(b"cardid"),
            address: CARD_ID,
        },
        Self {
            folder: Name::NONE,
            name: Name::of(b"cardapps"),
            address: CARD_APPS,
        },
        Self {
            folder: Name::NONE,
            name: Name::of(b"cardcf"),
            address: CARD_CF,
        },
        Self {
            folder: Name::MSCP,
            name: Name::of(b"cmapfile"),
            address: CMAPFILE,
        },
    ];

    /// Reads a record.
    #[must_use]
    pub fn parse(record: &[u8; RECORD]) -> Self {
        let name = |at| {
            let bytes = record.get(at..).and_then(<[u8]>::first_chunk);
            Name::of(Name(bytes.copied().unwrap_or_default()).letters())
        };
        Self {
            folder: name(0),
            name: name(9),
            address: Address {
                file: FileId(u16_at(record, 24)),
                object: Tag(u32::from(u16_at(record, 20))),
            },
        }
    }

    /// Its record.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        put_at(&mut record, 0, &self.folder.0);
        put_at(&mut record, 9, &self.name.0);
        put_at(&mut record, 20, &self.address.object.0.to_le_bytes());
        put_at(&mut record, 24, &self.address.file.0.to_le_bytes());
        record
    }

    /// Whether it is this file.
    #[must_use]
    pub fn is(&self, folder: Name, name: Name) -> bool {
        self.folder == folder && self.name == name
    }
}

/// The entries of the file.
pub fn entries(file: &[u8]) -> Result<impl ExactSizeIterator<Item = Entry> + '_, Error> {
    let wrong = Error::File {
        name: "masterfile",
        problem: "does not begin with 01, or is not made of records of 28 bytes",
    };
    let Some((&VERSION, bytes)) = file.split_first() else {
        return Err(wrong);
    };
    let records: &[[u8; RECORD]] = records(bytes).ok_or(wrong)?;
    Ok(records.iter().map(Entry::parse))
}

/// An object that no entry uses, for a file that the user writes and everybody reads.
pub fn free_address(file: &[u8]) -> Result<Option<Address>, Error> {
    for object in FREE {
        let address = Address {
            file: FileId::USER_WRITES,
            object: Tag(object),
        };
        if entries(file)?.all(|entry| entry.address != address) {
            return Ok(Some(address));
        }
    }
    Ok(None)
}
