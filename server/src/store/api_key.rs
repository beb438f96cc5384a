//! Table `api_key`: keys of the public interface. Only hashes of secrets are here.

use sqlx::sqlite::SqliteRow;

use super::{ApiKeyId, Error, Micros, Reads, Result, Write, row};

/// A key of the public interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// Its id; not the secret.
    pub id: ApiKeyId,
    /// For people; unique but for case.
    pub name: String,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// What it may do; the words are the interface's.
    pub scopes: Vec<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// Not to be used from then on.
    pub expires_at: Micros,
    /// Last call, to within the interval at which calls are written down.
    pub last_used_at: Option<Micros>,
    /// Not to be used since then.
    pub revoked_at: Option<Micros>,
}

impl ApiKey {
    /// Whether calls may still be made with it.
    #[must_use]
    pub fn usable(&self, now: Micros) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Adds a key.
///
/// # Errors
/// [`Error::Duplicate`] for a name that is taken.
pub async fn insert(tx: &mut Write<'_>, key: &ApiKey) -> Result<()> {
    sqlx::query(
        "INSERT INTO api_key (id, name, secret_hash, scopes, created_by, created_at, expires_at,
             last_used_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(key.id)
    .bind(&key.name)
    .bind(key.secret_hash.as_slice())
    .bind(row::text_of("scopes", &key.scopes)?)
    .bind(&key.created_by)
    .bind(key.created_at.0)
    .bind(key.expires_at.0)
    .bind(key.last_used_at.map(|at| at.0))
    .bind(key.revoked_at.map(|at| at.0))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: ApiKeyId) -> Result<Option<ApiKey>> {
    sqlx::query("SELECT * FROM api_key WHERE id = $1")
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
pub async fn by_name(from: &mut impl Reads, name: &str) -> Result<Option<ApiKey>> {
    sqlx::query("SELECT * FROM api_key WHERE name = $1")
        .bind(name)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// By the hash of its secret, usable or not.
///
/// # Errors
/// When the database does.
pub async fn by_secret_hash(from: &mut impl Reads, hash: &[u8; 32]) -> Result<Option<ApiKey>> {
    sqlx::query("SELECT * FROM api_key WHERE secret_hash = $1")
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
pub async fn list(from: &mut impl Reads, all: bool, now: Micros) -> Result<Vec<ApiKey>> {
    sqlx::query(
        "SELECT * FROM api_key
         WHERE $1 OR (revoked_at IS NULL AND expires_at > $2) ORDER BY id DESC",
    )
    .bind(all)
    .bind(now.0)
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(read)
    .collect()
}

/// A call was made with it.
///
/// # Errors
/// When the database does.
pub async fn set_last_used(tx: &mut Write<'_>, id: ApiKeyId, now: Micros) -> Result<()> {
    sqlx::query("UPDATE api_key SET last_used_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Takes it back.
///
/// # Errors
/// When the database does.
pub async fn set_revoked(tx: &mut Write<'_>, id: ApiKeyId, now: Micros) -> Result<()> {
    sqlx::query("UPDATE api_key SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn read(found: &SqliteRow) -> Result<ApiKey> {
    let hash: Vec<u8> = row::column(found, "secret_hash")?;
    Ok(ApiKey {
        id: row::column(found, "id")?,
        name: row::column(found, "name")?,
        secret_hash: hash.try_into().map_err(|_| Error::Corrupt {
            column: "secret_hash",
        })?,
        scopes: row::document(found, "scopes")?,
        created_by: row::column(found, "created_by")?,
        created_at: row::time(found, "created_at")?,
        expires_at: row::time(found, "expires_at")?,
        last_used_at: row::maybe_time(found, "last_used_at")?,
        revoked_at: row::maybe_time(found, "revoked_at")?,
    })
}
