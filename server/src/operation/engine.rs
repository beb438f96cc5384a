//! The engine: what it is built on, and what can be asked of it.

use core::time::Duration;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, json};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Authorities, Error, Hosts, Progress, Providers, Request, StepName, Update, Watch,
    card_masters::CardMasters,
    hand_over_pin, pins,
    presence::{Place, Presence},
    unblock_card, watch,
    work::Work,
};
use crate::{
    attestation::Anchors,
    audit,
    connector::ca::CertificationAuthority,
    key_store::KeyStore,
    store::{
        self, Clock, Micros, OperationId, Store, TokenId, Write,
        connection::Connection,
        operation::{self, Operation, State},
        sealed_secret::{self, Kind, State as Sealed},
    },
};

/// How the engine works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Operations at once.
    pub workers: usize,
    /// How long it may wait for an absent host or token, unless asked otherwise.
    pub valid_for: Duration,
    /// After the first failure that may pass; doubles with each.
    pub first_wait: Duration,
    /// And never more than this.
    pub longest_wait: Duration,
    /// How long a key that was there is expected back, before what is left to
    /// do on it becomes an operation of its own.
    pub patience: Duration,
    /// Failures in a row of one step, before a person is asked.
    pub tries: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 64,
            valid_for: Duration::from_secs(24 * 60 * 60),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            patience: Duration::from_secs(60),
            tries: 5,
        }
    }
}

/// What the engine is built on.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Sealed secrets.
    pub keys: Arc<KeyStore>,
    /// The server's own files of trust.
    pub anchors: Anchors,
    /// Hosts and their tokens.
    pub hosts: Arc<dyn Hosts>,
    /// Identity providers.
    pub providers: Arc<dyn Providers>,
    /// Certification authorities.
    pub authorities: Arc<dyn Authorities>,
    /// What time it is.
    pub clock: Clock,
    /// How to work.
    pub settings: Settings,
}

impl core::fmt::Debug for Parts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Parts")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The saga engine. Clones share it.
#[derive(Clone)]
pub struct Engine(pub(super) Arc<Inner>);

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) keys: Arc<KeyStore>,
    pub(super) anchors: Anchors,
    pub(super) hosts: Arc<dyn Hosts>,
    pub(super) providers: Arc<dyn Providers>,
    pub(super) authorities: Arc<dyn Authorities>,
    pub(super) clock: Clock,
    pub(super) settings: Settings,
    pub(super) presence: Presence,
    pub(super) updates: broadcast::Sender<Update>,
    /// Something may be due.
    pub(super) due: Notify,
    /// There may be something to acknowledge.
    pub(super) outbox: Notify,
    /// Who leases: new with each process.
    pub(super) owner: String,
    pub(super) masters: CardMasters,
    running: Mutex<HashMap<OperationId, CancellationToken>>,
}

/// What a hand-over sets free.
#[derive(Default)]
pub struct Revealed {
    /// Of the FIDO2 applet.
    pub pin: Option<Zeroizing<String>>,
    /// Of the card.
    pub card_pin: Option<Zeroizing<String>>,
}

impl core::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Revealed")
    }
}

/// Where an operation is, for people.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// The step it is at.
    pub step: Option<StepName>,
    /// Of `total`.
    pub done: usize,
    /// Steps it means to take.
    pub total: usize,
}

