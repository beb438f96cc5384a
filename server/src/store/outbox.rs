//! Table `outbox`: outcomes that agents may forget, now that they are stored here.

use super::{HostId, Micros, OperationId, Reads, Result, Write, row};

/// One outcome to acknowledge.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "agent.v1.StepKey, member by member")]
pub struct Acknowledgement {
    pub id: i64,
    pub operation_id: OperationId,
    pub step: String,
    pub attempt: u32,
}

/// Adds one.
///
/// # Errors
/// When the database does.
pub async fn insert(
    tx: &mut Write<'_>,
    host: HostId,
    operation: OperationId,
    step: &str,
    attempt: u32,
    now: Micros,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO outbox (host_id, operation_id, step, attempt, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(host)
    .bind(operation)
    .bind(step)
    .bind(attempt)
    .bind(now.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Those for a host, oldest first.
///
/// # Errors
/// When the database does.
pub async fn of_host(from: &mut impl Reads, host: HostId) -> Result<Vec<Acknowledgement>> {
    sqlx::query(
        "SELECT id, operation_id, step, attempt FROM outbox WHERE host_id = $1
         ORDER BY id LIMIT 1000",
    )
    .bind(host)
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(|found| {
        Ok(Acknowledgement {
            id: row::column(found, "id")?,
            operation_id: row::column(found, "operation_id")?,
            step: row::column(found, "step")?,
            attempt: row::column(found, "attempt")?,
        })
    })
    .collect()
}

/// Hosts that there is something for.
///
/// # Errors
/// When the database does.
pub async fn hosts(from: &mut impl Reads) -> Result<Vec<HostId>> {
    sqlx::query("SELECT DISTINCT host_id FROM outbox")
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(|found| row::column(found, "host_id"))
        .collect()
}

/// Removes those up to and including `last` that were for `host`.
///
/// # Errors
/// When the database does.
pub async fn delete(tx: &mut Write<'_>, host: HostId, last: i64) -> Result<()> {
    sqlx::query("DELETE FROM outbox WHERE host_id = $1 AND id <= $2")
        .bind(host)
        .bind(last)
        .execute(tx.connection())
        .await?;
    Ok(())
}
