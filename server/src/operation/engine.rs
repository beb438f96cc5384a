//! The engine: starts operations, drives them, and lets people watch, cancel
//! and resolve them.

use core::time::Duration;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, json};
use tokio::{
    sync::{Notify, broadcast},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Error, Hosts, Progress, Providers, Request, StepName, Target, Update, Watch, hand_over_pin,
    pins,
    plan::Parked,
    presence::{Place, Presence},
    record, watch,
    work::Work,
};
use crate::{
    audit,
    key_store::KeyStore,
    store::{
        self, Clock, Micros, OperationId, Store, TokenId, Write, credential,
        operation::{self, Operation, State},
        sealed_secret::{self, Kind, State as Sealed},
        step, token,
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
    /// Hosts and their tokens.
    pub hosts: Arc<dyn Hosts>,
    /// Identity providers.
    pub providers: Arc<dyn Providers>,
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
    pub(super) hosts: Arc<dyn Hosts>,
    pub(super) providers: Arc<dyn Providers>,
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
    running: Mutex<HashMap<OperationId, CancellationToken>>,
}

/// What a person decides about an operation that cannot go on by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resolution {
    /// Try again.
    Retry,
    /// It did happen.
    Done,
    /// It did not: turn round.
    Failed,
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
        Self(Arc::new(Inner {
            store: parts.store,
            keys: parts.keys,
            hosts: parts.hosts,
            providers: parts.providers,
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

    /// Ends an operation as soon as it can: what was begun is undone.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn cancel(&self, id: OperationId, actor: &str) -> Result<Operation, Error> {
        let mut tx = self.0.store.write().await?;
        let now = operation::get(&mut tx, id).await?;
        let mut now = now.ok_or_else(|| not_found(id))?;
        if now.state.has_ended() {
            return Err(Error::WrongState {
                operation: id,
                state: now.state,
                allowed: "only what has not ended can be cancelled",
            });
        }
        operation::cancel(&mut tx, id, actor).await?;
        if !now.state.goes_on() {
            let mut work = Work::load(&mut tx, now, None, self.0.clock.now()).await?;
            let at_token = |parked: Parked| parked.step.target() == Target::Token;
            if work.operation.state == State::Unknown && work.progress.parked.is_some_and(at_token)
            {
                // Nobody has looked: what is on it only goes for certain by a reset.
                work.token.needs_reset = true;
                token::update(&mut tx, &work.token).await?;
            }
            self.0
                .give_up(&mut tx, &mut work, &format!("cancelled by {actor}"))
                .await?;
            work.cancel(actor);
            go_on(&mut tx, &mut work).await?;
            now = work.operation;
        }
        now.cancelled_by = Some(actor.to_owned());
        audit_act(
            &mut tx,
            &now,
            "operation.cancel",
            actor,
            self.0.clock.now(),
            "",
        )
        .await?;
        tx.commit().await?;
        if let Some(running) = self.0.running().get(&id) {
            running.cancel();
        }
        self.0.due.notify_one();
        Ok(now)
    }

    /// Closes what only a person can.
    ///
    /// # Errors
    /// When the operation does not ask for it, or the step cannot be called done.
    pub async fn resolve(
        &self,
        id: OperationId,
        resolution: Resolution,
        note: &str,
        actor: &str,
    ) -> Result<Operation, Error> {
        let inner = &self.0;
        let mut tx = inner.store.write().await?;
        let now = operation::get(&mut tx, id).await?;
        let now = now.ok_or_else(|| not_found(id))?;
        if !matches!(now.state, State::NeedsAttention | State::Unknown) {
            return Err(Error::WrongState {
                operation: id,
                state: now.state,
                allowed: "only needs-attention and unknown can be resolved",
            });
        }
        let mut work = Work::load(&mut tx, now, None, inner.clock.now()).await?;
        match resolution {
            Resolution::Retry => {
                // What waits for a person should not expire while it waits.
                let again = work.now.plus(inner.settings.valid_for);
                work.operation.deadline = work.operation.deadline.map(|at| at.max(again));
            }
            Resolution::Done => inner.call_done(&mut tx, &mut work, actor).await?,
            Resolution::Failed => {
                let why = format!("did not happen, says {actor}: {note}");
                inner.give_up(&mut tx, &mut work, &why).await?;
                work.progress.fail(why, "");
            }
        }
        go_on(&mut tx, &mut work).await?;
        let verb = match resolution {
            Resolution::Retry => "operation.resolve-retry",
            Resolution::Done => "operation.resolve-done",
            Resolution::Failed => "operation.resolve-failed",
        };
        audit_act(&mut tx, &work.operation, verb, actor, work.now, note).await?;
        tx.commit().await?;
        inner.due.notify_one();
        Ok(work.operation)
    }

    /// Shows the PIN that a hand-over set free: once; then it is erased here,
    /// unless the template escrows it.
    ///
    /// # Errors
    /// When it is not to be shown, or was.
    pub async fn reveal(&self, id: OperationId, actor: &str) -> Result<Zeroizing<String>, Error> {
        let inner = &self.0;
        let mut tx = inner.store.write().await?;
        let now = operation::get(&mut tx, id).await?;
        let now = now.ok_or_else(|| not_found(id))?;
        let mut work = Work::load(&mut tx, now, None, inner.clock.now()).await?;
        let offered = work
            .progress
            .offered
            .filter(|_| work.operation.state == State::Succeeded && !work.progress.revealed);
        let secret = work
            .secret(Kind::Pin, Sealed::Current)
            .filter(|secret| Some(secret.id) == offered)
            .ok_or(Error::NothingToReveal(id))?;
        let pin = pins::open(&inner.keys, secret)?;
        work.progress.revealed = true;
        if !hand_over_pin::escrowed(&work.facts()) {
            sealed_secret::delete(&mut tx, work.token.id, Kind::Pin, Sealed::Current).await?;
        }
        if !work.save(&mut tx, Micros(0)).await? {
            return Err(Error::NothingToReveal(id));
        }
        audit_act(&mut tx, &work.operation, "pin.reveal", actor, work.now, "").await?;
        // Before the PIN leaves: it is shown at most once.
        tx.commit().await?;
        Ok(pin)
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

    fn running(&self) -> MutexGuard<'_, HashMap<OperationId, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives due operations to workers, for ever.
    async fn dispatch(self: &Arc<Self>) {
        let mut workers = JoinSet::new();
        loop {
            while let Some(ended) = workers.try_join_next() {
                self.ended(ended);
            }
            let free = self.settings.workers.saturating_sub(workers.len());
            match self.take_due(free).await {
                Ok(due) => {
                    for id in due {
                        let cancelled = CancellationToken::new();
                        self.running().insert(id, cancelled.clone());
                        let inner = self.clone();
                        workers.spawn(async move { (id, inner.run(id, cancelled).await) });
                    }
                }
                Err(error) => tracing::error!(%error, "cannot look for operations that are due"),
            }
            let sleep = self.until_next().await;
            tokio::select! {
                () = self.due.notified() => {}
                () = tokio::time::sleep(sleep) => {}
                Some(ended) = workers.join_next(), if !workers.is_empty() => self.ended(ended),
            }
        }
    }

    fn ended(&self, ended: Result<(OperationId, store::Result<()>), tokio::task::JoinError>) {
        match ended {
            Ok((id, result)) => {
                self.running().remove(&id);
                if let Err(error) = result {
                    tracing::error!(operation = %id, %error, "stopped; taken up again when its lease ends");
                }
            }
            Err(error) => tracing::error!(%error, "a worker failed"),
        }
    }

    async fn take_due(&self, free: usize) -> store::Result<Vec<OperationId>> {
        let limit = u32::try_from(free + self.running().len()).unwrap_or(u32::MAX);
        let mut read = self.store.read().await?;
        let mut due = operation::due(&mut read, self.clock.now(), limit).await?;
        due.retain(|id| !self.running().contains_key(id));
        due.truncate(free);
        Ok(due)
    }

    /// Until the clock alone makes something due.
    async fn until_next(&self) -> Duration {
        let next = async {
            let mut read = self.store.read().await?;
            operation::next_due(&mut read).await
        };
        match next.await {
            Ok(Some(at)) => at
                .since(self.clock.now())
                .clamp(SHORTEST_SLEEP, LONGEST_SLEEP),
            Ok(None) => LONGEST_SLEEP,
            Err(_) => Duration::from_secs(1),
        }
    }

    /// A person says that the step did happen.
    async fn call_done(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        actor: &str,
    ) -> Result<(), Error> {
        let Some(parked) = work.progress.parked else {
            return Ok(());
        };
        let step = parked.step;
        let becomes = match step {
            StepName::Inspect
            | StepName::FindUser
            | StepName::MakeCredential
            | StepName::Publish
            | StepName::ReadBack => return Err(Error::NotByHand { step }),
            StepName::Suspend => Some("suspended"),
            StepName::Resume => Some("active"),
            StepName::Unpublish | StepName::DeleteAuthenticator => Some(super::plan::ABSENT),
            StepName::SetPin
            | StepName::ChangePin
            | StepName::Configure
            | StepName::DeleteCredential
            | StepName::Reset => None,
        };
        self.close_open(
            tx,
            work,
            step,
            step::State::Done,
            &format!("called done by {actor}"),
        )
        .await?;
        let Some(state) = becomes else {
            self.done(tx, work, step).await?;
            return Ok(());
        };
        let own = work.progress.credential;
        for c in &mut work.credentials {
            if c.idp_authenticator_id.is_some() && own.is_none_or(|own| own == c.id) {
                c.idp_state = Some(state.to_owned());
                credential::update(tx, c).await?;
            }
        }
        work.progress.finish(step);
        Ok(())
    }

    /// A person says that the step did not happen, or wants no more of it.
    async fn give_up(&self, tx: &mut Write<'_>, work: &mut Work, why: &str) -> store::Result<()> {
        let Some(parked) = work.progress.parked else {
            return Ok(());
        };
        self.close_open(tx, work, parked.step, step::State::Failed, why)
            .await?;
        work.progress.look = None;
        match parked.step {
            StepName::DeleteCredential => work.progress.undeletable = Some(why.to_owned()),
            StepName::Unpublish => work.progress.published = false,
            _ => {}
        }
        Ok(())
    }

    async fn close_open(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
        state: step::State,
        why: &str,
    ) -> store::Result<()> {
        let open: Vec<_> = work
            .attempts
            .iter()
            .filter(|attempt| {
                attempt.step == step.as_str()
                    && matches!(attempt.state, step::State::Started | step::State::Unknown)
            })
            .cloned()
            .collect();
        for attempt in open {
            record::close(tx, work, &attempt, state, why).await?;
        }
        Ok(())
    }
}

/// Back to work.
async fn go_on(tx: &mut Write<'_>, work: &mut Work) -> Result<(), Error> {
    work.progress.parked = None;
    work.progress.tries.clear();
    work.operation.state = State::Waiting;
    work.operation.not_before = Micros(0);
    work.operation.remark = String::new();
    work.operation.next_action = String::new();
    if work.save(tx, Micros(0)).await? {
        return Ok(());
    }
    Err(Error::WrongState {
        operation: work.operation.id,
        state: work.operation.state,
        allowed: "it changed meanwhile: look again",
    })
}

async fn audit_act(
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

fn not_found(id: OperationId) -> Error {
    Error::NotFound {
        what: "operation",
        id: id.to_string(),
    }
}

const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
