//! Where a key keeps what survives power loss: records, of which any number change at once or not
//! at all. The layer below the authenticator; without `std`.
//!
//! Firmware brings its flash; [`FileStorage`] and [`MemoryStorage`] (feature `std`) keep all
//! records in one piece that is replaced as a whole.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(
    any(test, feature = "std"),
    allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

#[cfg(feature = "std")]
mod file;
#[cfg(feature = "std")]
mod memory;
#[cfg(feature = "std")]
mod records;

#[cfg(feature = "std")]
pub use file::FileStorage;
#[cfg(feature = "std")]
pub use memory::MemoryStorage;
#[cfg(feature = "std")]
pub use records::BlobError;

use core::fmt;

/// Keeps records. Each starts with the byte [`FORMAT`].
pub trait Storage {
    /// Copies what the record holds from `offset` on into the front of `buffer`, as much as fits,
    /// and tells how long the record is; `None` where it does not exist.
    fn read(
        &self,
        record: Record,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Failure>;

    /// Makes the changes, one after the other. When it has returned, power loss does not undo
    /// them; in the middle of it, power loss leaves all of them or none. So does a failure.
    fn commit(&mut self, changes: &[Change<'_>]) -> Result<(), Failure>;

    /// How much there is room for. It never changes.
    fn capacity(&self) -> Capacity;
}

/// What a record is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Record {
    /// Identity and attestation keys. A key without it is blank.
    Factory,
    /// Of the model's attestation key: X.509 in DER.
    Certificate,
    /// Of this device's own attestation key: X.509 in DER.
    EnterpriseCertificate,
    /// The root of both certificates: X.509 in DER. For people; the authenticator never reads it.
    Root,
    /// The serial number, as text.
    Serial,
    /// RP IDs that get vendor-facilitated enterprise attestation, one each.
    EnterpriseRpId(u8),
    /// What the owner set up, but for what has records of its own.
    Owner,
    /// RP IDs that the extensions minPinLength and pinComplexityPolicy answer, one each.
    MinPinLengthRpId(u8),
    /// A discoverable credential; slots count from 0.
    Credential(u16),
    /// The serialized large-blob array, as it stands and as it is being written: [`Record::Owner`]
    /// knows which is which.
    LargeBlobs(Bank),
    /// A fingerprint; slots count from 0.
    Fingerprint(u8),
    /// The large blob of the discoverable credential in this slot.
    CredentialBlob(u16),
    /// PIN, PUK and admin key of the PIV card.
    PivState,
    /// A key of the PIV card, by its number; F9 is the factory's.
    PivKey(u8),
    /// A data object of the PIV card, by the lower half of its tag; FF01, which holds the
    /// certificate of the key F9, is the factory's.
    PivObject(u16),
    /// PIN and life of a GIDS card.
    GidsState,
    /// A file of a GIDS card, by its identifier.
    GidsFile(u16),
    /// A key of a GIDS card, by its reference.
    GidsKey(u8),
    /// A data object of a GIDS card: the low bytes of its file's identifier and of its tag.
    GidsObject(u16),
}

/// Where one of two versions lies.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Bank {
    #[default]
    A,
    B,
}

/// One change of a [`commit`](Storage::commit).
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// Writes bytes into a record, which then ends behind them. `offset` is at most its length,
    /// that of a record that does not exist being 0.
    Write {
        record: Record,
        offset: usize,
        bytes: &'a [u8],
    },
    Delete(Record),
    /// Deletes every record but those that the factory burned in.
    EraseOwner,
}

/// How much a storage has room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// Discoverable credentials.
    pub credentials: u16,
    /// Bytes of each bank of the large-blob array, 1,024 at least (CTAP 2.3 §6.4, 0x0B), or of the
    /// blob of one credential.
    pub large_blobs: u16,
    /// Fingerprints.
    pub fingerprints: u8,
}

/// Why nothing was read, or changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// There is no room for what is to be written.
    Full,
    /// The medium does not do what it should.
    Medium,
    /// A record is longer than any that was ever written, or a write starts behind its end.
    Length,
}

impl Record {
    /// Whether a reset leaves it.
    pub const fn is_factory(self) -> bool {
        match self {
            Self::Factory
            | Self::Certificate
            | Self::EnterpriseCertificate
            | Self::Root
            | Self::Serial
            | Self::EnterpriseRpId(_)
            | Self::PivKey(0xF9)
            | Self::PivObject(0xFF01) => true,
            Self::Owner
            | Self::MinPinLengthRpId(_)
            | Self::Credential(_)
            | Self::LargeBlobs(_)
            | Self::Fingerprint(_)
            | Self::CredentialBlob(_)
            | Self::PivState
            | Self::PivKey(_)
            | Self::PivObject(_)
            | Self::GidsState
            | Self::GidsFile(_)
            | Self::GidsKey(_)
            | Self::GidsObject(_) => false,
        }
    }

