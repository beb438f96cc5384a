//! One row of the chain, and the hash that ties it to the row before.
//!
//! ```text
//! hash = SHA-256("keysteward audit v1" ‖ prev_hash ‖ seq ‖ at_us ‖ field*)
//! field = length as 4 bytes ‖ UTF-8      (actor, verb, object, operation_id, outcome, facts)
//! ```
//! Numbers are big-endian, 8 bytes. The first row's `prev_hash` is 32 zeros.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::store::{Micros, audit::Row};

/// The hash before the first row.
pub const START: [u8; 32] = [0; 32];

/// One row, as exported: `server.v1.AuditEntry` in JSON, hashes in hexadecimal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "see audit::Entry")]
pub struct Record {
    pub seq: u64,
    pub at_us: i64,
    pub actor: String,
    pub verb: String,
    pub object: String,
    pub operation_id: String,
    pub outcome: String,
    /// JSON text, hashed byte for byte.
    pub facts: String,
    #[serde(with = "hexadecimal")]
    pub prev_hash: [u8; 32],
    #[serde(with = "hexadecimal")]
    pub hash: [u8; 32],
}

impl Record {
    /// What `hash` must be.
    #[must_use]
    pub fn expected_hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(self.prev_hash);
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at_us.to_be_bytes());
        for field in [
            &self.actor,
            &self.verb,
            &self.object,
            &self.operation_id,
            &self.outcome,
            &self.facts,
        ] {
            // A field of 4 GiB does not fit into a row.
            let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
            hash.update(length.to_be_bytes());
            hash.update(field.as_bytes());
        }
        hash.finalize().into()
    }
}

impl From<Record> for Row {
    fn from(record: Record) -> Self {
        Self {
            seq: record.seq,
            at: Micros(record.at_us),
            actor: record.actor,
            verb: record.verb,
            object: record.object,
            operation_id: record.operation_id,
            outcome: record.outcome,
            facts: record.facts,
            prev_hash: record.prev_hash,
            hash: record.hash,
        }
    }
}

impl From<Row> for Record {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            at_us: row.at.0,
            actor: row.actor,
            verb: row.verb,
            object: row.object,
            operation_id: row.operation_id,
            outcome: row.outcome,
            facts: row.facts,
            prev_hash: row.prev_hash,
            hash: row.hash,
        }
    }
}

/// Fixed-size byte strings as hexadecimal text.
pub(super) mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(in crate::audit) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(in crate::audit) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| D::Error::custom(format_args!("not {N} bytes in hexadecimal")))?;
        Ok(bytes)
    }
}

const DOMAIN: &[u8] = b"keysteward audit v1";
