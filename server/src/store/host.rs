//! Table `host`: client machines, a row per enrolment.

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;

use super::{HostId, JoinTokenId, Listed, Micros, Page, Reads, Result, Write, row, words};

words! {
    /// Whether a host may dial in.
    State {
        /// Its certificate request waits for an operator.
        Pending = "pending",
        /// It has a certificate.
        Enrolled = "enrolled",
        /// Never again; the machine must enrol anew.
        Revoked = "revoked",
    }
}

/// A client machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Host {
    /// The enrolment.
    pub id: HostId,
    /// What the machine calls itself; need not be unique.
    pub hostname: String,
    /// Came with the join token.
    pub host_group: String,
    /// Whether it may dial in.
    pub state: State,
    /// What it said about itself last.
    pub facts: Facts,
    /// The agent's.
    pub agent_version: String,
    /// By which it enrolled.
    pub join_token_id: JoinTokenId,
    /// DER `SubjectPublicKeyInfo` that it asked a certificate for.
    pub public_key: Vec<u8>,
    /// Serial number of its certificate, hexadecimal.
    pub serial: Option<String>,
    /// That of the renewed one, until it is seen in use; both are valid.
    pub next_serial: Option<String>,
    /// Grows with each uplink, counted by the agent.
    pub link_epoch: u64,
    /// When the outcomes in its journal were last taken over.
    pub reconciled_at: Option<Micros>,
    /// When it asked to enrol.
    pub enrolled_at: Micros,
    /// When its link was last known to be up.
    pub last_seen_at: Option<Micros>,
    /// When it was revoked.
    pub revoked_at: Option<Micros>,
}

/// What a host says about itself. Attributes only, never an identity.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[allow(missing_docs, reason = "agent.v1.HostFacts, member by member")]
pub struct Facts {
    pub hostname: String,
    pub os: String,
    pub os_version: String,
    pub machine_id: String,
    pub architecture: String,
}

/// Which hosts to list; `None` is any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// In this state.
    pub state: Option<State>,
    /// Of this group.
    pub host_group: Option<String>,
    /// With this hostname.
    pub hostname: Option<String>,
}

