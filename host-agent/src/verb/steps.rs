//! One step, from request to answer: local policy, the journal before and after, the verb between.

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::{
    Answer, Code, Failure, Request, Verb,
    card::CardStep,
    change::Step,
    conduct::{self, Conduct, converse, converse_u2f},
    fingerprint::fingerprint,
    fingerprints, identity, inspect, large_blobs,
    list_credentials::{self, Proof},
    look_for_credentials, persistent_token,
    progress::{Cancel, Listener},
    u2f,
};
use crate::{
    causes::Causes,
    journal::{Journal, JournalError, MadeHere, Record, State, StepKey},
    settings::Policy,
    token::{Bench, Reading},
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
    /// Of a key: status, then CBOR. Of a card: data, then status. Perhaps with secrets of the
    /// caller's session.
    Raw(Zeroizing<Vec<u8>>),
    PersistentToken(Zeroizing<Vec<u8>>),
    /// In clear.
    LargeBlob(Zeroizing<Vec<u8>>),
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
        check_u2f(bench, order.request.verb())?;
        let Order {
            request,
            key,
            caller,
            patience,
            cancel,
            listener,
        } = order;
        let mut conduct = Conduct::new(patience, cancel, listener);
        let key = key.filter(|_| request.verb().needs_key());
        if let Request::Card(card) = &request {
            let step = CardStep {
                request: card,
                fingerprint: fingerprint(&request),
                key,
                caller,
            };
            return self.card(bench, &conduct, &step);
        }
        match key {
            None => self.look(bench, &mut conduct, &request),
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
    ) -> Result<Outcome, Failure> {
        let teller = conduct.teller();
        match request {
            Request::GrantPersistentToken { verification } => {
                let verifier = verification.verifier(&teller);
                converse(bench, conduct, |session| {
                    persistent_token::grant(session, &verifier)
                })
                .0
                .map(Outcome::PersistentToken)
            }
            Request::ReadLargeBlob {
                verification,
                credential_id,
            } => {
                let verifier = verification.verifier(&teller);
                converse(bench, conduct, |session| {
                    large_blobs::read(session, &self.policy, &verifier, credential_id)
                })
                .0
                .map(Outcome::LargeBlob)
            }
            request => self
                .look_openly(bench, conduct, request)
                .map(Outcome::Answer),
        }
    }

    /// Looks whose answer is no secret.
    fn look_openly(
        &self,
        bench: &mut Bench,
        conduct: &mut Conduct,
        request: &Request,
    ) -> Result<Answer, Failure> {
        let teller = conduct.teller();
        match request {
            Request::Inspect => inspect::run(bench, conduct),
            Request::Wink => conduct::wink(bench, conduct).map(|()| Answer::Done),
            Request::DescribeFingerprintSensor => {
                converse(bench, conduct, fingerprints::describe_sensor).0
            }
            Request::ListFingerprints { verification } => {
                let verifier = verification.verifier(&teller);
                converse(bench, conduct, |session| {
                    fingerprints::list(session, &verifier)
                })
                .0
            }
            Request::ListLargeBlobs { verification } => {
                let verifier = verification.verifier(&teller);
                converse(bench, conduct, |session| {
                    large_blobs::list(session, &self.policy, &verifier)
                })
                .0
            }
            Request::ReadIdentity { persistent_token } => {
                converse(bench, conduct, |session| {
                    identity::read(session, persistent_token)
                })
                .0
            }
            Request::LookForCredentials {
                rp_id,
                credential_ids,
            } if matches!(bench.token().reading(), Reading::U2f) => {
                converse_u2f(bench, conduct, |session| {
                    u2f::look_for_credentials(session, rp_id, credential_ids)
                })
            }
            Request::LookForCredentials {
                rp_id,
                credential_ids,
            } => {
                converse(bench, conduct, |session| {
                    look_for_credentials::run(session, rp_id, credential_ids)
                })
                .0
            }
            Request::ListCredentials {
                verification,
                persistent_token,
                rp_id,
            } => {
                let proof = Proof {
                    verifier: verification
                        .as_ref()
                        .map(|verification| verification.verifier(&teller)),
                    persistent_token: persistent_token.as_ref(),
                };
                converse(bench, conduct, |session| {
                    list_credentials::run(session, &self.policy, &proof, rp_id.as_deref())
                })
                .0
            }
            Request::Select if matches!(bench.token().reading(), Reading::U2f) => {
                converse_u2f(bench, conduct, u2f::select)
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

    /// What this agent remembers of the credential that a request names.
    pub(super) fn known(&self, request: &Request) -> Result<Option<MadeHere>, Failure> {
        match request {
            Request::DeleteCredential { credential_id, .. }
            | Request::ProveCredential { credential_id, .. } => {
                Ok(self.journal.credential(credential_id)?)
            }
            _ => Ok(None),
        }
    }
}

/// Whether the token can be asked for it at all, if it speaks U2F alone.
pub(super) fn check_u2f(bench: &Bench, verb: Verb) -> Result<(), Failure> {
    match u2f::refusal(verb) {
        Some(why) if matches!(bench.token().reading(), Reading::U2f) => {
            Err(Failure::new(Code::NotSupported, why))
        }
        _ => Ok(()),
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

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::new(Code::Internal, Causes(&error).to_string())
    }
}
