//! A whole small world: a database, an engine, a host with a key, a provider.
//! The engine can die and come again; the rest stays.

use core::time::Duration;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    ca::{Ca, OnlyCa},
    fault::{Fault, Gate},
    host::Host,
    idp::{Idp, Only},
};
use crate::{
    attestation::Anchors,
    key_store::{FactorySecrets, Hsm, KeyStore},
    lifecycle::{
        Aaguid, Alphabet, CardSection, Custody, PinPolicy, Registration, Template, TokenState,
        TokenType, Unrooted,
    },
    operation::{Ask, Engine, Error, Operation, Parts, Request, Resolution, Settings, State},
    store::{
        self, Clock, ConnectionId, HostId, JoinTokenId, Micros, OperationId, Page, Store,
        TemplateId, TokenId, TokenTypeId, UserId, connection,
        credential::{self, Credential},
        host, join_token, sealed_secret, server, template, token, token_type, user,
    },
};

pub(super) const ACTOR: &str = "api-key:test";

/// Its user has left, and told nobody its PIN.
pub(super) fn revocation(token: TokenId) -> Ask {
    Ask::Revoke {
        token,
        reason: "left".into(),
        pin: None,
    }
}

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) keys: Arc<KeyStore>,
    pub(super) engine: Engine,
    running: JoinHandle<()>,
    hsm: Option<Arc<dyn Hsm>>,
    pub(super) host: Arc<Host>,
    pub(super) idp: Arc<Idp>,
    pub(super) ca: Arc<Ca>,
    pub(super) gate: Arc<Gate>,
    now: Arc<AtomicI64>,
    pub(super) user: UserId,
    pub(super) template: TemplateId,
}

