//! One step, from request to answer: local policy, the journal before and after, the verb between.

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::{
    Answer, Code, Failure, Request,
    conduct::{self, Conduct, TokenSession, converse},
    configure, delete_credential,
    fingerprint::fingerprint,
    inspect, list_credentials, look_for_credentials, make_credential, pin,
    progress::{Cancel, Listener},
    prove_credential, settle,
    watched::Effect,
};
use crate::{
    clock,
    journal::{
        Attempt, Begun, Intent, Journal, JournalError, MadeHere, Memory, Probe, Record, State,
        StepKey, TokenName,
    },
    settings::Policy,
    token::Bench,
};

/// What every step needs.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub(crate) journal: Arc<Journal>,
    pub(crate) policy: Arc<Policy>,
}

/// A step that somebody asks for.
pub(crate) struct Order {
    pub(crate) request: Request,
    /// Needed by verbs that [need one](super::Verb::needs_key).
    pub(crate) key: Option<StepKey>,
    /// As the journal writes them down.
    pub(crate) caller: String,
    /// For all of it, waiting for a touch included.
    pub(crate) patience: Duration,
    pub(crate) cancel: Cancel,
    pub(crate) listener: Listener,
}

/// What came of it.
pub(crate) enum Outcome {
    Answer(Answer),
    /// Status, then CBOR; perhaps with secrets of the caller's session.
    Raw(Zeroizing<Vec<u8>>),
}

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
    /// Whether this host lets it be done, and a key is there where one is needed. No token has
    /// seen anything, and nothing is written.
    pub(crate) fn check(&self, order: &Order) -> Result<(), Failure> {
        let verb = order.request.verb();
        self.policy.check_verb(verb)?;
        if let Some(rp_id) = order.request.rp_id() {
            self.policy.check_rp_id(rp_id)?;
        }
        if let Request::ProveCredential { rp_id, .. } = &order.request {
            prove_credential::check(self.known(&order.request)?.as_ref(), rp_id)?;
        }
        if verb.needs_key() && order.key.is_none() {
            return Err(Failure::invalid(
                "key",
                "nothing",
                "operation_id, step and attempt, since this verb changes the token",
            ));
        }
        Ok(())
    }

    /// What is known of an attempt that was made before under this key: its end, or why the key
    /// cannot be used. `None` if the key is fresh.
    pub(crate) fn recall(&self, order: &Order) -> Option<Result<Outcome, Failure>> {
        let key = order
            .key
            .as_ref()
            .filter(|_| order.request.verb().needs_key())?;
        match self.journal.get(key) {
            Ok(record) => record.map(|record| replay(record, &order.request)),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Carries a step out, on the token's thread. A reset goes another way: [`super::reset`].
    pub(crate) fn perform(&self, bench: &mut Bench, order: Order) -> Result<Outcome, Failure> {
        if let Some(before) = self.recall(&order) {
            return before;
        }
        let Order {
            request,
            key,
            caller,
            patience,
            cancel,
            listener,
        } = order;
        let mut conduct = Conduct::new(patience, cancel, listener);
        match key.filter(|_| request.verb().needs_key()) {
            None => self
                .look(bench, &mut conduct, &request)
                .map(Outcome::Answer),
            Some(key) => {
                let step = Step {
                    key,
                    caller,
                    request,
                };
                self.change(bench, &mut conduct, &step)
            }
        }
    }

    /// Verbs that change nothing are not journaled.
    fn look(
        &self,
        bench: &mut Bench,
        conduct: &mut Conduct,
        request: &Request,
    ) -> Result<Answer, Failure> {
        match request {
            Request::Inspect => inspect::run(bench, conduct),
            Request::LookForCredentials {
                rp_id,
                credential_ids,
            } => {
                converse(bench, conduct, |session| {
                    look_for_credentials::run(session, rp_id, credential_ids)
                })
                .0
            }
            Request::ListCredentials { pin, rp_id } => {
                converse(bench, conduct, |session| {
                    list_credentials::run(session, &self.policy, pin, rp_id.as_deref())
                })
                .0
            }
            Request::Select => {
                converse(bench, conduct, |session| {
                    session.select()?;
                    Ok(Answer::Done)
                })
                .0
            }
            _ => Err(Failure::new(
                Code::Internal,
                "this verb changes the token and came without a key",
            )),
        }
    }

    fn change(
        &self,
        bench: &mut Bench,
        conduct: &mut Conduct,
        step: &Step,
    ) -> Result<Outcome, Failure> {
        if let Request::Raw(bytes) = &step.request {
            return self.raw(bench, conduct, step, bytes);
        }
        let token = bench.token().name();
        let mut attempt = None;
        let (result, effect) = converse(bench, conduct, |session| {
            let probe = self.probe(session, &step.request)?;
            let intent = step.intent(token.clone(), probe);
            attempt = Some(self.begin(&step.key, intent, State::Started)?);
            self.run(session, &step.request, &token)
        });
        let ended = self.conclude(bench, attempt, result, effect)?;
        Ok(Outcome::Answer(ended))
    }

    fn raw(
        &self,
        bench: &mut Bench,
        conduct: &mut Conduct,
        step: &Step,
        bytes: &[u8],
    ) -> Result<Outcome, Failure> {
        let probe = Probe::Raw {
            command: bytes.first().copied().unwrap_or_default(),
        };
        let intent = step.intent(bench.token().name(), probe);
        let attempt = self.begin(&step.key, intent, State::Started)?;
        let (response, effect) = conduct::exchange(bench, conduct, bytes);
        let (response, result) = match response {
            Ok(response) => (response, Ok(Answer::RawExchanged.into())),
            Err(failure) => (Zeroizing::default(), Err(failure)),
        };
        self.conclude(bench, Some(attempt), result, effect)?;
        Ok(Outcome::Raw(response))
    }

    /// How the token stands before.
    fn probe(
        &self,
        session: &mut TokenSession<'_, '_>,
        request: &Request,
    ) -> Result<Probe, Failure> {
        match request {
            Request::SetPin { .. } => pin::probe_set(session),
            Request::ChangePin { .. } => pin::probe_change(session),
            Request::Configure(configure) => Ok(configure::probe(configure)),
            Request::MakeCredential(make) => Ok(make_credential::probe(make)),
            Request::DeleteCredential {
                credential_id,
                rp_id,
                ..
            } => delete_credential::probe(
                session,
                &self.policy,
                credential_id,
                rp_id,
                self.known(request)?.as_ref(),
            ),
            _ => Ok(Probe::Harmless),
        }
    }

    fn run(
        &self,
        session: &mut TokenSession<'_, '_>,
        request: &Request,
        token: &TokenName,
    ) -> Result<Ended, Failure> {
        match request {
            Request::SetPin { new_pin } => pin::set(session, new_pin).map(Ended::from),
            Request::ChangePin {
                current_pin,
                new_pin,
            } => pin::change(session, current_pin, new_pin).map(Ended::from),
            Request::Configure(configure) => configure::run(session, configure).map(Ended::from),
            Request::MakeCredential(make) => {
                let made = make_credential::run(session, make)?;
                Ok(Ended {
                    answer: made.answer,
                    memory: Some(Memory::Made {
                        credential_id: made.credential_id,
                        made: MadeHere {
                            rp_id: make.rp_id.clone(),
                            token: token.clone(),
                            visible: made.visible,
                        },
                    }),
                })
            }
            Request::DeleteCredential {
                pin, credential_id, ..
            } => Ok(Ended {
                answer: delete_credential::run(session, pin, credential_id)?,
                memory: Some(Memory::Deleted {
                    credential_id: credential_id.clone(),
                }),
            }),
            Request::ProveCredential {
                pin,
                rp_id,
                credential_id,
                client_data_hash,
            } => prove_credential::run(
                session,
                pin.as_ref(),
                rp_id,
                credential_id,
                client_data_hash,
            )
            .map(Ended::from),
            _ => Err(Failure::new(
                Code::Internal,
                "this verb is not a plain change",
            )),
        }
    }

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
    /// looked at.
    pub(super) fn conclude(
        &self,
        bench: &mut Bench,
        attempt: Option<Attempt>,
        result: Result<Ended, Failure>,
        effect: Effect,
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
            tracing::error!(%key, %error, "the end of a step could not be written down");
            return Err(Failure {
                changed: effect.changed || result.is_ok(),
                ..Failure::from(error)
            });
        }
        if effect.changed {
            settle::refresh(bench);
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

    /// What this agent remembers of the credential that a request names.
    fn known(&self, request: &Request) -> Result<Option<MadeHere>, Failure> {
        match request {
            Request::DeleteCredential { credential_id, .. }
            | Request::ProveCredential { credential_id, .. } => {
                Ok(self.journal.credential(credential_id)?)
            }
            _ => Ok(None),
        }
    }
}

/// What an attempt on record says to a repeat of its request.
fn replay(record: Record, request: &Request) -> Result<Outcome, Failure> {
    let reused = |why: &str| Failure::new(Code::KeyReused, why);
    if record.intent.verb != request.verb() || record.intent.fingerprint != fingerprint(request) {
        return Err(reused(
            "this key was used before for another request; use a new attempt or step",
        ));
    }
    match record.state {
        State::Done(Answer::RawExchanged) => Err(reused(
            "this raw exchange was made before, and its answer is not kept; use a new attempt",
        )),
        State::Done(answer) => Ok(Outcome::Answer(answer)),
        State::Failed(failure) => Err(failure),
        State::Waiting | State::Started => Err(Failure {
            changed: true,
            ..Failure::new(
                Code::OutcomeUnknown,
                "this attempt is being made, or was cut off and waits for its token; ask the journal",
            )
        }),
        State::Unknown { explanation } => Err(Failure {
            changed: true,
            ..Failure::new(Code::OutcomeUnknown, explanation)
        }),
    }
}

/// A step with its key.
struct Step {
    key: StepKey,
    caller: String,
    request: Request,
}

impl Step {
    fn intent(&self, token: TokenName, probe: Probe) -> Intent {
        Intent {
            verb: self.request.verb(),
            fingerprint: fingerprint(&self.request),
            caller: self.caller.clone(),
            token,
            probe,
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::new(Code::Internal, error.to_string())
    }
}
