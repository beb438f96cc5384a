//! Table `operation`: durable units of work, their leases and their fence.

use sqlx::sqlite::SqliteRow;

use super::{
    HostId, Listed, Micros, OperationId, Page, Reads, Result, TokenId, UserId, Write, row, words,
};

words! {
    /// What is to be done.
    Kind {
        /// A credential is made on a token and published.
        Issue = "issue",
        /// The PIN goes to its user.
        HandOverPin = "hand-over-pin",
        /// Credentials are put on hold at the IdP.
        Suspend = "suspend",
        /// The hold ends.
        Resume = "resume",
        /// Credentials are taken away.
        Revoke = "revoke",
        /// The token gets a PIN of somebody's choice.
        SetPin = "set-pin",
        /// The token goes back to how it left the factory.
        ResetToken = "reset-token",
        /// What a revocation left on a token that was not there.
        DeleteCredentials = "delete-credentials",
    }
}

words! {
    /// Where it stands.
    State {
        /// A worker has it, or will at once.
        Running = "running",
        /// For a host, a token or a time; `remark` says which.
        Waiting = "waiting",
        /// Ended as asked.
        Succeeded = "succeeded",
        /// Ended, and what was begun was undone as far as `remark` says.
        Failed = "failed",
        /// Ended by a person, and what was begun was undone.
        Cancelled = "cancelled",
        /// A person must do `next_action`, then resolve.
        NeedsAttention = "needs-attention",
        /// Nobody knows what a step did; a person must look, then resolve.
        Unknown = "unknown",
    }
}

impl State {
    /// Nothing more will happen.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// It goes on by itself.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// A durable unit of work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operation {
    /// Chosen by the caller or by us.
    pub id: OperationId,
    /// What is to be done.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// To which token.
    pub token_id: Option<TokenId>,
    /// For whom.
    pub user_id: Option<UserId>,
    /// Where the token was when it began.
    pub host_id: Option<HostId>,
    /// JSON; its shape is the kind's. Never a secret.
    pub parameters: String,
    /// JSON; `operation::Progress`.
    pub progress: String,
    /// Why it waits, failed, is unknown.
    pub remark: String,
    /// What a person should do.
    pub next_action: String,
    /// Who asked.
    pub requested_by: String,
    /// Rows of one file.
    pub batch: Option<String>,
    /// When it was asked for.
    pub created_at: Micros,
    /// Not looked at before.
    pub not_before: Micros,
    /// Gives up waiting then.
    pub deadline: Option<Micros>,
    /// When it ended.
    pub ended_at: Option<Micros>,
    /// Who wants it to end. Written by anybody, outside the fence.
    pub cancelled_by: Option<String>,
    /// The fencing token: every write names the version it read.
    pub version: i64,
}

/// Which operations to list; `None` is any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs, reason = "the columns")]
pub struct Filter {
    pub state: Option<State>,
    pub kind: Option<Kind>,
    pub token_id: Option<TokenId>,
    pub user_id: Option<UserId>,
    pub batch: Option<String>,
    /// Only those that have not ended.
    pub open: bool,
}

