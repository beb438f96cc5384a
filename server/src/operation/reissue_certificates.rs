//! Renew and reissue certificates.
//!
//! ```text
//!  renew:    inspect ─> (each: sign with the key that is there ─> renew ─> write) ─> read back
//!  reissue:  inspect ─> [keep the key that decrypts] ─> (each: generate ─> sign ─> reissue ─> write) ─> read back ─> revoke what stood there
//! ```
//! An authority that knows neither is asked to enrol; what it renewed so is revoked as
//! well, since nothing there says that the one took the place of the other.
//!
//! Renewing leaves the old certificate on the card until the new one is written, so
//! that a failure costs nothing. Reissuing makes the key anew first: what stood in
//! the container is of no use from then on, and there is no way but onward. A card
//! that was not handed over gets a PIN of ours for it, and is blocked again after.

use super::{
    StepName, card_authority, issue_certificates, key_history,
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
    if kind == Kind::ReissueCertificates
        && let Some(next) = key_history::next(progress, facts)
    {
        return next;
    }
    for container in containers(facts) {
        let Some(row) = facts.own_certificate(container) else {
            return match kind {
                Kind::RenewCertificates => Next::Effect(Effect::Renew(container.to_owned())),
                _ => facts.at_token(StepName::GenerateKey),
            };
        };
        let ask = asks(kind, progress, facts, row);
        if let Some(next) = issue_certificates::onward(facts, row, ask) {
            return next;
        }
    }
    if !progress.has(StepName::ReadCard) {
        return facts.at_token(StepName::ReadCard);
    }
    if ours && let Some(next) = card_authority::block_pin(progress, facts) {
        return next;
    }
    let succeeded = |row| is_succeeded(kind, progress, facts, row);
    if facts.certificates.iter().any(succeeded) {
        return Next::Effect(Effect::Supersede);
    }
    if let Some(next) = issue_certificates::revoke(progress, facts, Scope::All) {
        return next;
    }
    let remarks: Vec<String> = key_history::remark(progress)
        .into_iter()
        .chain(revoke::waiting(progress))
        .collect();
    Next::End(End {
        remark: remarks.join("; "),
        next_action: String::new(),
    })
}

/// How the authority of `row` is asked for it.
fn asks(kind: Kind, progress: &Progress, facts: &Facts<'_>, row: &Certificate) -> StepName {
    let known = progress.successors.contains(&row.connection_id);
    if !known || facts.predecessor(row).is_none() {
        return StepName::Enrol;
    }
    match kind {
        Kind::RenewCertificates => StepName::RenewCertificate,
        _ => StepName::ReissueCertificate,
    }
}

/// Whether what stood in a container is revoked once it has a successor: an authority
/// that knows renewals keeps the two beside each other.
pub(super) fn revokes(kind: Kind, progress: &Progress, row: &Certificate) -> bool {
    kind == Kind::ReissueCertificates || !progress.successors.contains(&row.connection_id)
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
pub(super) fn is_succeeded(
    kind: Kind,
    progress: &Progress,
    facts: &Facts<'_>,
    row: &Certificate,
) -> bool {
    let counts = row.revocation.is_empty() && matches!(row.state, State::Valid | State::Held);
    let in_the_way = row.on_card == OnCard::Present && !key_history::is_kept(facts, row);
    let due = in_the_way || (revokes(kind, progress, row) && counts);
    row.operation_id != facts.operation
        && due
        && facts
            .own_certificate(key_history::place(facts, row))
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
