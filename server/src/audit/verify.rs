//! Checks an export: one JSON record per line, in order, from the first row.
//!
//! Pure: no database, no clock, no network. Proves that no row was changed,
//! removed or put in between, up to the newest checkpoint whose key the reader
//! trusts; what follows it could have been cut off or rewritten.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Record, Seq, chain::START};

/// One line of an export: `server.v1.AuditRecord` in JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Line {
    /// A row of the chain.
    Entry(Record),
    /// A signed head.
    Checkpoint(Checkpoint),
}

/// An unbroken chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// Rows in it.
    pub entries: u64,
    /// Hash of the last one.
    pub head: [u8; 32],
    /// The newest checkpoint in the export.
    pub last_checkpoint: Option<Checkpoint>,
    /// Witnesses' checkpoints that were compared.
    pub witnesses: u64,
}

/// Where the chain breaks first.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("row {seq} (line {line}): {why}")]
pub struct Broken {
    /// The row.
    pub seq: Seq,
    /// The line of the export, from 1; 0 for a witness's checkpoint.
    pub line: usize,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a row.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// Not one of our records.
    #[error("not an audit record: {0}")]
    Unreadable(String),
    /// Removed, doubled or reordered.
    #[error("row {found} came where row {due} was due: rows were removed, doubled or reordered")]
    OutOfOrder {
        /// What should have come.
        due: Seq,
        /// What came.
        found: Seq,
    },
    /// Its `prev_hash` is not the hash of the row before.
    #[error("it does not follow from the row before")]
    Unlinked,
    /// Its `hash` is not that of its fields.
    #[error("its fields were changed after it was written")]
    Changed,
    /// A checkpoint's signature does not fit.
    #[error("the checkpoint's signature does not fit")]
    BadSignature,
    /// A checkpoint, in the export or from a witness, that saw another row here.
    #[error("a checkpoint signed {signed_at_us} saw another row here: the record was rewritten")]
    Rewritten {
        /// When it was signed.
        signed_at_us: i64,
    },
    /// A checkpoint of a row that is not there.
    #[error("a checkpoint saw this row, and the record ends at row {end}: rows were cut off")]
    CutOff {
        /// The last row there is.
        end: Seq,
    },
    /// Signed by another key than the other checkpoints.
    #[error("the checkpoint is signed by another key than the others")]
    OtherKey,
}

/// Checks `lines`, and what `witnesses` (agents) saw against them.
///
/// # Errors
/// The first row that is wrong, and how.
pub fn verify<'l>(
    lines: impl IntoIterator<Item = &'l str>,
    witnesses: &[Checkpoint],
) -> Result<Verified, Broken> {
    let mut chain = Chain {
        hashes: Vec::new(),
        key: None,
        last_checkpoint: None,
    };
    for (number, line) in (1..).zip(lines) {
        if line.trim().is_empty() {
            continue;
        }
        let broken = |seq, why| Broken {
            seq,
            line: number,
            why,
        };
        let line = serde_json::from_str(line)
            .map_err(|error| broken(chain.end() + 1, Why::Unreadable(error.to_string())))?;
        match line {
            Line::Entry(record) => chain
                .entry(&record)
                .map_err(|why| broken(record.seq, why))?,
            Line::Checkpoint(seen) => {
                chain
                    .checkpoint(&seen)
                    .map_err(|why| broken(seen.seq, why))?;
                chain.last_checkpoint = Some(seen);
            }
        }
    }
    for seen in witnesses {
        chain.checkpoint(seen).map_err(|why| Broken {
            seq: seen.seq,
            line: 0,
            why,
        })?;
    }
    Ok(Verified {
        entries: chain.end(),
        head: chain.head(),
        last_checkpoint: chain.last_checkpoint,
        witnesses: witnesses.len() as u64,
    })
}

struct Chain {
    hashes: Vec<[u8; 32]>,
    key: Option<[u8; 32]>,
    last_checkpoint: Option<Checkpoint>,
}

impl Chain {
    fn end(&self) -> Seq {
        self.hashes.len() as Seq
    }

    fn head(&self) -> [u8; 32] {
        self.hashes.last().copied().unwrap_or(START)
    }

    fn entry(&mut self, record: &Record) -> Result<(), Why> {
        let due = self.end() + 1;
        if record.seq != due {
            return Err(Why::OutOfOrder {
                due,
                found: record.seq,
            });
        }
        if record.prev_hash != self.head() {
            return Err(Why::Unlinked);
        }
        if record.hash != record.expected_hash() {
            return Err(Why::Changed);
        }
        self.hashes.push(record.hash);
        Ok(())
    }

    fn checkpoint(&mut self, seen: &Checkpoint) -> Result<(), Why> {
        seen.verify().map_err(|_| Why::BadSignature)?;
        if *self.key.get_or_insert(seen.public_key) != seen.public_key {
            return Err(Why::OtherKey);
        }
        let index = usize::try_from(seen.seq)
            .ok()
            .and_then(|seq| seq.checked_sub(1));
        match index.and_then(|index| self.hashes.get(index)) {
            None => Err(Why::CutOff { end: self.end() }),
            Some(hash) if *hash != seen.hash => Err(Why::Rewritten {
                signed_at_us: seen.signed_at_us,
            }),
            Some(_) => Ok(()),
        }
    }
}
