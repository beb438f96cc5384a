//! Table `step`: every attempt of every changing request.

use sqlx::sqlite::SqliteRow;

use super::{HostId, Micros, OperationId, Reads, Result, Write, row, words};

words! {
    /// How an attempt stands.
    State {
        /// Written down before the request leaves.
        Started = "started",
        /// It had its effect.
        Done = "done",
        /// It had none.
        Failed = "failed",
        /// Nobody knows.
        Unknown = "unknown",
    }
}

/// One try of one step of one operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// Of which operation.
    pub operation_id: OperationId,
    /// Which step.
    pub step: String,
    /// From 1.
    pub attempt: u32,
    /// `token` or `idp`.
    pub target: String,
    /// How it stands.
    pub state: State,
    /// On which host, for a token's.
    pub host_id: Option<HostId>,
    /// Why it failed, or is unknown.
    pub error: String,
    /// When it was written down.
    pub started_at: Micros,
    /// When its outcome was.
    pub ended_at: Option<Micros>,
}

/// Adds an attempt.
///
/// # Errors
/// When the database does.
pub async fn insert(tx: &mut Write<'_>, new: &Attempt) -> Result<()> {
    sqlx::query(
        "INSERT INTO step (operation_id, step, attempt, target, state, host_id, error, started_at,
             ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new.operation_id)
    .bind(&new.step)
    .bind(new.attempt)
    .bind(&new.target)
    .bind(new.state.as_str())
    .bind(new.host_id)
    .bind(&new.error)
    .bind(new.started_at.0)
    .bind(new.ended_at.map(|at| at.0))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes down how an attempt ended.
///
/// # Errors
/// When the database does.
pub async fn end(
    tx: &mut Write<'_>,
    attempt: &Attempt,
    state: State,
    error: &str,
    now: Micros,
) -> Result<()> {
    sqlx::query(
        "UPDATE step SET state = $4, error = $5, ended_at = $6
         WHERE operation_id = $1 AND step = $2 AND attempt = $3",
    )
    .bind(attempt.operation_id)
    .bind(&attempt.step)
    .bind(attempt.attempt)
    .bind(state.as_str())
    .bind(error)
    .bind(now.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Every attempt of an operation, in the order they were made.
///
/// # Errors
/// When the database does.
pub async fn of_operation(from: &mut impl Reads, id: OperationId) -> Result<Vec<Attempt>> {
    sqlx::query("SELECT * FROM step WHERE operation_id = $1 ORDER BY started_at, rowid")
        .bind(id)
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Whether an attempt on this host is not settled.
///
/// # Errors
/// When the database does.
pub async fn any_started(from: &mut impl Reads, host: HostId) -> Result<bool> {
    let found = sqlx::query("SELECT 1 FROM step WHERE host_id = $1 AND state = 'started'")
        .bind(host)
        .fetch_optional(from.connection())
        .await?;
    Ok(found.is_some())
}

/// One attempt.
///
/// # Errors
/// When the database does.
pub async fn get(
    from: &mut impl Reads,
    id: OperationId,
    step: &str,
    attempt: u32,
) -> Result<Option<Attempt>> {
    sqlx::query("SELECT * FROM step WHERE operation_id = $1 AND step = $2 AND attempt = $3")
        .bind(id)
        .bind(step)
        .bind(attempt)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

fn read(found: &SqliteRow) -> Result<Attempt> {
    Ok(Attempt {
        operation_id: row::column(found, "operation_id")?,
        step: row::column(found, "step")?,
        attempt: row::column(found, "attempt")?,
        target: row::column(found, "target")?,
        state: row::word(found, "state")?,
        host_id: row::column(found, "host_id")?,
        error: row::column(found, "error")?,
        started_at: row::time(found, "started_at")?,
        ended_at: row::maybe_time(found, "ended_at")?,
    })
}
