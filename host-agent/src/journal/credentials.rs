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

/// A change of what is known, written with the end of the attempt that made it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Memory {
    /// A credential was made.
    Made {
        /// Its name on the token.
        credential_id: Vec<u8>,
        /// What is to be known of it.
        made: MadeHere,
    },
    /// A credential is gone.
    Deleted {
        /// Its name on the token.
        credential_id: Vec<u8>,
    },
    /// Every credential of these is gone.
    Erased {
        /// Their names on the token.
        credential_ids: Vec<Vec<u8>>,
    },
}

impl Memory {
    pub(super) fn write(&self, transaction: &WriteTransaction) -> Result<(), JournalError> {
        let mut table = transaction.open_table(CREDENTIALS).map_err(storage)?;
        match self {
            Self::Made {
                credential_id,
                made,
            } => {
                let value = postcard::to_extend(made, vec![VERSION])?;
                table
                    .insert(credential_id.as_slice(), value.as_slice())
                    .map_err(storage)?;
            }
            Self::Deleted { credential_id } => {
                table.remove(credential_id.as_slice()).map_err(storage)?;
            }
            Self::Erased { credential_ids } => {
                for credential_id in credential_ids {
                    table.remove(credential_id.as_slice()).map_err(storage)?;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn create(transaction: &WriteTransaction) -> Result<(), JournalError> {
    transaction.open_table(CREDENTIALS).map_err(storage)?;
    Ok(())
}

impl Journal {
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
        None => Err(JournalError::Damaged(
            postcard::Error::DeserializeUnexpectedEnd,
        )),
    }
}
