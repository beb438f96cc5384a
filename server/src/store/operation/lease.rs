//! Who may change an operation now, and when: leases, the fence, and what makes
//! one due.

use super::{
    super::{HostId, Micros, OperationId, Reads, Result, TokenId, Write, row},
    Operation, read,
};

/// Those that a worker may take now, longest waiting first.
///
/// # Errors
/// When the database does.
pub async fn due(from: &mut impl Reads, now: Micros, limit: u32) -> Result<Vec<OperationId>> {
    sqlx::query(
        "SELECT id FROM operation
         WHERE state IN ('running', 'waiting') AND lease_until <= $1
             AND not_before <= $1
         ORDER BY not_before, id LIMIT $2",
    )
    .bind(now.0)
    .bind(limit)
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(|found| row::column(found, "id"))
    .collect()
}

/// When the next one will be due by the clock alone.
///
/// # Errors
/// When the database does.
pub async fn next_due(from: &mut impl Reads) -> Result<Option<Micros>> {
    let found = sqlx::query(
        "SELECT MIN(MAX(lease_until, not_before)) AS at
         FROM operation WHERE state IN ('running', 'waiting')",
    )
    .fetch_one(from.connection())
    .await?;
    row::maybe_time(&found, "at")
}

/// Takes an operation that is due, and with it the only right to change it:
/// its version grows, and whoever knew the old one writes nothing more.
///
/// # Errors
/// When the database does.
pub async fn lease(
    tx: &mut Write<'_>,
    id: OperationId,
    owner: &str,
    until: Micros,
    now: Micros,
) -> Result<Option<Operation>> {
    sqlx::query(
        "UPDATE operation SET lease_owner = $2, lease_until = $3, version = version + 1
         WHERE id = $1 AND state IN ('running', 'waiting') AND lease_until <= $4
             AND not_before <= $4
         RETURNING *",
    )
    .bind(id)
    .bind(owner)
    .bind(until.0)
    .bind(now.0)
    .fetch_optional(tx.connection())
    .await?
    .map(|found| read(&found))
    .transpose()
}

/// Writes what changes as it goes on, keeps the lease until `lease_until`, and
/// moves the fence. Says whether the writer still held it.
///
/// # Errors
/// When the database does.
pub async fn update(
    tx: &mut Write<'_>,
    operation: &mut Operation,
    lease_until: Micros,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE operation SET state = $3, host_id = $4, progress = $5, remark = $6,
             next_action = $7, not_before = $8, deadline = $9, ended_at = $10, lease_until = $11,
             version = version + 1
         WHERE id = $1 AND version = $2",
    )
    .bind(operation.id)
    .bind(operation.version)
    .bind(operation.state.as_str())
    .bind(operation.host_id)
    .bind(&operation.progress)
    .bind(&operation.remark)
    .bind(&operation.next_action)
    .bind(operation.not_before.0)
    .bind(operation.deadline.map(|at| at.0))
    .bind(operation.ended_at.map(|at| at.0))
    .bind(lease_until.0)
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 1 {
        operation.version += 1;
        return Ok(true);
    }
    Ok(false)
}

/// Makes those that wait for this token due now.
///
/// # Errors
/// When the database does.
pub async fn wake_token(tx: &mut Write<'_>, token: TokenId) -> Result<()> {
    sqlx::query("UPDATE operation SET not_before = 0 WHERE token_id = $1 AND state = 'waiting'")
        .bind(token)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Makes those with an unsettled attempt on this host due now: its journal can
/// be asked, also by those that had given up waiting for it.
///
/// # Errors
/// When the database does.
pub async fn wake_host(tx: &mut Write<'_>, host: HostId) -> Result<()> {
    sqlx::query(
        "UPDATE operation SET not_before = 0, state = 'waiting', version = version + 1
         WHERE state IN ('waiting', 'unknown') AND lease_until = 0 AND id IN
             (SELECT operation_id FROM step WHERE host_id = $1 AND state = 'started')",
    )
    .bind(host)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Makes every waiting one due now.
///
/// # Errors
/// When the database does.
pub async fn wake_all(tx: &mut Write<'_>) -> Result<()> {
    sqlx::query("UPDATE operation SET not_before = 0 WHERE state = 'waiting'")
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Ends the leases of workers that are gone, and moves the fence in front of
/// them in case they are not.
///
/// # Errors
/// When the database does.
pub async fn end_leases(tx: &mut Write<'_>) -> Result<()> {
    sqlx::query(
        "UPDATE operation SET lease_until = 0, lease_owner = NULL, version = version + 1
         WHERE lease_until > 0",
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
