//! Table `join_token`: what a machine shows to enrol. Only hashes of secrets are here.

use sqlx::sqlite::SqliteRow;

use super::{Error, JoinTokenId, Micros, Reads, Result, Write, row};

/// A join token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JoinToken {
    /// Its id; not the secret.
    pub id: JoinTokenId,
    /// SHA-256 of the secret half.
    pub secret_hash: [u8; 32],
    /// Where hosts that use it belong.
    pub host_group: String,
    /// How often it may still be used.
    pub uses_left: u32,
    /// Hosts that use it wait for an operator.
    pub needs_approval: bool,
    /// Not to be used from then on.
    pub expires_at: Micros,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// Not to be used since then.
    pub revoked_at: Option<Micros>,
}

impl JoinToken {
    /// Whether a host may still enrol by it.
    #[must_use]
    pub fn usable(&self, now: Micros) -> bool {
        self.uses_left > 0 && self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Adds a join token.
///
/// # Errors
/// When the database does.
pub async fn insert(tx: &mut Write<'_>, token: &JoinToken) -> Result<()> {
    sqlx::query(
        "INSERT INTO join_token (id, secret_hash, host_group, uses_left, needs_approval,
             expires_at, created_by, created_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(token.id)
    .bind(token.secret_hash.as_slice())
    .bind(&token.host_group)
    .bind(i64::from(token.uses_left))
    .bind(token.needs_approval)
    .bind(token.expires_at.0)
    .bind(&token.created_by)
    .bind(token.created_at.0)
    .bind(token.revoked_at.map(|at| at.0))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: JoinTokenId) -> Result<Option<JoinToken>> {
    sqlx::query("SELECT * FROM join_token WHERE id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// By the hash of its secret, usable or not.
///
/// # Errors
/// When the database does.
pub async fn by_secret_hash(from: &mut impl Reads, hash: &[u8; 32]) -> Result<Option<JoinToken>> {
    sqlx::query("SELECT * FROM join_token WHERE secret_hash = $1")
        .bind(hash.as_slice())
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// Those that can still be used, or every one, newest first.
///
/// # Errors
/// When the database does.
pub async fn list(from: &mut impl Reads, all: bool, now: Micros) -> Result<Vec<JoinToken>> {
    sqlx::query(
        "SELECT * FROM join_token
         WHERE $1 OR (uses_left > 0 AND revoked_at IS NULL AND expires_at > $2)
         ORDER BY id DESC",
    )
    .bind(all)
    .bind(now.0)
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Takes one use, of a token that has one left and is neither expired nor revoked;
/// else nothing changes and there is no answer.
///
/// # Errors
/// When the database does.
pub async fn take_use(
    tx: &mut Write<'_>,
    hash: &[u8; 32],
    now: Micros,
) -> Result<Option<JoinToken>> {
    sqlx::query(
        "UPDATE join_token SET uses_left = uses_left - 1
         WHERE secret_hash = $1 AND uses_left > 0 AND revoked_at IS NULL AND expires_at > $2
         RETURNING *",
    )
    .bind(hash.as_slice())
    .bind(now.0)
    .fetch_optional(tx.connection())
    .await?
    .map(|found| read(&found))
    .transpose()
}

/// Takes it back.
///
/// # Errors
/// When the database does.
pub async fn set_revoked(tx: &mut Write<'_>, id: JoinTokenId, now: Micros) -> Result<()> {
    sqlx::query("UPDATE join_token SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn read(found: &SqliteRow) -> Result<JoinToken> {
    let hash: Vec<u8> = row::column(found, "secret_hash")?;
    Ok(JoinToken {
        id: row::column(found, "id")?,
        secret_hash: hash.try_into().map_err(|_| Error::Corrupt {
            column: "secret_hash",
        })?,
        host_group: row::column(found, "host_group")?,
        uses_left: row::column(found, "uses_left")?,
        needs_approval: row::column(found, "needs_approval")?,
        expires_at: row::time(found, "expires_at")?,
        created_by: row::column(found, "created_by")?,
        created_at: row::time(found, "created_at")?,
        revoked_at: row::maybe_time(found, "revoked_at")?,
    })
}
