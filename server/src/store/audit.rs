//! Table `audit`: append-only rows; the database itself refuses to change or delete one.

use sqlx::sqlite::SqliteRow;

use super::{Error, Listed, Micros, Page, Reads, Result, Write, row};

/// One row. What its fields mean, and how `hash` is made, is the audit's.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "see audit::Entry")]
pub struct Row {
    pub seq: u64,
    pub at: Micros,
    pub actor: String,
    pub verb: String,
    pub object: String,
    pub operation_id: String,
    pub outcome: String,
    /// JSON text, byte for byte as it was hashed.
    pub facts: String,
    pub prev_hash: [u8; 32],
    pub hash: [u8; 32],
}

/// Which rows to list; `None` is any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs, reason = "the columns")]
pub struct Filter {
    pub actor: Option<String>,
    pub verb: Option<String>,
    pub object: Option<String>,
    pub operation_id: Option<String>,
}

/// Adds a row.
///
/// # Errors
/// When the database does.
pub async fn insert(tx: &mut Write<'_>, new: &Row) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit (seq, at, actor, verb, object, operation_id, outcome, facts,
             prev_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.seq.cast_signed())
    .bind(new.at.0)
    .bind(&new.actor)
    .bind(&new.verb)
    .bind(&new.object)
    .bind(&new.operation_id)
    .bind(&new.outcome)
    .bind(&new.facts)
    .bind(new.prev_hash.as_slice())
    .bind(new.hash.as_slice())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Sequence number and hash of the newest row.
///
/// # Errors
/// When the database does.
pub async fn head(from: &mut impl Reads) -> Result<Option<(u64, [u8; 32])>> {
    sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(from.connection())
        .await?
        .map(|found| Ok((row::count(&found, "seq")?, hash(&found, "hash")?)))
        .transpose()
}

/// A page of rows, oldest first.
///
/// # Errors
/// When the database does.
pub async fn list(
    from: &mut impl Reads,
    filter: &Filter,
    page: Page<u64>,
) -> Result<Listed<Row, u64>> {
    let found = sqlx::query(
        "SELECT * FROM audit
         WHERE seq > $1 AND ($2 IS NULL OR actor = $2) AND ($3 IS NULL OR verb = $3)
             AND ($4 IS NULL OR object = $4) AND ($5 IS NULL OR operation_id = $5)
         ORDER BY seq LIMIT $6",
    )
    .bind(page.after.unwrap_or(0).cast_signed())
    .bind(&filter.actor)
    .bind(&filter.verb)
    .bind(&filter.object)
    .bind(&filter.operation_id)
    .bind(page.limit())
    .fetch_all(from.connection())
    .await?;
    let rows = found.iter().map(read).collect::<Result<_>>()?;
    Ok(page.close(rows, |row: &Row| row.seq))
}

fn read(found: &SqliteRow) -> Result<Row> {
    Ok(Row {
        seq: row::count(found, "seq")?,
        at: row::time(found, "at")?,
        actor: row::column(found, "actor")?,
        verb: row::column(found, "verb")?,
        object: row::column(found, "object")?,
        operation_id: row::column(found, "operation_id")?,
        outcome: row::column(found, "outcome")?,
        facts: row::column(found, "facts")?,
        prev_hash: hash(found, "prev_hash")?,
        hash: hash(found, "hash")?,
    })
}

pub(super) fn hash(found: &SqliteRow, column: &'static str) -> Result<[u8; 32]> {
    let bytes: Vec<u8> = row::column(found, column)?;
    bytes.try_into().map_err(|_| Error::Corrupt { column })
}
