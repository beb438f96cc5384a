//! Why the database did not answer.

/// What every function of the store returns.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why the database did not answer. The transaction at hand is good for nothing more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file was written to by a newer release.
    #[error(
        "the database has schema {found}, this server knows up to {known}: start a newer server"
    )]
    NewerSchema {
        /// Version in the file.
        found: i64,
        /// Newest version that this program knows.
        known: i64,
    },
    /// A row with the same value exists: `host.serial`.
    #[error("{column} must be unique, and a row with this value exists")]
    Duplicate {
        /// Table and column, or columns.
        column: String,
    },
    /// A row that another one still points to, or one that points nowhere.
    #[error("the row is still used, or uses one that is not there")]
    Referenced,
    /// A value that this program never writes.
    #[error(
        "column {column} holds a value that this server does not know: restore the database or start a newer server"
    )]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// A file beside the database could not be made.
    #[error("cannot write {path}")]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Anything else the database says.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// A migration did not go through.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let Some(database) = error.as_database_error() {
            if database.is_unique_violation() {
                let message = database.message();
                return Self::Duplicate {
                    column: message.rsplit(": ").next().unwrap_or(message).to_owned(),
                };
            }
            if database.is_foreign_key_violation() {
                return Self::Referenced;
            }
        }
        Self::Database(error)
    }
}
