//! Refresh card: what is on it, as it says itself.

use super::{
    StepName,
    plan::{End, Facts, Next, Progress},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_none() && !progress.has(StepName::InspectCard) {
        return facts.at_token(StepName::InspectCard);
    }
    Next::End(End::default())
}
