//! Checks an exported audit record, offline. Written from the format's description alone, so
//! that it shares no code, and no fault, with the server that wrote the record.
//!
//! ```text
//! row hash   = SHA-256("keysteward audit v1" ‖ prev_hash ‖ seq ‖ at_us ‖ field*)
//! field      = length in 4 bytes ‖ UTF-8     (actor, verb, object, operation_id, outcome, facts)
//! signature  = Ed25519("keysteward audit checkpoint v1" ‖ seq ‖ hash ‖ signed_at_us)
//! ```
//! Numbers are big-endian in 8 bytes; the first row follows 32 zero bytes.

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A line of an export.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Line {
    Entry(Entry),
    Checkpoint(Checkpoint),
}

/// A row of the chain; hashes in hexadecimal.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) at_us: i64,
    pub(crate) actor: String,
    pub(crate) verb: String,
    pub(crate) object: String,
    pub(crate) operation_id: String,
    pub(crate) outcome: String,
    pub(crate) facts: String,
    pub(crate) prev_hash: String,
    pub(crate) hash: String,
}

/// A signed head of the chain; bytes in hexadecimal.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoint {
    pub(crate) seq: u64,
    pub(crate) hash: String,
    pub(crate) signed_at_us: i64,
    pub(crate) signature: String,
    pub(crate) public_key: String,
}

/// Where the chain breaks first.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, entry {seq}: {why}")]
pub(crate) struct Broken {
    pub(crate) line: usize,
    pub(crate) seq: u64,
    pub(crate) why: Why,
}

#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Why {
    #[error("not an audit record: {0}")]
    Unreadable(String),
    #[error("{0} is not hexadecimal of the right length")]
    Hexadecimal(&'static str),
    #[error("entry {due} was due: entries were removed, doubled or reordered")]
    OutOfOrder { due: u64 },
    #[error("it does not follow from the entry before")]
    Unlinked,
    #[error("it was changed after it was written")]
    Changed,
    #[error("the signature does not fit")]
    BadSignature,
    #[error("it is signed by another key than the one to trust")]
    OtherKey,
    #[error("the checkpoint saw another entry here: the record was rewritten")]
    Rewritten,
    #[error("the checkpoint saw this entry, and the record ends at {end}: entries were cut off")]
    CutOff { end: u64 },
}

/// Reads an export line by line.
pub(crate) struct Verifier {
    hashes: Vec<[u8; 32]>,
    lines: usize,
    checkpoints: u64,
    newest: Option<Checkpoint>,
    key: Option<[u8; 32]>,
}

impl Verifier {
    /// With the key that must have signed every checkpoint; without one, the first key seen.
    pub(crate) fn new(key: Option<[u8; 32]>) -> Self {
        Self {
            hashes: Vec::new(),
            lines: 0,
            checkpoints: 0,
            newest: None,
            key,
        }
    }

    /// # Errors
    /// What is wrong with this line. The chain is broken here; there is nothing to go on with.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Broken> {
        self.lines += 1;
        if text.trim().is_empty() {
            return Ok(());
        }
        let due = self.entries() + 1;
        let (seq, checked) = match serde_json::from_str(text) {
            Err(error) => (due, Err(Why::Unreadable(error.to_string()))),
            Ok(Line::Entry(entry)) => (entry.seq, self.entry(&entry, due)),
            Ok(Line::Checkpoint(seen)) => (seen.seq, self.checkpoint(seen)),
        };
        checked.map_err(|why| Broken {
            line: self.lines,
            seq,
            why,
        })
    }

    /// Holds what somebody else saw (an agent, a printed checkpoint) against the record.
    pub(crate) fn witness(&mut self, seen: Checkpoint) -> Result<(), Broken> {
        let seq = seen.seq;
        let newest = self.newest.take();
        let checked = self.checkpoint(seen);
        self.newest = newest;
        checked.map_err(|why| Broken { line: 0, seq, why })
    }

    pub(crate) fn entries(&self) -> u64 {
        self.hashes.len() as u64
    }

    pub(crate) fn checkpoints(&self) -> u64 {
        self.checkpoints
    }

    /// The newest signed head. What follows it could have been rewritten by who runs the server.
    pub(crate) fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref()
    }

    fn entry(&mut self, entry: &Entry, due: u64) -> Result<(), Why> {
        if entry.seq != due {
            return Err(Why::OutOfOrder { due });
        }
        let hash = bytes(&entry.hash, "hash")?;
        if bytes::<32>(&entry.prev_hash, "prev_hash")?
            != self.hashes.last().copied().unwrap_or_default()
        {
            return Err(Why::Unlinked);
        }
        if hash_of(entry)? != hash {
            return Err(Why::Changed);
        }
        self.hashes.push(hash);
        Ok(())
    }

    fn checkpoint(&mut self, seen: Checkpoint) -> Result<(), Why> {
        let hash: [u8; 32] = bytes(&seen.hash, "hash")?;
        let public_key = bytes(&seen.public_key, "public_key")?;
        let signature = Signature::from_bytes(&bytes(&seen.signature, "signature")?);
        let message = [
            b"keysteward audit checkpoint v1".as_slice(),
            &seen.seq.to_be_bytes(),
            &hash,
            &seen.signed_at_us.to_be_bytes(),
        ]
        .concat();
        VerifyingKey::from_bytes(&public_key)
            .and_then(|key| key.verify_strict(&message, &signature))
            .map_err(|_| Why::BadSignature)?;
        if *self.key.get_or_insert(public_key) != public_key {
            return Err(Why::OtherKey);
        }
        let index = usize::try_from(seen.seq)
            .ok()
            .and_then(|seq| seq.checked_sub(1));
        match index.and_then(|index| self.hashes.get(index)) {
            None => {
                return Err(Why::CutOff {
                    end: self.entries(),
                });
            }
            Some(known) if *known != hash => return Err(Why::Rewritten),
            Some(_) => {}
        }
        self.checkpoints += 1;
        self.newest = Some(seen);
        Ok(())
    }
}

fn hash_of(entry: &Entry) -> Result<[u8; 32], Why> {
    let mut hash = Sha256::new();
    hash.update(b"keysteward audit v1");
    hash.update(bytes::<32>(&entry.prev_hash, "prev_hash")?);
    hash.update(entry.seq.to_be_bytes());
    hash.update(entry.at_us.to_be_bytes());
    for field in [
        &entry.actor,
        &entry.verb,
        &entry.object,
        &entry.operation_id,
        &entry.outcome,
        &entry.facts,
    ] {
        let length = u32::try_from(field.len()).map_err(|_| Why::Changed)?;
        hash.update(length.to_be_bytes());
        hash.update(field);
    }
    Ok(hash.finalize().into())
}

pub(crate) fn bytes<const N: usize>(text: &str, name: &'static str) -> Result<[u8; N], Why> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| Why::Hexadecimal(name))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
