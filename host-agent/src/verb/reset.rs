//! Erases a token. CTAP 2.3 §6.6.
//!
//! A token without a display takes a reset only within 10 seconds after it was plugged in, and some
//! only as the first thing they hear. So a person is asked to unplug it and plug it in again, and
//! the command is on its way as soon as the token is there:
//!
//! ```text
//!            intent on disk      gone       the same one came       touched
//!  (leased) ----------------> Unplug ----> PlugIn ----------> Touch -------> (erased)
//!                 '--- cancelled, out of patience, another one came: nothing was sent ---'
//! ```
//!
//! The token's word that it was erased is checked by a look at it.
//!
//! Blocks from start to end; to be called on a thread that may.

mod read_back;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use tokio::runtime::Handle;

use super::{
    Answer, Code, Failure, Request,
    attempt::Ended,
    conduct::{Conduct, converse},
    fingerprint::fingerprint,
    progress::Waiting,
    read, settle,
    steps::{Order, Outcome, Steps, check_u2f},
};
use crate::{
    clock,
    journal::{Attempt, Intent, Memory, Probe, State, TokenName},
    token::{Bench, Inventory, Lease, Likeness, Reading, Token, likeness},
};

/// Carries a reset out. The lease that comes back is on the token as it is plugged in then; `None`
/// if it is not.
pub(crate) fn reset(
    steps: &Steps,
    inventory: &Arc<Inventory>,
    runtime: &Handle,
    lease: Lease,
    order: Order,
) -> (Option<Lease>, Result<Outcome, Failure>) {
    if let Some(before) = steps.recall(&order) {
        return (Some(lease), before);
    }
    let (attempt, conduct) = match begin(steps, &lease, order) {
        Ok(begun) => begun,
        Err(failure) => return (Some(lease), Err(failure)),
    };
    let recorded = lease.token().name();
    let flow = Flow {
        steps,
        inventory,
        deadline: clock::now() + conduct.left(),
        before: inventory
            .list()
            .iter()
            .map(|token| token.presence_id().to_owned())
            .collect(),
        recorded,
    };
    let (lease, result) = flow.run(runtime, lease, attempt, conduct);
    (lease, result.map(Outcome::Answer))
}

/// Looks how the token stands, and writes the intent: nothing is sent before the person has done
/// their part.
fn begin(steps: &Steps, lease: &Lease, order: Order) -> Result<(Attempt, Conduct), Failure> {
    let Some(key) = order.key else {
        return Err(Failure::new(Code::Internal, "a reset came without a key"));
    };
    let mut conduct = Conduct::new(order.patience, order.cancel, order.listener);
    let steps = steps.clone();
    let begun = lease.run(move |bench| {
        check_u2f(bench, order.request.verb())?;
        let (facts, _) = converse(bench, &mut conduct, |session| Ok(session.facts()?));
        let intent = Intent {
            verb: order.request.verb(),
            fingerprint: fingerprint(&Request::Reset),
            caller: order.caller,
            token: bench.token().name(),
            probe: Probe::Reset {
                pin_was_set: facts?.client_pin == Some(true),
            },
        };
        let attempt = steps.begin(&key, intent, State::Waiting)?;
        Ok((attempt, conduct))
    });
    begun.blocking_recv().unwrap_or_else(|_| Err(removed()))
}

struct Flow<'s> {
    steps: &'s Steps,
    inventory: &'s Arc<Inventory>,
    deadline: Instant,
    /// Tokens that were there at the start: none of them was plugged in anew.
    before: BTreeSet<String>,
    recorded: TokenName,
}

