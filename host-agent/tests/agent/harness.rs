//! A host with an agent, security keys to plug into it, and a caller.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use hyper_util::rt::TokioIo;
use keysteward_agent::{
    agent::Agent,
    settings::{LocalSocket, Log, LogFormat, LogLevel, Policy, Redial, Settings},
};
use keysteward_core::crypto::RustCrypto;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{
    authenticator::Authenticator,
    device::{Device, TouchPolicy},
    front_end::{Identity, socket},
    manufacture::{Manufacturer, Order},
    security_key::SecurityKey,
    storage::{MemoryStorage, Storage as _},
};
use proto::{
    LeaseRequest, LeaseResponse, StepKey, Token, fido_client::FidoClient, host_client::HostClient,
    journal_client::JournalClient, lease_request, lease_response, step::Verb,
    tokens_client::TokensClient,
};
use rand_core::OsRng;
use tempfile::TempDir;
use tokio::{net::UnixStream, sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint, Uri},
};

pub(crate) const PIN: &str = "314159";
pub(crate) const RP: &str = "login.example.com";
pub(crate) const USER: &[u8] = b"user-1";

/// How long anything may take that needs no person.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A security key in software, plugged in and out by the test.
pub(crate) struct Key {
    pub(crate) device: Arc<Device>,
}

impl Key {
    /// Made, plugged into the host of `folder`, and touched whenever it asks.
    pub(crate) fn new(folder: &Path, serial: Option<&str>) -> Self {
        static MANUFACTURER: OnceLock<Manufacturer> = OnceLock::new();
        let manufacturer = MANUFACTURER.get_or_init(|| Manufacturer::found().unwrap());
        let order = Order {
            serial: serial.map(str::to_owned),
            enterprise_rp_ids: vec![RP.to_owned()],
            ..Order::default()
        };
        let state = manufacturer.make(&order, &mut RustCrypto(OsRng)).unwrap();
        let mut storage = MemoryStorage::new();
        storage.save(&state.encode().unwrap()).unwrap();
        let device = Device::new(TouchPolicy::Always);
        let powered = Arc::clone(&device);
        thread::spawn(move || {
            let authenticator = Authenticator::new(storage, RustCrypto(OsRng)).unwrap();
            powered.run(&mut SecurityKey::new(authenticator))
        });
        let linked = Arc::clone(&device);
        let path = virtual_tokens(folder);
        let identity = Identity {
            name: "key".to_owned(),
            vendor_id: 0x1234,
            product_id: 1,
            manufacturer: "Keysteward".to_owned(),
            product: "Virtual Key".to_owned(),
            serial: serial.map(str::to_owned),
        };
        thread::spawn(move || socket::run(&linked, &identity, &path));
        device.plug();
        Self { device }
    }

    pub(crate) fn replug(&self) {
        self.device.unplug();
        self.device.plug();
    }

    pub(crate) fn pin_set(&self) -> bool {
        self.device.state().contents.pin_set
    }

    pub(crate) fn credentials(&self) -> usize {
        self.device.state().contents.credentials.len()
    }

    pub(crate) async fn waits_for_touch(&self) {
        until("the key waits for a touch", || {
            self.device.state().waiting_for_touch
        })
        .await;
    }
}

