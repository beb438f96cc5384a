//! `Journal`: how attempts ended.

pub(super) mod card;

use std::sync::Arc;

use keysteward_proto::agent::v1 as proto;
use prost::Message as _;
use proto::{
    AcknowledgeRequest, AcknowledgeResponse, GetOutcomeRequest, ListOutcomesRequest,
    ListOutcomesResponse, Outcome, fingerprint_sensor::Kind as SensorKind, journal_server,
    outcome::State as ProtoState, step_result,
};
use tonic::{Request, Response, Status};

use super::{caller::Caller, refusal};
use crate::{
    clock,
    journal::{Journal, Probe, Record, State, StepKey},
    verb::{Answer, Code, Credential, Failure, Fingerprint, LargeBlob},
};

/// Longest operation id and step name, in bytes.
const NAME_MAX: usize = 128;

/// How much of a message outcomes may take: half of what gRPC takes by default.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Serves `Journal`.
#[derive(Clone, Debug)]
pub(crate) struct JournalService {
    pub(crate) journal: Arc<Journal>,
    /// There is a server, which has to hear of what callers on this machine do.
    pub(crate) has_server: bool,
}

#[tonic::async_trait]
impl journal_server::Journal for JournalService {
    async fn get_outcome(
        &self,
        request: Request<GetOutcomeRequest>,
    ) -> Result<Response<Outcome>, Status> {
        let key = key(request.into_inner().key).map_err(|wrong| wrong.status())?;
        let record = self.journal.get(&key).map_err(refusal::journal)?;
        Ok(Response::new(outcome(key, record)))
    }

    async fn list_outcomes(
        &self,
        request: Request<ListOutcomesRequest>,
    ) -> Result<Response<ListOutcomesResponse>, Status> {
        let ListOutcomesRequest { all } = request.into_inner();
        let records = self.journal.list(all).map_err(refusal::journal)?;
        let Page { outcomes, more } = page(records);
        Ok(Response::new(ListOutcomesResponse { outcomes, more }))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        if self.has_server && matches!(Caller::of(&request), Caller::Local { .. }) {
            return Err(refusal::server_only("acknowledge"));
        }
        let keys: Vec<StepKey> = request
            .into_inner()
            .keys
            .into_iter()
            .map(|key| self::key(Some(key)))
            .collect::<Result<_, _>>()
            .map_err(|wrong| wrong.status())?;
        let journal = Arc::clone(&self.journal);
        tokio::task::spawn_blocking(move || journal.acknowledge(&keys, clock::now_us()))
            .await
            .map_err(|_| refusal::internal("the acknowledgement was not kept"))?
            .map_err(refusal::journal)?;
        Ok(Response::new(AcknowledgeResponse {}))
    }
}

/// The oldest of the outcomes, as many as fit one message.
pub(super) struct Page {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) more: bool,
}

pub(super) fn page(records: Vec<(StepKey, Record)>) -> Page {
    let mut bytes = 0;
    let mut page = Page {
        outcomes: Vec::new(),
        more: false,
    };
    for (key, record) in records {
        let outcome = outcome(key, Some(record));
        bytes += outcome.encoded_len();
        if bytes > PAGE_BYTES && !page.outcomes.is_empty() {
            page.more = true;
            break;
        }
        page.outcomes.push(outcome);
    }
    page
}

/// A member of a step key that is wrong.
#[derive(Debug)]
pub(super) struct WrongKey {
    pub(super) field: &'static str,
    pub(super) found: String,
    pub(super) allowed: &'static str,
}

impl WrongKey {
    fn status(&self) -> Status {
        refusal::field(self.field, &self.found, self.allowed)
    }
}

/// Checks the name of an attempt.
pub(super) fn key(key: Option<proto::StepKey>) -> Result<StepKey, WrongKey> {
    let Some(key) = key else {
        return Err(WrongKey {
            field: "key",
            found: "nothing".to_owned(),
            allowed: "operation_id, step and attempt",
        });
    };
    for (field, name) in [
        ("key.operation_id", &key.operation_id),
        ("key.step", &key.step),
    ] {
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(WrongKey {
                field,
                found: format!("{} bytes", name.len()),
                allowed: "1 to 128 bytes",
            });
        }
    }
    if key.attempt == 0 {
        return Err(WrongKey {
            field: "key.attempt",
            found: "0".to_owned(),
            allowed: "1 and up",
        });
    }
    Ok(StepKey {
        operation_id: key.operation_id,
        step: key.step,
        attempt: key.attempt,
    })
}

