//! Somebody at the local socket.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hyper_util::rt::TokioIo;
use keysteward_proto::agent::v1 as proto;
use proto::{
    Token, fido_client::FidoClient, host_client::HostClient, journal_client::JournalClient,
    lease_request, lease_response, tokens_client::TokensClient,
};
use tokio::{net::UnixStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Uri};

use super::{Lease, SOON, requests::key};

/// Somebody at the local socket.
#[derive(Clone)]
pub(crate) struct Caller {
    channel: Channel,
}

impl Caller {
    pub(crate) async fn connect(socket: &Path) -> Self {
        let socket = socket.to_owned();
        let connector = tower::service_fn(move |_: Uri| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let channel = Endpoint::from_static("http://agent.invalid")
            .connect_with_connector(connector)
            .await
            .unwrap();
        Self { channel }
    }

    pub(crate) fn host(&self) -> HostClient<Channel> {
        HostClient::new(self.channel.clone())
    }

    pub(crate) fn tokens(&self) -> TokensClient<Channel> {
        TokensClient::new(self.channel.clone())
    }

    pub(crate) fn journal(&self) -> JournalClient<Channel> {
        JournalClient::new(self.channel.clone())
    }

    pub(crate) async fn list(&self) -> Vec<Token> {
        let listed = self.tokens().list(proto::ListRequest {}).await.unwrap();
        listed.into_inner().tokens
    }

    /// The only token, once it is plugged in and read. One that speaks U2F alone tells no more than
    /// that.
    pub(crate) async fn token(&self) -> Token {
        let deadline = Instant::now() + SOON;
        loop {
            match &self.list().await[..] {
                [token] if !token.applets.is_empty() => return token.clone(),
                other => assert!(Instant::now() < deadline, "no token: {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn outcome(&self, step: &str) -> proto::Outcome {
        let request = proto::GetOutcomeRequest {
            key: Some(key(step)),
        };
        self.journal()
            .get_outcome(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The outcome of a step, once it is known.
    pub(crate) async fn settled(&self, step: &str) -> proto::Outcome {
        let deadline = Instant::now() + SOON;
        loop {
            let outcome = self.outcome(step).await;
            if outcome.state() != proto::outcome::State::Started {
                return outcome;
            }
            assert!(Instant::now() < deadline, "not settled: {outcome:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A lease on the only token.
    pub(crate) async fn lease(&self) -> Lease {
        let token = self.token().await;
        self.lease_of(&token.presence_id, SOON).await.unwrap()
    }

    pub(crate) async fn lease_of(
        &self,
        presence_id: &str,
        wait: Duration,
    ) -> Result<Lease, proto::StepError> {
        let mut lease = self.stream().await;
        lease
            .send(lease_request::Request::Open(proto::Open {
                presence_id: presence_id.to_owned(),
                wait_ms: wait.as_millis() as u32,
                purpose: "a test".to_owned(),
            }))
            .await;
        match lease.answer().await {
            Some(lease_response::Response::Opened(_)) => Ok(lease),
            Some(lease_response::Response::Error(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    /// A stream on which nothing was said.
    pub(crate) async fn stream(&self) -> Lease {
        let (requests, stream) = mpsc::channel(8);
        let answers = FidoClient::new(self.channel.clone())
            .lease(ReceiverStream::new(stream))
            .await
            .unwrap()
            .into_inner();
        Lease {
            requests,
            answers,
            progress: Vec::new(),
        }
    }
}
