//! Audit rows of what the services do themselves.

use serde_json::{Map, Value};

use super::auth::Caller;
use crate::{
    audit::{self, Entry, Outcome},
    store::{Micros, Result, Write},
};

/// Writes a row in the transaction of the change. `object` is `kind:id`.
pub(super) async fn record<const N: usize>(
    tx: &mut Write<'_>,
    caller: &Caller,
    now: Micros,
    verb: &'static str,
    object: String,
    facts: [(&str, Value); N],
) -> Result<()> {
    let entry = Entry {
        at: now,
        actor: caller.actor.clone(),
        verb,
        object,
        operation: None,
        outcome: Outcome::Ok,
        facts: facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    };
    audit::append(tx, entry).await.map(drop)
}
