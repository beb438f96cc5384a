//! The local verbs against a stand-in for an agent, over gRPC.

use keysteward_proto::agent::v1::{
    self as wire, LeaseRequest, LeaseResponse, StepError,
    cards_server::CardsServer,
    fido_server::{Fido, FidoServer},
    host_server::{Host, HostServer},
    lease_request::Request as Asked,
    lease_response::Response as Said,
    step::Verb,
    step_error::Code,
    step_result::Result as Outcome,
    tokens_server::{Tokens, TokensServer},
};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming, transport::Endpoint};

mod cards;

use super::{fido, token, witness};
use crate::{
    connect::Agent,
    failure::{Exit, Result},
    output::{Format, Output},
};

/// One key is plugged in; each step is answered as laid out.
#[derive(Clone)]
pub(super) struct StandIn {
    answer: Said,
    /// What was asked of the key.
    steps: Arc<Mutex<Vec<wire::Step>>>,
    /// Everything that was said to the card.
    pub(super) said_to_card: Arc<Mutex<Vec<wire::CardLeaseRequest>>>,
    witness: Option<wire::AuditCheckpoint>,
}

impl StandIn {
    pub(super) fn new(answer: Said) -> Self {
        Self {
            answer,
            steps: Arc::default(),
            said_to_card: Arc::default(),
            witness: None,
        }
    }

    pub(super) async fn serve(&self) -> Agent {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(TokensServer::new(self.clone()))
                .add_service(FidoServer::new(self.clone()))
                .add_service(CardsServer::new(self.clone()))
                .add_service(HostServer::new(self.clone()))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Agent::for_test(endpoint.connect().await.unwrap())
    }
}

#[tonic::async_trait]
impl Tokens for StandIn {
    async fn list(
        &self,
        _: Request<wire::ListRequest>,
    ) -> std::result::Result<Response<wire::ListResponse>, Status> {
        let token = wire::Token {
            presence_id: "1-aa".into(),
            serial: "5001".into(),
            ..wire::Token::default()
        };
        Ok(Response::new(wire::ListResponse {
            tokens: vec![token],
        }))
    }

    type WatchStream = tokio_stream::Empty<std::result::Result<wire::TokenEvent, Status>>;

    async fn watch(
        &self,
        _: Request<wire::WatchRequest>,
    ) -> std::result::Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

#[tonic::async_trait]
impl Fido for StandIn {
    type LeaseStream = ReceiverStream<std::result::Result<LeaseResponse, Status>>;

