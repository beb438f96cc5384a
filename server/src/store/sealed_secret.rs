//! Table `sealed_secret`: ciphertext of the key store, two phases each.

use core::fmt;

use sqlx::sqlite::SqliteRow;

use super::{Micros, OperationId, Reads, Result, SecretId, TokenId, Write, row, words};

words! {
    /// What is sealed.
    Kind {
        /// The token's PIN.
        Pin = "pin",
        /// The token's current PIN as its user typed it, kept until the operation ends.
        GivenPin = "given-pin",
        /// The PIN of the card's applet.
        CardPin = "card-pin",
        /// What unblocks it.
        Puk = "puk",
    }
}

words! {
    /// Whether the token has it.
    State {
        /// Written before the token is asked to take it.
        Pending = "pending",
        /// The token has it.
        Current = "current",
    }
}

/// A sealed secret.
#[derive(Clone, Eq, PartialEq)]
pub struct SealedSecret {
    /// Part of its context.
    pub id: SecretId,
    /// Of which token.
    pub token_id: TokenId,
    /// What it is.
    pub kind: Kind,
    /// Whether the token has it.
    pub state: State,
    /// Ciphertext.
    pub sealed: Vec<u8>,
    /// Who wrote it.
    pub operation_id: OperationId,
    /// When.
    pub created_at: Micros,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret")
            .field("id", &self.id)
            .field("token_id", &self.token_id)
            .field("kind", &self.kind)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Writes a secret in the place of the one of the same token, kind and state.
///
/// # Errors
/// When the database does.
pub async fn put(tx: &mut Write<'_>, new: &SealedSecret) -> Result<()> {
    delete(tx, new.token_id, new.kind, new.state).await?;
    sqlx::query(
        "INSERT INTO sealed_secret (id, token_id, kind, state, sealed, operation_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.id)
    .bind(new.token_id)
    .bind(new.kind.as_str())
    .bind(new.state.as_str())
    .bind(&new.sealed)
    .bind(new.operation_id)
    .bind(new.created_at.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Those of a token.
///
/// # Errors
/// When the database does.
pub async fn of_token(from: &mut impl Reads, token: TokenId) -> Result<Vec<SealedSecret>> {
    sqlx::query("SELECT * FROM sealed_secret WHERE token_id = $1 ORDER BY id")
        .bind(token)
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The token has taken the pending secret: it is the current one.
///
/// # Errors
/// When the database does.
pub async fn promote(tx: &mut Write<'_>, token: TokenId, kind: Kind) -> Result<()> {
    sqlx::query(
        "DELETE FROM sealed_secret WHERE token_id = $1 AND kind = $2 AND state = 'current'
             AND EXISTS (SELECT 1 FROM sealed_secret AS new
                 WHERE new.token_id = $1 AND new.kind = $2 AND new.state = 'pending')",
    )
    .bind(token)
    .bind(kind.as_str())
    .execute(tx.connection())
    .await?;
    sqlx::query(
        "UPDATE sealed_secret SET state = 'current'
         WHERE token_id = $1 AND kind = $2 AND state = 'pending'",
    )
    .bind(token)
    .bind(kind.as_str())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Erases one.
///
/// # Errors
/// When the database does.
pub async fn delete(tx: &mut Write<'_>, token: TokenId, kind: Kind, state: State) -> Result<()> {
    sqlx::query("DELETE FROM sealed_secret WHERE token_id = $1 AND kind = $2 AND state = $3")
        .bind(token)
        .bind(kind.as_str())
        .bind(state.as_str())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Another operation goes on with it.
///
/// # Errors
/// When the database does.
pub async fn pass_on(
    tx: &mut Write<'_>,
    token: TokenId,
    kind: Kind,
    to: OperationId,
) -> Result<()> {
    sqlx::query("UPDATE sealed_secret SET operation_id = $3 WHERE token_id = $1 AND kind = $2")
        .bind(token)
        .bind(kind.as_str())
        .bind(to)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn read(found: &SqliteRow) -> Result<SealedSecret> {
    Ok(SealedSecret {
        id: row::column(found, "id")?,
        token_id: row::column(found, "token_id")?,
        kind: row::word(found, "kind")?,
        state: row::word(found, "state")?,
        sealed: row::column(found, "sealed")?,
        operation_id: row::column(found, "operation_id")?,
        created_at: row::time(found, "created_at")?,
    })
}
