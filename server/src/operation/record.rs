//! What came of an attempt, written down: its row, the progress, rows of ours,
//! the audit and the acknowledgement to the agent, in one transaction.

use core::time::Duration;

use keysteward_proto::agent::v1::{
    self as agent, Outcome, StepError, StepResult, outcome::State as Journal, step_error::Code,
    step_result::Result as Told,
};
use serde_json::{Map, json};

use super::{
    Inner, StepName, effects,
    hosts::CallError,
    idp_step::{Failing, IdpDone, IdpFailed},
    issue,
    look::{Found, NotNow},
    made,
    plan::ABSENT,
    token_step::{self, Judgement},
    work::Work,
};
use crate::{
    audit,
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
pub(super) enum Finished {
    /// A step at a token.
    Token(Attempt, Result<StepResult, CallError>),
    /// A step at the identity provider.
    Idp(Attempt, Result<IdpDone, IdpFailed>),
    /// A question to a host's journal.
    Journal(Attempt, Result<Outcome, CallError>),
    /// A look at the token.
    Look(StepName, Result<Found, NotNow>),
}

impl Inner {
    pub(super) async fn record(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        finished: Finished,
    ) -> store::Result<()> {
        match finished {
            Finished::Token(attempt, Ok(result)) => self.told(tx, work, &attempt, result).await,
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
            // Left as started: the journal is asked.
            Finished::Token(attempt, Err(CallError::Lost(why))) => {
                work.operation.remark = format!("{}: {why}; its journal is asked", attempt.step);
                Ok(())
            }
            Finished::Journal(attempt, outcome) => self.journal(tx, work, &attempt, outcome).await,
            Finished::Look(step, found) => self.looked(tx, work, step, found).await,
            Finished::Idp(attempt, result) => self.idp(tx, work, &attempt, result).await,
        }
    }

    /// The token did it and told what.
    async fn told(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        result: StepResult,
    ) -> store::Result<()> {
        close(tx, work, attempt, State::Done, "").await?;
        acknowledge(tx, work, attempt).await?;
        let step = name(attempt)?;
        match (step, result.result) {
            (StepName::Inspect, Some(Told::Inspected(seen))) => inspected(work, &seen),
            (StepName::MakeCredential, Some(Told::CredentialMade(credential))) => {
                made::record(tx, work, &credential).await?;
            }
            (StepName::Inspect | StepName::MakeCredential, _) => {
                // Done, and the answer is no use: what it made must be looked for.
                close(
                    tx,
                    work,
                    attempt,
                    State::Unknown,
                    "the agent's answer lacks its result",
                )
                .await?;
                work.progress.look = Some(step);
                return Ok(());
            }
            _ => {}
        }
        self.done(tx, work, step).await
    }

    /// The step had its effect, whoever says so.
    pub(super) async fn done(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
    ) -> store::Result<()> {
        let own = work.operation.kind == Operation::Issue;
        let mut facts = Map::new();
        match step {
            StepName::SetPin | StepName::ChangePin => {
                sealed_secret::promote(tx, work.token.id, Kind::Pin).await?;
                work.secrets = sealed_secret::of_token(tx, work.token.id).await?;
            }
            StepName::DeleteCredential => {
                let gone = work.facts().to_delete(own).map(|c| c.id);
                if let Some(c) = work.credentials.iter_mut().find(|c| Some(c.id) == gone) {
                    c.on_token = OnToken::Deleted;
                    credential::update(tx, c).await?;
                    facts.insert("credential".into(), json!(hex::encode(&c.credential_id)));
                }
            }
            StepName::MakeCredential => {
                if let Some(c) = work.facts().credential(work.progress.credential) {
                    facts.insert("credential".into(), json!(hex::encode(&c.credential_id)));
                    facts.insert("attestation".into(), json!(c.attestation));
                }
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

    /// The agent or the token refused. `settled`: the journal says so, there is
    /// no more to ask.
    async fn refused(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        error: &StepError,
        settled: bool,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let why = token_step::sentence(error);
        let judgement = match token_step::judge(error) {
            Judgement::AskJournal if settled => {
                return unknown(tx, work, attempt, &why).await;
            }
            Judgement::AskJournal => return Ok(()),
            other => other,
        };
        let code = error.code();
        let forced = step == StepName::Configure
            && work.operation.kind == Operation::HandOverPin
            && code == Code::PinChangeForced;
        let gone = step == StepName::DeleteCredential && code == Code::CredentialNotFound;
        if forced || gone {
            close(tx, work, attempt, State::Done, &why).await?;
            acknowledge(tx, work, attempt).await?;
            return self.done(tx, work, step).await;
        }
        close(tx, work, attempt, State::Failed, &why).await?;
        acknowledge(tx, work, attempt).await?;
        let mut facts = Map::new();
        facts.insert("why".into(), json!(why));
        effects::record(tx, work, step.verb(), audit::Outcome::Failed, facts).await?;
        if code == Code::Cancelled
            && let Some(by) = work.operation.cancelled_by.clone()
        {
            work.cancel(&by);
            return Ok(());
        }
        match judgement {
            Judgement::Absent if work.expired() => {
                self.gives_up(work, step, &why, "plug the key in, and try again");
            }
            Judgement::Absent => {
                work.wait_for(self.backoff(3), format!("{step}: {why}"));
            }
            Judgement::MayPass(at_least) => {
                let tries = count(work, step);
                if tries > self.settings.tries || work.expired() {
                    self.gives_up(work, step, &why, token_step::advice(error));
                } else {
                    let wait = self
                        .backoff(tries)
                        .max(at_least.min(self.settings.longest_wait));
                    work.wait_for(wait, format!("{step}: {why}; try {} follows", tries + 1));
                }
            }
            Judgement::Stands if step == StepName::DeleteCredential => {
                if code == Code::PinAuthBlocked {
                    self.gives_up(work, step, &why, token_step::advice(error));
                } else {
                    work.progress.undeletable = Some(why);
                }
            }
            Judgement::Stands | Judgement::AskJournal => {
                self.gives_up(work, step, &why, token_step::advice(error));
            }
        }
        Ok(())
    }

    /// Turns round; where it has turned round already, asks a person.
    fn gives_up(&self, work: &mut Work, step: StepName, why: &str, advice: &str) {
        let undoing = work.progress.failure.is_some() || step == StepName::DeleteCredential;
        if undoing {
            let remark = format!("{step}: {why}");
            work.park(operation::State::NeedsAttention, step, remark, advice);
        } else {
            work.progress.fail(format!("{step}: {why}"), advice);
        }
    }

    async fn journal(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        outcome: Result<Outcome, CallError>,
    ) -> store::Result<()> {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(why) => {
                let remark = format!("{}: its journal does not answer ({why})", attempt.step);
                self.wait_or_ask(work, name(attempt)?, remark);
                return Ok(());
            }
        };
        match outcome.state() {
            Journal::NotFound => {
                close(
                    tx,
                    work,
                    attempt,
                    State::Failed,
                    "it never started at the host",
                )
                .await
            }
            Journal::Done => {
                let result = outcome.result.unwrap_or_default();
                self.told(tx, work, attempt, result).await
            }
            Journal::Failed => {
                let error = outcome.error.unwrap_or_default();
                self.refused(tx, work, attempt, &error, true).await
            }
            Journal::Unknown => unknown(tx, work, attempt, &outcome.explanation).await,
            Journal::Started | Journal::Unspecified => {
                let remark = format!("{}: the host has not settled what happened", attempt.step);
                self.wait_or_ask(work, name(attempt)?, remark);
                Ok(())
            }
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

    async fn looked(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
        found: Result<Found, NotNow>,
    ) -> store::Result<()> {
        let last = work
            .attempts
            .iter()
            .filter(|attempt| attempt.step == step.as_str())
            .max_by_key(|attempt| attempt.attempt)
            .cloned();
        let number = last.as_ref().map_or(0, |attempt| attempt.attempt);
        let open = last.filter(|attempt| attempt.state == State::Unknown);
        match found {
            Ok(Found::Done) => {
                if let Some(attempt) = open {
                    let how = "found done by looking at the key";
                    close(tx, work, &attempt, State::Done, how).await?;
                }
                self.done(tx, work, step).await
            }
            Ok(Found::NotDone) => {
                if let Some(attempt) = open {
                    let how = "found not done by looking at the key";
                    close(tx, work, &attempt, State::Failed, how).await?;
                }
                work.progress.look = None;
                work.progress.looked = number;
                if count(work, step) > self.settings.tries {
                    let why = "it never happens, try after try";
                    self.gives_up(work, step, why, "look at the key and the host");
                }
                Ok(())
            }
            Ok(Found::Orphan(orphan)) => {
                if let Some(attempt) = open {
                    let how = "found on the key; its attestation was lost, so it is deleted";
                    close(tx, work, &attempt, State::Failed, how).await?;
                }
                made::orphan(tx, work, &orphan).await?;
                work.progress.look = None;
                work.progress.looked = number;
                Ok(())
            }
            Ok(Found::CannotTell(why)) => {
                work.park(
                    operation::State::Unknown,
                    step,
                    format!("nobody knows whether {step} happened: {why}"),
                    "look at the key, then resolve with \"done\" or \"failed\"; or reset the key",
                );
                let facts = Map::new();
                effects::record(tx, work, step.verb(), audit::Outcome::Unknown, facts).await
            }
            Err(not_now) => {
                let remark = format!("looking for what {step} did: {not_now}");
                self.wait_or_ask(work, step, remark);
                Ok(())
            }
        }
    }

    async fn idp(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        result: Result<IdpDone, IdpFailed>,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let failed = match result {
            Ok(IdpDone::User(user)) => {
                work.progress.idp_user = Some(user.0);
                None
            }
            Ok(IdpDone::Standing(standing)) => {
                let mut unlike = None;
                for now in standing {
                    if !as_wanted(work, step, &now.state) {
                        unlike = Some(now.state.clone());
                    }
                    let idp_user = work.progress.idp_user.clone();
                    let found = work.credentials.iter_mut().find(|c| c.id == now.row);
                    let Some(c) = found else { continue };
                    if let Some(id) = now.authenticator {
                        c.idp_authenticator_id = Some(id.0);
                    }
                    c.idp_state = Some(now.state);
                    c.idp_user_id = idp_user.or(c.idp_user_id.take());
                    credential::update(tx, c).await?;
                }
                unlike
            }
            Err(error) => return self.idp_failed(tx, work, attempt, &error).await,
        };
        if let Some(state) = failed {
            let why = format!("the identity provider says that the authenticator is {state}");
            close(tx, work, attempt, State::Failed, &why).await?;
            self.look_again(work, step, &why);
            return Ok(());
        }
        close(tx, work, attempt, State::Done, "").await?;
        work.progress.finish(step);
        let mut facts = Map::new();
        let states: Vec<_> = work
            .credentials
            .iter()
            .filter_map(|c| c.idp_state.as_deref())
            .collect();
        facts.insert("idp_states".into(), json!(states));
        effects::record(tx, work, step.verb(), audit::Outcome::Ok, facts).await
    }

    async fn idp_failed(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        error: &IdpFailed,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let why = error.to_string();
        let failing = error.judge();
        let (state, outcome) = match failing {
            Failing::MaybeChanged => (State::Unknown, audit::Outcome::Unknown),
            _ => (State::Failed, audit::Outcome::Failed),
        };
        close(tx, work, attempt, state, &why).await?;
        let mut facts = Map::new();
        facts.insert("why".into(), json!(why));
        effects::record(tx, work, step.verb(), outcome, facts).await?;
        match failing {
            Failing::Passing(after) => {
                let tries = count(work, step);
                let wait = after.unwrap_or_default().max(self.backoff(tries));
                let late = super::plan::expired(work.operation.deadline, work.now.plus(wait));
                if late {
                    self.gives_up(work, step, &why, error.advice());
                } else {
                    work.wait_for(wait, format!("{step}: {why}; tried again"));
                }
            }
            Failing::MaybeChanged => self.look_again(work, step, &why),
            Failing::Stands => self.gives_up(work, step, &why, error.advice()),
            Failing::AskPerson => work.park(
                operation::State::NeedsAttention,
                step,
                format!("{step}: {why}"),
                error.advice(),
            ),
        }
        Ok(())
    }

    /// Looks again a bounded number of times, then asks a person.
    fn look_again(&self, work: &mut Work, step: StepName, why: &str) {
        let tries = count(work, step);
        if tries > self.settings.tries {
            work.park(
                operation::State::NeedsAttention,
                step,
                format!("{step}: {why}, after {tries} tries"),
                "look at the identity provider, then resolve with \"retry\", \"done\" or \"failed\"",
            );
            return;
        }
        work.wait_for(
            self.backoff(tries),
            format!("{step}: {why}; looked at again"),
        );
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

/// What the token said of itself, and whether that will do.
fn inspected(work: &mut Work, seen: &agent::Inspected) {
    work.progress.pin_set = Some(seen.pin_set);
    let refusal = match work.operation.kind {
        Operation::Issue => issue::refusal(&work.facts(), seen.pin_set),
        Operation::SetPin if seen.pin_set && !work.facts().pins.usable() => Some((
            "the key has a PIN that this server does not hold".into(),
            "give the current PIN (current_pin), or reset the key".into(),
        )),
        _ => None,
    };
    if let Some((reason, next_action)) = refusal {
        work.progress.fail(reason, next_action);
    } else if seen.pin_set && seen.power_cycle_needed {
        work.progress.fail(
            "the key takes no PIN until it is replugged",
            "unplug the key, plug it in, and try again",
        );
    } else if seen.pin_set && seen.pin_retries == 0 {
        work.progress
            .fail("the PIN of the key is blocked", "reset the key");
    }
}

/// Whether the provider's state is what the step was to bring about.
fn as_wanted(work: &Work, step: StepName, state: &str) -> bool {
    let kept = work
        .template
        .as_ref()
        .is_some_and(|row| !row.definition.delete_at_idp);
    match (step, work.operation.kind) {
        (StepName::Publish, _) | (StepName::ReadBack, Operation::Issue) => state != ABSENT,
        (StepName::Suspend, _) | (StepName::ReadBack, Operation::Suspend) => state == "suspended",
        (StepName::Resume, _) | (StepName::ReadBack, Operation::Resume) => {
            state != "suspended" && state != ABSENT
        }
        (StepName::Unpublish, _) => state == ABSENT,
        (StepName::DeleteAuthenticator, _) => state == ABSENT || (kept && state == "suspended"),
        _ => true,
    }
}

/// Nobody knows: the token is looked at.
pub(super) async fn unknown(
    tx: &mut Write<'_>,
    work: &mut Work,
    attempt: &Attempt,
    why: &str,
) -> store::Result<()> {
    close(tx, work, attempt, State::Unknown, why).await?;
    acknowledge(tx, work, attempt).await?;
    let step = name(attempt)?;
    work.progress.look = Some(step);
    let mut facts = Map::new();
    facts.insert("why".into(), json!(why));
    effects::record(tx, work, step.verb(), audit::Outcome::Unknown, facts).await
}

/// Writes down how an attempt ended, in the database and in `work`.
pub(super) async fn close(
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
