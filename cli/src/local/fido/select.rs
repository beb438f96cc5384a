//! `keysteward --agent ADDRESS token fido select`: which of the keys that are plugged in is meant.
//! All of them wait for a touch; the first to get it is the one, and the others are told to stop.

use std::cell::Cell;

use futures::future;
use keysteward_proto::agent::v1::{self as wire, step::Verb};
use tokio::sync::watch;

use super::{Keys, Which, lease_of};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    local::token::{Token, find, plugged},
    output::{Format, Output},
};

const PURPOSE: &str = "find this key";

pub(super) async fn run(agent: &Agent, which: &Which, output: &mut Output<'_>) -> Result<()> {
    let mut keys = plugged(agent).await?;
    keys.retain(speaks_fido);
    if which.token.is_some() || keys.is_empty() {
        keys = vec![find(agent, which.token.as_deref()).await?];
    }
    let touched = first_touched(agent, keys).await?;
    if output.format() == Format::Json {
        return super::done(output, "select", &touched.presence_id);
    }
    output.say(&Token::from(touched).called())
}

fn speaks_fido(token: &wire::Token) -> bool {
    let is_one = |applet: &String| ["fido2", "u2f"].contains(&applet.as_str());
    token.applets.iter().any(is_one)
}

/// Asks all of `keys` at once. Where none of them is touched, why the last one was not.
async fn first_touched(agent: &Agent, keys: Vec<wire::Token>) -> Result<wire::Token> {
    let (found, _) = watch::channel(false);
    let first = Cell::new(None);
    let asked = keys.into_iter().map(|token| {
        let (found, first) = (&found, &first);
        async move {
            wait_for_touch(agent, &token, found).await?;
            if !found.send_replace(true) {
                first.set(Some(token));
            }
            Ok(())
        }
    });
    let ends: Vec<Result<()>> = future::join_all(asked).await;
    let refused = ends.into_iter().filter_map(Result::err).last();
    first
        .take()
        .ok_or_else(|| refused.unwrap_or(Failure::Answer("no key was touched")))
}

async fn wait_for_touch(
    agent: &Agent,
    token: &wire::Token,
    found: &watch::Sender<bool>,
) -> Result<()> {
    let other_is_found = || async {
        let mut found = found.subscribe();
        // The sender outlives this.
        let _ = found.wait_for(|found| *found).await;
    };
    let mut lease = tokio::select! {
        lease = lease_of(agent, Keys::default(), token, PURPOSE) => lease?,
        () = other_is_found() => return Ok(()),
    };
    let select = Verb::Select(wire::Select {});
    lease.read_until(select, other_is_found()).await.map(drop)
}
