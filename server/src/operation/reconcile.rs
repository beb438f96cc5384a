//! What comes from the hosts: tokens, journals.
//!
//! After a restore the database is older than the journals. Nothing runs then
//! until every host's journal was read, or waiting for it was given up.

use std::sync::Arc;

use keysteward_proto::agent::v1::{Outcome, outcome::State as Journal};
use serde_json::{Map, Value, json};
use tokio::{sync::broadcast::error::RecvError, task::JoinSet};

use super::{Engine, Inner, StepName, work::Work};
use crate::{
    audit,
    fleet::FleetEvent,
    store::{
        self, HostId, Micros, OperationId, Write,
        host::{self, Host},
        operation::{self, State},
        outbox, server,
        step::{self, Attempt},
        token,
    },
};

impl Engine {
    /// Since when journals are being reconciled, and the hosts still missing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reconciliation(&self) -> store::Result<Option<(Micros, Vec<Host>)>> {
        let mut read = self.0.store.read().await?;
        let since = server::get(&mut read)
            .await?
            .and_then(|row| row.reconcile_since);
        let Some(since) = since else {
            return Ok(None);
        };
        Ok(Some((since, host::not_reconciled(&mut read, since).await?)))
    }

    /// Gives up waiting for hosts that are not coming back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_reconciliation(&self, reason: &str, actor: &str) -> store::Result<()> {
        let mut tx = self.0.store.write().await?;
        let since = server::get(&mut tx)
            .await?
            .and_then(|row| row.reconcile_since);
        if let Some(since) = since {
            let missing = host::not_reconciled(&mut tx, since).await?;
            let hosts: Vec<_> = missing.iter().map(|host| host.id.to_string()).collect();
            self.0
                .end_reconciling(&mut tx, actor, reason, &hosts)
                .await?;
        }
        tx.commit().await?;
        self.0.due.notify_one();
        Ok(())
    }
}

