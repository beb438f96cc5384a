//! Table `answered_challenge`: the challenges of a card that were answered for
//! somebody, for as long as it is a card of ours.

use super::{Micros, Reads, Result, TokenId, Write};

/// Whether it was.
///
/// # Errors
/// When the database does.
pub async fn is_known(from: &mut impl Reads, card: TokenId, hash: &[u8; 32]) -> Result<bool> {
    let found = sqlx::query("SELECT 1 FROM answered_challenge WHERE token_id = $1 AND hash = $2")
        .bind(card)
        .bind(hash.as_slice())
        .fetch_optional(from.connection())
        .await?;
    Ok(found.is_some())
}

/// It is from now on. `hash`: SHA-256 of the challenge.
///
/// # Errors
/// [`super::Error::Duplicate`] when it was before.
pub async fn insert(tx: &mut Write<'_>, card: TokenId, hash: &[u8; 32], at: Micros) -> Result<()> {
    sqlx::query("INSERT INTO answered_challenge (token_id, hash, answered_at) VALUES ($1, $2, $3)")
        .bind(card)
        .bind(hash.as_slice())
        .bind(at.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}
