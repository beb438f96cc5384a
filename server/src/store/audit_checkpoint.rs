//! Table `audit_checkpoint`: signed heads of the audit.

use sqlx::sqlite::SqliteRow;

use super::{Error, Micros, Reads, Result, Write, audit::hash, row};

/// One row; see `audit::Checkpoint`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "see audit::Checkpoint")]
pub struct Row {
    pub seq: u64,
    pub hash: [u8; 32],
    pub signed_at: Micros,
    pub signature: [u8; 64],
    pub public_key: [u8; 32],
}

/// Adds a checkpoint; one of the same row of the audit stays as it is.
///
/// # Errors
/// When the database does.
pub async fn insert(tx: &mut Write<'_>, new: &Row) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit_checkpoint (seq, hash, signed_at, signature, public_key)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (seq) DO NOTHING",
    )
    .bind(new.seq.cast_signed())
    .bind(new.hash.as_slice())
    .bind(new.signed_at.0)
    .bind(new.signature.as_slice())
    .bind(new.public_key.as_slice())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The newest.
///
/// # Errors
/// When the database does.
pub async fn newest(from: &mut impl Reads) -> Result<Option<Row>> {
    sqlx::query("SELECT * FROM audit_checkpoint ORDER BY seq DESC LIMIT 1")
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// Those of the rows from `first` to `last`, both included, in order.
///
/// # Errors
/// When the database does.
pub async fn between(from: &mut impl Reads, first: u64, last: u64) -> Result<Vec<Row>> {
    sqlx::query("SELECT * FROM audit_checkpoint WHERE seq BETWEEN $1 AND $2 ORDER BY seq")
        .bind(first.cast_signed())
        .bind(last.cast_signed())
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

fn read(found: &SqliteRow) -> Result<Row> {
    let signature: Vec<u8> = row::column(found, "signature")?;
    Ok(Row {
        seq: row::count(found, "seq")?,
        hash: hash(found, "hash")?,
        signed_at: row::time(found, "signed_at")?,
        signature: signature.try_into().map_err(|_| Error::Corrupt {
            column: "signature",
        })?,
        public_key: hash(found, "public_key")?,
    })
}