/// Adds an operation.
///
/// # Errors
/// [`super::Error::Duplicate`] while another operation has the token.
pub async fn insert(tx: &mut Write<'_>, new: &Operation) -> Result<()> {
    sqlx::query(
        "INSERT INTO operation (id, kind, state, token_id, user_id, host_id, parameters, progress,
             remark, next_action, requested_by, batch, created_at, not_before, deadline, ended_at,
             version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(new.id)
    .bind(new.kind.as_str())
    .bind(new.state.as_str())
    .bind(new.token_id)
    .bind(new.user_id)
    .bind(new.host_id)
    .bind(&new.parameters)
    .bind(&new.progress)
    .bind(&new.remark)
    .bind(&new.next_action)
    .bind(&new.requested_by)
    .bind(&new.batch)
    .bind(new.created_at.0)
    .bind(new.not_before.0)
    .bind(new.deadline.map(|at| at.0))
    .bind(new.ended_at.map(|at| at.0))
    .bind(new.version)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: OperationId) -> Result<Option<Operation>> {
    sqlx::query("SELECT * FROM operation WHERE id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// A page of operations.
///
/// # Errors
/// When the database does.
pub async fn list(
    from: &mut impl Reads,
    filter: &Filter,
    page: Page<OperationId>,
) -> Result<Listed<Operation, OperationId>> {
    let found = sqlx::query(
        "SELECT * FROM operation
         WHERE ($1 IS NULL OR id > $1) AND ($2 IS NULL OR state = $2)
             AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR token_id = $4)
             AND ($5 IS NULL OR user_id = $5) AND ($6 IS NULL OR batch = $6)
             AND (NOT $7 OR ended_at IS NULL)
         ORDER BY id LIMIT $8",
    )
    .bind(page.after)
    .bind(filter.state.map(State::as_str))
    .bind(filter.kind.map(Kind::as_str))
    .bind(filter.token_id)
    .bind(filter.user_id)
    .bind(&filter.batch)
    .bind(filter.open)
    .bind(page.limit())
    .fetch_all(from.connection())
    .await?;
    let rows = found.iter().map(read).collect::<Result<_>>()?;
    Ok(page.close(rows, |operation: &Operation| operation.id))
}

/// The open operation that has the token to itself.
///
/// # Errors
/// When the database does.
pub async fn holding(from: &mut impl Reads, token: TokenId) -> Result<Option<Operation>> {
    sqlx::query(
        "SELECT * FROM operation
         WHERE token_id = $1 AND ended_at IS NULL AND kind <> 'delete-credentials'",
    )
    .bind(token)
    .fetch_optional(from.connection())
    .await?
    .map(|found| read(&found))
    .transpose()
}

/// How many are open, and how many of these are unknown.
///
/// # Errors
/// When the database does.
pub async fn count_open(from: &mut impl Reads) -> Result<(u64, u64)> {
    let found = sqlx::query(
        "SELECT COUNT(*) AS open, COUNT(*) FILTER (WHERE state = 'unknown') AS unknown
         FROM operation WHERE ended_at IS NULL",
    )
    .fetch_one(from.connection())
    .await?;
    Ok((row::count(&found, "open")?, row::count(&found, "unknown")?))
}

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

/// Asks for the end of an operation that has not ended, and makes it due.
/// Says whether there was one.
///
/// # Errors
/// When the database does.
pub async fn cancel(tx: &mut Write<'_>, id: OperationId, by: &str) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE operation SET cancelled_by = $2, not_before = 0
         WHERE id = $1 AND ended_at IS NULL",
    )
    .bind(id)
    .bind(by)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether one that has not ended is about this token.
///
/// # Errors
/// When the database does.
pub async fn any_open(from: &mut impl Reads, token: TokenId) -> Result<bool> {
    let found = sqlx::query("SELECT 1 FROM operation WHERE token_id = $1 AND ended_at IS NULL")
        .bind(token)
        .fetch_optional(from.connection())
        .await?;
    Ok(found.is_some())
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

fn read(found: &SqliteRow) -> Result<Operation> {
    Ok(Operation {
        id: row::column(found, "id")?,
        kind: row::word(found, "kind")?,
        state: row::word(found, "state")?,
        token_id: row::column(found, "token_id")?,
        user_id: row::column(found, "user_id")?,
        host_id: row::column(found, "host_id")?,
        parameters: row::column(found, "parameters")?,
        progress: row::column(found, "progress")?,
        remark: row::column(found, "remark")?,
        next_action: row::column(found, "next_action")?,
        requested_by: row::column(found, "requested_by")?,
        batch: row::column(found, "batch")?,
        created_at: row::time(found, "created_at")?,
        not_before: row::time(found, "not_before")?,
        deadline: row::maybe_time(found, "deadline")?,
        ended_at: row::maybe_time(found, "ended_at")?,
        cancelled_by: row::column(found, "cancelled_by")?,
        version: row::column(found, "version")?,
    })
}