/// A host with an agent in this process.
pub(crate) struct Host {
    pub(crate) folder: TempDir,
    settings: Settings,
    agent: Arc<Agent>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with_policy(Policy::default()).await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), policy);
        Self::start(folder, settings).await
    }

    async fn start(folder: TempDir, settings: Settings) -> Self {
        let agent = Arc::new(Agent::start(&settings).unwrap());
        let stop = CancellationToken::new();
        let (serving, until) = (Arc::clone(&agent), stop.clone());
        let served = tokio::spawn(async move { serving.serve_local(until).await.unwrap() });
        let socket = settings.local_socket.path.clone();
        until_async("the agent listens", async || {
            UnixStream::connect(&socket).await.is_ok()
        })
        .await;
        Self {
            folder,
            settings,
            agent,
            stop,
            served,
        }
    }

    /// A key with the serial number KS-1 and a PIN, plugged in here.
    pub(crate) async fn key(&self) -> Key {
        let key = Key::new(self.folder.path(), Some("KS-1"));
        let mut lease = self.lease().await;
        lease.set_pin("setup").await;
        key
    }

    pub(crate) async fn caller(&self) -> Caller {
        Caller::connect(&self.settings.local_socket.path).await
    }

    /// A lease on the only token.
    pub(crate) async fn lease(&self) -> Lease {
        self.caller().await.lease().await
    }

    /// Pulls a key out, and plugs it in once the agent has noticed.
    pub(crate) async fn replug(&self, key: &Key) {
        let caller = self.caller().await;
        let before = caller.list().await.len();
        key.device.unplug();
        until_async("the key is gone", async || {
            caller.list().await.len() < before
        })
        .await;
        key.device.plug();
    }

    /// The service is stopped in order, and started anew on the same disk.
    pub(crate) async fn restart(self) -> Self {
        let policy = self.settings.policy.clone();
        self.restart_with(policy).await
    }

    pub(crate) async fn restart_with(self, policy: Policy) -> Self {
        let Self {
            folder,
            settings,
            agent,
            stop,
            served,
        } = self;
        let settings = Settings { policy, ..settings };
        stop.cancel();
        served.await.unwrap();
        Arc::into_inner(agent).unwrap().shutdown().await;
        until("the journal is free", || {
            keysteward_agent::journal::Journal::open(&settings.state_dir).is_ok()
        })
        .await;
        Self::start(folder, settings).await
    }
}

pub(crate) fn settings(folder: &Path, policy: Policy) -> Settings {
    Settings {
        state_dir: folder.join("state"),
        local_socket: LocalSocket {
            path: folder.join("agent.sock"),
            mode: 0o600,
            group: None,
        },
        server: None,
        redial: Redial {
            first_within: Duration::ZERO,
            longest: Duration::from_secs(1),
        },
        danger_virtual_token_socket: Some(virtual_tokens(folder)),
        policy,
        log: Log {
            level: LogLevel::Info,
            format: LogFormat::Human,
        },
    }
}

fn virtual_tokens(folder: &Path) -> PathBuf {
    folder.join("tokens.sock")
}

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

    /// The only token, once it is plugged in and read.
    pub(crate) async fn token(&self) -> Token {
        let deadline = Instant::now() + SOON;
        loop {
            match &self.list().await[..] {
                [token] if token.fido.is_some() => return token.clone(),
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

/// One lease of one token.
pub(crate) struct Lease {
    requests: mpsc::Sender<LeaseRequest>,
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
        self.send(lease_request::Request::Step(proto::Step {
            key: (!step.is_empty()).then(|| key(step)),
            timeout_ms,
            verb: Some(verb),
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

/// First attempt of `step`, of the one operation of these tests.
pub(crate) fn key(step: &str) -> StepKey {
    StepKey {
        operation_id: "operation".to_owned(),
        step: step.to_owned(),
        attempt: 1,
    }
}

pub(crate) fn set_pin(pin: &str) -> Verb {
    Verb::SetPin(proto::SetPin {
        new_pin: pin.to_owned(),
    })
}

pub(crate) fn make_credential() -> Verb {
    Verb::MakeCredential(proto::MakeCredential {
        pin: PIN.to_owned(),
        rp_id: RP.to_owned(),
        rp_name: "Example".to_owned(),
        client_data_hash: vec![5; 32],
        user_id: USER.to_vec(),
        user_name: "alice".to_owned(),
        user_display_name: "Alice".to_owned(),
        algorithms: vec![-7],
        resident_key: true,
        ..proto::MakeCredential::default()
    })
}

pub(crate) fn delete(credential_id: &[u8]) -> Verb {
    Verb::DeleteCredential(proto::DeleteCredential {
        pin: PIN.to_owned(),
        credential_id: credential_id.to_vec(),
        rp_id: RP.to_owned(),
    })
}

pub(crate) fn list() -> Verb {
    Verb::ListCredentials(proto::ListCredentials {
        pin: PIN.to_owned(),
        rp_id: String::new(),
    })
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    until_async(what, async || holds()).await;
}

pub(crate) async fn until_async(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
