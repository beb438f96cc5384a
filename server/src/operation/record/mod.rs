//! What came of an attempt, written down: its row, the progress, rows of ours,
//! the audit and the acknowledgement to the agent, in one transaction.

mod ca;
mod card;
mod idp;
mod token;

pub(super) use ca::answer_lost;

use core::time::Duration;

use keysteward_proto::agent::v1::{Outcome, StepResult};
use serde_json::{Map, json};

use super::{
    Inner, StepName, Target,
    ca_step::{CaDone, CaFailed},
    effects,
    hosts::CallError,
    idp_step::{IdpDone, IdpFailed},
    look::{Found, NotNow},
    work::Work,
};
use crate::{
    audit, key_store,
    store::{
        self, Write,
        credential::{self, OnToken},
        operation::{self, Kind as Operation},
        outbox,
        sealed_secret::{self, Kind},
        step::{self, Attempt, State},
    },
};

/// What came of something that was done outside the database.
pub(in crate::operation) enum Finished {
    /// A step at a token.
    Token(Attempt, Result<Box<StepResult>, CallError>),
    /// The key store did not give an admin key: the step has not left.
    NoKey(Attempt, key_store::Error),
    /// A step at a certification authority.
    Ca(Attempt, Result<CaDone, CaFailed>),
    /// A step at the identity provider.
    Idp(Attempt, Result<IdpDone, IdpFailed>),
    /// A question to a host's journal.
    Journal(Attempt, Result<Box<Outcome>, CallError>),
    /// A look at the token.
    Look(StepName, Result<Found, NotNow>),
}

impl Inner {
    pub(in crate::operation) async fn record(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        finished: Finished,
    ) -> store::Result<()> {
        match finished {
            Finished::Token(attempt, Ok(result)) => self.told(tx, work, &attempt, *result).await,
            Finished::Token(attempt, Err(CallError::Refused(error))) => {
                self.refused(tx, work, &attempt, &error, false).await
            }
            Finished::Token(attempt, Err(CallError::NotSent(why))) => {
                close(tx, work, &attempt, State::Failed, &why).await?;
                work.wait_for(
                    self.backoff(1),
                    format!("{why}; tried again when it is back"),
                );
                Ok(())
            }
            Finished::NoKey(attempt, why) => {
                let step = name(&attempt)?;
                let why = why.to_string();
                close(tx, work, &attempt, State::Failed, &why).await?;
                let tries = count(work, step);
                if tries > self.settings.tries || work.expired() {
                    self.gives_up(work, step, &why, "look at the PKCS #11 token and its log");
                } else {
                    let remark = format!("{step}: {why}; try {} follows", tries + 1);
                    work.wait_for(self.backoff(tries), remark);
                }
                Ok(())
            }
            // Left as started: the journal is asked.
            Finished::Token(attempt, Err(CallError::Lost(why))) => {
                work.operation.remark = format!("{}: {why}; its journal is asked", attempt.step);
                Ok(())
            }
            Finished::Journal(attempt, outcome) => self.journal(tx, work, &attempt, outcome).await,
            Finished::Look(step, found) => self.looked(tx, work, step, found).await,
            Finished::Ca(attempt, result) => self.ca(tx, work, &attempt, result).await,
            Finished::Idp(attempt, result) => self.idp(tx, work, &attempt, result).await,
        }
    }

    /// The step had its effect, whoever says so.
    pub(in crate::operation) async fn done(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
    ) -> store::Result<()> {
        if step.target() == Target::Card {
            return self.card_done(tx, work, step).await;
        }
        let own = work.operation.kind == Operation::Issue;
        let mut facts = Map::new();
        match step {
            StepName::SetPin | StepName::ChangePin => {
                sealed_secret::promote(tx, work.token.id, Kind::Pin).await?;
                work.secrets = sealed_secret::of_token(tx, work.token.id).await?;
                if let Some(seen) = &mut work.token.facts.inspected {
                    seen.pin_retries = None;
                    store::token::update(tx, &work.token).await?;
                }
            }
            StepName::DeleteCredential => {
                let gone = work.facts().to_delete(own).map(|c| c.id);
                if let Some(c) = work.credentials.iter_mut().find(|c| Some(c.id) == gone) {
                    c.on_token = OnToken::Deleted;
                    facts.insert("credential".into(), json!(hex::encode(&c.credential_id)));
                    if c.attestation_object.is_empty() {
                        // It never counted; the audit knows of it.
                        credential::delete(tx, c.id).await?;
                    } else {
                        credential::update(tx, c).await?;
                    }
                }
            }
            StepName::MakeCredential => {
                if let Some(c) = work.facts().credential(work.progress.credential) {
                    facts.insert("credential".into(), json!(hex::encode(&c.credential_id)));
                    facts.insert("attestation".into(), json!(c.attestation));
                }
            }
            StepName::Reset => {
                work.token.facts.inspected = None;
                store::token::update(tx, &work.token).await?;
            }
            _ => {}
        }
        if !matches!(step, StepName::Inspect | StepName::Reset) {
            facts.insert("pin".into(), json!("a sealed PIN was opened for this step"));
        }
        work.progress.finish(step);
        work.progress.look = None;
        effects::record(tx, work, step.verb(), audit::Outcome::Ok, facts).await
    }

