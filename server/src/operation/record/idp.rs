//! What the identity provider answered.

use serde_json::{Map, json};

use super::{close, count, name};
use crate::{
    audit,
    operation::{
        Inner, StepName, effects,
        idp_step::{Failing, IdpDone, IdpFailed},
        plan::{self, ABSENT},
        work::Work,
    },
    store::{
        self, Write, credential,
        operation::{self, Kind as Operation},
        step::{Attempt, State},
    },
};

impl Inner {
    pub(super) async fn idp(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        result: Result<IdpDone, IdpFailed>,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let failed = match result {
            Ok(IdpDone::User(user)) => {
                work.progress.idp_user = Some(user.0);
                None
            }
            Ok(IdpDone::Standing(standing)) => {
                let mut unlike = None;
                for now in standing {
                    if !as_wanted(work, step, &now.state) {
                        unlike = Some(now.state.clone());
                    }
                    let idp_user = work.progress.idp_user.clone();
                    let found = work.credentials.iter_mut().find(|c| c.id == now.row);
                    let Some(c) = found else { continue };
                    if let Some(id) = now.authenticator {
                        c.idp_authenticator_id = Some(id.0);
                    }
                    c.idp_state = Some(now.state);
                    c.idp_user_id = idp_user.or(c.idp_user_id.take());
                    credential::update(tx, c).await?;
                }
                unlike
            }
            Err(error) => return self.idp_failed(tx, work, attempt, &error).await,
        };
        if let Some(state) = failed {
            let why = format!("the identity provider says that the authenticator is {state}");
            close(tx, work, attempt, State::Failed, &why).await?;
            self.look_again(work, step, &why);
            return Ok(());
        }
        close(tx, work, attempt, State::Done, "").await?;
        work.progress.finish(step);
        let mut facts = Map::new();
        let states: Vec<_> = work
            .credentials
            .iter()
            .filter_map(|c| c.idp_state.as_deref())
            .collect();
        facts.insert("idp_states".into(), json!(states));
        effects::record(tx, work, step.verb(), audit::Outcome::Ok, facts).await
    }

    async fn idp_failed(
        &self,
        tx: &mut Write<'_>,
        work: &mut Work,
        attempt: &Attempt,
        error: &IdpFailed,
    ) -> store::Result<()> {
        let step = name(attempt)?;
        let why = error.to_string();
        let failing = error.judge();
        let (state, outcome) = match failing {
            Failing::MaybeChanged => (State::Unknown, audit::Outcome::Unknown),
            _ => (State::Failed, audit::Outcome::Failed),
        };
        close(tx, work, attempt, state, &why).await?;
        let mut facts = Map::new();
        facts.insert("why".into(), json!(why));
        effects::record(tx, work, step.verb(), outcome, facts).await?;
        match failing {
            Failing::Passing(after) => {
                let tries = count(work, step);
                let wait = after.unwrap_or_default().max(self.backoff(tries));
                let late = plan::expired(work.operation.deadline, work.now.plus(wait));
                if late {
                    self.gives_up(work, step, &why, error.advice());
                } else {
                    work.wait_for(wait, format!("{step}: {why}; tried again"));
                }
            }
            Failing::MaybeChanged => self.look_again(work, step, &why),
            Failing::Stands => self.gives_up(work, step, &why, error.advice()),
            Failing::AskPerson => work.park(
                operation::State::NeedsAttention,
                step,
                format!("{step}: {why}"),
                error.advice(),
            ),
        }
        Ok(())
    }

    /// Looks again a bounded number of times, then asks a person.
    fn look_again(&self, work: &mut Work, step: StepName, why: &str) {
        let tries = count(work, step);
        if tries > self.settings.tries {
            work.park(
                operation::State::NeedsAttention,
                step,
                format!("{step}: {why}, after {tries} tries"),
                "look at the identity provider, then resolve with \"retry\", \"done\" or \"failed\"",
            );
            return;
        }
        work.wait_for(
            self.backoff(tries),
            format!("{step}: {why}; looked at again"),
        );
    }
}

/// Whether the provider's state is what the step was to bring about.
fn as_wanted(work: &Work, step: StepName, state: &str) -> bool {
    let kept = work
        .template
        .as_ref()
        .is_some_and(|row| !row.definition.delete_at_idp);
    match (step, work.operation.kind) {
        (StepName::Publish, _) | (StepName::ReadBack, Operation::Issue) => state != ABSENT,
        // Taken back: there may be nothing left to hold or to release.
        (StepName::Suspend, Operation::Resume) => state == "suspended" || state == ABSENT,
        (StepName::Resume, Operation::Suspend) => state != "suspended",
        (StepName::Suspend, _) | (StepName::ReadBack, Operation::Suspend) => state == "suspended",
        (StepName::Resume, _) | (StepName::ReadBack, Operation::Resume) => {
            state != "suspended" && state != ABSENT
        }
        (StepName::Unpublish, _) => state == ABSENT,
        (StepName::DeleteAuthenticator, _) => state == ABSENT || (kept && state == "suspended"),
        _ => true,
    }
}
