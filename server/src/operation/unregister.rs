//! Unregister: the token leaves as it came from the factory, and is no longer ours.
//!
//! ```text
//!  PIV:           reset the applet, which blocks PIN and PUK first ───────────────┐
//!  PIV, no reset: delete containers ─> PIN ─> PUK ─> admin key ─> read what is left ┤
//!  GIDS:          as its initialisation left it ─> admin key ─────────────────────┴─> unregistered
//! ```
//! NIST SP 800-73 has no way back to the factory: what is written back by hand is what the
//! card edge lets, and what remains is told.

use super::{
    StepName, card_authority,
    plan::{AdminKeyIs, Effect, End, Facts, Next, Progress, Scope},
};
use crate::{
    lifecycle::{Applet, Event, TokenState},
    store::certificate::{Certificate, OnCard},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return Next::End(End {
            remark: card_authority::which_key(facts),
            next_action: String::new(),
        });
    }
    if let Some(card) = facts.card {
        let gids = card.applet == Applet::Gids;
        if (gids || progress.no_reset) && progress.admin.is_none() {
            return facts.at_token(StepName::TryAdminKeys);
        }
        if !progress.no_reset && !progress.has(StepName::ResetCard) {
            return facts.at_token(StepName::ResetCard);
        }
        if gids && progress.admin != Some(AdminKeyIs::Factory) {
            return facts.at_token(StepName::RestoreAdminKey);
        }
        if progress.no_reset
            && let Some(next) = write_back(progress, facts)
        {
            return next;
        }
        return Next::Effect(Effect::NoCard);
    }
    if facts.token.state != TokenState::Unregistered {
        return Next::Effect(Effect::Move(Event::Unregister));
    }
    Next::End(End {
        remark: remark(progress),
        next_action: String::new(),
    })
}

/// Secret by secret; the admin key last, since it is what allows the rest.
fn write_back(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    if let Some(next) = empty(progress, facts) {
        return Some(next);
    }
    let has_puk = facts.puk.current;
    if has_puk && facts.puk_in_doubt {
        return Some(facts.at_token(StepName::CheckPuk));
    }
    if has_puk && !progress.has(StepName::RestorePin) {
        return Some(facts.at_token(StepName::RestorePin));
    }
    if has_puk && !progress.has(StepName::RestorePuk) {
        return Some(facts.at_token(StepName::RestorePuk));
    }
    if progress.admin != Some(AdminKeyIs::Factory) {
        return Some(facts.at_token(StepName::RestoreAdminKey));
    }
    (!progress.has(StepName::ReadCard)).then(|| facts.at_token(StepName::ReadCard))
}

/// Keys and certificates of ours, one by one, until none is left that can go.
fn empty(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    let like = |wanted: &dyn Fn(OnCard) -> bool| {
        let like = |row: &&Certificate| wanted(row.on_card);
        facts.certificates_of(Scope::All).any(|row| like(&row))
    };
    let mark = |to| {
        let scope = Scope::All;
        Some(Next::Effect(Effect::MarkOnCard { scope, to }))
    };
    if like(&|at| matches!(at, OnCard::Key | OnCard::Present)) {
        return mark(OnCard::ToDelete);
    }
    if !like(&|at| at == OnCard::ToDelete) {
        return None;
    }
    if progress.undeletable.is_some() {
        return mark(OnCard::Unreachable);
    }
    Some(facts.at_token(StepName::DeleteContainer))
}

/// What is left of us on the card.
fn remark(progress: &Progress) -> String {
    if progress.remains.is_empty() {
        return String::new();
    }
    format!(
        "the card has no way back to the factory of its own; it keeps {}",
        progress.remains.join(", ")
    )
}
