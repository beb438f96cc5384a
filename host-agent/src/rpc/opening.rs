//! How every lease begins: the token is found, and waited for in line.

use std::{sync::Arc, time::Duration};

use keysteward_proto::agent::v1 as proto;

use super::caller::Caller;
use crate::{
    token::{Inventory, Lease, LeaseError},
    verb::{Code, Failure},
};

/// Waits in line for the token that `open` names. `waits` is called if there is a line.
pub(super) async fn lease(
    inventory: &Arc<Inventory>,
    open: &proto::Open,
    waits: impl FnOnce(),
) -> Result<Lease, Failure> {
    let token = inventory.find(&open.presence_id).ok_or_else(|| Failure {
        field: "presence_id".to_owned(),
        ..Failure::new(
            Code::TokenNotPresent,
            format!(
                "no token {:?} is plugged in here; list the tokens anew",
                open.presence_id
            ),
        )
    })?;
    if token.is_leased() && open.wait_ms > 0 {
        waits();
    }
    let patience = Duration::from_millis(u64::from(open.wait_ms));
    token.lease(patience).await.map_err(|why| match why {
        LeaseError::Busy => Failure::new(
            Code::TokenBusy,
            "another caller has the token; try again, or wait longer (wait_ms)",
        ),
        LeaseError::Removed => removed(),
    })
}

pub(super) fn log(open: &proto::Open, caller: &Caller) {
    tracing::info!(presence_id = open.presence_id, %caller, "a token is leased");
}

/// The caller has left the line.
pub(super) fn cancelled() -> Failure {
    Failure::new(Code::Cancelled, "the caller no longer waits for the token")
}

/// The caller has said nothing for so long.
pub(super) fn idle(time: Duration) -> Failure {
    Failure::new(
        Code::CallerSilent,
        format!(
            "nothing was asked for in this lease for {} seconds, which ends it, so that others get \
             the token; open another",
            time.as_secs()
        ),
    )
}

/// The token has gone while it was leased.
pub(super) fn removed() -> Failure {
    Failure::new(
        Code::TokenRemoved,
        "the token was unplugged, which ends its lease; plug it in and open another",
    )
}
