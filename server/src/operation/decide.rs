//! What comes next: an attempt that is not settled, a look, or what the plan says.

mod begin;

use tokio_util::sync::CancellationToken;

use super::{
    Inner, StepName, card_effects, effects,
    look::{self, Look},
    plan::{self, Next},
    record,
    work::Work,
    worker::Job,
};
use crate::store::{self, Write, host, operation::State, server, step};
use begin::Begun;

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
                        Begun::Job(job) => return Ok(Some(*job)),
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
}

/// More effects in a row than any plan has.
const EFFECTS: usize = 32;
