//! An agent beside a pcscd, and somebody who calls it.

use hyper_util::rt::TokioIo;
use keysteward_agent::agent::Agent;
use keysteward_agent::settings::{LocalSocket, Policy, Settings};
use keysteward_proto::agent::v1 as proto;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proto::fido_client::FidoClient;
use proto::step::Verb;
use proto::tokens_client::TokensClient;
use proto::{Token, lease_request, lease_response};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint, Uri};

/// How long anything may take that needs no person. pcscd looks at vpcd's readers every 400 ms.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A host with an agent in this process, and its administrator.
pub(crate) struct Host {
    folder: TempDir,
    channel: Channel,
    _agent: Arc<Agent>,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            state_dir: folder.path().join("state"),
            local_socket: LocalSocket {
                path: folder.path().join("agent.sock"),
                mode: 0o600,
                group: None,
            },
            danger_virtual_token_socket: Some(folder.path().join("tokens.sock")),
            policy: Policy {
                allow_reset: true,
                ..Policy::default()
            },
            ..Settings::parse("").unwrap()
        };
        change(&mut settings);
        let agent = Arc::new(Agent::start(&settings).unwrap());
        let serving = Arc::clone(&agent);
        tokio::spawn(async move {
            serving.serve_local(CancellationToken::new()).await.unwrap();
        });
        let socket = settings.local_socket.path;
        until("the agent listens", async || {
            UnixStream::connect(&socket).await.is_ok()
        })
        .await;
        let connector = tower::service_fn(move |_: Uri| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let channel = Endpoint::from_static("http://agent.invalid")
            .connect_with_connector(connector)
            .await
            .unwrap();
        Self {
            folder,
            channel,
            _agent: agent,
        }
    }

    /// Where keys on HID are plugged in.
    pub(crate) fn hid(&self) -> PathBuf {
        self.folder.path().join("tokens.sock")
    }

    pub(crate) async fn tokens(&self) -> Vec<Token> {
        TokensClient::new(self.channel.clone())
            .list(proto::ListRequest {})
            .await
            .unwrap()
            .into_inner()
            .tokens
    }

    pub(crate) async fn watch(&self) -> Streaming<proto::TokenEvent> {
        TokensClient::new(self.channel.clone())
            .watch(proto::WatchRequest {})
            .await
            .unwrap()
            .into_inner()
    }

    /// The only token, as soon as it is as wanted.
    pub(crate) async fn token(&self, wanted: impl Fn(&Token) -> bool) -> Token {
        let begun = Instant::now();
        loop {
            let tokens = self.tokens().await;
            match &tokens[..] {
                [token] if wanted(token) => return token.clone(),
                other => assert!(begun.elapsed() < SOON, "no such token: {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until no token is there.
    pub(crate) async fn is_empty(&self) {
        until("every token is gone", async || {
            self.tokens().await.is_empty()
        })
        .await;
    }

    pub(crate) async fn lease(&self, token: &Token) -> Lease {
        let (requests, stream) = mpsc::channel(8);
        let answers = FidoClient::new(self.channel.clone())
            .lease(ReceiverStream::new(stream))
            .await
            .unwrap()
            .into_inner();
        let mut lease = Lease {
            requests,
            answers,
            heard: Vec::new(),
        };
        lease
            .send(lease_request::Request::Open(proto::Open {
                presence_id: token.presence_id.clone(),
                wait_ms: SOON.as_millis() as u32,
                purpose: "a story".to_owned(),
            }))
            .await;
        match lease.answer().await {
            lease_response::Response::Opened(_) => lease,
            other => panic!("{other:?}"),
        }
    }
}

/// One lease of one token.
pub(crate) struct Lease {
    requests: mpsc::Sender<proto::LeaseRequest>,
    answers: Streaming<proto::LeaseResponse>,
    /// The kinds of progress on the way to the last answer.
    pub(crate) heard: Vec<proto::progress::Kind>,
}

impl Lease {
    async fn send(&self, request: lease_request::Request) {
        let request = proto::LeaseRequest {
            request: Some(request),
        };
        self.requests.send(request).await.unwrap();
    }

    async fn answer(&mut self) -> lease_response::Response {
        self.heard.clear();
        loop {
            let next = tokio::time::timeout(SOON, self.answers.message()).await;
            match next.expect("an answer").unwrap().unwrap().response.unwrap() {
                lease_response::Response::Progress(progress) => self.heard.push(progress.kind()),
                answer => return answer,
            }
        }
    }

    /// A step; `name` is its key, and empty for one that changes nothing.
    pub(crate) async fn step(
        &mut self,
        name: &str,
        verb: Verb,
    ) -> Result<proto::step_result::Result, proto::StepError> {
        let key = (!name.is_empty()).then(|| proto::StepKey {
            operation_id: "operation".to_owned(),
            step: name.to_owned(),
            attempt: 1,
        });
        self.send(lease_request::Request::Step(proto::Step {
            key,
            verb: Some(verb),
            ..proto::Step::default()
        }))
        .await;
        match self.answer().await {
            lease_response::Response::Result(result) => Ok(result.result.unwrap()),
            lease_response::Response::Error(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    /// Lets the token go.
    pub(crate) async fn end(self) {
        let Self {
            requests,
            mut answers,
            ..
        } = self;
        drop(requests);
        while let Ok(Some(_)) = answers.message().await {}
    }
}

pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < SOON, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The pcscd of this story dies.
pub(crate) fn kill_pcscd() {
    let pcscd = std::env::var("PCSCD").unwrap().parse().unwrap();
    kill(Pid::from_raw(pcscd), Signal::SIGKILL).unwrap();
}

/// Another pcscd, on the same readers; killed when it is dropped.
pub(crate) struct Pcscd(Child);

impl Pcscd {
    pub(crate) fn start() -> Self {
        let config = [
            "--foreground",
            "--error",
            "--config",
            "/run/pcscd/vpcd.conf",
        ];
        Self(Command::new("pcscd").args(config).spawn().unwrap())
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
