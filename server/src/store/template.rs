//! Table `template`: what issuing means.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::sqlite::SqliteRow;

use super::{ConnectionId, Micros, Reads, Result, TemplateId, Write, row};

/// A row; `D` is the definition, whose shape is `lifecycle::Template`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row<D> {
    /// Its id.
    pub id: TemplateId,
    /// For people; unique but for case.
    pub name: String,
    /// Where credentials are published; none: it is for cards alone.
    pub connection_id: Option<ConnectionId>,
    /// What it says.
    pub definition: D,
    /// When it was made.
    pub created_at: Micros,
}

/// Adds a template.
///
/// # Errors
/// [`super::Error::Duplicate`] for a name that is taken.
pub async fn insert<D: Serialize + Sync>(tx: &mut Write<'_>, new: &Row<D>) -> Result<()> {
    sqlx::query(
        "INSERT INTO template (id, name, connection_id, definition, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(new.id)
    .bind(&new.name)
    .bind(new.connection_id)
    .bind(row::text_of("definition", &new.definition)?)
    .bind(new.created_at.0)
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
    id: TemplateId,
) -> Result<Option<Row<D>>> {
    sqlx::query("SELECT * FROM template WHERE id = $1")
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
    sqlx::query("SELECT * FROM template WHERE name = $1")
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
    sqlx::query("SELECT * FROM template ORDER BY id")
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Removes a template that no token was issued with. Says whether it was there.
///
/// # Errors
/// [`super::Error::Referenced`] while a token has it.
pub async fn delete(tx: &mut Write<'_>, id: TemplateId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM template WHERE id = $1")
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

fn read<D: DeserializeOwned>(found: &SqliteRow) -> Result<Row<D>> {
    Ok(Row {
        id: row::column(found, "id")?,
        name: row::column(found, "name")?,
        connection_id: row::column(found, "connection_id")?,
        definition: row::document(found, "definition")?,
        created_at: row::time(found, "created_at")?,
    })
}
