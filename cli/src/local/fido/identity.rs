//! `keysteward --agent ADDRESS token fido identity`: who a key is, told to the holder of its
//! persistent token alone.

use std::path::Path;

use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};

use super::{Key, OTHER, persistent, view::Identity};
use crate::{connect::Agent, failure::Result, output::Output};

pub(super) async fn run(
    agent: &Agent,
    key: &Key,
    file: &Path,
    output: &mut Output<'_>,
) -> Result<()> {
    let held = persistent::hold(agent, key, file, "ask the key who it is").await?;
    let mut lease = held.lease;
    let verb = Verb::ReadIdentity(wire::ReadIdentity {
        persistent_token: held.token,
    });
    let told = |bytes: Vec<u8>| (!bytes.is_empty()).then(|| hex::encode(bytes));
    match lease.read(verb).await? {
        Outcome::Identity(identity) => output.show(&Identity {
            presence_id: held.presence_id,
            device: told(identity.device),
            cred_store_state: told(identity.cred_store_state),
        }),
        _ => Err(OTHER),
    }
}