    /// A number that says all: the kind above, the slot in the lower 16 bits.
    pub const fn number(self) -> u32 {
        let (kind, slot) = match self {
            Self::Factory => (0x01, [0, 0]),
            Self::Certificate => (0x02, [0, 0]),
            Self::EnterpriseCertificate => (0x03, [0, 0]),
            Self::Root => (0x04, [0, 0]),
            Self::Serial => (0x05, [0, 0]),
            Self::EnterpriseRpId(slot) => (0x06, [0, slot]),
            Self::Owner => (0x11, [0, 0]),
            Self::MinPinLengthRpId(slot) => (0x12, [0, slot]),
            Self::Credential(slot) => (0x13, slot.to_be_bytes()),
            Self::LargeBlobs(Bank::A) => (0x14, [0, 0]),
            Self::LargeBlobs(Bank::B) => (0x14, [0, 1]),
            Self::Fingerprint(slot) => (0x15, [0, slot]),
            Self::GidsState => (0x31, [0, 0]),
            Self::GidsFile(id) => (0x32, id.to_be_bytes()),
            Self::GidsKey(reference) => (0x33, [0, reference]),
            Self::GidsObject(slot) => (0x34, slot.to_be_bytes()),
            Self::CredentialBlob(slot) => (0x16, slot.to_be_bytes()),
            Self::PivState => (0x21, [0, 0]),
            Self::PivKey(reference) => (0x22, [0, reference]),
            Self::PivObject(tag) => (0x23, tag.to_be_bytes()),
        };
        let [high, low] = slot;
        u32::from_be_bytes([0, kind, high, low])
    }

    /// The record of a [`number`](Self::number); `None` for one of a later version.
    pub const fn from_number(number: u32) -> Option<Self> {
        let [zero, kind, high, low] = number.to_be_bytes();
        let record = match kind {
            0x01 => Self::Factory,
            0x02 => Self::Certificate,
            0x03 => Self::EnterpriseCertificate,
            0x04 => Self::Root,
            0x05 => Self::Serial,
            0x06 => Self::EnterpriseRpId(low),
            0x11 => Self::Owner,
            0x12 => Self::MinPinLengthRpId(low),
            0x13 => Self::Credential(u16::from_be_bytes([high, low])),
            0x14 if low == 0 => Self::LargeBlobs(Bank::A),
            0x14 => Self::LargeBlobs(Bank::B),
            0x15 => Self::Fingerprint(low),
            0x31 => Self::GidsState,
            0x32 => Self::GidsFile(u16::from_be_bytes([high, low])),
            0x33 => Self::GidsKey(low),
            0x34 => Self::GidsObject(u16::from_be_bytes([high, low])),
            0x16 => Self::CredentialBlob(u16::from_be_bytes([high, low])),
            0x21 => Self::PivState,
            0x22 => Self::PivKey(low),
            0x23 => Self::PivObject(u16::from_be_bytes([high, low])),
            _ => return None,
        };
        // Nothing but what `number` gives.
        if zero == 0 && record.number() == number {
            Some(record)
        } else {
            None
        }
    }
}

impl Bank {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl<'a> Change<'a> {
    /// Replaces a record as a whole.
    pub const fn replace(record: Record, bytes: &'a [u8]) -> Self {
        Self::Write {
            record,
            offset: 0,
            bytes,
        }
    }
}

/// Shows lengths only: records hold secrets.
impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write {
                record,
                offset,
                bytes,
            } => write!(f, "Write({record:?}, {offset}, {} bytes)", bytes.len()),
            Self::Delete(record) => write!(f, "Delete({record:?})"),
            Self::EraseOwner => f.write_str("EraseOwner"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the storage is full",
            Self::Medium => "the storage medium failed",
            Self::Length => "a record in the storage has a length that nothing gave it",
        })
    }
}

impl core::error::Error for Failure {}

/// Reads a whole record into the front of `buffer`.
pub fn whole<'b>(
    storage: &impl Storage,
    record: Record,
    buffer: &'b mut [u8],
) -> Result<Option<&'b [u8]>, Failure> {
    match storage.read(record, 0, buffer)? {
        None => Ok(None),
        Some(length) => buffer.get(..length).map(Some).ok_or(Failure::Length),
    }
}

/// The version of what records hold; their first byte, but for those that hold DER or text.
pub const FORMAT: u8 = 2;
/// No record is longer, but for those of large blobs, and what data objects of cards hold.
pub const MAX_RECORD: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_number_of_its_own() {
        let records = [
            Record::Factory,
            Record::Certificate,
            Record::EnterpriseCertificate,
            Record::Root,
            Record::Serial,
            Record::EnterpriseRpId(0),
            Record::EnterpriseRpId(255),
            Record::Owner,
            Record::MinPinLengthRpId(7),
            Record::Credential(0),
            Record::Credential(1),
            Record::Credential(0x1234),
            Record::LargeBlobs(Bank::A),
            Record::LargeBlobs(Bank::B),
            Record::Fingerprint(3),
            Record::GidsState,
            Record::GidsFile(0xA010),
            Record::GidsKey(0x80),
            Record::GidsObject(0x1023),
            Record::CredentialBlob(0x1234),
            Record::PivState,
            Record::PivKey(0x9A),
            Record::PivObject(0xC102),
        ];
        for (at, record) in records.into_iter().enumerate() {
            assert_eq!(Record::from_number(record.number()), Some(record));
            let same = |other: &Record| other.number() == record.number();
            assert_eq!(records.iter().position(same), Some(at));
        }
    }

    #[test]
    fn numbers_that_no_record_has_are_refused() {
        for number in [0, 0x07_0000, 0x01_0001, 0x14_0002, 0x15_0100, 0x0101_0000] {
            assert_eq!(Record::from_number(number), None, "{number:#x}");
        }
    }
}
