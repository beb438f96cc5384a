//! Unregister: the token leaves as it came from the factory, and is no longer ours.
//!
//! ```text
//!  PIV:   reset the applet, which blocks PIN and PUK first ─┐
//!  GIDS:  empty the card ─> the factory's admin key ────────┴─> unregistered
//! ```

use super::{
    StepName, card_authority,
    plan::{AdminKeyIs, Effect, End, Facts, Next, Progress},
};
use crate::lifecycle::{Applet, Event, TokenState};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return Next::End(End {
            remark: card_authority::which_key(facts),
            next_action: String::new(),
        });
    }
    if let Some(card) = facts.card {
        let gids = card.applet == Applet::Gids;
        if gids && progress.admin.is_none() {
            return facts.at_token(StepName::TryAdminKeys);
        }
        if !progress.has(StepName::ResetCard) {
            return facts.at_token(StepName::ResetCard);
        }
        if gids && progress.admin != Some(AdminKeyIs::Factory) {
            return facts.at_token(StepName::RestoreAdminKey);
        }
        return Next::Effect(Effect::NoCard);
    }
    if facts.token.state != TokenState::Unregistered {
        return Next::Effect(Effect::Move(Event::Unregister));
    }
    Next::End(End::default())
}