/// An attempt as the interface shows it; without a record, one that never started.
pub(super) fn outcome(key: StepKey, record: Option<Record>) -> Outcome {
    let key = proto::StepKey {
        operation_id: key.operation_id,
        step: key.step,
        attempt: key.attempt,
    };
    let Some(record) = record else {
        return Outcome {
            key: Some(key),
            state: ProtoState::NotFound.into(),
            ..Outcome::default()
        };
    };
    let Record {
        intent,
        state,
        started_at_us,
        ended_at_us,
        ..
    } = record;
    let mut outcome = Outcome {
        key: Some(key),
        verb: intent.verb.to_string(),
        presence_id: intent.token.presence_id,
        serial: intent.token.serial,
        caller: intent.caller,
        started_at_us,
        ended_at_us,
        ..Outcome::default()
    };
    match intent.probe {
        Probe::Made { rp_id, user_id } => {
            outcome.rp_id = rp_id;
            outcome.user_id = user_id;
        }
        Probe::Deleted {
            rp_id,
            credential_id,
            ..
        } => {
            outcome.rp_id = rp_id;
            outcome.credential_id = credential_id;
        }
        _ => {}
    }
    match state {
        State::Waiting | State::Started => outcome.set_state(ProtoState::Started),
        State::Done(answer) => {
            outcome.set_state(ProtoState::Done);
            outcome.result = Some(result(answer));
        }
        State::Failed(failure) => {
            outcome.set_state(ProtoState::Failed);
            outcome.error = Some(error(failure));
        }
        State::Unknown { explanation } => {
            outcome.set_state(ProtoState::Unknown);
            outcome.explanation = explanation;
        }
    }
    outcome
}

/// An answer as the interface shows it.
pub(super) fn result(answer: Answer) -> proto::StepResult {
    use step_result::Result as R;
    let result = match answer {
        Answer::Inspected(seen) => R::Inspected(proto::Inspected {
            pin_retries: seen.pin_retries,
            power_cycle_needed: seen.power_cycle_needed,
            pin_set: seen.pin_set,
            get_info: seen.get_info,
            uv_retries: seen.uv_retries,
        }),
        Answer::Found { credential_ids } => {
            R::FoundCredentials(proto::FoundCredentials { credential_ids })
        }
        Answer::Listed {
            credentials,
            existing,
            max_remaining,
        } => R::CredentialList(proto::CredentialList {
            credentials: credentials.into_iter().map(credential).collect(),
            existing,
            max_remaining,
        }),
        Answer::Done | Answer::RawExchanged => R::Done(proto::Done {}),
        Answer::Made {
            attestation_object,
            credential_id,
            enterprise_attestation,
        } => R::CredentialMade(proto::CredentialMade {
            attestation_object,
            credential_id,
            enterprise_attestation,
        }),
        Answer::Asserted {
            authenticator_data,
            signature,
            user_id,
        } => R::AssertionMade(proto::AssertionMade {
            authenticator_data,
            signature,
            user_id,
        }),
        Answer::FingerprintEnrolled(finger) => R::FingerprintEnrolled(fingerprint(finger)),
        Answer::Fingerprints(fingers) => R::FingerprintList(proto::FingerprintList {
            fingerprints: fingers.into_iter().map(fingerprint).collect(),
        }),
        Answer::FingerprintSensor {
            is_swiped,
            max_samples,
            max_name_length,
        } => R::FingerprintSensor(proto::FingerprintSensor {
            kind: match is_swiped {
                None => SensorKind::Unspecified,
                Some(false) => SensorKind::Touch,
                Some(true) => SensorKind::Swipe,
            }
            .into(),
            max_samples,
            max_name_length,
        }),
        Answer::LargeBlobs {
            blobs,
            used,
            capacity,
            others,
        } => R::LargeBlobList(proto::LargeBlobList {
            large_blobs: blobs.into_iter().map(large_blob).collect(),
            used,
            capacity,
            others,
        }),
        Answer::CardInspected(seen) => R::CardInspected(card::inspected(*seen)),
        Answer::AdminKeyFound { candidate } => R::AdminKeyFound(proto::AdminKeyFound { candidate }),
        Answer::KeyGenerated {
            public_key,
            attestation,
            attestation_issuer,
        } => R::KeyGenerated(proto::KeyGenerated {
            public_key,
            attestation,
            attestation_issuer,
        }),
        Answer::RequestSigned { signature } => R::RequestSigned(proto::RequestSigned { signature }),
        Answer::ChallengeGiven { challenge } => {
            R::ChallengeGiven(proto::ChallengeGiven { challenge })
        }
        Answer::Identity {
            device,
            cred_store_state,
        } => R::Identity(proto::Identity {
            device,
            cred_store_state,
        }),
        Answer::KeyMoved { container } => R::KeyMoved(proto::KeyMoved { container }),
    };
    proto::StepResult {
        result: Some(result),
    }
}