    async fn lease(
        &self,
        requests: Request<Streaming<LeaseRequest>>,
    ) -> std::result::Result<Response<Self::LeaseStream>, Status> {
        let mut requests = requests.into_inner();
        let (answers, stream) = mpsc::channel(4);
        let (answer, steps) = (self.answer.clone(), self.steps.clone());
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                let said = match request.request {
                    Some(Asked::Open(_)) => vec![Said::Opened(wire::Opened::default())],
                    Some(Asked::Step(step)) => {
                        steps.lock().unwrap().push(step);
                        let touch = wire::Progress {
                            kind: wire::progress::Kind::TouchNeeded.into(),
                            message: "touch the key on laptop-7 now".into(),
                            ..wire::Progress::default()
                        };
                        vec![Said::Progress(touch), answer.clone()]
                    }
                    _ => vec![],
                };
                for response in said {
                    let response = LeaseResponse {
                        response: Some(response),
                    };
                    let _ = answers.send(Ok(response)).await;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

#[tonic::async_trait]
impl Host for StandIn {
    async fn hello(
        &self,
        request: Request<wire::HelloRequest>,
    ) -> std::result::Result<Response<wire::HelloResponse>, Status> {
        assert_eq!(request.into_inner().checkpoint, None);
        Ok(Response::new(wire::HelloResponse {
            witness: self.witness.clone(),
            ..wire::HelloResponse::default()
        }))
    }

    async fn get_health(
        &self,
        _: Request<wire::GetHealthRequest>,
    ) -> std::result::Result<Response<wire::GetHealthResponse>, Status> {
        Ok(Response::new(wire::GetHealthResponse::default()))
    }
}

fn result(outcome: Outcome) -> Said {
    Said::Result(wire::StepResult {
        result: Some(outcome),
    })
}

pub(super) fn refused(code: Code) -> Said {
    Said::Error(StepError {
        code: code.into(),
        message: "no".into(),
        ..StepError::default()
    })
}

async fn fido(stand_in: &StandIn, command: fido::Command) -> (Result<()>, String) {
    let agent = stand_in.serve().await;
    let mut out = Vec::new();
    let done = fido::run(command, &agent, &mut Output::new(Format::Json, &mut out)).await;
    (done, String::from_utf8(out).unwrap())
}

fn select(token: Option<&str>) -> fido::Command {
    fido::Command::Select {
        which: fido::Which::for_test(token),
    }
}

#[tokio::test]
async fn what_the_key_answered_is_shown_after_any_prompt() {
    let stand_in = StandIn::new(result(Outcome::Inspected(wire::Inspected {
        pin_retries: 5,
        pin_set: true,
        get_info: [b"\xa2\x01\x81\x68FIDO_2_1\x03\x50", &[7; 16][..]].concat(),
        ..wire::Inspected::default()
    })));
    let command = fido::Command::Info {
        which: fido::Which::for_test(Some("5001")),
    };
    let (done, out) = fido(&stand_in, command).await;
    done.unwrap();
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&shown["presence_id"], &shown["pin_retries"]),
        (&"1-aa".into(), &5.into())
    );
}

#[tokio::test]
async fn a_change_has_a_key_for_the_journal_and_a_look_has_none() {
    let stand_in = StandIn::new(result(Outcome::Done(wire::Done {})));
    let agent = stand_in.serve().await;
    let mut out = Vec::new();
    token::reset(&agent, "1-a", &mut Output::new(Format::Json, &mut out))
        .await
        .unwrap();
    assert_eq!(out, b"{\"done\":\"reset\",\"presence_id\":\"1-aa\"}\n");
    fido(&stand_in, select(None)).await.0.unwrap();
    let steps = stand_in.steps.lock().unwrap();
    let key = steps[0].key.clone().unwrap();
    assert_eq!((key.step.as_str(), key.attempt), ("reset", 1));
    assert!(uuid::Uuid::parse_str(&key.operation_id).is_ok());
    assert!(matches!(steps[1].verb, Some(Verb::Select(_))) && steps[1].key.is_none());
}

#[tokio::test]
async fn a_refusal_of_the_key_decides_the_exit_code_and_prints_no_result() {
    for (code, exit) in [
        (Code::PinInvalid, Exit::Failed),
        (Code::TokenRemoved, Exit::Failed),
        (Code::ForbiddenByHost, Exit::Refused),
        (Code::TokenBusy, Exit::Refused),
        (Code::OutcomeUnknown, Exit::NeedsAttention),
    ] {
        let (done, out) = fido(&StandIn::new(refused(code)), select(None)).await;
        assert_eq!(
            (done.unwrap_err().exit(), out.as_str()),
            (exit, ""),
            "{code:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_not_plugged_in_is_not_asked_anything() {
    let stand_in = StandIn::new(refused(Code::Internal));
    let (done, _) = fido(&stand_in, select(Some("77"))).await;
    assert_eq!(done.unwrap_err().exit(), Exit::NotFound);
    assert!(stand_in.steps.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_witness_is_a_line_that_the_verifier_reads() {
    let mut stand_in = StandIn::new(refused(Code::Internal));
    let mut out = Vec::new();
    let agent = stand_in.serve().await;
    let none = witness::show(&agent, &mut Output::new(Format::Table, &mut out)).await;
    assert_eq!(none.unwrap_err().exit(), Exit::NotFound);

    stand_in.witness = Some(wire::AuditCheckpoint {
        sequence: 7,
        hash: vec![1; 32],
        ..wire::AuditCheckpoint::default()
    });
    let agent = stand_in.serve().await;
    witness::show(&agent, &mut Output::new(Format::Table, &mut out))
        .await
        .unwrap();
    let line = serde_json::from_slice(&out).unwrap();
    let crate::audit_verifier::Line::Checkpoint(seen) = line else {
        panic!("not a checkpoint: {line:?}")
    };
    assert_eq!((seen.seq, seen.hash), (7, "01".repeat(32)));
}
