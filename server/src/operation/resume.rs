//! Resume: the hold on the credentials and certificates of a token ends.
//!
//! ```text
//!  resume (each) ─> read-back ─> active
//!     '─── failure ──> suspend ─> suspended
//! ```

use super::{
    StepName,
    plan::{Effect, End, Facts, Next, Progress},
};
use crate::{
    lifecycle::{Event, TokenState},
    store::certificate::State,
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        if progress.at_idp && !progress.has(StepName::Suspend) {
            return Next::Step(StepName::Suspend);
        }
        if facts
            .certificates
            .iter()
            .any(|row| row.state == State::Valid)
        {
            return Next::Step(StepName::HoldCertificate);
        }
        return Next::End(End::default());
    }
    if facts
        .published()
        .any(|c| c.idp_state.as_deref() == Some("suspended"))
    {
        return Next::Step(StepName::Resume);
    }
    if facts
        .certificates
        .iter()
        .any(|row| row.state == State::Held)
    {
        return Next::Step(StepName::UnholdCertificate);
    }
    if facts.published().next().is_some() && !progress.has(StepName::ReadBack) {
        return Next::Step(StepName::ReadBack);
    }
    if facts.token.state == TokenState::Suspended {
        return Next::Effect(Effect::Move(Event::Resume));
    }
    Next::End(End::default())
}
