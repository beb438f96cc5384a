//! Reset: the token as it left the factory. Refused while credentials on it count.

use super::{
    StepName,
    plan::{Effect, End, Facts, Next, Progress},
};
use crate::{
    lifecycle::{Event, TokenState},
    store::{credential::OnToken, sealed_secret::State},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return Next::End(End::default());
    }
    if !progress.has(StepName::Reset) {
        return facts.at_token(StepName::Reset);
    }
    for from in [OnToken::Present, OnToken::ToDelete, OnToken::Unreachable] {
        if facts.credentials.iter().any(|c| c.on_token == from) {
            let (own, to) = (false, OnToken::Deleted);
            return Next::Effect(Effect::Mark { own, from, to });
        }
    }
    if facts.pins.current {
        return Next::Effect(Effect::ErasePins(State::Current));
    }
    if facts.token.needs_reset {
        return Next::Effect(Effect::NeedsReset(false));
    }
    if facts.token.user_id.is_some() {
        return Next::Effect(Effect::Unassign);
    }
    if facts.token.state == TokenState::Revoked {
        return Next::Effect(Effect::Move(Event::Reset));
    }
    Next::End(End::default())
}
