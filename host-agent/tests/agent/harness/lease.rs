//! One lease of one token.

use keysteward_proto::agent::v1 as proto;
use proto::{LeaseRequest, LeaseResponse, lease_request, lease_response, step::Verb};
use tokio::sync::mpsc;
use tonic::Streaming;

use super::{Key, PIN, SOON, key, make_credential, set_pin};

/// One lease of one token.
pub(crate) struct Lease {
    pub(super) requests: mpsc::Sender<LeaseRequest>,
    pub(crate) answers: Streaming<LeaseResponse>,
    /// Everything heard on the way to the last answer.
    pub(crate) progress: Vec<proto::Progress>,
}

pub(crate) type Done = Result<proto::step_result::Result, proto::StepError>;

impl Lease {
    pub(crate) async fn send(&self, request: lease_request::Request) {
        let request = LeaseRequest {
            request: Some(request),
        };
        self.requests.send(request).await.unwrap();
    }

    /// The next answer that is no progress; `None` at the end of the stream.
    pub(crate) async fn answer(&mut self) -> Option<lease_response::Response> {
        self.progress.clear();
        loop {
            let next = tokio::time::timeout(SOON, self.answers.message()).await;
            match next.expect("an answer").unwrap()?.response.unwrap() {
                lease_response::Response::Progress(progress) => self.progress.push(progress),
                answer => return Some(answer),
            }
        }
    }

    /// Waits until progress of this kind is heard.
    pub(crate) async fn hears(&mut self, kind: proto::progress::Kind) -> String {
        loop {
            let next = tokio::time::timeout(SOON, self.answers.message()).await;
            match next.expect("progress").unwrap().unwrap().response.unwrap() {
                lease_response::Response::Progress(heard) if heard.kind() == kind => {
                    return heard.message;
                }
                lease_response::Response::Progress(_) => {}
                other => panic!("{other:?} instead of {kind:?}"),
            }
        }
    }

    /// Begins a step without waiting for its end.
    pub(crate) async fn begin(&self, step: &str, verb: Verb) {
        self.begin_within(step, verb, 0).await;
    }

    pub(crate) async fn begin_within(&self, step: &str, verb: Verb, timeout_ms: u32) {
        self.begin_as((!step.is_empty()).then(|| key(step)), verb, timeout_ms)
            .await;
    }

    /// Begins a step under a key of any operation.
    pub(crate) async fn begin_as(&self, key: Option<proto::StepKey>, verb: Verb, timeout_ms: u32) {
        self.send(lease_request::Request::Step(proto::Step {
            key,
            timeout_ms,
            verb: Some(verb),
            ..proto::Step::default()
        }))
        .await;
    }

    pub(crate) async fn done(&mut self) -> Done {
        match self.answer().await {
            Some(lease_response::Response::Result(result)) => Ok(result.result.unwrap()),
            Some(lease_response::Response::Error(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    /// How a step ends with a key that is unplugged and plugged in whenever that is asked for.
    pub(crate) async fn done_with(&mut self, key: &Key) -> Done {
        loop {
            let next = tokio::time::timeout(SOON, self.answers.message()).await;
            match next.expect("an answer").unwrap().unwrap().response.unwrap() {
                lease_response::Response::Progress(heard) => match heard.kind() {
                    proto::progress::Kind::UnplugNeeded => key.device.unplug(),
                    proto::progress::Kind::PlugInNeeded => key.device.plug(),
                    _ => {}
                },
                lease_response::Response::Result(result) => return Ok(result.result.unwrap()),
                lease_response::Response::Error(error) => return Err(error),
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn step(&mut self, step: &str, verb: Verb) -> Done {
        self.begin(step, verb).await;
        self.done().await
    }

    pub(crate) async fn set_pin(&mut self, step: &str) {
        self.step(step, set_pin(PIN)).await.unwrap();
    }

    pub(crate) async fn make(&mut self, step: &str) -> proto::CredentialMade {
        match self.step(step, make_credential()).await.unwrap() {
            proto::step_result::Result::CredentialMade(made) => made,
            other => panic!("{other:?}"),
        }
    }
}
