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
    Inner,
    admin_keys::Wanted,
    ca_step::{self, CaRequest},
    hosts::{CardRequest, StepRequest},
    idp_step::{self, IdpRequest},
    look::Look,
    record::Finished,
    watch::{Prompt, Update},
    work::Work,
};
use crate::store::{
    self, HostId, Micros, OperationId, host,
    operation::{self, State},
    step::Attempt,
};

/// Something to do outside the database.
pub(super) enum Job {
    Token(Attempt, HostId, Box<StepRequest>, mpsc::Receiver<Progress>),
    Card(
        Attempt,
        HostId,
        Box<CardRequest>,
        Wanted,
        mpsc::Receiver<Progress>,
    ),
    Idp(Attempt, Box<IdpRequest>),
    Ca(Attempt, Box<CaRequest>),
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
            Self::Card(_, _, request, ..) => {
                Duration::from_millis(request.step.timeout_ms.into()) + MARGIN
            }
            Self::Ca(_, request) => request.authority.time_limit() * QUESTIONS + MARGIN,
            Self::Idp(..) | Self::Journal(..) | Self::Look(_) => MARGIN,
        }
    }
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
            self.tell(Update::Operation(Box::new(work.operation)));
            self.outbox.notify_one();
            let Some(job) = job else {
                return Ok(());
            };
            finished = Some(self.perform(id, job).await);
        }
    }

    /// Does it.
    async fn perform(&self, id: OperationId, job: Job) -> Finished {
        match job {
            Job::Token(attempt, host, request, progress) => {
                let hostname = self.hostname(host).await;
                let prompts = self.prompts(id, hostname, progress);
                let call = self.hosts.step(host, *request);
                let (result, ()) = tokio::join!(call, prompts);
                Finished::Token(attempt, result.map(Box::new))
            }
            Job::Card(attempt, host, mut request, wanted, progress) => {
                request.keys = match wanted.derive(&self.keys, &mut request.step).await {
                    Ok(keys) => keys,
                    Err(why) => return Finished::NoKey(attempt, why),
                };
                let hostname = self.hostname(host).await;
                let prompts = self.prompts(id, hostname, progress);
                let call = self.hosts.card(host, *request);
                let (result, ()) = tokio::join!(call, prompts);
                Finished::Token(attempt, result.map(Box::new))
            }
            Job::Ca(attempt, request) => {
                let result = ca_step::perform(&request).await;
                Finished::Ca(attempt, result)
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
                Finished::Journal(attempt, outcome.map(Box::new))
            }
            Job::Look(look) => {
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
                ProgressKind::TouchNeeded
                | ProgressKind::FingerNeeded
                | ProgressKind::LongTouchNeeded => "touch",
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

/// Of one step at an authority: its chain, a profile, pages of a list, the request itself.
const QUESTIONS: u32 = 8;
/// Beyond the time that a request may take by itself.
const MARGIN: Duration = Duration::from_secs(120);
