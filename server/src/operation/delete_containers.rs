//! Keys and certificates off a card: now, as soon as it is seen, or never.
//!
//! On PIV the admin key is enough; on GIDS it takes a PIN, which this server then
//! sets and blocks again.

use super::{
    StepName, card_authority,
    plan::{Effect, Facts, Next, Progress, Scope},
};
use crate::{
    lifecycle::Applet,
    store::certificate::{Certificate, OnCard},
};

/// What comes next; `None` when nothing is left to delete here.
pub(super) fn next(progress: &Progress, facts: &Facts<'_>, scope: Scope) -> Option<Next> {
    let there = |row: &&Certificate| matches!(row.on_card, OnCard::Key | OnCard::Present);
    if facts.certificates_of(scope).any(|row| there(&row)) {
        let to = OnCard::ToDelete;
        return Some(Next::Effect(Effect::MarkOnCard { scope, to }));
    }
    let waits = |row: &Certificate| row.on_card == OnCard::ToDelete;
    if !facts.certificates_of(scope).any(waits) || progress.deferred {
        return None;
    }
    if progress.undeletable.is_some() || facts.card.is_none() {
        let to = OnCard::Unreachable;
        return Some(Next::Effect(Effect::MarkOnCard { scope, to }));
    }
    if facts.present {
        if let Some(next) = card_authority::doubt(progress, facts) {
            return Some(next);
        }
        let gids = facts.card.is_some_and(|card| card.applet == Applet::Gids);
        if gids && let Some(next) = card_authority::own_pin(progress, facts) {
            return Some(next);
        }
        return Some(Next::Step(StepName::DeleteContainer));
    }
    if facts.expected && progress.failure.is_none() {
        return Some(Next::WaitBriefly(StepName::DeleteContainer));
    }
    Some(Next::Effect(Effect::DeleteLater))
}

/// What stays on the card, for people.
pub(super) fn remark(progress: &Progress, facts: &Facts<'_>, scope: Scope) -> Option<String> {
    let count = |on_card| {
        let like = |row: &&Certificate| row.on_card == on_card;
        facts.certificates_of(scope).filter(like).count()
    };
    match (count(OnCard::Unreachable), count(OnCard::ToDelete)) {
        (0, 0) => None,
        (0, waiting) => Some(format!(
            "{waiting} keys are deleted from the card, and its PIN is blocked, as soon as an agent \
             sees it"
        )),
        (kept, _) => {
            let why = progress.undeletable.as_deref();
            let why = why.unwrap_or("this server has no admin key for it");
            Some(format!("{kept} keys stay on the card: {why}"))
        }
    }
}
