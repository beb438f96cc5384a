//! What agents and tokens answered.

use keysteward_proto::agent::v1::{
    self as agent, Outcome, StepError, StepResult, outcome::State as Journal, step_error::Code,
    step_result::Result as Told,
};
use serde_json::{Map, json};

use super::{acknowledge, close, count, name, unknown};
use crate::{
    audit,
    operation::{
        Inner, StepName, Target, effects,
        hosts::CallError,
        issue,
        look::{Found, NotNow},
        made, recognise,
        token_step::{self, Judgement},
        work::Work,
    },
    store::{
        self, Write,
        operation::{self, Kind as Operation},
        step::{Attempt, State},
        token,
    },
};

impl Inner {
    /// The token did it and told what.
    pub(super) async fn told(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        result: StepResult,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        if step.target() == Target::Card {
            return self.card_told(tx, work, attempt, result).await;
        }
        close(tx, work, attempt, State::Done, "").await?;
        acknowledge(tx, work, attempt).await?;
        match (step, result.result) {
            (StepName::Inspect, Some(Told::Inspected(seen))) => inspected(tx, work, &seen).await?,
            (StepName::MakeCredential, Some(Told::CredentialMade(credential))) => {
                made::record(self, tx, work, &credential).await?;
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

    /// The agent or the token refused. `settled`: the journal says so, there is
    /// no more to ask.
    pub(super) async fn refused(
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
                return unknown(self, tx, work, attempt, &why).await;
            }
            Judgement::AskJournal => return Ok(()),
            other => other,
        };
        if step.target() == Target::Card
            && self
                .card_settled_otherwise(tx, work, attempt, error)
                .await?
        {
            return Ok(());
        }
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
            && work.progress.failure.is_none()
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
                    self.gives_up(work, step, &why, token_step::advice(step.target(), error));
                } else {
                    let wait = self
                        .backoff(tries)
                        .max(at_least.min(self.settings.longest_wait));
                    work.wait_for(wait, format!("{step}: {why}; try {} follows", tries + 1));
                }
            }
            // So does a card that lost its power for a moment, and with it who has authority.
            Judgement::Stands
                if step == StepName::DeleteContainer
                    && code == Code::Refused
                    && count(work, step) == 1 =>
            {
                let wait = self.backoff(1);
                work.wait_for(wait, format!("{step}: {why}; the card is asked once more"));
            }
            Judgement::Stands
                if matches!(step, StepName::DeleteCredential | StepName::DeleteContainer) =>
            {
                if code == Code::PinAuthBlocked {
                    self.gives_up(work, step, &why, token_step::advice(step.target(), error));
                } else {
                    work.progress.undeletable = Some(why);
                }
            }
            Judgement::Stands | Judgement::AskJournal => {
                self.gives_up(work, step, &why, token_step::advice(step.target(), error));
            }
        }
        Ok(())
    }

    pub(super) async fn journal(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        outcome: Result<Box<Outcome>, CallError>,
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
            Journal::Unknown => unknown(self, tx, work, attempt, &outcome.explanation).await,
            Journal::Started | Journal::Unspecified => {
                let remark = format!("{}: the host has not settled what happened", attempt.step);
                if work.place.is_none() && !work.expired() {
                    // It looks as soon as the key is back, and then we are told.
                    work.wait(remark);
                    return Ok(());
                }
                self.wait_or_ask(work, name(attempt)?, remark);
                Ok(())
            }
        }
    }

    pub(super) async fn looked(
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
}

/// What the token said of itself, and whether that will do.
async fn inspected(
    tx: &mut Write<'_>,
    work: &mut Work,
    seen: &agent::Inspected,
) -> store::Result<()> {
    work.token.facts.inspected = Some(recognise::inspected(seen, work.now));
    token::update(tx, &work.token).await?;
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
    Ok(())
}
