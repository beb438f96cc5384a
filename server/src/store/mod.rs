//! The database: connections, transactions, and a file of plain functions per table.
//!
//! The bottom layer of the server. Rows are plain structs; what may be done to
//! them is decided above. [`sqlite`] holds what is particular to SQLite (opening,
//! migrations); the statements in the table files keep to SQL that PostgreSQL
//! reads too: `ON CONFLICT`, `RETURNING`, `$1`, text UUIDs, integer microseconds.
//!
//! [`Store::write`] is the one way to change anything. There is one writer; a
//! second call waits. What is not committed never happened.

pub mod answered_challenge;
pub mod api_key;
pub mod audit;
pub mod audit_checkpoint;
pub mod authority;
pub mod card;
pub mod card_master_key;
pub mod certificate;
pub mod connection;
pub mod credential;
pub mod host;
pub mod issued_certificate;
pub mod join_token;
pub mod operation;
pub mod outbox;
pub mod sealed_secret;
pub mod server;
pub mod sqlite;
pub mod step;
pub mod template;
pub mod token;
pub mod token_type;
pub mod user;

mod error;
mod id;
mod page;
mod row;
mod time;

pub use error::{Error, Result};
pub use id::{
    ApiKeyId, CertificateId, ConnectionId, CredentialId, HostId, JoinTokenId, OperationId,
    SecretId, ServerId, TemplateId, TokenId, TokenTypeId, UserId,
};
pub use page::{Listed, Page};
pub use row::UnknownWord;
pub(crate) use row::words;
pub use time::{Clock, Micros};

use std::path::Path;

use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

/// The database of one server.
#[derive(Clone, Debug)]
pub struct Store {
    /// One connection: whoever holds it is the only writer.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the file, makes it where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::NewerSchema`] for a file that a newer release has written to.
    pub async fn open(path: &Path) -> Result<Self> {
        let (writer, readers) = sqlite::open(path).await?;
        Ok(Self { writer, readers })
    }

    /// A transaction that may change things. Waits for the one before it to end.
    ///
    /// # Errors
    /// When the database does.
    pub async fn write(&self) -> Result<Write<'_>> {
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write {
            transaction,
            store: self,
        })
    }

    /// A snapshot to read from.
    ///
    /// # Errors
    /// When the database does.
    pub async fn read(&self) -> Result<Read> {
        Ok(Read(self.readers.begin().await?))
    }

    /// A consistent copy of the whole database in a new file, while work goes on.
    ///
    /// # Errors
    /// When `path` exists or cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<()> {
        sqlite::copy(&self.readers, path).await
    }

    /// Ends every connection and folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A transaction that may change things; dropped without [`Write::commit`], it never was.
#[derive(Debug)]
pub struct Write<'s> {
    transaction: Transaction<'static, Sqlite>,
    store: &'s Store,
}

impl Write<'_> {
    /// Returns once the change is on the disk.
    ///
    /// # Errors
    /// When the database does; then nothing of it happened.
    pub async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }

    /// The store this transaction belongs to.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.store
    }
}

/// A snapshot of the database.
#[derive(Debug)]
pub struct Read(Transaction<'static, Sqlite>);

/// What can be read from: a snapshot, or a transaction that sees its own changes.
pub trait Reads: Send {
    /// The connection beneath.
    fn connection(&mut self) -> &mut SqliteConnection;
}

impl Reads for Write<'_> {
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

impl Reads for Read {
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.0
    }
}

#[cfg(test)]
mod tests;
