//! Table `card_master_key`: generations of the key that the admin keys of cards
//! are derived from.

use core::fmt;

use sqlx::sqlite::SqliteRow;

use super::{Micros, Reads, Result, Write, row, words};

words! {
    /// Where a card master key is kept.
    Custody {
        /// In its row, under the master key of the server.
        Sealed = "sealed",
        /// In a PKCS #11 token, and never out of it.
        Pkcs11 = "pkcs11",
    }
}

/// A generation of the card master key.
#[derive(Clone, Eq, PartialEq)]
pub struct CardMasterKey {
    /// From 1; the last one is for new cards.
    pub generation: u32,
    /// Where it is kept.
    pub custody: Custody,
    /// Ciphertext, where it is kept here.
    pub sealed: Option<Vec<u8>>,
    /// How the PKCS #11 token calls it.
    pub label: String,
    /// Why it was made.
    pub comment: String,
    /// By whom.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
}

impl fmt::Debug for CardMasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardMasterKey")
            .field("generation", &self.generation)
            .field("custody", &self.custody)
            .finish_non_exhaustive()
    }
}

/// Adds a generation.
///
/// # Errors
/// [`super::Error::Duplicate`] when somebody else has made it.
pub async fn insert(tx: &mut Write<'_>, new: &CardMasterKey) -> Result<()> {
    sqlx::query(
        "INSERT INTO card_master_key (generation, custody, sealed, label, comment, created_by,
             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.generation)
    .bind(new.custody.as_str())
    .bind(&new.sealed)
    .bind(&new.label)
    .bind(&new.comment)
    .bind(&new.created_by)
    .bind(new.created_at.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Every generation, oldest first.
///
/// # Errors
/// When the database does.
pub async fn list(from: &mut impl Reads) -> Result<Vec<CardMasterKey>> {
    sqlx::query("SELECT * FROM card_master_key ORDER BY generation")
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

fn read(found: &SqliteRow) -> Result<CardMasterKey> {
    Ok(CardMasterKey {
        generation: row::column(found, "generation")?,
        custody: row::word(found, "custody")?,
        sealed: row::column(found, "sealed")?,
        label: row::column(found, "label")?,
        comment: row::column(found, "comment")?,
        created_by: row::column(found, "created_by")?,
        created_at: row::time(found, "created_at")?,
    })
}
