//! Issue: a credential on a token, published for its user; certificates on a card
//! (`issue_certificates`); both on a token that is both.
//!
//! ```text
//!  inspect ─> find-user ─> set-pin ─> configure ─> make-credential ─> attestation ─> publish ─> read-back
//!                            (unless we hold its PIN)     │                │            │
//!                                                         v                v            v
//!                     failed <─ delete-credential <───────┴─── failure ────┴── unpublish
//! ```
//! A PIN that was set stays sealed here when issuing fails: the next issue uses it.

use super::{
    StepName, delete_containers, issue_certificates,
    plan::{ABSENT, Effect, End, Facts, Next, Progress, Scope},
    revoke,
};
use crate::{lifecycle::Event, store::credential::OnToken};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return undo(progress, facts);
    }
    if facts.publishes
        && let Some(next) = passkey(progress, facts)
    {
        return next;
    }
    if let Some(next) = issue_certificates::next(progress, facts) {
        return next;
    }
    if facts.token.user_id.is_none() {
        return Next::Effect(Effect::Assign);
    }
    if facts.token.state == crate::lifecycle::TokenState::Registered {
        return Next::Effect(Effect::Move(Event::Issue));
    }
    Next::End(End::default())
}

/// The FIDO2 credential; `None` once it is made and published.
fn passkey(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    if !progress.has(StepName::Inspect) {
        return Some(facts.at_token(StepName::Inspect));
    }
    if !progress.has(StepName::FindUser) {
        return Some(Next::Step(StepName::FindUser));
    }
    if !facts.pins.current {
        return Some(facts.at_token(StepName::SetPin));
    }
    if wants_configure(facts) && !progress.has(StepName::Configure) {
        return Some(facts.at_token(StepName::Configure));
    }
    // Of an attempt that was cut off: never a second credential beside it.
    if facts.to_delete(true).is_some() {
        return Some(facts.at_token(StepName::DeleteCredential));
    }
    let Some(credential) = facts.credential(progress.credential) else {
        return Some(facts.at_token(StepName::MakeCredential));
    };
    if credential.idp_authenticator_id.is_none() {
        return Some(Next::Step(StepName::Publish));
    }
    (!progress.has(StepName::ReadBack)).then_some(Next::Step(StepName::ReadBack))
}

/// Whether the template asks for an option that the token does not have yet.
pub(super) fn wants_configure(facts: &Facts<'_>) -> bool {
    let Some(template) = facts.template else {
        return false;
    };
    template.pin.minimum_length > facts.token.facts.min_pin_length.max(4)
        || (template.enterprise_attestation && facts.option("ep") == Some(false))
        || template
            .always_uv
            .is_some_and(|wanted| facts.option("alwaysUv") != Some(wanted))
}

/// Why this token cannot be issued by this template, if it cannot: the reason
/// and what to do. `pin_set` is what the token said.
pub(super) fn refusal(facts: &Facts<'_>, pin_set: bool) -> Option<(String, String)> {
    let template = facts.template?;
    let said = &facts.token.facts;
    let other = "issue another model, or change the template";
    let refused = |reason: &str| Some((reason.to_owned(), other.to_owned()));
    if pin_set && !facts.pins.current {
        return Some((
            "the key has a PIN that this server does not hold".into(),
            "reset the key, then issue it again".into(),
        ));
    }
    if !said.options.contains_key("clientPin") {
        return refused("the key cannot have a PIN (no clientPin option)");
    }
    let length = template.pin.length;
    if !facts.pins.current && length < said.min_pin_length {
        return Some((
            format!(
                "the key wants PINs of {} characters or more, the template makes {length}",
                said.min_pin_length
            ),
            "raise pin.length in the template".into(),
        ));
    }
    if said.max_pin_length != 0 && length > said.max_pin_length {
        return Some((
            format!(
                "the key takes PINs of {} characters at most, the template makes {length}",
                said.max_pin_length
            ),
            "lower pin.length in the template".into(),
        ));
    }
    if template.resident_key && facts.option("rk") != Some(true) {
        return refused("the key cannot keep discoverable credentials (no rk option)");
    }
    if template.enterprise_attestation && facts.option("ep").is_none() {
        return refused(
            "the template demands enterprise attestation, and the key has none (no ep)",
        );
    }
    if !wants_configure(facts) {
        return None;
    }
    if facts.option("authnrCfg") != Some(true) {
        return refused("the template sets options, and the key has none to set (no authnrCfg)");
    }
    if template.pin.minimum_length > said.min_pin_length.max(4)
        && facts.option("setMinPINLength") != Some(true)
    {
        return refused("the template sets a minimum PIN length, and the key cannot");
    }
    if template.always_uv.is_some() && facts.option("alwaysUv").is_none() {
        return refused("the template sets alwaysUv, and the key does not have it");
    }
    None
}

/// Back to where it began, as far as that goes.
fn undo(progress: &Progress, facts: &Facts<'_>) -> Next {
    if let Some(next) = issue_certificates::undo(progress, facts) {
        return next;
    }
    if let Some(made) = facts.credential(progress.credential) {
        if progress.at_idp && made.idp_state.as_deref() != Some(ABSENT) {
            return Next::Step(StepName::Unpublish);
        }
        if made.on_token == OnToken::Present {
            return Next::Effect(Effect::Mark {
                own: true,
                from: OnToken::Present,
                to: OnToken::ToDelete,
            });
        }
    }
    if facts.to_delete(true).is_some() && !progress.deferred {
        return clean(progress, facts);
    }
    let kept = facts
        .credentials
        .iter()
        .any(|c| c.operation_id == facts.operation && c.on_token == OnToken::Unreachable);
    if kept && !facts.token.needs_reset {
        return Next::Effect(Effect::NeedsReset(true));
    }
    let (remark, next_action) = match (&progress.undeletable, kept) {
        (Some(why), true) => (
            format!("the credential that was made stays on the key: {why}"),
            "reset the key",
        ),
        _ if progress.deferred => (
            "what was made is deleted from the key as soon as an agent sees it".into(),
            "",
        ),
        _ => (String::new(), ""),
    };
    let mut parts: Vec<String> = (!remark.is_empty()).then_some(remark).into_iter().collect();
    parts.extend(delete_containers::remark(progress, facts, Scope::Own));
    parts.extend(revoke::waiting(progress));
    Next::End(End {
        remark: parts.join("; "),
        next_action: next_action.into(),
    })
}

/// Deletes what was made, now or later, or gives it up.
fn clean(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.undeletable.is_some() || !facts.pins.usable() {
        return Next::Effect(Effect::Mark {
            own: true,
            from: OnToken::ToDelete,
            to: OnToken::Unreachable,
        });
    }
    if facts.present {
        return Next::Step(StepName::DeleteCredential);
    }
    if facts.expired {
        return Next::Effect(Effect::DeleteLater);
    }
    Next::WaitForToken(StepName::DeleteCredential)
}
