//! The audit checkpoint that an agent keeps, so that its server cannot rewrite what came before.

use keysteward_proto::agent::v1::HelloRequest;

use crate::{
    audit_verifier::{Checkpoint, Line},
    connect::Agent,
    failure::{Failure, Result},
    output::Output,
};

/// A line as in an export, whatever the format: `audit verify --witness` reads it.
pub(crate) async fn show(agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    // What the server says first on every uplink; without a checkpoint it changes nothing.
    let hello = agent.host().hello(HelloRequest::default()).await?;
    let Some(seen) = hello.into_inner().witness else {
        return Err(Failure::NoWitness);
    };
    output.json(&Line::Checkpoint(Checkpoint {
        seq: seen.sequence,
        hash: hex::encode(seen.hash),
        signed_at_us: seen.signed_at_us,
        signature: hex::encode(seen.signature),
        public_key: hex::encode(seen.public_key),
    }))
}
