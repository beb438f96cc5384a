//! Revoke: gone at the IdP first, whether the token is at hand or not; then on it.
//!
//! ```text
//!  delete-authenticator (each) ─> revoked ─┬─ no PIN ──────> key needs reset
//!                                          ├─ key there ───> delete-credential (each)
//!                                          '─ key absent ──> an operation delete-credentials waits
//!                                             (a minute later, if the key was there before)
//!  a card too:  revoke-certificate (each) ─> delete-container (each) ─> block PIN
//! ```

use super::{
    StepName, card_authority, delete_containers, hand_over_pin, issue_certificates,
    plan::{Effect, End, Facts, Next, Progress, Scope},
};
use crate::{
    lifecycle::{Event, TokenState},
    store::{
        certificate::{Certificate, State},
        credential::OnToken,
    },
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if facts.token.state != TokenState::Revoked {
        if progress.failure.is_some() {
            return Next::End(End::default());
        }
        let on_hold = facts
            .template
            .is_some_and(|template| !template.delete_at_idp);
        let due = |state: Option<&str>| !(on_hold && state == Some("suspended"));
        if facts.published().any(|c| due(c.idp_state.as_deref())) {
            return Next::Step(StepName::DeleteAuthenticator);
        }
        if facts.certificates.iter().any(stands) {
            return Next::Effect(Effect::WantRevoked(Scope::All));
        }
        if let Some(next) = issue_certificates::revoke(progress, facts, Scope::All) {
            return next;
        }
        return Next::Effect(Effect::Move(Event::Revoke));
    }
    if facts
        .credentials
        .iter()
        .any(|c| c.on_token == OnToken::Present)
    {
        return Next::Effect(Effect::Mark {
            own: false,
            from: OnToken::Present,
            to: OnToken::ToDelete,
        });
    }
    if facts.to_delete(false).is_some() && !progress.deferred {
        if progress.undeletable.is_some() || !facts.pins.usable() {
            return Next::Effect(Effect::Mark {
                own: false,
                from: OnToken::ToDelete,
                to: OnToken::Unreachable,
            });
        }
        if facts.present && progress.failure.is_none() {
            return Next::Step(StepName::DeleteCredential);
        }
        if facts.expected && progress.failure.is_none() {
            return Next::WaitBriefly(StepName::DeleteCredential);
        }
        return Next::Effect(Effect::DeleteLater);
    }
    if let Some(next) = delete_containers::next(progress, facts, Scope::All) {
        return next;
    }
    if let Some(next) = shut(progress, facts) {
        return next;
    }
    ending(progress, facts)
}

/// Nobody's PIN opens a card that was revoked: what is left on it, or comes to it, is of
/// no use to who holds it. Now, or with what else waits for the card.
fn shut(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    if !hand_over_pin::has_card(facts) || progress.deferred || progress.failure.is_some() {
        return None;
    }
    if facts.present || progress.has(StepName::BlockCardPin) {
        return card_authority::block_pin(progress, facts);
    }
    if facts.expected {
        return Some(Next::WaitBriefly(StepName::BlockCardPin));
    }
    Some(Next::Effect(Effect::DeleteLater))
}

/// It counts at the authority, or may, and nobody has said that it should not.
fn stands(row: &Certificate) -> bool {
    let over = matches!(row.state, State::Revoked | State::Rejected);
    row.revocation.is_empty() && !over
}

/// What waits for the authority, for people.
pub(super) fn waiting(progress: &Progress) -> Option<String> {
    let why = progress.unrevoked.as_ref()?;
    Some(format!(
        "certificates wait for their revocation in an operation of its own \
         (revoke-certificates): {why}"
    ))
}

/// What is left on the token, said plainly.
pub(super) fn ending(progress: &Progress, facts: &Facts<'_>) -> Next {
    let kept = facts
        .credentials
        .iter()
        .any(|c| c.on_token == OnToken::Unreachable);
    if kept && !facts.token.needs_reset {
        return Next::Effect(Effect::NeedsReset(true));
    }
    let (remark, next_action) = if kept {
        let why = progress.undeletable.as_deref();
        (
            format!(
                "revoked; the key still holds the credential: {}",
                why.unwrap_or("this server does not hold its PIN")
            ),
            "reset the key",
        )
    } else if facts.to_delete(false).is_some() {
        (
            "revoked; the credential is deleted from the key as soon as an agent sees it".into(),
            "",
        )
    } else {
        (String::new(), "")
    };
    let mut parts: Vec<String> = (!remark.is_empty()).then_some(remark).into_iter().collect();
    parts.extend(delete_containers::remark(progress, facts, Scope::All));
    parts.extend(waiting(progress));
    Next::End(End {
        remark: parts.join("; "),
        next_action: next_action.into(),
    })
}
