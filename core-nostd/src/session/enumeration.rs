//! How far a list of a token's is followed. CTAP 2.3 §6.8.3, §6.8.4.

use super::Error;
use crate::ctap2::Command;

/// A list that is being read: its announced length is believed up to a bound,
/// and entries that come round again are noticed without remembering them all.
///
/// The entry at each power of two is kept, and compared with what comes after
/// it (R. P. Brent, 1980): a list that repeats itself is left after at most
/// three rounds.
pub(super) struct Enumeration {
    command: Command,
    got: u32,
    total: u32,
    landmark: [u8; 32],
    landmark_at: u32,
}

impl Enumeration {
    /// Begins with the length that the first answer announced; a list without
    /// one is one long.
    pub(super) fn begin<E>(command: Command, total: Option<u32>) -> Result<Self, Error<E>> {
        match total.unwrap_or(1) {
            announced if announced > MAX_ENTRIES => Err(Error::ListTooLong { command, announced }),
            total => Ok(Self {
                command,
                got: 0,
                total,
                landmark: [0; 32],
                landmark_at: 0,
            }),
        }
    }

    /// Counts an entry, known by its hash.
    pub(super) fn take<E>(&mut self, entry: [u8; 32]) -> Result<(), Error<E>> {
        if self.got > 0 && entry == self.landmark {
            let command = self.command;
            return Err(Error::ListRepeats { command });
        }
        self.got = self.got.saturating_add(1);
        if self.got >= self.landmark_at.saturating_mul(2) {
            self.landmark = entry;
            self.landmark_at = self.got;
        }
        Ok(())
    }

    /// Whether all came that was announced.
    pub(super) const fn is_complete(&self) -> bool {
        self.got >= self.total
    }

    /// What is told of a list that ended too early.
    pub(super) const fn interrupted<E>(&self) -> Error<E> {
        Error::EnumerationInterrupted {
            got: self.got,
            total: self.total,
        }
    }
}

/// More than any token holds, a dozen times over.
const MAX_ENTRIES: u32 = 4096;