/// A failure as the interface shows it.
pub(super) fn error(failure: Failure) -> proto::StepError {
    let is_of_uv = matches!(failure.code, Code::UvInvalid | Code::UvBlocked);
    proto::StepError {
        code: failure.code as i32,
        message: failure.message,
        ctap_status: failure.ctap_status.map(u32::from),
        pin_retries: failure.retries.filter(|_| !is_of_uv),
        rule: failure.rule,
        field: failure.field,
        changed: failure.changed,
        status_word: failure.status_word.map(u32::from),
        puk_tries: failure.puk_tries,
        uv_retries: failure.retries.filter(|_| is_of_uv),
    }
}

fn credential(found: Credential) -> proto::Credential {
    proto::Credential {
        rp_id: found.rp_id,
        rp_id_hash: found.rp_id_hash,
        credential_id: found.credential_id,
        user_id: found.user_id,
        user_name: found.user_name,
        user_display_name: found.user_display_name,
        public_key: found.public_key,
        cred_protect: found.cred_protect,
        large_blob_key: found.large_blob_key,
        third_party_payment: found.third_party_payment,
    }
}

fn fingerprint(finger: Fingerprint) -> proto::Fingerprint {
    proto::Fingerprint {
        template_id: finger.template_id,
        name: finger.name,
    }
}

fn large_blob(blob: LargeBlob) -> proto::LargeBlob {
    proto::LargeBlob {
        credential_id: blob.credential_id,
        rp_id: blob.rp_id,
        user_name: blob.user_name,
        size: u32::try_from(blob.size).unwrap_or(u32::MAX),
        stored_size: blob.stored_size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{Intent, TokenName},
        verb::Verb,
    };

    fn record(bytes: usize) -> Record {
        Record {
            intent: Intent {
                verb: Verb::MakeCredential,
                fingerprint: [0; 32],
                caller: "server".to_owned(),
                token: TokenName::default(),
                probe: Probe::Harmless,
            },
            state: State::Done(Answer::Made {
                attestation_object: vec![0; bytes],
                credential_id: vec![1],
                enterprise_attestation: false,
            }),
            started_at_us: 1,
            ended_at_us: 2,
            acknowledged_at_us: 0,
        }
    }

    fn records(count: u32, bytes: usize) -> Vec<(StepKey, Record)> {
        let key = |attempt| StepKey {
            operation_id: "operation".to_owned(),
            step: "make".to_owned(),
            attempt,
        };
        (1..=count)
            .map(|attempt| (key(attempt), record(bytes)))
            .collect()
    }

    #[test]
    fn outcomes_that_do_not_fit_one_message_wait_for_the_next() {
        let all = page(records(100, 1_000));
        assert_eq!((all.outcomes.len(), all.more), (100, false));
        let some = page(records(100, 100_000));
        assert_eq!((some.outcomes.len(), some.more), (20, true));
        let attempts: Vec<u32> = some
            .outcomes
            .iter()
            .filter_map(|outcome| Some(outcome.key.as_ref()?.attempt))
            .collect();
        assert!(attempts.is_sorted(), "{attempts:?}");
    }

    #[test]
    fn an_outcome_larger_than_a_message_does_not_stop_the_others() {
        let one = page(records(2, PAGE_BYTES + 1));
        assert_eq!((one.outcomes.len(), one.more), (1, true));
    }

    #[tokio::test]
    async fn where_there_is_a_server_nobody_else_acknowledges() {
        use proto::journal_server::Journal as _;
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let local = || {
            let mut request = Request::new(AcknowledgeRequest::default());
            let user = "alice (1000)".to_owned();
            request.extensions_mut().insert(Caller::Local { user });
            request
        };
        for (has_server, request, allowed) in [
            (true, local(), false),
            (false, local(), true),
            (true, Request::new(AcknowledgeRequest::default()), true),
        ] {
            let service = JournalService {
                journal: Arc::clone(&journal),
                has_server,
            };
            let answer = service.acknowledge(request).await;
            assert_eq!(answer.is_ok(), allowed, "{answer:?}");
        }
    }
}
