//! A worker: takes one operation and drives it until it waits or ends.
//!
//! ```text
//!            ┌──────────── one transaction ────────────┐
//!  lease ──> │ record what came ─> decide ─> write down │ ──> request leaves ──┐
//!            └─────────────────────────────────────────┘                       │
//!                  ^───────────────────── what came of it ──────────────────────┘
//! ```
//! What is to be asked of the outside is written down before it is asked, and
//! what came of it together with what follows. A worker that dies between two
//! transactions leaves an attempt that is `started`: the next one asks the host's
//! journal, or looks at the provider, before it does anything else.

use core::time::Duration;
use std::sync::Arc;

use keysteward_proto::agent::v1::{Progress, StepKey, progress::Kind as ProgressKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Inner, StepName, effects,
    hosts::StepRequest,
    idp_step::{self, About, IdpRequest},
    look::{self, Look},
    made,
    plan::{self, Next},
    record::{self, Finished},
    step::Target,
    token_step::{self, Unprepared},
    watch::{Prompt, Update},
    work::Work,
};
use crate::{
    connector::idp::{AuthenticatorId, IdentityProvider, IdpUserId, User},
    store::{
        self, ConnectionId, HostId, Micros, OperationId, Write, connection, host,
        operation::{self, Kind as Operation, State},
        server,
        step::{self, Attempt},
    },
};

/// Something to do outside the database.
enum Job {
    Token(Attempt, HostId, Box<StepRequest>, mpsc::Receiver<Progress>),
    Idp(Attempt, Box<IdpRequest>),
    Journal(Attempt, HostId),
    Look(Box<Look>),
}

impl Job {
    /// Longer than it can take.
    fn time_limit(&self) -> Duration {
        match self {
            Self::Token(_, _, request, _) => {
                Duration::from_millis(request.step.timeout_ms.into()) + MARGIN
            }
            Self::Idp(..) | Self::Journal(..) | Self::Look(_) => MARGIN,
        }
    }
}

/// What beginning a step came to.
enum Begun {
    Job(Job),
    /// It cannot be taken; the plan is asked again.
    Again,
    Paused,
}

impl Inner {
    /// Drives one operation until it waits or ends, or another worker has it.
    pub(super) async fn run(
        self: &Arc<Self>,
        id: OperationId,
        cancelled: CancellationToken,
    ) -> store::Result<()> {
        let mut held = None;
        let mut finished: Option<Finished> = None;
        loop {
            let mut tx = self.store.write().await?;
            let now = self.clock.now();
            let found = match held {
                None => {
                    let until = now.plus(MARGIN);
                    operation::lease(&mut tx, id, &self.owner, until, now).await?
                }
                Some(version) => operation::get(&mut tx, id)
                    .await?
                    .filter(|operation| operation.version == version),
            };
            let Some(found) = found else {
                return Ok(());
            };
            let place = found.token_id.and_then(|token| self.presence.of(token));
            let mut work = Work::load(&mut tx, found, place, now).await?;
            work.operation.state = State::Running;
            work.progress.parked = None;
            if let Some(finished) = finished.take() {
                self.record(&mut tx, &mut work, finished).await?;
            }
            let job = if work.paused {
                None
            } else {
                self.decide(&mut tx, &mut work, &cancelled).await?
            };
            let lease_until = job
                .as_ref()
                .map_or(Micros(0), |job| now.plus(job.time_limit()));
            if !work.save(&mut tx, lease_until).await? {
                return Ok(());
            }
            tx.commit().await?;
            held = Some(work.operation.version);
            let hostname = work.token.host_id;
            self.tell(Update::Operation(Box::new(work.operation)));
            self.outbox.notify_one();
            let Some(job) = job else {
                return Ok(());
            };
            finished = Some(self.perform(id, hostname, job).await);
        }
    }

