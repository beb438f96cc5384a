//! All records of a key in one blob: [`FORMAT`](super::FORMAT), then for each record its number
//! (4 bytes), its length (4 bytes) and its bytes, numbers ascending, big-endian.

use super::{Capacity, Change, FORMAT, Failure, Record};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The records of a key.
#[derive(Clone, Default)]
pub(super) struct Records(BTreeMap<Record, Zeroizing<Vec<u8>>>);

/// Why a blob holds no records.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BlobError {
    #[error("the storage is empty")]
    Empty,
    #[error(
        "the storage was written by an earlier version of this program: move it away, and a new \
         key is made in its place"
    )]
    Earlier,
    #[error("the storage was written by a later version ({0}) of this program")]
    Later(u8),
    #[error("the storage is damaged")]
    Damaged,
}

impl Records {
    pub(super) fn decode(blob: &[u8]) -> Result<Self, BlobError> {
        let mut rest = match blob.split_first() {
            None => return Err(BlobError::Empty),
            Some((&FORMAT, rest)) => rest,
            Some((&earlier, _)) if earlier < FORMAT => return Err(BlobError::Earlier),
            Some((&later, _)) => return Err(BlobError::Later(later)),
        };
        let mut records = BTreeMap::new();
        while !rest.is_empty() {
            let (number, length);
            (number, rest) = take_number(rest)?;
            (length, rest) = take_number(rest)?;
            let length = usize::try_from(length).map_err(|_| BlobError::Damaged)?;
            let (bytes, after) = rest.split_at_checked(length).ok_or(BlobError::Damaged)?;
            rest = after;
            let record = Record::from_number(number).ok_or(BlobError::Damaged)?;
            if records
                .insert(record, Zeroizing::new(bytes.to_vec()))
                .is_some()
            {
                return Err(BlobError::Damaged);
            }
        }
        Ok(Self(records))
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let bytes: usize = self.0.values().map(|bytes| 8 + bytes.len()).sum();
        // Sized first: growing would leave copies of secrets behind.
        let mut blob = Zeroizing::new(Vec::with_capacity(1 + bytes));
        blob.push(FORMAT);
        for (record, bytes) in &self.0 {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            blob.extend(record.number().to_be_bytes());
            blob.extend(length.to_be_bytes());
            blob.extend_from_slice(bytes);
        }
        blob
    }

    pub(super) fn read(
        &self,
        record: Record,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Failure> {
        let Some(bytes) = self.0.get(&record) else {
            return Ok(None);
        };
        let from = bytes.get(offset..).ok_or(Failure::Length)?;
        for (to, from) in buffer.iter_mut().zip(from) {
            *to = *from;
        }
        Ok(Some(bytes.len()))
    }

    /// The records after the changes.
    pub(super) fn changed(&self, changes: &[Change<'_>]) -> Result<Self, Failure> {
        let mut next = self.clone();
        for change in changes {
            match *change {
                Change::Write {
                    record,
                    offset,
                    bytes,
                } => {
                    let old = next.0.get(&record).map_or(&[][..], |old| old.as_slice());
                    let kept = old.get(..offset).ok_or(Failure::Length)?;
                    let new = Zeroizing::new([kept, bytes].concat());
                    next.0.insert(record, new);
                }
                Change::Delete(record) => {
                    next.0.remove(&record);
                }
                Change::EraseOwner => next.0.retain(|record, _| record.is_factory()),
            }
        }
        Ok(next)
    }
}

fn take_number(bytes: &[u8]) -> Result<(u32, &[u8]), BlobError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(BlobError::Damaged)?;
    Ok((u32::from_be_bytes(*number), rest))
}

/// Of a key that is a program.
pub(super) const CAPACITY: Capacity = Capacity {
    credentials: 100,
    large_blobs: 4096,
    fingerprints: 5,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read(records: &Records, record: Record) -> Option<Vec<u8>> {
        let mut buffer = [0; 16];
        let length = records.read(record, 0, &mut buffer).unwrap()?;
        Some(buffer[..length].to_vec())
    }

    fn write(record: Record, offset: usize, bytes: &[u8]) -> Change<'_> {
        Change::Write {
            record,
            offset,
            bytes,
        }
    }

    #[test]
    fn changes_come_one_after_the_other() {
        let records = Records::default()
            .changed(&[
                write(Record::Serial, 0, b"KS-0001"),
                write(Record::Owner, 0, b"owner"),
                write(Record::Serial, 3, b"9"),
                Change::Delete(Record::Owner),
                write(Record::Credential(7), 0, b"ada"),
            ])
            .unwrap();
        assert_eq!(read(&records, Record::Serial).unwrap(), b"KS-9");
        assert_eq!(read(&records, Record::Owner), None);
        let erased = records
            .changed(&[Change::EraseOwner, write(Record::Owner, 0, b"fresh")])
            .unwrap();
        assert_eq!(read(&erased, Record::Serial).unwrap(), b"KS-9");
        assert_eq!(read(&erased, Record::Credential(7)), None);
        assert_eq!(read(&erased, Record::Owner).unwrap(), b"fresh");
    }

    #[test]
    fn a_part_of_a_record_can_be_read() {
        let records = Records::default()
            .changed(&[write(Record::Serial, 0, b"KS-0001")])
            .unwrap();
        let mut buffer = [0; 4];
        assert_eq!(records.read(Record::Serial, 3, &mut buffer), Ok(Some(7)));
        assert_eq!(&buffer, b"0001");
        assert_eq!(records.read(Record::Serial, 7, &mut buffer), Ok(Some(7)));
        let behind = records.read(Record::Serial, 8, &mut buffer);
        assert_eq!(behind, Err(Failure::Length));
    }

    #[test]
    fn a_write_does_not_start_behind_the_end() {
        let records = Records::default();
        let changed = records.changed(&[write(Record::Serial, 1, b"x")]);
        assert_eq!(changed.err(), Some(Failure::Length));
    }

    #[test]
    fn what_is_no_blob_is_refused() {
        let records = Records::default()
            .changed(&[write(Record::Serial, 0, b"KS-0001")])
            .unwrap();
        let blob = records.encode();
        let decoded = Records::decode(&blob).unwrap();
        assert_eq!(read(&decoded, Record::Serial).unwrap(), b"KS-0001");
        let error = |blob: &[u8]| Records::decode(blob).err().unwrap();
        assert_eq!(error(&[]), BlobError::Empty);
        assert_eq!(error(&[1, 2, 3]), BlobError::Earlier);
        assert_eq!(error(&[9]), BlobError::Later(9));
        for length in 2..blob.len() {
            assert_eq!(error(&blob[..length]), BlobError::Damaged, "{length}");
        }
        let twice = [&blob, &blob[1..]].concat();
        assert_eq!(error(&twice), BlobError::Damaged);
    }
}
