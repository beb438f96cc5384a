//! Table `operation`: durable units of work, their leases and their fence.

mod lease;

pub use lease::{due, end_leases, lease, next_due, update, wake_all, wake_host, wake_token};

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
        /// The admin key of a card becomes ours, and nobody knows its PIN.
        RegisterCard = "register-card",
        /// Certificates for the keys that are on a card.
        RenewCertificates = "renew-certificates",
        /// Other keys, and certificates for them.
        ReissueCertificates = "reissue-certificates",
        /// A card gets a PIN by authority.
        UnblockCard = "unblock-card",
        /// A PUK that was told to somebody is changed.
        RotatePuk = "rotate-puk",
        /// Another admin key.
        ChangeAdminKey = "change-admin-key",
        /// What is on a card.
        RefreshCard = "refresh-card",
        /// The token goes out of use.
        Retire = "retire",
        /// The token is as it left the factory, and no longer ours.
        Unregister = "unregister",
        /// What a certification authority could not be told at once.
        RevokeCertificates = "revoke-certificates",
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

impl Operation {
    /// When it goes on by itself, where it waits for a time; `None` where it waits for something
    /// to happen, or does not wait.
    #[must_use]
    pub fn next_try(&self) -> Option<Micros> {
        let for_a_time = self.state == State::Waiting && self.not_before != Micros(i64::MAX);
        for_a_time.then_some(self.not_before)
    }
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
         WHERE token_id = $1 AND ended_at IS NULL
             AND kind NOT IN ('delete-credentials', 'revoke-certificates')",
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
