//! Renew and reissue certificates.
//!
//! ```text
//!  renew:    inspect ─> (each: sign with the key that is there ─> enrol ─> write) ─> read back
//!  reissue:  inspect ─> (each: generate ─> sign ─> enrol ─> write) ─> read back ─> revoke what stood there
//! ```
//! Renewing leaves the old certificate on the card until the new one is written, so
//! that a failure costs nothing. Reissuing makes the key anew first: what stood in
//! the container is of no use from then on, and there is no way but onward. A card
//! that was not handed over gets a PIN of ours for it, and is blocked again after.

use super::{
    StepName, card_authority, issue_certificates,
    plan::{Effect, End, Facts, Next, Progress, Scope},
    revoke,
};
use crate::{
    lifecycle::TokenState,
    store::{
        certificate::{Certificate, OnCard, State},
        operation::Kind,
    },
};

pub(super) fn next(kind: Kind, progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return undo(kind, progress, facts);
    }
    if !progress.has(StepName::InspectCard) {
        return facts.at_token(StepName::InspectCard);
    }
    // Before it is handed over nobody has the card's PIN.
    let ours = facts.token.state == TokenState::Issued;
    if ours && let Some(next) = card_authority::own_pin(progress, facts) {
        return next;
    }
    for container in containers(facts) {
        let Some(row) = facts.own_certificate(container) else {
            return match kind {
                Kind::RenewCertificates => Next::Effect(Effect::Renew(container.to_owned())),
                _ => facts.at_token(StepName::GenerateKey),
            };
        };
        if let Some(next) = issue_certificates::onward(facts, row) {
            return next;
        }
    }
    if !progress.has(StepName::ReadCard) {
        return facts.at_token(StepName::ReadCard);
    }
    if ours && let Some(next) = card_authority::block_pin(progress, facts) {
        return next;
    }
    let succeeded = |row| is_succeeded(kind, facts, row);
    if facts.certificates.iter().any(succeeded) {
        return Next::Effect(Effect::Supersede);
    }
    if let Some(next) = issue_certificates::revoke(progress, facts, Scope::All) {
        return next;
    }
    Next::End(End {
        remark: revoke::waiting(progress).unwrap_or_default(),
        next_action: String::new(),
    })
}

/// In which containers.
pub(super) fn containers<'f>(facts: &'f Facts<'_>) -> impl Iterator<Item = &'f str> {
    let asked = &facts.parameters.containers;
    let section = facts.template.and_then(|template| template.card.as_ref());
    section
        .into_iter()
        .flat_map(|section| &section.certificates)
        .map(|slot| slot.container.as_str())
        .filter(move |name| asked.is_empty() || asked.iter().any(|asked| asked == name))
}

/// It stood in a container that has another certificate now.
pub(super) fn is_succeeded(kind: Kind, facts: &Facts<'_>, row: &Certificate) -> bool {
    let counts = row.revocation.is_empty() && matches!(row.state, State::Valid | State::Held);
    let due = row.on_card == OnCard::Present || (kind == Kind::ReissueCertificates && counts);
    row.operation_id != facts.operation
        && due
        && facts
            .own_certificate(&row.container)
            .is_some_and(|own| own.on_card == OnCard::Present && own.state == State::Valid)
}

/// What was issued and is not on the card goes; what is on it stays.
fn undo(kind: Kind, progress: &Progress, facts: &Facts<'_>) -> Next {
    let lost = |row: &Certificate| {
        let over = matches!(row.state, State::Revoked | State::Rejected);
        row.on_card == OnCard::Key && !over && row.revocation.is_empty()
    };
    if facts.certificates_of(Scope::Own).any(lost) {
        return Next::Effect(Effect::WantRevoked(Scope::Own));
    }
    if let Some(next) = issue_certificates::revoke(progress, facts, Scope::Own) {
        return next;
    }
    let ours = facts.token.state == TokenState::Issued && facts.card_pin.current;
    if ours
        && facts.present
        && let Some(next) = card_authority::block_pin(progress, facts)
    {
        return next;
    }
    let mut parts: Vec<String> = revoke::waiting(progress).into_iter().collect();
    if kind == Kind::ReissueCertificates && progress.has(StepName::GenerateKey) {
        parts.push("a key on the card was made anew and has no certificate".into());
    }
    Next::End(End {
        remark: parts.join("; "),
        next_action: String::new(),
    })
}