    /// Turns round; where it has turned round already, asks a person.
    fn gives_up(&self, work: &mut Work, step: StepName, why: &str, advice: &str) {
        // What cannot be taken back may have happened in an earlier try.
        let unsure = step == StepName::DeleteAuthenticator
            && work
                .attempts
                .iter()
                .any(|a| a.step == step.as_str() && a.state == State::Unknown);
        let deletes = matches!(step, StepName::DeleteCredential | StepName::DeleteContainer);
        let undoing = work.progress.failure.is_some() || deletes;
        if undoing || unsure {
            let remark = format!("{step}: {why}");
            work.park(operation::State::NeedsAttention, step, remark, advice);
        } else {
            work.progress.fail(format!("{step}: {why}"), advice);
        }
    }

    /// Waits a little for what will be known; past the deadline asks a person.
    fn wait_or_ask(&self, work: &mut Work, step: StepName, remark: String) {
        if work.expired() {
            let next_action = "look at the key, then resolve with \"done\" or \"failed\"";
            work.park(operation::State::Unknown, step, remark, next_action);
        } else {
            work.wait_for(self.backoff(3), remark);
        }
    }

    /// Grows with each try.
    fn backoff(&self, tries: u32) -> Duration {
        let doublings = tries.saturating_sub(1).min(16);
        self.settings
            .first_wait
            .saturating_mul(1 << doublings)
            .min(self.settings.longest_wait)
    }
}

/// Nobody knows: the token is looked at.
pub(in crate::operation) async fn unknown(
    inner: &Inner,
    tx: &mut Write<'_>,
    work: &mut Work,
    attempt: &Attempt,
    why: &str,
) -> store::Result<()> {
    close(tx, work, attempt, State::Unknown, why).await?;
    acknowledge(tx, work, attempt).await?;
    let step = name(attempt)?;
    if step.target() == Target::Card {
        inner.card_unsure(work, step, why);
    } else {
        work.progress.look = Some(step);
    }
    let mut facts = Map::new();
    facts.insert("why".into(), json!(why));
    effects::record(tx, work, step.verb(), audit::Outcome::Unknown, facts).await
}

/// Writes down how an attempt ended, in the database and in `work`.
pub(in crate::operation) async fn close(
    tx: &mut Write<'_>,
    work: &mut Work,
    attempt: &Attempt,
    state: State,
    why: &str,
) -> store::Result<()> {
    step::end(tx, attempt, state, why, work.now).await?;
    for known in &mut work.attempts {
        if known.step == attempt.step && known.attempt == attempt.attempt {
            known.state = state;
            known.error = why.to_owned();
            known.ended_at = Some(work.now);
        }
    }
    Ok(())
}

/// The agent may forget it once this transaction is through.
async fn acknowledge(tx: &mut Write<'_>, work: &Work, attempt: &Attempt) -> store::Result<()> {
    let Some(host) = attempt
        .host_id
        .filter(|_| name(attempt).is_ok_and(StepName::changes))
    else {
        return Ok(());
    };
    outbox::insert(
        tx,
        host,
        attempt.operation_id,
        &attempt.step,
        attempt.attempt,
        work.now,
    )
    .await
}

fn name(attempt: &Attempt) -> store::Result<StepName> {
    attempt.step.parse().map_err(|_| store::Error::Corrupt {
        column: "step.step",
    })
}

fn count(work: &mut Work, step: StepName) -> u32 {
    let tries = work.progress.tries.entry(step).or_insert(0);
    *tries = tries.saturating_add(1);
    *tries
}
