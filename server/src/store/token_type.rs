//! Table `token_type`: how a model is recognised and what it must prove.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::sqlite::SqliteRow;

use super::{Micros, Reads, Result, TokenTypeId, Write, row};

/// A row; `D` is the definition, whose shape is `lifecycle::TokenType`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row<D> {
    /// Its id.
    pub id: TokenTypeId,
    /// For people; unique but for case.
    pub name: String,
    /// What it says.
    pub definition: D,
    /// Admin key, PIN and PUK of the factory, as the key store sealed them.
    pub sealed_factory: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Micros,
}

/// Adds a token type.
///
/// # Errors
/// [`super::Error::Duplicate`] for a name that is taken.
pub async fn insert<D: Serialize + Sync>(tx: &mut Write<'_>, new: &Row<D>) -> Result<()> {
    sqlx::query(
        "INSERT INTO token_type (id, name, definition, created_at, sealed_factory)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(new.id)
    .bind(&new.name)
    .bind(row::text_of("definition", &new.definition)?)
    .bind(new.created_at.0)
    .bind(&new.sealed_factory)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get<D: DeserializeOwned>(
    from: &mut impl Reads,
    id: TokenTypeId,
) -> Result<Option<Row<D>>> {
    sqlx::query("SELECT * FROM token_type WHERE id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// By name, whatever its case.
///
/// # Errors
/// When the database does.
pub async fn by_name<D: DeserializeOwned>(
    from: &mut impl Reads,
    name: &str,
) -> Result<Option<Row<D>>> {
    sqlx::query("SELECT * FROM token_type WHERE name = $1")
        .bind(name)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// Every one, oldest first.
///
/// # Errors
/// When the database does.
pub async fn list<D: DeserializeOwned>(from: &mut impl Reads) -> Result<Vec<Row<D>>> {
    sqlx::query("SELECT * FROM token_type ORDER BY id")
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Removes a token type that no token has. Says whether it was there.
///
/// # Errors
/// [`super::Error::Referenced`] while a token has it.
pub async fn delete(tx: &mut Write<'_>, id: TokenTypeId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM token_type WHERE id = $1")
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

fn read<D: DeserializeOwned>(found: &SqliteRow) -> Result<Row<D>> {
    Ok(Row {
        id: row::column(found, "id")?,
        name: row::column(found, "name")?,
        definition: row::document(found, "definition")?,
        sealed_factory: row::column(found, "sealed_factory")?,
        created_at: row::time(found, "created_at")?,
    })
}
