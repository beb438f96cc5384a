//! Change admin key: to the newest generation, in two phases. The key that is to
//! come is written down first; a card that was cut off is asked which it has.

use super::{
    card_authority,
    plan::{End, Facts, Next, Progress},
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return Next::End(End {
            remark: card_authority::which_key(facts),
            next_action: String::new(),
        });
    }
    card_authority::admin_key(progress, facts).unwrap_or_else(|| Next::End(End::default()))
}
