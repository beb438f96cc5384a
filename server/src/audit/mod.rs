//! The append-only, hash-chained record of what was done, and its verifier.
//!
//! Above the store, below everything that changes something.
//!
//! - [`append`]: a row, in the same transaction as the change that it records.
//! - [`checkpoint`]: signed heads, which agents keep as witnesses.
//! - [`verify()`]: checks an export, offline, with no database at hand.
//!
//! What it does not prove: rows cut off after the last checkpoint that left the
//! machine are not missed, and what was never recorded is not here.

pub mod chain;
pub mod checkpoint;
pub mod verify;

pub use chain::Record;
pub use checkpoint::Checkpoint;
pub use verify::{Broken, Verified, verify};

use serde_json::{Map, Value};

use crate::store::{self, Micros, OperationId, Write};

/// Number of a row; the first is 1.
pub type Seq = u64;

/// What to record. Never a secret in any of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it was done.
    pub at: Micros,
    /// Who: `api-key:NAME`, `host:ID`, `system`.
    pub actor: String,
    /// What: `token.issue`, `host.revoke`.
    pub verb: &'static str,
    /// To what: `token:ID`, `connection:ID`.
    pub object: String,
    /// As part of which operation.
    pub operation: Option<OperationId>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whatever an auditor needs besides.
    pub facts: Map<String, Value>,
}

store::words! {
    /// How a recorded act ended.
    Outcome {
        /// Begun; how it ends is another row.
        Started = "started",
        /// It happened.
        Ok = "ok",
        /// It did not.
        Failed = "failed",
        /// Not allowed.
        Denied = "denied",
        /// Nobody knows whether it happened.
        Unknown = "unknown",
    }
}

/// Adds a row to the chain, in the transaction of the change that it records.
///
/// # Errors
/// When the database does.
pub async fn append(tx: &mut Write<'_>, entry: Entry) -> store::Result<Seq> {
    let (last, prev_hash) = store::audit::head(tx).await?.unwrap_or((0, chain::START));
    let mut record = Record {
        seq: last + 1,
        at_us: entry.at.0,
        actor: entry.actor,
        verb: entry.verb.to_owned(),
        object: entry.object,
        operation_id: entry
            .operation
            .map_or_else(String::new, |id| id.to_string()),
        outcome: entry.outcome.as_str().to_owned(),
        facts: Value::Object(entry.facts).to_string(),
        prev_hash,
        hash: chain::START,
    };
    record.hash = record.expected_hash();
    let row = store::audit::Row::from(record);
    store::audit::insert(tx, &row).await?;
    Ok(row.seq)
}

#[cfg(test)]
mod tests;
