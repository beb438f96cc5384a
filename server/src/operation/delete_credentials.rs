//! Delete credentials: what a revocation left on a token that was not there.
//! Waits until any agent sees the token, for as long as it takes.

use super::{
    StepName, delete_containers,
    plan::{Effect, Facts, Next, Progress, Scope},
    revoke,
};
use crate::store::credential::OnToken;

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if facts.to_delete(false).is_none() {
        let next = delete_containers::next(progress, facts, Scope::All);
        return next.unwrap_or_else(|| revoke::ending(progress, facts));
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
