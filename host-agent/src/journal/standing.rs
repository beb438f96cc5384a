//! What this host remembers of its server: the epoch of the uplink, and the last audit checkpoint.

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::{Journal, JournalError, storage};

const STANDING: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("standing");
const EPOCH: &str = "link_epoch";
const WITNESS: &str = "witness";

/// First byte of every value.
const VERSION: u8 = 1;

/// A signed point of the server's audit chain, kept so that the server cannot take it back unseen.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of AuditCheckpoint in host.proto"
)]
pub struct Checkpoint {
    pub stream: String,
    pub sequence: u64,
    pub hash: Vec<u8>,
    pub signed_at_us: i64,
    pub signature: Vec<u8>,
    pub public_key: Vec<u8>,
}

pub(super) fn create(transaction: &WriteTransaction) -> Result<(), JournalError> {
    transaction.open_table(STANDING).map_err(storage)?;
    Ok(())
}

impl Journal {
    /// The number of uplinks so far; 0 before the first.
    pub fn link_epoch(&self) -> Result<u64, JournalError> {
        Ok(self.standing(EPOCH)?.unwrap_or(0))
    }

    /// Counts a new uplink, on disk.
    pub fn next_link_epoch(&self) -> Result<u64, JournalError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(STANDING).map_err(storage)?;
            let last: u64 = match table.get(EPOCH).map_err(storage)? {
                Some(value) => decode(value.value())?,
                None => 0,
            };
            let next = last.saturating_add(1);
            let value = postcard::to_extend(&next, vec![VERSION])?;
            table.insert(EPOCH, value.as_slice()).map_err(storage)?;
            Ok(next)
        })
    }

    /// The last checkpoint seen.
    pub fn witness(&self) -> Result<Option<Checkpoint>, JournalError> {
        self.standing(WITNESS)
    }

    /// Keeps `seen` and gives the one before. A checkpoint older than the one before does not
    /// replace it: that a server goes back is what a witness is there to show.
    pub fn see_checkpoint(&self, seen: &Checkpoint) -> Result<Option<Checkpoint>, JournalError> {
        let before = self.witness()?;
        let older = before
            .as_ref()
            .is_some_and(|b| b.stream == seen.stream && b.sequence > seen.sequence);
        if older {
            tracing::warn!(
                stream = seen.stream,
                sequence = seen.sequence,
                "the server showed an audit checkpoint that is older than one it showed before"
            );
        }
        if older || before.as_ref() == Some(seen) {
            return Ok(before);
        }
        let value = postcard::to_extend(seen, vec![VERSION])?;
        self.write(|transaction| {
            let mut table = transaction.open_table(STANDING).map_err(storage)?;
            table.insert(WITNESS, value.as_slice()).map_err(storage)?;
            Ok(())
        })?;
        Ok(before)
    }

    fn standing<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, JournalError> {
        let table = self.read(STANDING)?;
        let value = table.get(name).map_err(storage)?;
        value.map(|value| decode(value.value())).transpose()
    }
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, JournalError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => Ok(postcard::from_bytes(body)?),
        Some((&version, _)) => Err(JournalError::Version { version }),
        None => Err(JournalError::Damaged(
            postcard::Error::DeserializeUnexpectedEnd,
        )),
    }
}
