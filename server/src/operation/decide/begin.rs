//! A step begins: its attempt is written down, its request put together.

use std::sync::Arc;

use keysteward_proto::agent::v1::StepKey;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    connector::{ca::CertificationAuthority, idp::IdentityProvider},
    operation::{
        Inner, StepName, ca_step, card_step,
        hosts::{AdminKeys, CardRequest, StepRequest},
        idp_step,
        step::Target,
        token_step::{self, Unprepared},
        work::Work,
        worker::Job,
    },
    store::{
        self, ConnectionId, Write, connection,
        operation::{Kind as Operation, State},
        step::{self, Attempt},
    },
};

/// What beginning a step came to.
pub(super) enum Begun {
    Job(Box<Job>),
    /// It cannot be taken; the plan is asked again.
    Again,
    Paused,
}

impl Inner {
    /// Writes an attempt down and puts its request together.
    pub(super) async fn begin(
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
                    return Ok(
                        look.map_or(Begun::Paused, |look| Begun::Job(Box::new(Job::Look(look))))
                    );
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
        Ok(Begun::Job(Box::new(job)))
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
    pub(super) async fn provider(
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