impl Engine {
    /// An engine that does not run yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let masters =
            CardMasters::new(parts.store.clone(), parts.keys.clone(), parts.clock.clone());
        Self(Arc::new(Inner {
            masters,
            store: parts.store,
            keys: parts.keys,
            anchors: parts.anchors,
            hosts: parts.hosts,
            providers: parts.providers,
            authorities: parts.authorities,
            clock: parts.clock,
            settings: parts.settings,
            presence: Presence::default(),
            updates: broadcast::Sender::new(watch::KEPT),
            due: Notify::new(),
            outbox: Notify::new(),
            owner: Uuid::now_v7().to_string(),
            running: Mutex::default(),
        }))
    }

    /// Drives operations until `shutdown`. Dropped, it stops between two
    /// transactions, and the next one goes on from there.
    ///
    /// # Errors
    /// When the database does not answer at the start.
    pub async fn run(&self, shutdown: CancellationToken) -> store::Result<()> {
        let mut tx = self.0.store.write().await?;
        operation::end_leases(&mut tx).await?;
        tx.commit().await?;
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.0.read_events() => {}
            () = self.0.dispatch() => {}
            () = self.0.acknowledge() => {}
            () = self.0.sign() => {}
        }
        Ok(())
    }

    /// Checks everything that can be checked and writes the operation down; the
    /// work goes on by itself.
    ///
    /// # Errors
    /// Why it was not started; nothing has changed.
    pub async fn start(&self, request: Request, actor: &str) -> Result<Operation, Error> {
        let operation = self.0.accept(&request, actor).await?;
        self.0.due.notify_one();
        Ok(operation)
    }

    /// Follows an operation from what it is now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn watch(&self, id: OperationId) -> Result<(Operation, Watch), Error> {
        // Subscribed first: nothing between is missed.
        let updates = self.0.updates.subscribe();
        let mut read = self.0.store.read().await?;
        let now = operation::get(&mut read, id).await?;
        let now = now.ok_or_else(|| not_found(id))?;
        Ok((now, Watch::new(id, updates, self.0.store.clone())))
    }

    /// Shows the PIN that a hand-over set free: once; then it is erased here,
    /// unless the template escrows it.
    ///
    /// # Errors
    /// When it is not to be shown, or was.
    pub async fn reveal(&self, id: OperationId, actor: &str) -> Result<Revealed, Error> {
        let inner = &self.0;
        let mut tx = inner.store.write().await?;
        let now = operation::get(&mut tx, id).await?;
        let now = now.ok_or_else(|| not_found(id))?;
        let mut work = Work::load(&mut tx, now, None, inner.clock.now()).await?;
        let free = work.operation.state == State::Succeeded && !work.progress.revealed;
        let mut revealed = Revealed::default();
        for (kind, offered, escrowed) in [
            (
                Kind::Pin,
                work.progress.offered,
                hand_over_pin::escrowed(&work.facts()),
            ),
            (
                Kind::CardPin,
                work.progress.offered_card,
                unblock_card::escrowed(&work.facts()),
            ),
        ] {
            let secret = work
                .secret(kind, Sealed::Current)
                .filter(|secret| free && Some(secret.id) == offered);
            let Some(secret) = secret else { continue };
            let pin = Some(pins::open(&inner.keys, secret)?);
            match kind {
                Kind::CardPin => revealed.card_pin = pin,
                _ => revealed.pin = pin,
            }
            if !escrowed {
                sealed_secret::delete(&mut tx, work.token.id, kind, Sealed::Current).await?;
            }
        }
        if revealed.pin.is_none() && revealed.card_pin.is_none() {
            return Err(Error::NothingToReveal(id));
        }
        work.progress.revealed = true;
        if !work.save(&mut tx, Micros(0)).await? {
            return Err(Error::NothingToReveal(id));
        }
        audit_act(&mut tx, &work.operation, "pin.reveal", actor, work.now, "").await?;
        // Before the PIN leaves: it is shown at most once.
        tx.commit().await?;
        Ok(revealed)
    }

    /// The certification authority behind a connection.
    ///
    /// # Errors
    /// Why the connection cannot be used, as a sentence.
    pub fn authority(
        &self,
        connection: &Connection,
    ) -> Result<Arc<dyn CertificationAuthority>, String> {
        self.0.authorities.authority(connection)
    }

    /// Where a token is plugged in now.
    #[must_use]
    pub fn place(&self, token: TokenId) -> Option<Place> {
        self.0.presence.of(token)
    }

    /// Tokens that are plugged in now.
    #[must_use]
    pub fn present(&self) -> Vec<TokenId> {
        self.0.presence.tokens()
    }
}

/// Where an operation is.
#[must_use]
pub fn position(operation: &Operation) -> Position {
    let progress: Progress = serde_json::from_str(&operation.progress).unwrap_or_default();
    let total = progress.todo.len();
    let done = match operation.state {
        State::Succeeded => total,
        _ => progress
            .todo
            .iter()
            .filter(|step| progress.has(**step))
            .count(),
    };
    Position {
        step: progress.step,
        done,
        total,
    }
}

impl Inner {
    pub(super) fn tell(&self, update: Update) {
        // An error says that nobody watches.
        let _ = self.updates.send(update);
    }

    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<OperationId, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn audit_act(
    tx: &mut Write<'_>,
    operation: &Operation,
    verb: &'static str,
    actor: &str,
    at: Micros,
    note: &str,
) -> store::Result<()> {
    let mut facts = Map::new();
    facts.insert("kind".into(), json!(operation.kind));
    if !note.is_empty() {
        facts.insert("note".into(), json!(note));
    }
    let entry = audit::Entry {
        at,
        actor: actor.to_owned(),
        verb,
        object: operation
            .token_id
            .map_or_else(String::new, |token| format!("token:{token}")),
        operation: Some(operation.id),
        outcome: audit::Outcome::Ok,
        facts,
    };
    audit::append(tx, entry).await.map(drop)
}

pub(super) fn not_found(id: OperationId) -> Error {
    Error::NotFound {
        what: "operation",
        id: id.to_string(),
    }
}