/// Adds a host.
///
/// # Errors
/// When the database does.
pub async fn insert(tx: &mut Write<'_>, host: &Host) -> Result<()> {
    sqlx::query(
        "INSERT INTO host (id, hostname, host_group, state, facts, agent_version, join_token_id,
             public_key, serial, next_serial, link_epoch, reconciled_at, enrolled_at,
             last_seen_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(host.id)
    .bind(&host.hostname)
    .bind(&host.host_group)
    .bind(host.state.as_str())
    .bind(row::text_of("facts", &host.facts)?)
    .bind(&host.agent_version)
    .bind(host.join_token_id)
    .bind(&host.public_key)
    .bind(&host.serial)
    .bind(&host.next_serial)
    .bind(host.link_epoch.cast_signed())
    .bind(host.reconciled_at.map(|at| at.0))
    .bind(host.enrolled_at.0)
    .bind(host.last_seen_at.map(|at| at.0))
    .bind(host.revoked_at.map(|at| at.0))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: HostId) -> Result<Option<Host>> {
    sqlx::query("SELECT * FROM host WHERE id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// By the serial of its certificate, current or next.
///
/// # Errors
/// When the database does.
pub async fn by_serial(from: &mut impl Reads, serial: &str) -> Result<Option<Host>> {
    sqlx::query("SELECT * FROM host WHERE serial = $1 OR next_serial = $1")
        .bind(serial)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// The newest enrolment with this public key: a host that asks again.
///
/// # Errors
/// When the database does.
pub async fn by_public_key(from: &mut impl Reads, key: &[u8]) -> Result<Option<Host>> {
    sqlx::query("SELECT * FROM host WHERE public_key = $1 ORDER BY id DESC LIMIT 1")
        .bind(key)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// A page of hosts.
///
/// # Errors
/// When the database does.
pub async fn list(
    from: &mut impl Reads,
    filter: &Filter,
    page: Page<HostId>,
) -> Result<Listed<Host, HostId>> {
    let found = sqlx::query(
        "SELECT * FROM host
         WHERE ($1 IS NULL OR id > $1) AND ($2 IS NULL OR state = $2)
             AND ($3 IS NULL OR host_group = $3) AND ($4 IS NULL OR hostname = $4)
         ORDER BY id LIMIT $5",
    )
    .bind(page.after)
    .bind(filter.state.map(State::as_str))
    .bind(&filter.host_group)
    .bind(&filter.hostname)
    .bind(page.limit())
    .fetch_all(from.connection())
    .await?;
    let rows = found.iter().map(read).collect::<Result<_>>()?;
    Ok(page.close(rows, |host: &Host| host.id))
}

/// How many hosts are in `state`.
///
/// # Errors
/// When the database does.
pub async fn count(from: &mut impl Reads, state: State) -> Result<u64> {
    let found = sqlx::query("SELECT COUNT(*) AS hosts FROM host WHERE state = $1")
        .bind(state.as_str())
        .fetch_one(from.connection())
        .await?;
    row::count(&found, "hosts")
}

/// Enrolled hosts whose journals were not reconciled since `since`.
///
/// # Errors
/// When the database does.
pub async fn not_reconciled(from: &mut impl Reads, since: Micros) -> Result<Vec<Host>> {
    sqlx::query(
        "SELECT * FROM host WHERE state = 'enrolled' AND COALESCE(reconciled_at, 0) < $1 ORDER BY id",
    )
    .bind(since.0)
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(read)
    .collect()
}

/// An operator lets a pending host in; it gets its certificate when it asks again.
///
/// # Errors
/// When the database does.
pub async fn set_approved(tx: &mut Write<'_>, id: HostId) -> Result<()> {
    sqlx::query("UPDATE host SET state = 'enrolled' WHERE id = $1 AND state = 'pending'")
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Gives a host its first certificate.
///
/// # Errors
/// When the database does.
pub async fn set_enrolled(tx: &mut Write<'_>, id: HostId, serial: &str) -> Result<()> {
    sqlx::query("UPDATE host SET state = 'enrolled', serial = $2 WHERE id = $1")
        .bind(id)
        .bind(serial)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Shuts a host out.
///
/// # Errors
/// When the database does.
pub async fn set_revoked(tx: &mut Write<'_>, id: HostId, now: Micros) -> Result<()> {
    sqlx::query(
        "UPDATE host SET state = 'revoked', revoked_at = COALESCE(revoked_at, $2) WHERE id = $1",
    )
    .bind(id)
    .bind(now.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A renewed certificate: valid beside the current one until it is seen in use.
///
/// # Errors
/// When the database does.
pub async fn set_next_serial(
    tx: &mut Write<'_>,
    id: HostId,
    serial: &str,
    public_key: &[u8],
) -> Result<()> {
    sqlx::query("UPDATE host SET next_serial = $2, public_key = $3 WHERE id = $1")
        .bind(id)
        .bind(serial)
        .bind(public_key)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The renewed certificate was seen in use: the one before it is no longer valid.
/// Says whether it was the next one.
///
/// # Errors
/// When the database does.
pub async fn promote_serial(tx: &mut Write<'_>, id: HostId, seen: &str) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE host SET serial = next_serial, next_serial = NULL
         WHERE id = $1 AND next_serial = $2",
    )
    .bind(id)
    .bind(seen)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a new uplink said in its hello.
///
/// # Errors
/// When the database does.
pub async fn set_linked(
    tx: &mut Write<'_>,
    id: HostId,
    link_epoch: u64,
    agent_version: &str,
    facts: &Facts,
    now: Micros,
) -> Result<()> {
    sqlx::query(
        "UPDATE host SET link_epoch = $2, agent_version = $3, facts = $4, hostname = $5,
             last_seen_at = $6
         WHERE id = $1",
    )
    .bind(id)
    .bind(link_epoch.cast_signed())
    .bind(agent_version)
    .bind(row::text_of("facts", facts)?)
    .bind(&facts.hostname)
    .bind(now.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The link was known to be up.
///
/// # Errors
/// When the database does.
pub async fn set_last_seen(tx: &mut Write<'_>, id: HostId, now: Micros) -> Result<()> {
    sqlx::query("UPDATE host SET last_seen_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Every outcome in its journal has been taken over.
///
/// # Errors
/// When the database does.
pub async fn set_reconciled(tx: &mut Write<'_>, id: HostId, now: Micros) -> Result<()> {
    sqlx::query("UPDATE host SET reconciled_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn read(found: &SqliteRow) -> Result<Host> {
    Ok(Host {
        id: row::column(found, "id")?,
        hostname: row::column(found, "hostname")?,
        host_group: row::column(found, "host_group")?,
        state: row::word(found, "state")?,
        facts: row::document(found, "facts")?,
        agent_version: row::column(found, "agent_version")?,
        join_token_id: row::column(found, "join_token_id")?,
        public_key: row::column(found, "public_key")?,
        serial: row::column(found, "serial")?,
        next_serial: row::column(found, "next_serial")?,
        link_epoch: row::count(found, "link_epoch")?,
        reconciled_at: row::maybe_time(found, "reconciled_at")?,
        enrolled_at: row::time(found, "enrolled_at")?,
        last_seen_at: row::maybe_time(found, "last_seen_at")?,
        revoked_at: row::maybe_time(found, "revoked_at")?,
    })
}
