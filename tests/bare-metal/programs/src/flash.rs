//! A storage in RAM that works as firmware's does in flash: changes are appended, and count when
//! the length that is valid moves behind them.

use keysteward_virtual_token::storage::{Capacity, Change, Failure, Record, Storage};

/// Changes one after the other, each a head and its bytes:
/// record or [`ERASE`] 4 ‖ offset or [`DELETE`] 4 ‖ length 4.
#[derive(Debug)]
pub struct Flash<'m> {
    memory: &'m mut [u8],
    valid: usize,
}

/// The head's first word when all records of the owner end.
const ERASE: u32 = u32::MAX;
/// The head's second word when the record ends.
const DELETE: u32 = u32::MAX;

impl<'m> Flash<'m> {
    /// Nothing is stored.
    pub const fn new(memory: &'m mut [u8]) -> Self {
        Self { memory, valid: 0 }
    }

    fn append(&mut self, end: usize, head: [u32; 3], bytes: &[u8]) -> Result<usize, Failure> {
        let head_bytes = head.map(u32::to_le_bytes);
        let mut end = end;
        for part in [head_bytes.as_flattened(), bytes] {
            let next = end.saturating_add(part.len());
            let room = self.memory.get_mut(end..next).ok_or(Failure::Full)?;
            room.copy_from_slice(part);
            end = next;
        }
        Ok(end)
    }

    /// Head and bytes of every change, in order.
    fn changes(&self) -> impl Iterator<Item = ([u32; 3], &[u8])> {
        let mut rest = self.memory.get(..self.valid).unwrap_or_default();
        core::iter::from_fn(move || {
            let (head, behind) = rest.split_first_chunk::<12>()?;
            let mut words = [0; 3];
            for (word, bytes) in words.iter_mut().zip(head.as_chunks().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            let [_, _, length] = words;
            let (bytes, behind) = behind.split_at_checked(usize::try_from(length).ok()?)?;
            rest = behind;
            Some((words, bytes))
        })
    }
}

impl Storage for Flash<'_> {
    fn read(
        &self,
        record: Record,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Failure> {
        let mut length = None;
        for ([number, at, _], bytes) in self.changes() {
            if number == ERASE && !record.is_factory() {
                length = None;
            }
            if number != record.number() {
                continue;
            }
            if at == DELETE {
                length = None;
                continue;
            }
            let at = usize::try_from(at).map_err(|_| Failure::Length)?;
            length = Some(at.saturating_add(bytes.len()));
            // What of these bytes lies where the reader looks.
            let bytes = bytes.get(offset.saturating_sub(at)..).unwrap_or_default();
            let room = buffer.get_mut(at.saturating_sub(offset)..);
            for (to, from) in room.unwrap_or_default().iter_mut().zip(bytes) {
                *to = *from;
            }
        }
        Ok(length)
    }

    fn commit(&mut self, changes: &[Change<'_>]) -> Result<(), Failure> {
        let mut end = self.valid;
        for change in changes {
            let (head, bytes): (_, &[u8]) = match *change {
                Change::Write {
                    record,
                    offset,
                    bytes,
                } => {
                    let word = |value: usize| u32::try_from(value).map_err(|_| Failure::Length);
                    let head = [record.number(), word(offset)?, word(bytes.len())?];
                    (head, bytes)
                }
                Change::Delete(record) => ([record.number(), DELETE, 0], &[]),
                Change::EraseOwner => ([ERASE, 0, 0], &[]),
            };
            end = self.append(end, head, bytes)?;
        }
        self.valid = end;
        Ok(())
    }

    fn capacity(&self) -> Capacity {
        Capacity {
            credentials: 8,
            large_blobs: 1024,
            fingerprints: 0,
        }
    }
}
