//! Revoke certificates: what a certification authority could not be told at once.
//! And what it issued without our knowledge, where an answer of it was lost. Waits for it
//! for as long as it takes, where everybody can see.

use super::{
    StepName,
    plan::{End, Facts, Next, Progress, Scope},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_none() && facts.to_revoke(Scope::All).is_some() {
        return Next::Step(StepName::RevokeCertificate);
    }
    if progress.failure.is_none() && facts.to_look_again().is_some() {
        return Next::Step(StepName::LookAgain);
    }
    Next::End(End::default())
}