    /// What to do next; `None` when it waits or has ended.
    async fn decide(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        cancelled: &CancellationToken,
    ) -> store::Result<Option<Job>> {
        let reconciling = server::get(tx)
            .await?
            .is_some_and(|server| server.reconcile_since.is_some());
        if reconciling {
            work.wait(
                "the database was restored: waits until the journals of all hosts are reconciled"
                    .into(),
            );
            return Ok(None);
        }
        if let Some(job) = self.unsettled(tx, work).await? {
            return Ok(Some(job));
        }
        if work.paused {
            return Ok(None);
        }
        if let Some(step) = work.progress.look {
            return Ok(self.look(tx, work, step).await?.map(Job::Look));
        }
        if let Some(by) = work.operation.cancelled_by.clone() {
            work.cancel(&by);
        }
        for _ in 0..EFFECTS {
            let next = plan::next(work.operation.kind, &work.progress, &work.facts());
            match next {
                Next::Effect(effect) => effects::apply(tx, work, effect).await?,
                Next::End(end) => {
                    effects::end(tx, &self.keys, work, end).await?;
                    return Ok(None);
                }
                Next::WaitForToken(step) => {
                    if !self.wait_for_token(work, step) {
                        return Ok(None);
                    }
                }
                Next::Step(step) => {
                    work.progress.step = Some(step);
                    match self.begin(tx, work, step, cancelled).await? {
                        Begun::Job(job) => return Ok(Some(job)),
                        Begun::Paused => return Ok(None),
                        Begun::Again => {}
                    }
                }
            }
            if work.paused {
                return Ok(None);
            }
        }
        let step = work.progress.step.unwrap_or(StepName::Inspect);
        work.park(
            State::NeedsAttention,
            step,
            "the plan does not come to an end".into(),
            "report this as a defect, with the operation's detail",
        );
        Ok(None)
    }

    /// Waits for the token, or gives up waiting: `true` when the plan is to be
    /// asked again.
    fn wait_for_token(&self, work: &mut Work, step: StepName) -> bool {
        work.progress.step = Some(step);
        if work.expired() && work.operation.deadline.is_some() {
            if work.progress.failure.is_none() {
                work.progress.fail(
                    "expired: the key was not seen before the deadline",
                    "plug the key in, and start the operation again",
                );
                return true;
            }
            let remark = format!("{step} waits for the key, and the deadline has passed");
            work.park(
                State::NeedsAttention,
                step,
                remark,
                "plug the key in, then resolve with \"retry\"; or resolve with \"failed\"",
            );
            return false;
        }
        work.wait(format!("waits for the key: {step} is next"));
        false
    }

    /// An attempt whose outcome is not known yet comes before everything else.
    async fn unsettled(&self, tx: &mut Write<'_>, work: &mut Work) -> store::Result<Option<Job>> {
        let started = work
            .attempts
            .iter()
            .find(|attempt| attempt.state == step::State::Started)
            .cloned();
        let Some(attempt) = started else {
            return Ok(None);
        };
        let Some(host) = attempt.host_id else {
            let why = "the server stopped before the answer was written down";
            record::close(tx, work, &attempt, step::State::Unknown, why).await?;
            return Ok(None);
        };
        let row = host::get(tx, host).await?;
        let name = row.as_ref().map_or("a host", |row| row.hostname.as_str());
        if row
            .as_ref()
            .is_none_or(|row| row.state == host::State::Revoked)
        {
            let why = format!("{name} was revoked; its journal cannot be asked");
            record::unknown(tx, work, &attempt, &why).await?;
            return Ok(None);
        }
        if self.hosts.is_linked(host) {
            return Ok(Some(Job::Journal(attempt, host)));
        }
        let step = attempt.step.parse().unwrap_or(StepName::Inspect);
        if work.expired() {
            let remark =
                format!("{name} is away since {step} was sent, and its journal cannot be asked");
            work.park(
                State::Unknown,
                step,
                remark,
                "bring the host back: its journal settles it; or look at the key and resolve",
            );
        } else {
            work.wait(format!(
                "waits for {name}: its journal knows what became of {step}"
            ));
        }
        Ok(None)
    }

    /// Looks at the token, or waits for it.
    async fn look(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
    ) -> store::Result<Option<Box<Look>>> {
        if let Some(place) = work.place.clone() {
            let look = look::prepare(&self.keys, work, step, place);
            let rp_id = match self.provider(tx, work).await? {
                Ok((_, provider)) => provider.relying_party().id().to_owned(),
                Err(_) => String::new(),
            };
            return Ok(Some(Box::new(look.at(&rp_id))));
        }
        if work.expired() {
            work.park(
                State::Unknown,
                step,
                format!("nobody knows whether {step} happened, and the key was not seen since"),
                "plug the key in, then resolve with \"retry\"; or resolve with \"failed\"",
            );
        } else {
            work.wait(format!(
                "waits for the key, to look whether {step} happened"
            ));
        }
        Ok(None)
    }

