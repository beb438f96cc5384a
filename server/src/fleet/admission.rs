//! Whether a certificate that TLS has verified may still be used: asked of the
//! store at every handshake, never of a list that was read before.

use std::sync::Arc;

use keysteward_proto::uplink::Refusal;

use super::{Inner, authority::AgentIdentity};
use crate::store::{self, host::State};

/// Lets an agent in. The first use of a renewed certificate ends the one before.
pub(super) async fn admit(fleet: &Arc<Inner>, agent: &AgentIdentity) -> Result<(), Refusal> {
    match judge(fleet, agent).await {
        Ok(verdict) => verdict,
        Err(error) => {
            tracing::error!(%error, host = %agent.host, "the store does not say who may link");
            Err(Refusal::Busy)
        }
    }
}

async fn judge(fleet: &Arc<Inner>, agent: &AgentIdentity) -> store::Result<Result<(), Refusal>> {
    let Some(host) = store::host::get(&mut fleet.store.read().await?, agent.host).await? else {
        return Ok(Err(Refusal::UnknownHost));
    };
    if host.state != State::Enrolled {
        return Ok(Err(Refusal::Revoked));
    }
    let serial = Some(&agent.serial);
    if host.next_serial.as_ref() == serial {
        let mut tx = fleet.store.write().await?;
        let promoted = store::host::promote_serial(&mut tx, agent.host, &agent.serial).await?;
        tx.commit().await?;
        if promoted {
            tracing::info!(host = %agent.host, "a renewed certificate is in use");
            return Ok(Ok(()));
        }
        // Something else was quicker: the next try finds out what.
        return Ok(Err(Refusal::Busy));
    }
    if host.serial.as_ref() == serial {
        return Ok(Ok(()));
    }
    Ok(Err(Refusal::Superseded))
}
