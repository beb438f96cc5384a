//! What comes next: an attempt that is not settled, a look, or what the plan says.

use std::sync::Arc;

use keysteward_proto::agent::v1::StepKey;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Inner, StepName, ca_step, card_effects, card_step, effects,
    hosts::{AdminKeys, CardRequest, StepRequest},
    idp_step,
    look::{self, Look},
    plan::{self, Next},
    record,
    step::Target,
    token_step::{self, Unprepared},
    work::Work,
    worker::Job,
};
use crate::{
    connector::{ca::CertificationAuthority, idp::IdentityProvider},
    store::{
        self, ConnectionId, Write, connection, host,
        operation::{Kind as Operation, State},
        server,
        step::{self, Attempt},
    },
};

/// What beginning a step came to.
enum Begun {
    Job(Job),
    /// It cannot be taken; the plan is asked again.
    Again,
    Paused,
}

impl Inner {
    /// What to do next; `None` when it waits or has ended.
    pub(super) async fn decide(
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
        if let Some(by) = work.operation.cancelled_by.clone()
            && plan::can_cancel(work.operation.kind, &work.progress)
        {
            work.cancel(&by);
        }
        for _ in 0..EFFECTS {
            let next = plan::next(work.operation.kind, &work.progress, &work.facts());
            match next {
                Next::Effect(effect) => effects::apply(tx, work, effect).await?,
                Next::End(mut end) => {
                    card_effects::look_later(tx, work, &mut end).await?;
                    effects::end(tx, &self.keys, work, end).await?;
                    return Ok(None);
                }
                Next::WaitForToken(step) => {
                    if !self.wait_for_token(work, step) {
                        return Ok(None);
                    }
                }
                Next::WaitBriefly(step) => {
                    work.progress.step = Some(step);
                    let remark = format!("waits for the key to come back: {step} is next");
                    work.wait_briefly(self.settings.patience, remark);
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
            record::answer_lost(tx, work, &attempt).await?;
            return Ok(None);
        };
        let row = host::get(tx, host).await?;
        let name = row.as_ref().map_or("a host", |row| row.hostname.as_str());
        if row
            .as_ref()
            .is_none_or(|row| row.state == host::State::Revoked)
        {
            let why = format!("{name} was revoked; its journal cannot be asked");
            record::unknown(self, tx, work, &attempt, &why).await?;
            return Ok(None);
        }
        if self.hosts.is_linked(host) {
            return Ok(Some(Job::Journal(attempt, host)));
        }
        let step = attempt.step.parse().unwrap_or(StepName::Inspect);
        if work.expired() || work.operation.cancelled_by.is_some() {
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
                .filter(|_| step.at_host()),
            error: String::new(),
            started_at: work.now,
            ended_at: None,
        };
        let job = match step.target() {
            Target::Idp => match provider {
                Ok((_, provider)) => Job::Idp(
                    attempt.clone(),
                    Box::new(idp_step::prepare(work, step, provider)),
                ),
                Err(why) => return Ok(cannot(work, step, &why)),
            },
            Target::Ca => match self.authority(tx, work, step).await? {
                Ok(authority) => match ca_step::prepare(work, step, authority) {
                    Ok(request) => {
                        ca_step::mark(tx, work, step).await?;
                        Job::Ca(attempt.clone(), Box::new(request))
                    }
                    Err(why) => return Ok(cannot(work, step, &why)),
                },
                Err(why) => return Ok(cannot(work, step, &why)),
            },
            Target::Card => {
                let Some(place) = work.place.clone() else {
                    return Ok(Begun::Again);
                };
                let prepared = card_step::prepare(tx, &self.keys, work, step).await;
                let (mut request, wanted) = match prepared {
                    Ok(prepared) => prepared,
                    Err(Unprepared::Store(error)) => return Err(error),
                    Err(other) => return Ok(cannot(work, step, &other.to_string())),
                };
                request.key = step.changes().then(|| key(&attempt));
                let (on_progress, progress) = mpsc::channel(16);
                let request = CardRequest {
                    presence_id: place.presence_id,
                    purpose: work.purpose(),
                    step: request,
                    keys: AdminKeys::default(),
                    on_progress,
                    cancelled: until(work, cancelled),
                };
                work.operation.host_id = Some(place.host);
                let request = Box::new(request);
                Job::Card(attempt.clone(), place.host, request, wanted, progress)
            }
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
                request.key = step.changes().then(|| key(&attempt));
                let cancelled = until(work, cancelled);
                let (on_progress, progress) = mpsc::channel(16);
                let request = StepRequest {
                    presence_id: place.presence_id,
                    purpose: work.purpose(),
                    step: request,
                    on_progress,
                    cancelled,
                };
                work.operation.host_id = Some(place.host);
                Job::Token(attempt.clone(), place.host, Box::new(request), progress)
            }
        };
        work.progress.at_idp |= step.changes_idp();
        step::insert(tx, &attempt).await?;
        work.operation.remark = String::new();
        work.operation.next_action = String::new();
        work.operation.not_before = work.now;
        work.attempts.push(attempt);
        Ok(Begun::Job(job))
    }

    /// The certification authority that `step` speaks to.
    async fn authority(
        &self,
        tx: &mut Write<'_>,
        work: &Work,
        step: StepName,
    ) -> store::Result<Result<Arc<dyn CertificationAuthority>, String>> {
        let Some(id) = ca_step::connection(work, step) else {
            return Ok(Err("there is no certificate that it is about".into()));
        };
        let Some(row) = connection::get(tx, id).await? else {
            return Ok(Err(format!("connection {id} is gone")));
        };
        Ok(self.authorities.authority(&row))
    }

    /// The identity provider that this operation speaks to.
    async fn provider(
        &self,
        tx: &mut Write<'_>,
        work: &Work,
    ) -> store::Result<Result<(ConnectionId, Arc<dyn IdentityProvider>), String>> {
        let of_credential = work.credentials.last().map(|c| c.connection_id);
        let id = match work.operation.kind {
            Operation::Issue => work.template.as_ref().and_then(|row| row.connection_id),
            _ => of_credential.or(work.template.as_ref().and_then(|row| row.connection_id)),
        };
        let Some(id) = id else {
            return Ok(Err("no identity provider is known for this key".into()));
        };
        let Some(row) = connection::get(tx, id).await? else {
            return Ok(Err(format!("connection {id} is gone")));
        };
        Ok(self.providers.provider(&row).map(|provider| (id, provider)))
    }
}

/// Names an attempt at a host.
fn key(attempt: &Attempt) -> StepKey {
    StepKey {
        operation_id: attempt.operation_id.to_string(),
        step: attempt.step.clone(),
        attempt: attempt.attempt,
    }
}

/// What undoes is not to be given up with what it undoes.
fn until(work: &Work, cancelled: &CancellationToken) -> CancellationToken {
    match work.progress.failure {
        None => cancelled.clone(),
        Some(_) => CancellationToken::new(),
    }
}

/// The step cannot be taken: turns round, or asks a person.
fn cannot(work: &mut Work, step: StepName, why: &str) -> Begun {
    if step == StepName::RevokeCertificate && work.operation.kind != Operation::RevokeCertificates {
        work.progress.unrevoked = Some(why.to_owned());
        return Begun::Again;
    }
    if work.progress.failure.is_none() {
        work.progress.fail(format!("{step}: {why}"), "");
        return Begun::Again;
    }
    if matches!(step, StepName::DeleteCredential | StepName::DeleteContainer) {
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

/// More effects in a row than any plan has.
const EFFECTS: usize = 32;