/// What a test wants other than usual.
pub(super) struct Wishes {
    pub(super) custody: Custody,
    pub(super) change: fn(&mut Template),
    pub(super) token_type: fn(&mut TokenType),
    /// The template has a passkey in it.
    pub(super) publishes: bool,
    /// What lies at the host.
    pub(super) host: fn(&mut super::host::State),
    /// Where card master keys are kept.
    pub(super) hsm: Option<Arc<dyn Hsm>>,
    /// What the template puts on cards, at this connection.
    pub(super) card: Option<fn(ConnectionId) -> CardSection>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            custody: Custody::HandOver,
            change: |_| {},
            token_type: |_| {},
            publishes: true,
            host: |_| {},
            hsm: None,
            card: None,
        }
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Wishes::default()).await
    }

    pub(super) async fn with(wishes: Wishes) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).await.unwrap();
        let keys = KeyStore::create(&folder.path().join("key")).unwrap();
        let keys = Arc::new(with(keys, wishes.hsm.as_ref()));
        let (host_id, user, connection) = (HostId::new(), UserId::new(), ConnectionId::new());
        let (token_type, template) = (TokenTypeId::new(), TemplateId::new());
        let mut tx = store.write().await.unwrap();
        server::ensure(&mut tx, Micros(1)).await.unwrap();
        insert_host(&mut tx, host_id).await;
        insert_user(&mut tx, user).await;
        connection::insert(
            &mut tx,
            &connection::Connection {
                id: connection,
                name: "idp".into(),
                kind: "test".into(),
                settings: "{}".into(),
                sealed_secret: vec![],
                checked_at: None,
                check_error: None,
                created_at: Micros(1),
            },
        )
        .await
        .unwrap();
        let mut definition = TokenType {
            aaguids: vec![Aaguid(super::key::AAGUID)],
            attestation_roots: vec![],
            trusted_by: vec![],
            unrooted_attestation: vec![Unrooted::None],
            allow_virtual: false,
            registration: Registration::Automatic,
            card: None,
        };
        (wishes.token_type)(&mut definition);
        let row = token_type::Row {
            id: token_type,
            name: "example".into(),
            sealed_factory: definition.card.as_ref().map(|card| {
                let usual = FactorySecrets::usual(card.applet);
                keys.seal_factory(&token_type.to_string(), &usual)
            }),
            definition,
            created_at: Micros(1),
        };
        token_type::insert(&mut tx, &row).await.unwrap();
        let mut definition = Template {
            token_types: vec![token_type],
            resident_key: true,
            display_name: "{model}".into(),
            pin: PinPolicy {
                length: 14,
                alphabet: Alphabet::Alphanumeric,
                custody: wishes.custody,
                minimum_length: 0,
                force_change: false,
            },
            enterprise_attestation: false,
            always_uv: None,
            cred_protect: 0,
            algorithms: vec![-7],
            delete_at_idp: true,
            allowed_aaguids: vec![],
            blocked_aaguids: vec![],
            card: wishes.card.map(|card| card(connection)),
        };
        let publishes = wishes.publishes;
        (wishes.change)(&mut definition);
        let row = template::Row {
            id: template,
            name: "office".into(),
            connection_id: publishes.then_some(connection),
            definition,
            created_at: Micros(1),
        };
        template::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        let gate = Arc::new(Gate::new());
        let host = Arc::new(Host::new(host_id, gate.clone()));
        let idp = Arc::new(Idp::new(gate.clone()));
        let ca = Arc::new(Ca::new(gate.clone()));
        (wishes.host)(&mut host.state());
        let now = Arc::new(AtomicI64::new(0));
        let engine = engine(&store, &keys, &host, (&idp, &ca), &now);
        let running = run(&engine);
        Self {
            folder,
            store,
            keys,
            engine,
            running,
            hsm: wishes.hsm,
            host,
            idp,
            ca,
            gate,
            now,
            user,
            template,
        }
    }

    /// Kills the server: whatever it does ends here.
    pub(super) async fn kill(&mut self) {
        self.running.abort();
        let _ = (&mut self.running).await;
        self.store.close().await;
    }

    /// Opens the same files again, and lets nobody work on them.
    pub(super) async fn start_without_engine(&mut self) {
        self.store = Store::open(&self.folder.path().join("db")).await.unwrap();
    }

    /// Starts it again on the same files.
    pub(super) async fn start(&mut self) {
        self.start_without_engine().await;
        let path = self.folder.path();
        let keys = KeyStore::load(&path.join("key")).unwrap();
        self.keys = Arc::new(with(keys, self.hsm.as_ref()));
        let outside = (&self.idp, &self.ca);
        self.engine = engine(&self.store, &self.keys, &self.host, outside, &self.now);
        self.running = run(&self.engine);
    }

    pub(super) async fn restart(&mut self) {
        self.kill().await;
        self.start().await;
    }

    /// Later by this much, as the server sees it.
    pub(super) async fn later(&mut self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        self.now.fetch_add(by, Ordering::SeqCst);
        self.engine.0.due.notify_one();
    }

    pub(super) async fn token(&self) -> token::Token {
        self.until("the token is seen", async || self.tokens().await.pop())
            .await
    }

    /// The token once it is in this state.
    pub(super) async fn token_in(&self, state: TokenState) -> token::Token {
        self.until(state.as_str(), async || {
            self.tokens()
                .await
                .pop()
                .filter(|token| token.state == state)
        })
        .await
    }

    pub(super) async fn tokens(&self) -> Vec<token::Token> {
        let mut read = self.store.read().await.unwrap();
        let all = token::Filter::default();
        token::list(&mut read, &all, Page::first(9))
            .await
            .unwrap()
            .rows
    }

    pub(super) async fn credentials(&self) -> Vec<Credential> {
        let id = self.token().await.id;
        let mut read = self.store.read().await.unwrap();
        credential::of_token(&mut read, id).await.unwrap()
    }

    pub(super) async fn secrets(&self) -> Vec<sealed_secret::SealedSecret> {
        let id = self.token().await.id;
        let mut read = self.store.read().await.unwrap();
        sealed_secret::of_token(&mut read, id).await.unwrap()
    }

    pub(super) async fn ask(&self, ask: Ask) -> Result<Operation, Error> {
        let request = Request {
            id: None,
            ask,
            batch: None,
            valid_for: None,
        };
        self.engine.start(request, ACTOR).await
    }

    pub(super) async fn issue(&self) -> Operation {
        let token = self.token_in(TokenState::Registered).await.id;
        let (user, template) = (self.user, self.template);
        self.ask(Ask::Issue {
            token,
            user,
            template,
        })
        .await
        .unwrap()
    }

    pub(super) async fn operation(&self, id: OperationId) -> Operation {
        let mut read = self.store.read().await.unwrap();
        store::operation::get(&mut read, id).await.unwrap().unwrap()
    }

    /// The operation once it has ended or asks a person.
    pub(super) async fn settled(&self, id: OperationId) -> Operation {
        self.until("the operation ends", async || {
            Some(self.operation(id).await).filter(|operation| !operation.state.goes_on())
        })
        .await
    }

    /// The operation's end, where `fault` strikes at a call that the gate was armed for, and
    /// whether there was such a call. A server that dies of it comes again.
    pub(super) async fn settled_through(
        &mut self,
        fault: Fault,
        id: OperationId,
    ) -> (Operation, bool) {
        if matches!(fault, Fault::ServerDiesBefore | Fault::ServerDiesAfter) {
            tokio::select! {
                () = self.gate.tripped() => {}
                _ = self.settled(id) => {}
            }
            self.restart().await;
        }
        let ended = self.settled(id).await;
        let came = self.gate.came();
        self.gate.disarm();
        (ended, came)
    }

    /// The operation's end, where a person who is asked says that it be tried again.
    pub(super) async fn retried(&self, ended: &Operation) -> Operation {
        if ended.state != State::NeedsAttention {
            return ended.clone();
        }
        let (id, retry) = (ended.id, Resolution::Retry);
        let resolved = self.engine.resolve(id, retry, "", ACTOR).await;
        resolved.unwrap();
        self.settled(id).await
    }

    /// Waits for what waits for the authority, or for the token, as well.
    pub(super) async fn until_nothing_is_open(&self) {
        self.until("nothing is open", async || {
            let mut read = self.store.read().await.unwrap();
            let (open, _) = store::operation::count_open(&mut read).await.unwrap();
            (open == 0).then_some(())
        })
        .await;
    }

    /// The operation once it waits and says `why`.
    pub(super) async fn waiting(&self, id: OperationId, why: &str) -> Operation {
        self.until(why, async || {
            let now = self.operation(id).await;
            (now.state == State::Waiting && now.remark.contains(why)).then_some(now)
        })
        .await
    }

    /// Unplugs the key, and waits until the server has seen that.
    pub(super) async fn unplug(&self) {
        let token = self.token().await.id;
        self.until("it is there", async || self.engine.place(token))
            .await;
        self.host.unplug();
        let gone = async || self.engine.place(token).is_none().then_some(());
        self.until("it is gone", gone).await;
    }

    /// Does it, and expects it to succeed.
    pub(super) async fn done(&self, ask: Ask) -> Operation {
        let id = self.ask(ask).await.unwrap().id;
        let ended = self.settled(id).await;
        assert_eq!(ended.state, State::Succeeded, "{ended:?}");
        ended
    }

    /// Issued, and the PIN in the user's hands.
    pub(super) async fn active(&self) -> TokenId {
        let issued = self.settled(self.issue().await.id).await;
        assert_eq!(issued.state, State::Succeeded, "{issued:?}");
        let token = self.token().await.id;
        let over = self
            .done(Ask::HandOverPin {
                token,
                new_pin: None,
            })
            .await;
        self.engine.reveal(over.id, ACTOR).await.unwrap();
        self.idp.activate();
        token
    }

    pub(super) async fn until<T>(&self, what: &str, ready: impl AsyncFn() -> Option<T>) -> T {
        for _ in 0..6000 {
            if let Some(ready) = ready().await {
                return ready;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut read = self.store.read().await.unwrap();
        let all = store::operation::Filter::default();
        let operations = store::operation::list(&mut read, &all, Page::first(9))
            .await
            .unwrap();
        panic!("never: {what}; operations: {:#?}", operations.rows);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn with(keys: KeyStore, hsm: Option<&Arc<dyn Hsm>>) -> KeyStore {
    match hsm {
        Some(hsm) => keys.with_hsm(hsm.clone()),
        None => keys,
    }
}

fn engine(
    store: &Store,
    keys: &Arc<KeyStore>,
    host: &Arc<Host>,
    (idp, ca): (&Arc<Idp>, &Arc<Ca>),
    ahead: &Arc<AtomicI64>,
) -> Engine {
    let ahead = ahead.clone();
    let system = Clock::system();
    Engine::new(Parts {
        store: store.clone(),
        keys: keys.clone(),
        anchors: Anchors::default(),
        hosts: host.clone(),
        providers: Arc::new(Only(idp.clone())),
        authorities: Arc::new(OnlyCa(ca.clone())),
        clock: Clock::new(move || Micros(system.now().0 + ahead.load(Ordering::SeqCst))),
        settings: Settings {
            workers: 4,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(4),
            ..Settings::default()
        },
    })
}

fn run(engine: &Engine) -> JoinHandle<()> {
    let engine = engine.clone();
    tokio::spawn(async move {
        engine.run(CancellationToken::new()).await.unwrap();
    })
}

async fn insert_host(tx: &mut store::Write<'_>, id: HostId) {
    let join = join_token::JoinToken {
        id: JoinTokenId::new(),
        secret_hash: [0; 32],
        host_group: "all".into(),
        uses_left: 0,
        needs_approval: false,
        expires_at: Micros(2),
        created_by: "test".into(),
        created_at: Micros(1),
        revoked_at: None,
    };
    join_token::insert(tx, &join).await.unwrap();
    let row = host::Host {
        id,
        hostname: "laptop-7".into(),
        host_group: "all".into(),
        state: host::State::Enrolled,
        facts: host::Facts::default(),
        agent_version: "0.1.0".into(),
        join_token_id: join.id,
        public_key: vec![1],
        serial: Some("01".into()),
        next_serial: None,
        link_epoch: 1,
        reconciled_at: None,
        enrolled_at: Micros(1),
        last_seen_at: None,
        revoked_at: None,
    };
    host::insert(tx, &row).await.unwrap();
}

async fn insert_user(tx: &mut store::Write<'_>, id: UserId) {
    let row = user::User {
        id,
        user_name: "alice".into(),
        mail: "alice@example.com".into(),
        given_name: "Alice".into(),
        sn: "Example".into(),
        sam_account_name: None,
        user_principal_name: None,
        display_name: "Alice Example".into(),
        source: "file".into(),
        webauthn_id: [9; 32],
        created_at: Micros(1),
    };
    user::import(tx, &row).await.unwrap();
}
