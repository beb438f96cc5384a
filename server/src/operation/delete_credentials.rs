//! Delete credentials: what a revocation left on a token that was not there.
//! Waits until any agent sees the token, for as long as it takes.

use super::{
    StepName, card_authority, delete_containers, hand_over_pin,
    plan::{Effect, Facts, Next, Progress, Scope},
    revoke,
};
use crate::{
    lifecycle::TokenState,
    store::{
        certificate::{Certificate, OnCard},
        credential::OnToken,
    },
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if facts.to_delete(false).is_none() {
        // It is the operation that waits: there is no later one to leave it to.
        let waits = |row: &Certificate| row.on_card == OnCard::ToDelete;
        let deletes = progress.undeletable.is_none() && facts.card.is_some();
        if !facts.present && deletes && facts.certificates.iter().any(waits) {
            return Next::WaitForToken(StepName::DeleteContainer);
        }
        return delete_containers::next(progress, facts, Scope::All)
            .or_else(|| shut(progress, facts))
            .unwrap_or_else(|| revoke::ending(progress, facts));
    }
    if progress.failure.is_some() || progress.undeletable.is_some() || !facts.pins.usable() {
        return Next::Effect(Effect::Mark {
            own: false,
            from: OnToken::ToDelete,
            to: OnToken::Unreachable,
        });
    }
    facts.at_token(StepName::DeleteCredential)
}

/// Nobody's PIN opens the card; unless it is in use again meanwhile.
fn shut(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    let over = matches!(facts.token.state, TokenState::Revoked | TokenState::Retired);
    if !over || !hand_over_pin::has_card(facts) || progress.failure.is_some() {
        return None;
    }
    card_authority::block_pin(progress, facts)
}
