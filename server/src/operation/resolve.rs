//! What people decide: to end an operation, or about one that cannot go on by itself.

use super::{
    Engine, Error, Inner, StepName, Target, ca_step,
    engine::{audit_act, not_found},
    plan::{ABSENT, Parked},
    record,
    work::Work,
};
use crate::store::{
    self, Micros, OperationId, Write, certificate, credential,
    operation::{self, Operation, State},
    step, token,
};

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

impl Engine {
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
                // Who says "retry" has looked at the authority.
                work.progress.enrol_anyway = true;
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
}

impl Inner {
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
            | StepName::ReadBack
            | StepName::InspectCard
            | StepName::ReadCard
            | StepName::TryAdminKeys
            | StepName::MoveKey
            | StepName::GenerateKey
            | StepName::SignRequest
            | StepName::Enrol
            | StepName::RenewCertificate
            | StepName::ReissueCertificate
            | StepName::PollEnrolment
            | StepName::LookAgain => return Err(Error::NotByHand { step }),
            StepName::HoldCertificate
            | StepName::UnholdCertificate
            | StepName::RevokeCertificate => {
                let why = format!("called done by {actor}");
                self.close_open(tx, work, step, step::State::Done, &why)
                    .await?;
                stands(tx, work, step).await?;
                work.progress.finish(step);
                return Ok(());
            }
            StepName::Suspend => Some("suspended"),
            StepName::Resume => Some("active"),
            StepName::Unpublish | StepName::DeleteAuthenticator => Some(ABSENT),
            StepName::SetPin
            | StepName::ChangePin
            | StepName::Configure
            | StepName::DeleteCredential
            | StepName::Reset
            | StepName::ChangeAdminKey
            | StepName::RestorePin
            | StepName::RestorePuk
            | StepName::RestoreAdminKey
            | StepName::SetPuk
            | StepName::CheckPuk
            | StepName::Initialise
            | StepName::Personalise
            | StepName::SetCardPin
            | StepName::ChangeCardPin
            | StepName::BlockCardPin
            | StepName::WriteCertificate
            | StepName::DeleteContainer
            | StepName::ResetCard => None,
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
            StepName::DeleteCredential | StepName::DeleteContainer => {
                work.progress.undeletable = Some(why.to_owned())
            }
            StepName::Unpublish => work.progress.at_idp = false,
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

/// A person says how a certificate stands at the authority.
async fn stands(tx: &mut Write<'_>, work: &mut Work, step: StepName) -> store::Result<()> {
    let about = ca_step::about(work, step).map(|row| row.id);
    let state = match step {
        StepName::HoldCertificate => certificate::State::Held,
        StepName::UnholdCertificate => certificate::State::Valid,
        _ => certificate::State::Revoked,
    };
    match work
        .certificates
        .iter_mut()
        .find(|row| Some(row.id) == about)
    {
        Some(row) => {
            row.state = state;
            certificate::update(tx, row).await
        }
        None => Ok(()),
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
