//! Set PIN: a PIN of somebody's choice, first or in place of another.
//!
//! ```text
//!  inspect ─┬─ no PIN yet ──> set-pin ────┬─> kept while this server needs it, else erased
//!           └─ has one ─────> change-pin ─┘
//!  a card's: change-card-pin ─────────────> likewise
//! ```

use super::{
    StepName, hand_over_pin,
    plan::{Effect, End, Facts, Next, Progress},
    unblock_card,
};
use crate::{
    lifecycle::TokenState,
    store::sealed_secret::{Kind, State},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        if facts.pins.pending {
            return Next::Effect(Effect::ErasePins(State::Pending));
        }
        return Next::End(End::default());
    }
    if facts.sets_card_pin() {
        return at_card(progress, facts);
    }
    let Some(pin_set) = progress.pin_set else {
        return facts.at_token(StepName::Inspect);
    };
    let step = if pin_set {
        StepName::ChangePin
    } else {
        StepName::SetPin
    };
    if !progress.has(step) {
        return facts.at_token(step);
    }
    if facts.pins.current && !keeps(facts) {
        return Next::Effect(Effect::ErasePins(State::Current));
    }
    Next::End(End::default())
}

/// At a card: by who knows the PIN that it has.
fn at_card(progress: &Progress, facts: &Facts<'_>) -> Next {
    if !progress.has(StepName::ChangeCardPin) {
        return facts.at_token(StepName::ChangeCardPin);
    }
    let keeps = unblock_card::escrowed(facts) || facts.token.state == TokenState::Issued;
    if facts.card_pin.current && !keeps {
        return Next::Effect(Effect::Erase(Kind::CardPin, State::Current));
    }
    Next::End(End::default())
}

/// Whether this server goes on holding the PIN: escrow, or not handed over yet.
fn keeps(facts: &Facts<'_>) -> bool {
    hand_over_pin::escrowed(facts)
        || matches!(
            facts.token.state,
            TokenState::Registered | TokenState::Issued
        )
}
