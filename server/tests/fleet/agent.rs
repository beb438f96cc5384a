//! An agent that does as a test tells it: real dialling, real link, services of
//! the test's own.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use futures::stream::BoxStream;
use keysteward_agent::uplink::{
    dial_uplink,
    link::{self, LinkEnd, Timing},
};
use keysteward_proto::agent::v1::{
    AcknowledgeRequest, AcknowledgeResponse, AuditCheckpoint, GetHealthRequest, GetHealthResponse,
    GetOutcomeRequest, HelloRequest, HelloResponse, HostFacts, LeaseRequest, LeaseResponse,
    ListOutcomesRequest, ListOutcomesResponse, ListRequest, ListResponse, Outcome, TokenEvent,
    WatchRequest,
    fido_server::{Fido, FidoServer},
    host_server::{Host, HostServer},
    journal_server::{Journal, JournalServer},
    token_event,
    tokens_server::{Tokens, TokensServer},
};
use tokio::{
    sync::{Notify, broadcast, mpsc},
    task::JoinHandle,
};
use tokio_stream::{StreamExt as _, wrappers::BroadcastStream};
use tonic::{Request, Response, Status, Streaming, service::Routes};

use crate::server::{Machine, Server, address};

/// What the test sees and decides.
pub(crate) struct Script {
    pub(crate) boot_id: Mutex<String>,
    pub(crate) epoch: AtomicU64,
    /// Hello does not answer before it is told to, while this is set.
    pub(crate) shy: AtomicBool,
    pub(crate) speak: Notify,
    /// Hellos so far.
    pub(crate) hellos: Mutex<Vec<HelloRequest>>,
    pub(crate) unacknowledged: Mutex<Vec<Outcome>>,
    pub(crate) witness: Mutex<Option<AuditCheckpoint>>,
    pub(crate) tokens: broadcast::Sender<token_event::Event>,
    /// `GetHealth` does not answer while it is set.
    pub(crate) stuck: AtomicBool,
    /// A stuck `GetHealth` has begun; has been dropped.
    pub(crate) began: Notify,
    pub(crate) dropped: Arc<Notify>,
    /// Size of the explanation in an outcome.
    pub(crate) explanation: AtomicU64,
    /// Leases are handed to the test: what is asked, and where to answer.
    pub(crate) leases: mpsc::Sender<Lease>,
}

pub(crate) struct Lease {
    pub(crate) asked: Streaming<LeaseRequest>,
    pub(crate) answers: mpsc::Sender<Result<LeaseResponse, Status>>,
}

impl Script {
    pub(crate) fn new() -> (Arc<Self>, mpsc::Receiver<Lease>) {
        let (leases, given) = mpsc::channel(4);
        let script = Self {
            boot_id: Mutex::new("boot-1".into()),
            epoch: AtomicU64::new(1),
            shy: AtomicBool::new(false),
            speak: Notify::new(),
            hellos: Mutex::default(),
            unacknowledged: Mutex::default(),
            witness: Mutex::default(),
            tokens: broadcast::Sender::new(16),
            stuck: AtomicBool::new(false),
            began: Notify::new(),
            dropped: Arc::default(),
            explanation: AtomicU64::new(0),
            leases,
        };
        (Arc::new(script), given)
    }
}

#[derive(Clone)]
struct Service(Arc<Script>);

pub(crate) fn routes(script: &Arc<Script>) -> Routes {
    let service = Service(script.clone());
    Routes::new(HostServer::new(service.clone()))
        .add_service(TokensServer::new(service.clone()))
        .add_service(JournalServer::new(service.clone()))
        .add_service(FidoServer::new(service))
        .prepare()
}

/// Dials once and serves until the link is over.
pub(crate) async fn link(
    machine: &Machine,
    server: &Server,
    script: &Arc<Script>,
) -> JoinHandle<LinkEnd> {
    link_at(machine, server.address, script, Timing::default()).await
}

pub(crate) async fn link_at(
    machine: &Machine,
    server: std::net::SocketAddr,
    script: &Arc<Script>,
    timing: Timing,
) -> JoinHandle<LinkEnd> {
    let stream = dial_uplink(&address(server), &machine.identity())
        .await
        .unwrap();
    tokio::spawn(link::serve(stream, routes(script), timing))
}

struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tonic::async_trait]
impl Host for Service {
    async fn hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloResponse>, Status> {
        self.0.hellos.lock().unwrap().push(request.into_inner());
        if self.0.shy.load(Ordering::SeqCst) {
            self.0.speak.notified().await;
        }
        Ok(Response::new(HelloResponse {
            agent_version: "9.9.9".into(),
            boot_id: self.0.boot_id.lock().unwrap().clone(),
            link_epoch: self.0.epoch.load(Ordering::SeqCst),
            facts: Some(HostFacts {
                hostname: "laptop-7".into(),
                ..HostFacts::default()
            }),
            capabilities: vec!["fido.lease".into()],
            unacknowledged: self.0.unacknowledged.lock().unwrap().clone(),
            witness: self.0.witness.lock().unwrap().clone(),
            forbidden_verbs: vec!["reset".into()],
        }))
    }

    async fn get_health(
        &self,
        _request: Request<GetHealthRequest>,
    ) -> Result<Response<GetHealthResponse>, Status> {
        if self.0.stuck.load(Ordering::SeqCst) {
            let _dropped = Dropped(self.0.dropped.clone());
            self.0.began.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(Response::new(GetHealthResponse::default()))
    }
}

#[tonic::async_trait]
impl Tokens for Service {
    async fn list(&self, _: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        Err(Status::unimplemented("a server watches"))
    }

    type WatchStream = BoxStream<'static, Result<TokenEvent, Status>>;

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let snapshot = token_event::Event::Snapshot(ListResponse::default());
        let events = BroadcastStream::new(self.0.tokens.subscribe());
        let events = tokio_stream::once(Ok(snapshot)).chain(events).map(|event| {
            Ok(TokenEvent {
                event: Some(event.unwrap()),
            })
        });
        Ok(Response::new(Box::pin(events)))
    }
}

#[tonic::async_trait]
impl Journal for Service {
    async fn get_outcome(
        &self,
        request: Request<GetOutcomeRequest>,
    ) -> Result<Response<Outcome>, Status> {
        let length = usize::try_from(self.0.explanation.load(Ordering::SeqCst)).unwrap();
        Ok(Response::new(Outcome {
            key: request.into_inner().key,
            explanation: "x".repeat(length),
            ..Outcome::default()
        }))
    }

    async fn list_outcomes(
        &self,
        _: Request<ListOutcomesRequest>,
    ) -> Result<Response<ListOutcomesResponse>, Status> {
        Err(Status::failed_precondition("the journal is closed"))
    }

    async fn acknowledge(
        &self,
        _: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        Ok(Response::new(AcknowledgeResponse {}))
    }
}

#[tonic::async_trait]
impl Fido for Service {
    type LeaseStream = BoxStream<'static, Result<LeaseResponse, Status>>;

    async fn lease(
        &self,
        request: Request<Streaming<LeaseRequest>>,
    ) -> Result<Response<Self::LeaseStream>, Status> {
        let (answers, stream) = mpsc::channel(4);
        let lease = Lease {
            asked: request.into_inner(),
            answers,
        };
        self.0.leases.send(lease).await.unwrap();
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        Ok(Response::new(Box::pin(stream)))
    }
}
