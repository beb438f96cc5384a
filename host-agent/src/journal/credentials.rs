//! The credentials that this agent made: the only ones it proves, and how a token without a serial
//! number is known again.

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::{Journal, JournalError, TokenName, storage};

const CREDENTIALS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("credentials");

/// First byte of every value.
const VERSION: u8 = 1;

/// A credential that this agent made.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MadeHere {
    /// Relying party.
    pub rp_id: String,
    /// The token that holds it.
    pub token: TokenName,
    /// Seen by a silent look: its credProtect is below 3.
    pub visible: bool,
}

pub(super) fn create(transaction: &WriteTransaction) -> Result<(), JournalError> {
    transaction.open_table(CREDENTIALS).map_err(storage)?;
    Ok(())
}

impl Journal {
    /// Remembers a credential that was just made.
    pub fn remember_credential(&self, id: &[u8], made: &MadeHere) -> Result<(), JournalError> {
        let value = postcard::to_extend(made, vec![VERSION])?;
        self.write(|transaction| {
            let mut table = transaction.open_table(CREDENTIALS).map_err(storage)?;
            table.insert(id, value.as_slice()).map_err(storage)?;
            Ok(())
        })
    }

    /// Forgets a credential that is gone from its token.
    pub fn forget_credential(&self, id: &[u8]) -> Result<(), JournalError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(CREDENTIALS).map_err(storage)?;
            table.remove(id).map_err(storage)?;
            Ok(())
        })
    }

    /// What is known of a credential; `None` if this agent did not make it.
    pub fn credential(&self, id: &[u8]) -> Result<Option<MadeHere>, JournalError> {
        let table = self.read(CREDENTIALS)?;
        let value = table.get(id).map_err(storage)?;
        value.map(|value| decode(value.value())).transpose()
    }

    /// The credentials made on tokens that `held` accepts.
    pub fn credentials_where(
        &self,
        held: impl Fn(&TokenName) -> bool,
    ) -> Result<Vec<(Vec<u8>, MadeHere)>, JournalError> {
        let table = self.read(CREDENTIALS)?;
        let mut found = Vec::new();
        for entry in table.iter().map_err(storage)? {
            let (id, value) = entry.map_err(storage)?;
            let made = decode(value.value())?;
            if held(&made.token) {
                found.push((id.value().to_vec(), made));
            }
        }
        Ok(found)
    }
}

fn decode(bytes: &[u8]) -> Result<MadeHere, JournalError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => Ok(postcard::from_bytes(body)?),
        Some((&version, _)) => Err(JournalError::Version { version }),
        None => Err(JournalError::Damaged(postcard::Error::DeserializeUnexpectedEnd)),
    }
}