impl Inner {
    /// Reads events of the hosts, for ever.
    pub(super) async fn read_events(self: &Arc<Self>) {
        let mut events = self.hosts.subscribe();
        let mut lookups = JoinSet::new();
        self.see_everything(&mut lookups).await;
        loop {
            while lookups.try_join_next().is_some() {}
            let event = match events.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "fell behind the hosts; looking at everything again");
                    self.see_everything(&mut lookups).await;
                    continue;
                }
                Err(RecvError::Closed) => return core::future::pending().await,
            };
            if let Err(error) = self.read_event(event, &mut lookups).await {
                tracing::error!(%error, "an event of a host was not taken in");
            }
        }
    }

    async fn see_everything(self: &Arc<Self>, lookups: &mut JoinSet<()>) {
        for host in self.hosts.linked() {
            self.presence.remove_host(host);
            if let Err(error) = self.read_event(FleetEvent::HostUp { host }, lookups).await {
                tracing::error!(%error, "a host was not taken in");
            }
            let inner = self.clone();
            lookups.spawn(async move { inner.read_journal(host).await });
        }
        for present in self.hosts.present() {
            let event = FleetEvent::TokenSeen {
                host: present.host,
                token: Arc::new(present.token),
            };
            if let Err(error) = self.read_event(event, lookups).await {
                tracing::error!(%error, "a token was not taken in");
            }
        }
    }

    /// What was told before anybody listened.
    async fn read_journal(&self, host: HostId) {
        let told = match self.hosts.unacknowledged(host).await {
            Ok(outcomes) => self.reconcile(host, &outcomes).await,
            // With its next link it tells again.
            Err(error) => {
                tracing::warn!(%host, %error, "a host's journal was not read");
                return;
            }
        };
        if let Err(error) = told {
            tracing::error!(%host, %error, "a host's journal was not taken over");
        }
    }

    async fn read_event(
        self: &Arc<Self>,
        event: FleetEvent,
        lookups: &mut JoinSet<()>,
    ) -> store::Result<()> {
        match event {
            FleetEvent::HostUp { host } => {
                self.outbox.notify_one();
                // Ten thousand hosts come back at once: most have nothing to wake.
                if !step::any_started(&mut self.store.read().await?, host).await? {
                    return Ok(());
                }
                let mut tx = self.store.write().await?;
                operation::wake_host(&mut tx, host).await?;
                tx.commit().await?;
                self.due.notify_one();
                Ok(())
            }
            FleetEvent::HostDown { host } => {
                self.presence.remove_host(host);
                Ok(())
            }
            // Which one it is takes a look at the token: nobody waits for that.
            FleetEvent::TokenSeen { host, token } if token.serial.is_empty() => {
                let inner = self.clone();
                lookups.spawn(async move {
                    if let Err(error) = inner.seen(host, token).await {
                        tracing::error!(%error, "a token was not taken in");
                    }
                });
                Ok(())
            }
            FleetEvent::TokenSeen { host, token } => self.seen(host, token).await,
            FleetEvent::TokenGone { host, presence_id } => {
                self.presence.remove(host, &presence_id);
                Ok(())
            }
            FleetEvent::Unacknowledged { host, outcomes } => self.reconcile(host, &outcomes).await,
        }
    }

    /// Takes over what a host's journal holds that nobody has acknowledged.
    async fn reconcile(&self, host: HostId, outcomes: &[Outcome]) -> store::Result<()> {
        let now = self.clock.now();
        if outcomes.is_empty() && !self.is_reconciling().await? {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        for outcome in outcomes {
            self.take_over(&mut tx, host, outcome, now).await?;
        }
        host::set_reconciled(&mut tx, host, now).await?;
        let since = server::get(&mut tx)
            .await?
            .and_then(|row| row.reconcile_since);
        if let Some(since) = since
            && host::not_reconciled(&mut tx, since).await?.is_empty()
        {
            self.end_reconciling(&mut tx, "system", "every host's journal was read", &[])
                .await?;
        }
        tx.commit().await?;
        self.outbox.notify_one();
        self.due.notify_one();
        Ok(())
    }

    async fn is_reconciling(&self) -> store::Result<bool> {
        let row = server::get(&mut self.store.read().await?).await?;
        Ok(row.is_some_and(|row| row.reconcile_since.is_some()))
    }

    async fn take_over(
        &self,
        tx: &mut Write<'_>,
        host: HostId,
        outcome: &Outcome,
        now: Micros,
    ) -> store::Result<()> {
        let key = outcome.key.clone().unwrap_or_default();
        let Ok(id) = key.operation_id.parse::<OperationId>() else {
            return self.foreign(tx, host, outcome, now).await;
        };
        let Some(known) = operation::get(tx, id).await? else {
            // Of a time that the restored database does not know, or of the
            // person at the host.
            self.foreign(tx, host, outcome, now).await?;
            return outbox::insert(tx, host, id, &key.step, key.attempt, now).await;
        };
        match step::get(tx, id, &key.step, key.attempt).await? {
            // Its worker asks the journal.
            Some(attempt) if attempt.state == step::State::Started => Ok(()),
            Some(_) => outbox::insert(tx, host, id, &key.step, key.attempt, now).await,
            None => self.later_than_backup(tx, host, known, outcome, now).await,
        }
    }

    /// An attempt of an operation that the restored database knows at an earlier
    /// step. What it did is written down, and a person is asked.
    async fn later_than_backup(
        &self,
        tx: &mut Write<'_>,
        host: HostId,
        known: operation::Operation,
        outcome: &Outcome,
        now: Micros,
    ) -> store::Result<()> {
        let key = outcome.key.clone().unwrap_or_default();
        let state = match outcome.state() {
            Journal::Done => step::State::Done,
            Journal::Failed => step::State::Failed,
            _ => step::State::Unknown,
        };
        let attempt = Attempt {
            operation_id: known.id,
            step: key.step.clone(),
            attempt: key.attempt,
            target: "token".into(),
            state,
            host_id: Some(host),
            error: "from the host's journal; the database was restored from before it".into(),
            started_at: Micros(outcome.started_at_us),
            ended_at: Some(now),
        };
        step::insert(tx, &attempt).await?;
        outbox::insert(tx, host, known.id, &key.step, key.attempt, now).await?;
        if state == step::State::Failed {
            return Ok(());
        }
        let mut work = Work::load(tx, known, None, now).await?;
        if work.operation.state.has_ended() {
            work.token.needs_reset = true;
            token::update(tx, &work.token).await?;
        } else {
            let step = key.step.parse().unwrap_or(StepName::Inspect);
            work.token.needs_reset = true;
            token::update(tx, &work.token).await?;
            work.park(
                State::NeedsAttention,
                step,
                format!("{step} happened after the backup that this database was restored from"),
                "reset the key after resolving this with \"failed\"",
            );
            work.save(tx, Micros(0)).await?;
        }
        self.foreign(tx, host, outcome, now).await
    }

    /// Into the audit: what a host did that this database did not ask for.
    async fn foreign(
        &self,
        tx: &mut Write<'_>,
        host: HostId,
        outcome: &Outcome,
        now: Micros,
    ) -> store::Result<()> {
        let key = outcome.key.clone().unwrap_or_default();
        let mut facts = Map::new();
        for (name, text) in [
            ("verb", outcome.verb.as_str()),
            ("caller", &outcome.caller),
            ("serial", &outcome.serial),
            ("step", &key.step),
            ("operation", &key.operation_id),
            ("state", outcome.state().as_str_name()),
        ] {
            facts.insert(name.into(), Value::from(text));
        }
        let entry = audit::Entry {
            at: now,
            actor: format!("host:{host}"),
            verb: "host.did",
            object: format!("host:{host}"),
            operation: None,
            outcome: match outcome.state() {
                Journal::Done => audit::Outcome::Ok,
                Journal::Failed => audit::Outcome::Failed,
                _ => audit::Outcome::Unknown,
            },
            facts,
        };
        audit::append(tx, entry).await.map(drop)
    }

    async fn end_reconciling(
        &self,
        tx: &mut Write<'_>,
        actor: &str,
        reason: &str,
        given_up: &[String],
    ) -> store::Result<()> {
        server::set_reconcile_since(tx, None).await?;
        operation::wake_all(tx).await?;
        let mut facts = Map::new();
        facts.insert("reason".into(), json!(reason));
        facts.insert("given_up".into(), json!(given_up));
        let entry = audit::Entry {
            at: self.clock.now(),
            actor: actor.to_owned(),
            verb: "server.end-reconciliation",
            object: "server".into(),
            operation: None,
            outcome: audit::Outcome::Ok,
            facts,
        };
        audit::append(tx, entry).await.map(drop)
    }
}
