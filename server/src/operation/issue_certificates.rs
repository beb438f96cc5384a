//! Certificates on a card: keys made there, requests signed there, certificates
//! written there. Part of issuing, and what reissuing and renewing are made of.
//!
//! ```text
//!  inspect ─> set PIN ─> generate ─> sign ─> enrol ─┬─────────────────> write ─> ... ─> read back ─> block PIN
//!                       (each container)            └─ pending ─> poll ─┘
//!  failure:  revoke what was issued (or leave it to an operation that waits for the authority)
//!            ─> delete containers ─> block PIN
//! ```

use super::{
    StepName, card_authority, delete_containers,
    plan::{Effect, Facts, Next, Progress, Scope},
};
use crate::store::certificate::{Certificate, OnCard, State};

/// What comes next; `None` once every certificate is on the card.
pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    let section = facts.template?.card.as_ref()?;
    if !progress.has(StepName::InspectCard) {
        return Some(facts.at_token(StepName::InspectCard));
    }
    if let Some(next) = card_authority::own_pin(progress, facts) {
        return Some(next);
    }
    for slot in &section.certificates {
        let Some(row) = facts.own_certificate(&slot.container) else {
            return Some(facts.at_token(StepName::GenerateKey));
        };
        if let Some(next) = onward(facts, row, StepName::Enrol) {
            return Some(next);
        }
    }
    if !progress.has(StepName::ReadCard) {
        return Some(facts.at_token(StepName::ReadCard));
    }
    card_authority::block_pin(progress, facts)
}

/// From a key on the card to its certificate there; `enrol` is how it is asked for.
pub(super) fn onward(facts: &Facts<'_>, row: &Certificate, enrol: StepName) -> Option<Next> {
    match (row.state, row.on_card) {
        (State::KeyMade, _) => Some(facts.at_token(StepName::SignRequest)),
        (State::Requested, _) => Some(Next::Step(enrol)),
        (State::Pending, _) => Some(Next::Step(StepName::PollEnrolment)),
        (State::Valid, OnCard::Key) => Some(facts.at_token(StepName::WriteCertificate)),
        _ => None,
    }
}

/// Back to a card without them, as far as that goes; `None` when nothing is left.
pub(super) fn undo(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    if facts.certificates_of(Scope::Own).any(is_loose) {
        return Some(Next::Effect(Effect::WantRevoked(Scope::Own)));
    }
    if let Some(next) = revoke(progress, facts, Scope::Own) {
        return Some(next);
    }
    if let Some(next) = delete_containers::next(progress, facts, Scope::Own) {
        return Some(next);
    }
    let blocks = facts.card_pin.current && facts.present;
    if blocks {
        return card_authority::block_pin(progress, facts);
    }
    None
}

/// Revokes what is to be revoked, or leaves it to an operation of its own.
pub(super) fn revoke(progress: &Progress, facts: &Facts<'_>, scope: Scope) -> Option<Next> {
    facts.to_revoke(scope)?;
    if progress.unrevoked.is_none() {
        return Some(Next::Step(StepName::RevokeCertificate));
    }
    (!progress.revoked_later).then_some(Next::Effect(Effect::RevokeLater))
}

/// It stands, or may stand, at the authority, and nobody has said that it should not.
fn is_loose(row: &Certificate) -> bool {
    row.revocation.is_empty() && !matches!(row.state, State::Revoked | State::Rejected)
}
