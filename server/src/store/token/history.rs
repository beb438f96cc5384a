//! Table `token_history`: the moves in a token's life.

use super::State;
use crate::store::{Micros, OperationId, Reads, Result, TokenId, Write, row};

/// One move in a token's life.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "server.v1.StateChange, member by member")]
pub struct Change {
    pub at: Micros,
    pub event: String,
    pub from: State,
    pub to: State,
    pub operation_id: Option<OperationId>,
}

/// Adds a move to a token's history.
///
/// # Errors
/// When the database does.
pub async fn add_change(tx: &mut Write<'_>, id: TokenId, change: &Change) -> Result<()> {
    sqlx::query(
        "INSERT INTO token_history (token_id, seq, at, event, from_state, to_state, operation_id)
         SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6
         FROM token_history WHERE token_id = $1",
    )
    .bind(id)
    .bind(change.at.0)
    .bind(&change.event)
    .bind(change.from.as_str())
    .bind(change.to.as_str())
    .bind(change.operation_id)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A token's history, oldest first.
///
/// # Errors
/// When the database does.
pub async fn history(from: &mut impl Reads, id: TokenId) -> Result<Vec<Change>> {
    sqlx::query("SELECT * FROM token_history WHERE token_id = $1 ORDER BY seq")
        .bind(id)
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(|found| {
            Ok(Change {
                at: row::time(found, "at")?,
                event: row::column(found, "event")?,
                from: row::word(found, "from_state")?,
                to: row::word(found, "to_state")?,
                operation_id: row::column(found, "operation_id")?,
            })
        })
        .collect()
}
