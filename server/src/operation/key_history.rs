//! Keys that mail was encrypted to: they stay on a PIV card when another one is made. SP 800-73-5
//! part 1, sections 3.2.4 and 3.3.3: twenty places for retired ones.
//!
//! ```text
//!  reissue of 9D:  move key ─┬─ moved ──────────────> generate ─> ... (what stood in 9D is kept in 82..95)
//!                            └─ the card cannot ─┬─ asked for all the same ─> generate ─> ...
//!                                                └─ else ─> failed, nothing has changed
//! ```

use super::{
    StepName,
    plan::{Facts, Next, Progress},
    reissue_certificates::containers,
};
use crate::{
    lifecycle::Applet,
    store::certificate::{Certificate, OnCard},
};

/// The container of PIV whose key decrypts.
pub(super) const DECRYPTION: &str = "9d";

/// Whether a key that decrypts is to be kept, and is still where another one is to be made.
pub(super) fn is_due(progress: &Progress, facts: &Facts<'_>) -> bool {
    let piv = facts.card.is_some_and(|card| card.applet == Applet::Piv);
    let stands = |row: &Certificate| {
        row.container == DECRYPTION
            && row.on_card == OnCard::Present
            && row.operation_id != facts.operation
    };
    piv && !progress.has(StepName::MoveKey)
        && !progress.key_lost
        && containers(facts).any(|name| name == DECRYPTION)
        && facts.own_certificate(DECRYPTION).is_none()
        && facts.certificates.iter().any(stands)
}

/// The step that keeps it, before any key is made.
pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Option<Next> {
    is_due(progress, facts).then(|| facts.at_token(StepName::MoveKey))
}

/// Where the certificate stood while it was in use.
pub(super) fn place<'r>(facts: &Facts<'_>, row: &'r Certificate) -> &'r str {
    if is_kept(facts, row) {
        DECRYPTION
    } else {
        &row.container
    }
}

/// Whether it is in one of the places of retired keys.
pub(super) fn is_kept(facts: &Facts<'_>, row: &Certificate) -> bool {
    let piv = facts.card.is_some_and(|card| card.applet == Applet::Piv);
    let number = u8::from_str_radix(&row.container, 16);
    piv && number.is_ok_and(|number| RETIRED.contains(&number))
}

/// What nobody can read any more, for people.
pub(super) fn remark(progress: &Progress) -> Option<String> {
    let lost =
        "the old decryption key is gone: mail that was encrypted to it can no longer be read";
    progress.key_lost.then(|| lost.into())
}

/// What a card that moves no keys means, for people; and what to do.
pub(super) const CANNOT: (&str, &str) = (
    "the card cannot keep the old decryption key: mail that was encrypted to it could no longer \
     be read",
    "leave container 9d out, or say that the key may be lost: keysteward card reissue \
     --lose-old-decryption-key",
);

/// Their key references. SP 800-73-5 part 1, table 4b.
const RETIRED: core::ops::RangeInclusive<u8> = 0x82..=0x95;
