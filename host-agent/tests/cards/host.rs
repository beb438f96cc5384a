//! An agent, and somebody who calls it.

use std::{
    path::PathBuf,
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use hyper_util::rt::TokioIo;
use keysteward_agent::{
    agent::Agent,
    settings::{LocalSocket, Policy, Settings},
};
use keysteward_core::admin_key::{AdminKey as _, Cipher, LocalAdminKey};
use keysteward_proto::agent::v1 as proto;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use proto::{
    CardLeaseRequest, CardLeaseResponse, StepKey, card_lease_request::Request as Asked,
    card_lease_response::Response as Said, card_step::Verb, cards_client::CardsClient,
    journal_client::JournalClient, step_result::Result as Outcome, tokens_client::TokensClient,
};
use tempfile::TempDir;
use tokio::{net::UnixStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint, Uri},
};

/// How long anything may take. pcscd looks at vpcd's readers every 400 ms.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A host with an agent in this process, and its administrator.
pub(crate) struct Host {
    pub(crate) folder: TempDir,
    channel: Channel,
    _agent: Arc<Agent>,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with_policy(Policy {
            allow_reset: true,
            allow_raw: true,
            ..Policy::default()
        })
        .await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        Self::with(|settings| settings.policy = policy).await
    }

    /// Whose callers may hold a token so long without a word.
    pub(crate) async fn with_idle(idle: Duration) -> Self {
        Self::with(|settings| settings.lease_idle = idle).await
    }

    async fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent.sock");
        let mut settings = Settings {
            state_dir: folder.path().join("state"),
            local_socket: LocalSocket {
                path: socket.clone(),
                mode: 0o600,
                group: None,
            },
            ..Settings::parse("").unwrap()
        };
        set(&mut settings);
        let agent = Arc::new(Agent::start(&settings).unwrap());
        let serving = Arc::clone(&agent);
        tokio::spawn(async move {
            serving.serve_local(CancellationToken::new()).await.unwrap();
        });
        let channel = connect(socket).await;
        Self {
            folder,
            channel,
            _agent: agent,
        }
    }

    /// The only token, once its card was read.
    pub(crate) async fn card(&self) -> proto::Token {
        self.only(|token| token.card.is_some()).await
    }

    /// The only token, whether or not its card can be read.
    pub(crate) async fn listed(&self) -> proto::Token {
        self.only(|_| true).await
    }

    async fn only(&self, is_so: impl Fn(&proto::Token) -> bool) -> proto::Token {
        let begun = Instant::now();
        loop {
            let listed = TokensClient::new(self.channel.clone())
                .list(proto::ListRequest {})
                .await
                .unwrap();
            match &listed.into_inner().tokens[..] {
                [token] if is_so(token) => return token.clone(),
                other => assert!(begun.elapsed() < SOON, "no such card: {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until the agent has noticed that this token was taken away.
    pub(crate) async fn gone(&self, presence_id: &str) {
        let begun = Instant::now();
        loop {
            let listed = TokensClient::new(self.channel.clone())
                .list(proto::ListRequest {})
                .await
                .unwrap()
                .into_inner();
            if !listed
                .tokens
                .iter()
                .any(|one| one.presence_id == presence_id)
            {
                return;
            }
            assert!(begun.elapsed() < SOON, "still there: {listed:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A lease on the only card.
    pub(crate) async fn lease(&self) -> Lease {
        let token = self.card().await;
        self.lease_of(&token.presence_id, SOON).await.unwrap()
    }

    pub(crate) async fn lease_of(
        &self,
        presence_id: &str,
        wait: Duration,
    ) -> Result<Lease, proto::StepError> {
        let (requests, stream) = mpsc::channel(8);
        let answers = CardsClient::new(self.channel.clone())
            .lease(ReceiverStream::new(stream))
            .await
            .unwrap()
            .into_inner();
        let mut lease = Lease {
            requests,
            answers,
            admin_key: None,
            challenges: 0,
        };
        lease
            .send(Asked::Open(proto::Open {
                presence_id: presence_id.to_owned(),
                wait_ms: wait.as_millis() as u32,
                purpose: "a test".to_owned(),
            }))
            .await;
        match lease.answer().await {
            Said::Opened(_) => Ok(lease),
            Said::Error(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn outcome(&self, step: &str) -> proto::Outcome {
        JournalClient::new(self.channel.clone())
            .get_outcome(proto::GetOutcomeRequest {
                key: Some(key(step)),
            })
            .await
            .unwrap()
            .into_inner()
    }

    /// The outcome of a step, once it is known.
    pub(crate) async fn settled(&self, step: &str) -> proto::Outcome {
        let begun = Instant::now();
        loop {
            let outcome = self.outcome(step).await;
            if outcome.state() != proto::outcome::State::Started {
                return outcome;
            }
            assert!(begun.elapsed() < SOON, "not settled: {outcome:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn connect(socket: PathBuf) -> Channel {
    let begun = Instant::now();
    while UnixStream::connect(&socket).await.is_err() {
        assert!(begun.elapsed() < SOON, "the agent does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://agent.invalid")
        .connect_with_connector(connector)
        .await
        .unwrap()
}

/// First attempt of `step`, of the one operation of these tests.
pub(crate) fn key(step: &str) -> StepKey {
    StepKey {
        operation_id: "operation".to_owned(),
        step: step.to_owned(),
        attempt: 1,
    }
}

/// One lease of one card.
pub(crate) struct Lease {
    requests: mpsc::Sender<CardLeaseRequest>,
    answers: Streaming<CardLeaseResponse>,
    /// What admin challenges are answered with.
    pub(crate) admin_key: Option<LocalAdminKey>,
    /// How many came.
    pub(crate) challenges: usize,
}

pub(crate) type Done = Result<Outcome, proto::StepError>;

impl Lease {
    pub(crate) async fn send(&self, request: Asked) {
        let request = CardLeaseRequest {
            request: Some(request),
        };
        self.requests.send(request).await.unwrap();
    }

    /// The next answer that is neither progress nor a challenge that is answered here.
    pub(crate) async fn answer(&mut self) -> Said {
        loop {
            let next = tokio::time::timeout(SOON, self.answers.message()).await;
            let said = next.expect("an answer").unwrap().expect("no end");
            match said.response.unwrap() {
                Said::Progress(_) => {}
                Said::AdminChallenge(asked) if self.admin_key.is_some() => {
                    self.challenges += 1;
                    let key = self.admin_key.as_mut().unwrap();
                    let cipher = Cipher::from_name(&asked.algorithm).unwrap();
                    let answer = key
                        .answer(cipher, &asked.witness, &asked.challenge)
                        .unwrap();
                    self.send(Asked::AdminAnswer(proto::AdminAnswer {
                        witness: answer.witness.to_vec(),
                        challenge: answer.challenge.to_vec(),
                    }))
                    .await;
                }
                answer => return answer,
            }
        }
    }

    /// Begins a step without waiting for its end. Without a name, it has no key.
    pub(crate) async fn begin(&self, step: &str, verb: Verb, timeout_ms: u32) {
        self.begin_at("", step, verb, timeout_ms).await;
    }

    pub(crate) async fn begin_at(&self, applet: &str, step: &str, verb: Verb, timeout_ms: u32) {
        self.send(Asked::Step(proto::CardStep {
            key: (!step.is_empty()).then(|| key(step)),
            timeout_ms,
            applet: applet.to_owned(),
            verb: Some(verb),
        }))
        .await;
    }

    pub(crate) async fn done(&mut self) -> Done {
        match self.answer().await {
            Said::Result(result) => Ok(result.result.unwrap()),
            Said::Error(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn step(&mut self, step: &str, verb: Verb) -> Done {
        self.begin(step, verb, 0).await;
        self.done().await
    }

    /// At an applet that is named.
    pub(crate) async fn step_at(&mut self, applet: &str, step: &str, verb: Verb) -> Done {
        self.begin_at(applet, step, verb, 0).await;
        self.done().await
    }

    /// Everything that the card tells.
    pub(crate) async fn inspect(&mut self) -> proto::CardInspected {
        match self
            .step("", Verb::InspectCard(proto::InspectCard {}))
            .await
        {
            Ok(Outcome::CardInspected(seen)) => seen,
            other => panic!("{other:?}"),
        }
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
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
