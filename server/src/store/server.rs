//! Table `server`: the one row about this server itself.

use super::{Micros, Reads, Result, ServerId, Write, row};

/// This server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Server {
    /// Stays the same over restarts, restores and replicas.
    pub id: ServerId,
    /// When its database was made.
    pub created_at: Micros,
    /// Set by a restore: nothing runs until every host's journal was reconciled
    /// since then, or given up.
    pub reconcile_since: Option<Micros>,
}

/// The row; made at the first call.
///
/// # Errors
/// When the database does.
pub async fn ensure(tx: &mut Write<'_>, now: Micros) -> Result<Server> {
    if let Some(server) = get(tx).await? {
        return Ok(server);
    }
    let server = Server {
        id: ServerId::new(),
        created_at: now,
        reconcile_since: None,
    };
    sqlx::query("INSERT INTO server (id, created_at) VALUES ($1, $2)")
        .bind(server.id)
        .bind(server.created_at.0)
        .execute(tx.connection())
        .await?;
    Ok(server)
}

/// The row, where there is one.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads) -> Result<Option<Server>> {
    let found = sqlx::query("SELECT id, created_at, reconcile_since FROM server")
        .fetch_optional(from.connection())
        .await?;
    found
        .map(|found| {
            Ok(Server {
                id: row::column(&found, "id")?,
                created_at: row::time(&found, "created_at")?,
                reconcile_since: row::maybe_time(&found, "reconcile_since")?,
            })
        })
        .transpose()
}

/// Starts (`Some`) or ends (`None`) the time in which journals are reconciled.
///
/// # Errors
/// When the database does.
pub async fn set_reconcile_since(tx: &mut Write<'_>, since: Option<Micros>) -> Result<()> {
    sqlx::query("UPDATE server SET reconcile_since = $1")
        .bind(since.map(|since| since.0))
        .execute(tx.connection())
        .await?;
    Ok(())
}
