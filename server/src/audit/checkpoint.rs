//! Signed heads of the chain. They leave the machine: with every hello to an
//! agent, and in every export; whoever holds one can tell that older rows changed.
//!
//! ```text
//! signature = Ed25519("keysteward audit checkpoint v1" ‖ seq ‖ hash ‖ signed_at_us)
//! ```

use core::time::Duration;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::chain::hexadecimal;
use crate::store::{self, Micros, Reads, Write, audit_checkpoint::Row};

/// A signed head of the chain, as exported: `server.v1.AuditCheckpoint` in JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The row that was the newest.
    pub seq: u64,
    /// Its hash.
    #[serde(with = "hexadecimal")]
    pub hash: [u8; 32],
    /// When.
    pub signed_at_us: i64,
    /// Ed25519, RFC 8032.
    #[serde(with = "hexadecimal")]
    pub signature: [u8; 64],
    /// The server's; made from its master key, so the same after a restore.
    #[serde(with = "hexadecimal")]
    pub public_key: [u8; 32],
}

/// A checkpoint whose signature does not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signature does not fit")]
pub struct BadSignature;

impl Checkpoint {
    /// Signs a head.
    #[must_use]
    pub fn sign(key: &SigningKey, seq: u64, hash: [u8; 32], now: Micros) -> Self {
        let message = message(seq, &hash, now.0);
        Self {
            seq,
            hash,
            signed_at_us: now.0,
            signature: key.sign(&message).to_bytes(),
            public_key: key.verifying_key().to_bytes(),
        }
    }

    /// Checks the signature against the key inside; whose key that is, the caller knows.
    ///
    /// # Errors
    /// When the signature does not fit.
    pub fn verify(&self) -> Result<(), BadSignature> {
        let message = message(self.seq, &self.hash, self.signed_at_us);
        VerifyingKey::from_bytes(&self.public_key)
            .and_then(|key| key.verify_strict(&message, &Signature::from_bytes(&self.signature)))
            .map_err(|_| BadSignature)
    }
}

/// Signs the head, unless it is signed already. With `at_least` rows since the
/// last checkpoint, or once it is older than [`INTERVAL`].
///
/// # Errors
/// When the database does.
pub async fn sign_head(
    tx: &mut Write<'_>,
    key: &SigningKey,
    at_least: u64,
    now: Micros,
) -> store::Result<Option<Checkpoint>> {
    let Some((seq, hash)) = store::audit::head(tx).await? else {
        return Ok(None);
    };
    let last = store::audit_checkpoint::newest(tx).await?;
    let (last_seq, last_at) = last.map_or((0, Micros(0)), |row| (row.seq, row.signed_at));
    let rows = seq.saturating_sub(last_seq);
    if rows == 0 || (rows < at_least && now.since(last_at) < INTERVAL) {
        return Ok(None);
    }
    let checkpoint = Checkpoint::sign(key, seq, hash, now);
    store::audit_checkpoint::insert(tx, &Row::from(checkpoint.clone())).await?;
    Ok(Some(checkpoint))
}

/// The newest checkpoint.
///
/// # Errors
/// When the database does.
pub async fn newest(from: &mut impl Reads) -> store::Result<Option<Checkpoint>> {
    Ok(store::audit_checkpoint::newest(from)
        .await?
        .map(Checkpoint::from))
}

impl From<Checkpoint> for Row {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            seq: checkpoint.seq,
            hash: checkpoint.hash,
            signed_at: Micros(checkpoint.signed_at_us),
            signature: checkpoint.signature,
            public_key: checkpoint.public_key,
        }
    }
}

impl From<Row> for Checkpoint {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            hash: row.hash,
            signed_at_us: row.signed_at.0,
            signature: row.signature,
            public_key: row.public_key,
        }
    }
}

fn message(seq: u64, hash: &[u8; 32], signed_at_us: i64) -> Vec<u8> {
    [
        DOMAIN,
        &seq.to_be_bytes(),
        hash,
        &signed_at_us.to_be_bytes(),
    ]
    .concat()
}

/// An unsigned row is never older than this while the server runs.
pub const INTERVAL: Duration = Duration::from_secs(60);
/// Nor are there ever more unsigned rows than this.
pub const ROWS: u64 = 1000;

const DOMAIN: &[u8] = b"keysteward audit checkpoint v1";
