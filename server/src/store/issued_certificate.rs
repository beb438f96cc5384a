//! Tables `issued_certificate` and `crl_number`: what the certification authority
//! inside this server has issued, by connection.

use sqlx::sqlite::SqliteRow;

use super::{ConnectionId, Micros, Reads, Result, Write, row, words};

words! {
    /// In which state a certificate is.
    State {
        /// It counts.
        Good = "good",
        /// On hold.
        Held = "held",
        /// For good.
        Revoked = "revoked",
    }
}

/// One certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuedCertificate {
    /// By which authority.
    pub connection_id: ConnectionId,
    /// Unique in the authority's list.
    pub request_id: String,
    /// Hexadecimal; unique in the authority's list.
    pub serial: String,
    /// DER.
    pub certificate: Vec<u8>,
    /// When it ends.
    pub not_after: Micros,
    /// How it stands.
    pub state: State,
    /// Since when, where it is not good.
    pub since: Option<Micros>,
    /// Why, where it is revoked.
    pub reason: String,
}

/// Adds one, unless its request is known: then nothing changes.
///
/// # Errors
/// When the database does.
pub async fn keep(tx: &mut Write<'_>, new: &IssuedCertificate) -> Result<()> {
    sqlx::query(
        "INSERT INTO issued_certificate (connection_id, request_id, serial, certificate, not_after,
             state, since, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (connection_id, request_id) DO NOTHING",
    )
    .bind(new.connection_id)
    .bind(&new.request_id)
    .bind(&new.serial)
    .bind(&new.certificate)
    .bind(new.not_after.0)
    .bind(new.state.as_str())
    .bind(new.since.map(|at| at.0))
    .bind(&new.reason)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By the request that it answers, or by its serial.
///
/// # Errors
/// When the database does.
pub async fn find(
    from: &mut impl Reads,
    authority: ConnectionId,
    request_id: &str,
    serial: &str,
) -> Result<Option<IssuedCertificate>> {
    sqlx::query(
        "SELECT * FROM issued_certificate
         WHERE connection_id = $1 AND (request_id = $2 OR serial = $3)",
    )
    .bind(authority)
    .bind(request_id)
    .bind(serial)
    .fetch_optional(from.connection())
    .await?
    .map(|found| read(&found))
    .transpose()
}

/// Moves one from a state to another. Says whether it was in the first.
///
/// # Errors
/// When the database does.
pub async fn set_state(
    tx: &mut Write<'_>,
    authority: ConnectionId,
    serial: &str,
    from: State,
    to: (State, Option<Micros>, &str),
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE issued_certificate SET state = $4, since = $5, reason = $6
         WHERE connection_id = $1 AND serial = $2 AND state = $3",
    )
    .bind(authority)
    .bind(serial)
    .bind(from.as_str())
    .bind(to.0.as_str())
    .bind(to.1.map(|at| at.0))
    .bind(to.2)
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Those that are held or revoked and do not end before `now`.
///
/// # Errors
/// When the database does.
pub async fn not_good(
    from: &mut impl Reads,
    authority: ConnectionId,
    now: Micros,
) -> Result<Vec<IssuedCertificate>> {
    sqlx::query(
        "SELECT * FROM issued_certificate
         WHERE connection_id = $1 AND state <> 'good' AND not_after >= $2 ORDER BY serial",
    )
    .bind(authority)
    .bind(now.0)
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Higher at each call.
///
/// # Errors
/// When the database does.
pub async fn next_crl_number(tx: &mut Write<'_>, authority: ConnectionId) -> Result<u64> {
    let found = sqlx::query(
        "INSERT INTO crl_number (connection_id, number) VALUES ($1, 1)
         ON CONFLICT (connection_id) DO UPDATE SET number = number + 1 RETURNING number",
    )
    .bind(authority)
    .fetch_one(tx.connection())
    .await?;
    row::count(&found, "number")
}

fn read(found: &SqliteRow) -> Result<IssuedCertificate> {
    Ok(IssuedCertificate {
        connection_id: row::column(found, "connection_id")?,
        request_id: row::column(found, "request_id")?,
        serial: row::column(found, "serial")?,
        certificate: row::column(found, "certificate")?,
        not_after: row::time(found, "not_after")?,
        state: row::word(found, "state")?,
        since: row::maybe_time(found, "since")?,
        reason: row::column(found, "reason")?,
    })
}
