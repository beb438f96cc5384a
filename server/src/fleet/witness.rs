//! What agents remember of our audit, compared with the audit.
//!
//! Each agent keeps the newest checkpoint it was shown and says it at Hello. A
//! checkpoint that we signed and that our own record no longer bears out means
//! rows were cut off or rewritten, or an older backup runs.

use std::sync::atomic::Ordering;

use keysteward_proto::agent::v1::AuditCheckpoint;
use serde_json::{Map, json};

use super::Inner;
use crate::{
    audit::{self, Checkpoint, Entry, Outcome},
    store::{self, HostId, Page},
};

/// Compares; what disagrees is logged each time, and recorded once while this
/// process runs: ten thousand agents may say the same.
pub(super) async fn compare(
    fleet: &Inner,
    host: HostId,
    witness: AuditCheckpoint,
) -> store::Result<()> {
    let Some(witness) = ours(fleet, witness) else {
        // An agent can make up anything but our signature.
        tracing::warn!(%host, "an agent shows an audit checkpoint that is not of this server");
        return Ok(());
    };
    let page = Page {
        after: Some(witness.seq.saturating_sub(1)),
        size: 1,
    };
    let mut read = fleet.store.read().await?;
    let found = store::audit::list(&mut read, &store::audit::Filter::default(), page).await?;
    let borne_out = found
        .rows
        .first()
        .is_some_and(|row| row.seq == witness.seq && row.hash == witness.hash);
    drop(read);
    if borne_out {
        return Ok(());
    }
    tracing::error!(
        %host,
        seq = witness.seq,
        "the audit is not the one that this agent saw: rows are missing or were rewritten, or an older backup runs"
    );
    if fleet.witness_disagreed.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let mut facts = Map::new();
    facts.insert("seq".into(), json!(witness.seq));
    facts.insert("hash".into(), json!(hex::encode(witness.hash)));
    facts.insert("signed_at_us".into(), json!(witness.signed_at_us));
    let mut tx = fleet.store.write().await?;
    let entry = Entry {
        at: fleet.clock.now(),
        actor: format!("host:{host}"),
        verb: "audit.witness-disagrees",
        object: format!("audit:{}", witness.seq),
        operation: None,
        outcome: Outcome::Failed,
        facts,
    };
    audit::append(&mut tx, entry).await?;
    tx.commit().await
}

/// The checkpoint, where this server signed it.
fn ours(fleet: &Inner, witness: AuditCheckpoint) -> Option<Checkpoint> {
    let checkpoint = Checkpoint {
        seq: witness.sequence,
        hash: witness.hash.try_into().ok()?,
        signed_at_us: witness.signed_at_us,
        signature: witness.signature.try_into().ok()?,
        public_key: witness.public_key.try_into().ok()?,
    };
    let signed = checkpoint.public_key == fleet.audit_key && checkpoint.verify().is_ok();
    signed.then_some(checkpoint)
}
