//! The journal around a step: the intent before, the end after, before anybody hears of it.

use super::{Answer, Code, Failure, Steps, settle, watched::Effect};
use crate::{
    causes::Causes,
    clock,
    journal::{Attempt, Begun, Intent, Memory, State, StepKey},
    token::Bench,
};

/// How a verb that is journaled ended: beside its answer, what to remember or forget.
pub(super) struct Ended {
    pub(super) answer: Answer,
    pub(super) memory: Option<Memory>,
}

impl From<Answer> for Ended {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            memory: None,
        }
    }
}

impl Steps {
    /// Writes the intent and syncs it. A key that was used meanwhile is refused.
    pub(super) fn begin(
        &self,
        key: &StepKey,
        intent: Intent,
        state: State,
    ) -> Result<Attempt, Failure> {
        tracing::info!(%key, verb = %intent.verb, caller = intent.caller, "a step begins");
        match self.journal.begin(key, intent, state, clock::now_us())? {
            Begun::Fresh(attempt) => Ok(attempt),
            Begun::Before(_) => Err(Failure::new(
                Code::KeyReused,
                format!("the attempt {key} is being made already; ask the journal how it ended"),
            )),
        }
    }

    /// Writes the end and syncs it, before anybody hears of it. Where no end is known, the token is
    /// looked at. `refresh` reads anew what the token that was changed says of itself.
    pub(super) fn conclude(
        &self,
        bench: &mut Bench,
        attempt: Option<Attempt>,
        result: Result<Ended, Failure>,
        effect: Effect,
        refresh: fn(&mut Bench),
    ) -> Result<Answer, Failure> {
        let Some(attempt) = attempt else {
            return result.map(|ended| ended.answer);
        };
        let key = attempt.key().clone();
        let (result, memory) = match result {
            Ok(ended) => (Ok(ended.answer), ended.memory),
            Err(failure) if effect.open => {
                tracing::warn!(%key, %failure, "a step was cut off");
                drop(attempt);
                return self.after_cut(bench, &key, failure);
            }
            Err(failure) => {
                let changed = effect.changed;
                (Err(Failure { changed, ..failure }), None)
            }
        };
        tracing::info!(%key, done = result.is_ok(), "a step has ended");
        let end = match &result {
            Ok(answer) => State::Done(answer.clone()),
            Err(failure) => State::Failed(failure.clone()),
        };
        if let Err(error) = attempt.finish(end, memory.as_ref(), clock::now_us()) {
            tracing::error!(%key, error = %Causes(&error), "the end of a step could not be written down");
            return Err(Failure {
                changed: effect.changed || result.is_ok(),
                ..Failure::from(error)
            });
        }
        if effect.changed {
            refresh(bench);
        }
        result
    }

    /// Looks at the token at once, if it is still there, and tells what the journal then knows.
    fn after_cut(
        &self,
        bench: &mut Bench,
        key: &StepKey,
        failure: Failure,
    ) -> Result<Answer, Failure> {
        settle::settle(self, bench);
        let state = self.journal.get(key)?.map(|record| record.state);
        match state {
            Some(State::Done(answer)) => Ok(answer),
            Some(State::Failed(settled)) => Err(settled),
            Some(State::Unknown { explanation }) => Err(Failure {
                changed: true,
                ..Failure::new(Code::OutcomeUnknown, explanation)
            }),
            Some(State::Started | State::Waiting) | None => Err(Failure {
                message: format!(
                    "{}; whether the step was carried out, the journal will tell once the token \
                     is seen again",
                    failure.message
                ),
                changed: true,
                ..failure
            }),
        }
    }
}
