//! Resume: the hold on the credentials of a token ends.
//!
//! ```text
//!  resume (each) ─> read-back ─> active
//!     '─── failure ──> suspend ─> suspended
//! ```

use super::{
    StepName,
    plan::{Effect, End, Facts, Next, Progress},
};
use crate::lifecycle::{Event, TokenState};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        if progress.at_idp && !progress.has(StepName::Suspend) {
            return Next::Step(StepName::Suspend);
        }
        return Next::End(End::default());
    }
    if facts
        .published()
        .any(|c| c.idp_state.as_deref() == Some("suspended"))
    {
        return Next::Step(StepName::Resume);
    }
    if !progress.has(StepName::ReadBack) {
        return Next::Step(StepName::ReadBack);
    }
    if facts.token.state == TokenState::Suspended {
        return Next::Effect(Effect::Move(Event::Resume));
    }
    Next::End(End::default())
}