impl Flow<'_> {
    fn run(
        &self,
        runtime: &Handle,
        lease: Lease,
        attempt: Attempt,
        mut conduct: Conduct,
    ) -> (Option<Lease>, Result<Answer, Failure>) {
        let expected = self.inventory.expect_replug();
        let replugged = self.replugged(&mut conduct).and_then(|token| {
            runtime
                .block_on(token.lease(conduct.left()))
                .map_err(|_| removed())
        });
        let leased = match replugged {
            Ok(leased) => leased,
            Err(failure) => return self.give_up(lease, attempt, failure),
        };
        drop(expected);
        let (steps, recorded) = (self.steps.clone(), self.recorded.clone());
        let sent = leased.run(move |bench| send(&steps, bench, &recorded, attempt, &mut conduct));
        let result = sent.blocking_recv().unwrap_or_else(|_| Err(removed()));
        let lease = (!leased.token().gone().is_cancelled()).then_some(leased);
        (lease, result)
    }

    /// Asks for unplug and plug-in; gives the token that came back.
    fn replugged(&self, conduct: &mut Conduct) -> Result<Arc<Token>, Failure> {
        conduct.tell(Waiting::Unplug);
        self.wait(conduct, "unplugged", |tokens| {
            (!tokens.contains_key(&self.recorded.presence_id)).then_some(())
        })?;
        conduct.tell(Waiting::PlugIn);
        let token = self.wait(conduct, "plugged in again", |tokens| {
            tokens
                .values()
                .find(|token| !self.before.contains(token.presence_id()))
                .cloned()
        })?;
        if likeness(&self.recorded, &token.name()) == Likeness::Other {
            return Err(Failure::new(
                Code::TokenSwapped,
                format!(
                    "another token was plugged in than the one to be reset ({}); nothing was \
                     erased, try again with the right one",
                    token.title()
                ),
            ));
        }
        Ok(token)
    }

    fn wait<T>(
        &self,
        conduct: &Conduct,
        what: &str,
        sought: impl Fn(&std::collections::BTreeMap<String, Arc<Token>>) -> Option<T>,
    ) -> Result<T, Failure> {
        let found = self.inventory.wait_for(self.deadline, |tokens| {
            if conduct.is_cancelled() {
                return Some(Err(Failure::new(
                    Code::Cancelled,
                    "the reset was cancelled; nothing was erased",
                )));
            }
            sought(tokens).map(Ok)
        });
        found.unwrap_or_else(|| {
            Err(Failure::new(
                Code::TouchTimeout,
                format!("the token was not {what} in time; nothing was erased, try again"),
            ))
        })
    }

    /// Nothing was sent, and the journal says so.
    fn give_up(
        &self,
        lease: Lease,
        attempt: Attempt,
        failure: Failure,
    ) -> (Option<Lease>, Result<Answer, Failure>) {
        let end = State::Failed(failure.clone());
        let lease = (!lease.token().gone().is_cancelled()).then_some(lease);
        match attempt.finish(end, None, clock::now_us()) {
            Ok(()) => (lease, Err(failure)),
            Err(error) => (lease, Err(error.into())),
        }
    }
}

/// The token is there: erases it.
fn send(
    steps: &Steps,
    bench: &mut Bench,
    recorded: &TokenName,
    attempt: Attempt,
    conduct: &mut Conduct,
) -> Result<Answer, Failure> {
    let made = settle::made_on(&steps.journal, recorded)?;
    let then = match bench.token().reading() {
        Reading::Read(facts) => Some(facts),
        _ => None,
    };
    if then
        .as_ref()
        .is_some_and(|facts| facts.long_touch_for_reset)
    {
        conduct.teller().await_presence_by(Waiting::LongTouch);
    }
    attempt.mark_sent()?;
    let (result, effect) = converse(bench, conduct, |session| Ok(session.reset()?));
    let result = result.and_then(|()| {
        read_back::check(bench, conduct, then.as_deref(), &made)?;
        let credential_ids = made.into_iter().map(|(id, _)| id).collect();
        Ok(Ended {
            answer: Answer::Done,
            memory: Some(Memory::Erased { credential_ids }),
        })
    });
    steps.conclude(bench, Some(attempt), result, effect, read::refresh)
}

fn removed() -> Failure {
    Failure::new(
        Code::TokenRemoved,
        "the token was unplugged before it could be reset; try again",
    )
}
