//! A stand-in for the server's Operations service: remembers what was asked, and lets each
//! operation go the way that a test lays out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use keysteward_proto::server::v1::{
    CancelOperationRequest, GetOperationRequest, ListOperationsRequest, ListOperationsResponse,
    Operation, OperationDetail, OperationEvent, Prompt, ResolveOperationRequest,
    StartOperationRequest, WatchOperationRequest,
    operation_event::Event,
    operations_server::{Operations, OperationsServer},
    start_operation_request::Kind,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Endpoint};

use crate::connect::Server;

#[derive(Clone, Default)]
pub(crate) struct StandIn {
    /// Operations by id, as first asked for.
    pub(crate) asked: Arc<Mutex<HashMap<String, StartOperationRequest>>>,
    /// The end of an issue, by token; "succeeded" where nothing is laid out.
    pub(crate) ends: HashMap<String, &'static str>,
    /// How many watches break before one goes through.
    pub(crate) breaks: Arc<Mutex<u32>>,
    /// How many starts are lost after they were written down.
    pub(crate) lost_answers: Arc<Mutex<u32>>,
}

impl StandIn {
    /// Serves on loopback until the test's runtime ends.
    pub(crate) async fn serve(&self) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(OperationsServer::new(self.clone()))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        let channel = Endpoint::from_shared(format!("http://{address}"))
            .unwrap()
            .connect()
            .await
            .unwrap();
        Server::for_test(channel)
    }

    fn operation(&self, id: &str, state: &str) -> Operation {
        Operation {
            id: id.into(),
            kind: "issue".into(),
            state: state.into(),
            steps_total: 2,
            ..Operation::default()
        }
    }

    fn end(&self, id: &str) -> &'static str {
        match &self.asked.lock().unwrap()[id].kind {
            Some(Kind::Issue(issue)) => self.ends.get(&issue.token).copied().unwrap_or("succeeded"),
            _ => "succeeded",
        }
    }
}

/// One less to go wrong, if any was left.
fn take(left: &Mutex<u32>) -> bool {
    let mut left = left.lock().unwrap();
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}

#[tonic::async_trait]
impl Operations for StandIn {
    async fn start(
        &self,
        request: Request<StartOperationRequest>,
    ) -> Result<Response<Operation>, Status> {
        assert_eq!(
            request.metadata().get("authorization").unwrap(),
            "Bearer test"
        );
        let request = request.into_inner();
        let id = request.operation_id.clone();
        if let Some(Kind::Issue(issue)) = &request.kind
            && self.ends.get(&issue.token) == Some(&"refused")
        {
            return Err(Status::failed_precondition("the token is issued already"));
        }
        self.asked
            .lock()
            .unwrap()
            .entry(id.clone())
            .or_insert(request);
        if take(&self.lost_answers) {
            return Err(Status::unavailable("cut"));
        }
        Ok(Response::new(self.operation(&id, "running")))
    }

    type WatchStream = tokio_stream::Iter<std::vec::IntoIter<Result<OperationEvent, Status>>>;

    async fn watch(
        &self,
        request: Request<WatchOperationRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let id = request.into_inner().operation;
        let event = |event| Ok(OperationEvent { event: Some(event) });
        let running = event(Event::Operation(self.operation(&id, "running")));
        if take(&self.breaks) {
            let cut = Err(Status::unknown("h2 protocol error"));
            return Ok(Response::new(tokio_stream::iter(vec![running, cut])));
        }
        let touch = event(Event::Prompt(Prompt {
            kind: "touch".into(),
            host: "laptop-7".into(),
            message: "touch the key on laptop-7 now".into(),
        }));
        let ended = event(Event::Operation(self.operation(&id, self.end(&id))));
        Ok(Response::new(tokio_stream::iter(vec![
            running, touch, ended,
        ])))
    }

    async fn get(
        &self,
        request: Request<GetOperationRequest>,
    ) -> Result<Response<OperationDetail>, Status> {
        let operation = Some(self.operation(&request.into_inner().operation, "running"));
        Ok(Response::new(OperationDetail {
            operation,
            attempts: vec![],
        }))
    }

    async fn list(
        &self,
        _: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        Err(Status::unimplemented("not laid out"))
    }

    async fn cancel(
        &self,
        _: Request<CancelOperationRequest>,
    ) -> Result<Response<Operation>, Status> {
        Err(Status::unimplemented("not laid out"))
    }

    async fn resolve(
        &self,
        _: Request<ResolveOperationRequest>,
    ) -> Result<Response<Operation>, Status> {
        Err(Status::unimplemented("not laid out"))
    }
}
