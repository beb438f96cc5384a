//! Unblock card: its user has forgotten the PIN, or used up the tries; the card is
//! at hand. The new PIN comes by authority: with the PUK, or with the admin key.
//!
//! ```text
//!  [rotate a spent PUK] ─> set-card-pin ─┬─ own PIN: erased, unless escrowed
//!                                        └─ made:    revealable, once
//! ```

use super::{
    StepName, card_authority,
    plan::{Effect, End, Facts, Next, Progress},
};
use crate::{
    lifecycle::Custody,
    store::sealed_secret::{Kind, State},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return failed(facts);
    }
    give_pin(progress, facts).unwrap_or_else(|| Next::End(End::default()))
}

/// A PIN for the card's user; `None` once it is theirs, or may be shown.
pub(super) fn give_pin(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    let first = card_authority::doubt(progress, facts);
    if let Some(next) = first.or_else(|| card_authority::spent_puk(facts)) {
        return Some(next);
    }
    if !progress.has(StepName::SetCardPin) {
        return Some(facts.at_token(StepName::SetCardPin));
    }
    if facts.parameters.own_pin {
        let forget = facts.card_pin.current && !escrowed(facts);
        return forget.then_some(Next::Effect(Effect::Erase(Kind::CardPin, State::Current)));
    }
    progress
        .offered_card
        .is_none()
        .then_some(Next::Effect(Effect::OfferCardPin))
}

/// A PIN that may be on the card stays sealed: the next try sets it again.
pub(super) fn failed(facts: &Facts<'_>) -> Next {
    if facts.parameters.own_pin && facts.card_pin.pending {
        return Next::Effect(Effect::Erase(Kind::CardPin, State::Pending));
    }
    Next::End(End::default())
}

/// Whether this server keeps the PIN of the card.
pub(super) fn escrowed(facts: &Facts<'_>) -> bool {
    facts
        .template
        .and_then(|template| template.card.as_ref())
        .is_some_and(|card| card.pin_custody == Custody::Escrow)
}
