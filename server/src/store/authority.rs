//! Table `authority`: the roots of this server's certification authority. Their
//! keys are sealed.

use sqlx::sqlite::SqliteRow;

use super::{Micros, Reads, Result, Write, row, words};

words! {
    /// Which root.
    Position {
        /// Signs.
        Current = "current",
        /// Is trusted already, and will sign when the current one no longer does.
        Next = "next",
    }
}

/// A root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Root {
    /// Which.
    pub position: Position,
    /// DER.
    pub certificate: Vec<u8>,
    /// PKCS#8, sealed.
    pub sealed_key: Vec<u8>,
    /// When it was made.
    pub created_at: Micros,
}

/// Adds a root.
///
/// # Errors
/// When the database does.
pub async fn insert(tx: &mut Write<'_>, root: &Root) -> Result<()> {
    sqlx::query(
        "INSERT INTO authority (position, certificate, sealed_key, created_at)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(root.position.as_str())
    .bind(&root.certificate)
    .bind(&root.sealed_key)
    .bind(root.created_at.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The root at `position`.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, position: Position) -> Result<Option<Root>> {
    sqlx::query("SELECT * FROM authority WHERE position = $1")
        .bind(position.as_str())
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

fn read(found: &SqliteRow) -> Result<Root> {
    Ok(Root {
        position: row::word(found, "position")?,
        certificate: row::column(found, "certificate")?,
        sealed_key: row::column(found, "sealed_key")?,
        created_at: row::time(found, "created_at")?,
    })
}
