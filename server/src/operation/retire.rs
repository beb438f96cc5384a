//! Retire: the token goes out of use. Nothing is asked of it.

use super::plan::{Effect, End, Facts, Next, Progress};
use crate::lifecycle::{Event, TokenState};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return Next::End(End::default());
    }
    if facts.token.user_id.is_some() {
        return Next::Effect(Effect::Unassign);
    }
    if facts.token.state != TokenState::Retired {
        return Next::Effect(Effect::Move(Event::Retire));
    }
    Next::End(End::default())
}
