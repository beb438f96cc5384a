//! Rotate PUK: one that was told to somebody gives way to another, as soon as the
//! card is seen.

use super::{
    card_authority,
    plan::{End, Facts, Next, Progress},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return Next::End(End::default());
    }
    card_authority::spent_puk(facts).unwrap_or_else(|| Next::End(End::default()))
}