    /// Writes an attempt down and puts its request together.
    async fn begin(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        step: StepName,
        cancelled: &CancellationToken,
    ) -> store::Result<Begun> {
        let provider = self.provider(tx, work).await?;
        let attempt = Attempt {
            operation_id: work.operation.id,
            step: step.as_str().to_owned(),
            attempt: work.attempts_of(step) + 1,
            target: step.target().as_str().to_owned(),
            state: step::State::Started,
            host_id: work
                .place
                .as_ref()
                .map(|place| place.host)
                .filter(|_| step.target() == Target::Token),
            error: String::new(),
            started_at: work.now,
            ended_at: None,
        };
        let job = match step.target() {
            Target::Idp => match provider {
                Ok((_, provider)) => {
                    Job::Idp(attempt.clone(), Box::new(idp_request(work, step, provider)))
                }
                Err(why) => return Ok(cannot(work, step, &why)),
            },
            Target::Token => {
                let Some(place) = work.place.clone() else {
                    return Ok(Begun::Again);
                };
                // Never a second credential beside one that nobody knows of.
                let looked = work.progress.looked.saturating_add(1) >= attempt.attempt;
                if step == StepName::MakeCredential && !looked {
                    work.progress.look = Some(step);
                    let look = self.look(tx, work, step).await?;
                    work.progress.look = None;
                    return Ok(look.map_or(Begun::Paused, |look| Begun::Job(Job::Look(look))));
                }
                let provider = provider.ok();
                let party = provider.as_ref().map(|(id, p)| (*id, p.relying_party()));
                let prepared = token_step::prepare(tx, &self.keys, work, step, party).await;
                let mut request = match prepared {
                    Ok(request) => request,
                    Err(Unprepared::Store(error)) => return Err(error),
                    Err(other) => return Ok(cannot(work, step, &other.to_string())),
                };
                request.key = step.changes().then(|| StepKey {
                    operation_id: work.operation.id.to_string(),
                    step: step.as_str().to_owned(),
                    attempt: attempt.attempt,
                });
                let (on_progress, progress) = mpsc::channel(16);
                let request = StepRequest {
                    presence_id: place.presence_id,
                    purpose: work.purpose(),
                    step: request,
                    on_progress,
                    cancelled: cancelled.clone(),
                };
                work.operation.host_id = Some(place.host);
                Job::Token(attempt.clone(), place.host, Box::new(request), progress)
            }
        };
        if step == StepName::Publish {
            work.progress.published = true;
        }
        step::insert(tx, &attempt).await?;
        work.operation.remark = String::new();
        work.operation.next_action = String::new();
        work.operation.not_before = work.now;
        work.attempts.push(attempt);
        Ok(Begun::Job(job))
    }

    /// The identity provider that this operation speaks to.
    async fn provider(
        &self,
        tx: &mut Write<'_>,
        work: &Work,
    ) -> store::Result<Result<(ConnectionId, Arc<dyn IdentityProvider>), String>> {
        let of_credential = work.credentials.last().map(|c| c.connection_id);
        let id = match work.operation.kind {
            Operation::Issue => work.template.as_ref().map(|row| row.connection_id),
            _ => of_credential.or(work.template.as_ref().map(|row| row.connection_id)),
        };
        let Some(id) = id else {
            return Ok(Err("no identity provider is known for this key".into()));
        };
        let Some(row) = connection::get(tx, id).await? else {
            return Ok(Err(format!("connection {id} is gone")));
        };
        Ok(self.providers.provider(&row).map(|provider| (id, provider)))
    }

    /// Does it.
    async fn perform(
        self: &Arc<Self>,
        id: OperationId,
        host: Option<HostId>,
        job: Job,
    ) -> Finished {
        match job {
            Job::Token(attempt, host, request, progress) => {
                let hostname = self.hostname(host).await;
                let prompts = self.prompts(id, hostname, progress);
                let call = self.hosts.step(host, *request);
                let (result, ()) = tokio::join!(call, prompts);
                Finished::Token(attempt, result)
            }
            Job::Idp(attempt, request) => {
                let result = idp_step::perform(&request).await;
                Finished::Idp(attempt, result)
            }
            Job::Journal(attempt, host) => {
                let key = StepKey {
                    operation_id: attempt.operation_id.to_string(),
                    step: attempt.step.clone(),
                    attempt: attempt.attempt,
                };
                let outcome = self.hosts.outcome(host, key).await;
                Finished::Journal(attempt, outcome)
            }
            Job::Look(look) => {
                let _ = host;
                let found = look.perform(&*self.hosts).await;
                Finished::Look(look.step, found)
            }
        }
    }

