//! Delete credentials: what a revocation left on a token that was not there.
//! Waits until any agent sees the token, for as long as it takes.

use super::{
    StepName,
    plan::{Effect, Facts, Next, Progress},
    revoke,
};
use crate::store::credential::OnToken;

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if facts.to_delete(false).is_none() {
        return revoke::ending(progress, facts);
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
