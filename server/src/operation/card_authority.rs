//! Pieces of plans that speak with authority to a card: admin key, PUK, and a PIN
//! that this server gives or takes away.

use super::{
    StepName,
    plan::{AdminKeyIs, Effect, Facts, Next, Progress},
};
use crate::store::sealed_secret::{Kind, State};

/// Until the card has the newest admin key: which one it has, then the change.
pub(super) fn admin_key(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    let wanted = facts.wanted_admin_key()?;
    let card = facts.card?;
    let Some(found) = progress.admin else {
        return Some(facts.at_token(StepName::TryAdminKeys));
    };
    if found == AdminKeyIs::Derived(wanted) {
        return None;
    }
    if card.pending != Some(wanted) {
        return Some(Next::Effect(Effect::BeginAdminKey));
    }
    Some(facts.at_token(StepName::ChangeAdminKey))
}

/// Another PUK, or what became of it.
pub(super) fn puk(facts: &Facts<'_>) -> Next {
    if facts.puk_in_doubt {
        return facts.at_token(StepName::CheckPuk);
    }
    facts.at_token(StepName::SetPuk)
}

/// A PUK that was told to somebody gives way first.
pub(super) fn spent_puk(facts: &Facts<'_>) -> Option<Next> {
    let spent = facts.card.is_some_and(|card| card.puk_spent);
    (spent || facts.puk_in_doubt).then(|| puk(facts))
}

/// A change of the admin key was cut off: the card is asked which it has before
/// anything else is done with it.
pub(super) fn doubt(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    let pending = facts.card.is_some_and(|card| card.pending.is_some());
    (pending && progress.admin.is_none()).then(|| facts.at_token(StepName::TryAdminKeys))
}

/// A PIN of ours on the card, for as long as the work takes.
pub(super) fn own_pin(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    if let Some(next) = doubt(progress, facts).or_else(|| spent_puk(facts)) {
        return Some(next);
    }
    (!progress.has(StepName::SetCardPin)).then(|| facts.at_token(StepName::SetCardPin))
}

/// Nobody's PIN opens the card, and this server forgets the one it had.
pub(super) fn block_pin(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    if !progress.has(StepName::BlockCardPin) {
        return Some(facts.at_token(StepName::BlockCardPin));
    }
    let held = facts.card_pin.current;
    held.then_some(Next::Effect(Effect::Erase(Kind::CardPin, State::Current)))
}

/// Which admin key opens the card, for people, where that is in doubt.
pub(super) fn which_key(facts: &Facts<'_>) -> String {
    match facts.card {
        Some(card) if card.pending.is_some() => {
            "the card opens with the admin key that it had, or with the one that it was to get; \
             both are known here"
                .into()
        }
        _ => String::new(),
    }
}