    /// Passes on what the person at the host is asked to do, until the step ends.
    async fn prompts(
        &self,
        operation: OperationId,
        hostname: String,
        mut progress: mpsc::Receiver<Progress>,
    ) {
        while let Some(progress) = progress.recv().await {
            let kind = match progress.kind() {
                ProgressKind::TouchNeeded => "touch",
                ProgressKind::UnplugNeeded => "unplug",
                ProgressKind::PlugInNeeded => "plug-in",
                ProgressKind::Unspecified
                | ProgressKind::Processing
                | ProgressKind::WaitingForToken => "processing",
            };
            self.tell(Update::Prompt(Prompt {
                operation,
                kind,
                hostname: hostname.clone(),
                message: progress.message,
            }));
        }
    }

    async fn hostname(&self, id: HostId) -> String {
        let found = async {
            let mut read = self.store.read().await?;
            host::get(&mut read, id).await
        };
        match found.await {
            Ok(Some(host)) => host.hostname,
            _ => id.to_string(),
        }
    }
}

/// The step cannot be taken: turns round, or asks a person.
fn cannot(work: &mut Work, step: StepName, why: &str) -> Begun {
    if work.progress.failure.is_none() {
        work.progress.fail(format!("{step}: {why}"), "");
        return Begun::Again;
    }
    if step == StepName::DeleteCredential {
        work.progress.undeletable = Some(why.to_owned());
        return Begun::Again;
    }
    work.park(
        State::NeedsAttention,
        step,
        format!("{step}: {why}"),
        "put it right, then resolve with \"retry\"; or resolve with \"failed\"",
    );
    Begun::Paused
}

fn idp_request(work: &Work, step: StepName, provider: Arc<dyn IdentityProvider>) -> IdpRequest {
    let facts = work.facts();
    let own = facts.credential(work.progress.credential);
    let keep = work
        .template
        .as_ref()
        .is_some_and(|row| !row.definition.delete_at_idp);
    let is = |state: &'static str| {
        move |c: &&store::credential::Credential| c.idp_state.as_deref() == Some(state)
    };
    let about: Vec<_> = match (step, work.operation.kind) {
        (StepName::Publish | StepName::Unpublish, _) | (StepName::ReadBack, Operation::Issue) => {
            own.into_iter().collect()
        }
        (StepName::Suspend, _) => facts
            .published()
            .find(|c| !is("suspended")(c))
            .into_iter()
            .collect(),
        (StepName::Resume, _) => facts
            .published()
            .find(is("suspended"))
            .into_iter()
            .collect(),
        (StepName::DeleteAuthenticator, _) => facts
            .published()
            .find(|c| !keep || !is("suspended")(c))
            .into_iter()
            .collect(),
        _ => facts.published().collect(),
    };
    // Who it belongs to there is known since it was published.
    let known = about.first().and_then(|c| c.idp_user_id.clone());
    let user = work.user.as_ref();
    let text =
        |field: fn(&store::user::User) -> &str| user.map(field).unwrap_or_default().to_owned();
    IdpRequest {
        provider,
        step,
        user: User {
            user_name: text(|user| &user.user_name),
            mail: text(|user| &user.mail),
            given_name: text(|user| &user.given_name),
            sn: text(|user| &user.sn),
            sam_account_name: text(|user| user.sam_account_name.as_deref().unwrap_or_default()),
            user_principal_name: text(|user| {
                user.user_principal_name.as_deref().unwrap_or_default()
            }),
        },
        idp_user: work.progress.idp_user.clone().or(known).map(IdpUserId),
        new: own.map(|c| made::to_publish(work, c)),
        about: about
            .into_iter()
            .map(|c| About {
                row: c.id,
                credential_id: c.credential_id.clone(),
                authenticator: c.idp_authenticator_id.clone().map(AuthenticatorId),
            })
            .collect(),
        look_first: work.attempts_of(step) > 0,
        keep: keep && work.operation.kind == Operation::Revoke,
    }
}

/// Beyond the time that a request may take by itself.
const MARGIN: Duration = Duration::from_secs(120);
/// More effects in a row than any plan has.
const EFFECTS: usize = 32;
