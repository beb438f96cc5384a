//! Table `connection`: configured outside systems.

use core::fmt;

use sqlx::sqlite::SqliteRow;

use super::{ConnectionId, Micros, Reads, Result, Write, row};

/// A configured outside system.
#[derive(Clone, Eq, PartialEq)]
pub struct Connection {
    /// Its id; part of the sealed secret's context.
    pub id: ConnectionId,
    /// For people; unique but for case.
    pub name: String,
    /// `sta`.
    pub kind: String,
    /// The public part, as JSON; its shape is the connector's.
    pub settings: String,
    /// What authenticates us there, sealed with context `connection`, id, `api-key`.
    pub sealed_secret: Vec<u8>,
    /// When it was checked last.
    pub checked_at: Option<Micros>,
    /// What was wrong then; none when nothing was.
    pub check_error: Option<String>,
    /// When it was made.
    pub created_at: Micros,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Adds a connection.
///
/// # Errors
/// [`super::Error::Duplicate`] for a name that is taken.
pub async fn insert(tx: &mut Write<'_>, new: &Connection) -> Result<()> {
    sqlx::query(
        "INSERT INTO connection (id, name, kind, settings, sealed_secret, checked_at,
             check_error, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.id)
    .bind(&new.name)
    .bind(&new.kind)
    .bind(&new.settings)
    .bind(&new.sealed_secret)
    .bind(new.checked_at.map(|at| at.0))
    .bind(&new.check_error)
    .bind(new.created_at.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: ConnectionId) -> Result<Option<Connection>> {
    sqlx::query("SELECT * FROM connection WHERE id = $1")
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
pub async fn by_name(from: &mut impl Reads, name: &str) -> Result<Option<Connection>> {
    sqlx::query("SELECT * FROM connection WHERE name = $1")
        .bind(name)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// Every one, by name.
///
/// # Errors
/// When the database does.
pub async fn list(from: &mut impl Reads) -> Result<Vec<Connection>> {
    sqlx::query("SELECT * FROM connection ORDER BY name")
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Writes down how a check went.
///
/// # Errors
/// When the database does.
pub async fn set_checked(
    tx: &mut Write<'_>,
    id: ConnectionId,
    error: Option<&str>,
    now: Micros,
) -> Result<()> {
    sqlx::query("UPDATE connection SET checked_at = $2, check_error = $3 WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .bind(error)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Removes a connection that nothing uses. Says whether it was there.
///
/// # Errors
/// [`super::Error::Referenced`] while a template or a credential uses it.
pub async fn delete(tx: &mut Write<'_>, id: ConnectionId) -> Result<bool> {
    let done = sqlx::query("DELETE FROM connection WHERE id = $1")
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

fn read(found: &SqliteRow) -> Result<Connection> {
    Ok(Connection {
        id: row::column(found, "id")?,
        name: row::column(found, "name")?,
        kind: row::column(found, "kind")?,
        settings: row::column(found, "settings")?,
        sealed_secret: row::column(found, "sealed_secret")?,
        checked_at: row::maybe_time(found, "checked_at")?,
        check_error: row::column(found, "check_error")?,
        created_at: row::time(found, "created_at")?,
    })
}
