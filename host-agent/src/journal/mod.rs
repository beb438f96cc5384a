//! What was begun and how it ended, on disk before anybody hears of it.
//!
//! Beside the layers; [`crate::token`] writes it, [`crate::rpc`] reads it. An attempt's intent is
//! synced before the token sees a byte, its end before the answer leaves:
//!
//! ```text
//!           begin              mark_sent             finish
//!  (none) --------> Waiting -------------> Started ---------> Done | Failed
//!            |     (reset only: no byte     ^   |
//!            |      has been sent)          |   '-- cut off, and the token looked at
//!            '------------------------------'             ----> Done | Failed | Unknown
//! ```
//!
//! One redb file. Values are postcard behind a version byte. No secret is ever written: a request
//! is remembered by a digest that leaves its secret fields out, and answers hold none.

mod attempt;
mod credentials;
mod record;
mod standing;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};

pub use attempt::{Attempt, Begun};
pub use credentials::{MadeHere, Memory};
pub use record::{CardName, Intent, Mark, Probe, Record, Settings, State, StepKey, TokenName};
pub use standing::Checkpoint;

/// Acknowledged records are kept this long, so that a late repeat still finds its answer.
const KEPT_US: i64 = 30 * 24 * 3600 * 1_000_000;

/// What is cached of the file; it is small and rarely read.
const CACHE_BYTES: usize = 256 * 1024;

const ATTEMPTS: TableDefinition<'_, (&str, &str, u32), &[u8]> = TableDefinition::new("attempts");

/// The journal of this host. Shared; writers wait for each other.
#[derive(Debug)]
pub struct Journal {
    db: Database,
    /// The attempts without an end, so that nobody has to search for them.
    unsettled: Mutex<HashMap<StepKey, Course>>,
}

/// What is going on with an attempt that has no end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Course {
    /// It is being made in this process.
    Running,
    /// By the end of this or an earlier process, or by a token that went away.
    CutOff,
}

/// Why the journal could not be read or written. What was asked of the token has not begun, unless
/// the words say else.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder cannot be made or used.
    #[error("cannot use the folder of the journal, {}", path.display())]
    Folder {
        /// `state_dir`.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another agent runs on the same folder.
    #[error("the journal {} is in use; another agent runs on the same state_dir", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be opened, read or written.
    #[error("the journal failed; check that its disk is neither full nor read-only")]
    Storage(#[source] Box<redb::Error>),
    /// A record that this version cannot read.
    #[error(
        "the journal holds a record of version {version}, which this agent does not know; install the newer agent again"
    )]
    Version {
        /// First byte of the value.
        version: u8,
    },
    /// A record whose bytes make no sense.
    #[error("the journal holds a record that cannot be read")]
    Damaged(#[from] postcard::Error),
}

impl Journal {
    /// Opens, or creates, `journal.redb` in `state_dir`.
    pub fn open(state_dir: &Path) -> Result<Arc<Self>, JournalError> {
        make_private(state_dir).map_err(|source| JournalError::Folder {
            path: state_dir.to_owned(),
            source,
        })?;
        let path = state_dir.join("journal.redb");
        let db = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(&path)
            .map_err(|error| match error {
                redb::DatabaseError::DatabaseAlreadyOpen => JournalError::InUse { path },
                other => storage(other),
            })?;
        let journal = Self {
            db,
            unsettled: Mutex::default(),
        };
        journal.write(|transaction| {
            transaction.open_table(ATTEMPTS).map_err(storage)?;
            credentials::create(transaction)?;
            standing::create(transaction)
        })?;
        let cut_off = journal.select(|record| !record.state.is_settled())?;
        journal
            .unsettled()
            .extend(cut_off.into_iter().map(|(key, _)| (key, Course::CutOff)));
        Ok(Arc::new(journal))
    }

    /// What is known of an attempt; `None` if it never started here.
    pub fn get(&self, key: &StepKey) -> Result<Option<Record>, JournalError> {
        let table = self.read(ATTEMPTS)?;
        let value = table.get(key.as_tuple()).map_err(storage)?;
        value.map(|value| Record::decode(value.value())).transpose()
    }

    /// Every attempt, oldest first; those that the server has acknowledged only if `all`.
    pub fn list(&self, all: bool) -> Result<Vec<(StepKey, Record)>, JournalError> {
        let mut records = self.select(|record| all || record.acknowledged_at_us == 0)?;
        records.sort_by_key(|(_, record)| record.started_at_us);
        Ok(records)
    }

    /// Attempts that were cut off, by the end of this or an earlier process or by a token that
    /// went away, and that no look at the token has settled yet.
    pub fn cut_off(&self) -> Result<Vec<(StepKey, Record)>, JournalError> {
        let keys: Vec<StepKey> = self
            .unsettled()
            .iter()
            .filter(|(_, course)| **course == Course::CutOff)
            .map(|(key, _)| key.clone())
            .collect();
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(record) = self.get(&key)? {
                records.push((key, record));
            }
        }
        Ok(records)
    }

    /// How many attempts there are, and how many of them have no known end.
    pub fn counts(&self) -> Result<(u64, usize), JournalError> {
        let entries = self.read(ATTEMPTS)?.len().map_err(storage)?;
        Ok((entries, self.unsettled().len()))
    }

    /// The server has stored these ends. Unsettled attempts stay, since their end is not known
    /// yet. What was acknowledged long ago is forgotten.
    pub fn acknowledge(&self, keys: &[StepKey], now_us: i64) -> Result<(), JournalError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(ATTEMPTS).map_err(storage)?;
            for key in keys {
                let found = match table.get(key.as_tuple()).map_err(storage)? {
                    Some(value) => Record::decode(value.value())?,
                    None => continue,
                };
                if found.acknowledged_at_us == 0 && found.state.is_settled() {
                    let record = Record {
                        acknowledged_at_us: now_us,
                        ..found
                    };
                    table
                        .insert(key.as_tuple(), record.encode()?.as_slice())
                        .map_err(storage)?;
                }
            }
            let oldest = now_us.saturating_sub(KEPT_US);
            table
                .retain(|_, value| match Record::decode(value) {
                    Ok(record) => {
                        record.acknowledged_at_us == 0 || record.acknowledged_at_us > oldest
                    }
                    Err(_) => true,
                })
                .map_err(storage)
        })
    }

    fn select(
        &self,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<Vec<(StepKey, Record)>, JournalError> {
        let table = self.read(ATTEMPTS)?;
        let mut records = Vec::new();
        for entry in table.iter().map_err(storage)? {
            let (key, value) = entry.map_err(storage)?;
            let record = Record::decode(value.value())?;
            if wanted(&record) {
                records.push((StepKey::from_tuple(key.value()), record));
            }
        }
        Ok(records)
    }

    fn read<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        table: TableDefinition<'_, K, V>,
    ) -> Result<redb::ReadOnlyTable<K, V>, JournalError> {
        let transaction = self.db.begin_read().map_err(storage)?;
        transaction.open_table(table).map_err(storage)
    }

    /// Runs `change` and syncs it to the disk, or leaves everything as it was.
    fn write<T>(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let transaction = self.db.begin_write().map_err(storage)?;
        let value = change(&transaction)?;
        transaction.commit().map_err(storage)?;
        Ok(value)
    }

    fn unsettled(&self) -> MutexGuard<'_, HashMap<StepKey, Course>> {
        // A map of words cannot be half changed.
        self.unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn storage(error: impl Into<redb::Error>) -> JournalError {
    JournalError::Storage(Box::new(error.into()))
}

/// Creates the folder if it is missing, for this user alone.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
