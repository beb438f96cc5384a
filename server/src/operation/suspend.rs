//! Suspend: the credentials of a token go on hold at the IdP.
//!
//! ```text
//!  suspend (each) ─> read-back ─> suspended
//!     '─── failure ───> resume ─> active
//! ```

use super::{
    StepName,
    plan::{Effect, End, Facts, Next, Progress},
};
use crate::lifecycle::{Event, TokenState};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        if progress.at_idp && !progress.has(StepName::Resume) {
            return Next::Step(StepName::Resume);
        }
        return Next::End(End::default());
    }
    if facts
        .published()
        .any(|c| c.idp_state.as_deref() != Some("suspended"))
    {
        return Next::Step(StepName::Suspend);
    }
    if !progress.has(StepName::ReadBack) {
        return Next::Step(StepName::ReadBack);
    }
    if facts.token.state == TokenState::Active {
        return Next::Effect(Effect::Move(Event::Suspend));
    }
    Next::End(End::default())
}
