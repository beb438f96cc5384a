//! Register card: the admin key becomes ours, nobody knows PUK and PIN but this
//! server, and the card has its id.
//!
//! ```text
//!  inspect ─┬─ try admin keys ─> personalise ─> change admin key ─> set PUK (PIV) ─┬─> block PIN ─> read ─> registered
//!           └─ blank (GIDS): initialise with our admin key ───────────────────────┘
//! ```
//! The card gets its id before its secrets: a card that is blank is known again by
//! nothing, some makers give all of theirs one serial.
//!
//! Which key a change was to bring is written down before: whatever is cut off, the
//! card opens with the one or the other, and registering it again goes on from
//! there. There is nothing to undo.

use super::{
    StepName, card_authority,
    plan::{Effect, End, Facts, Next, Progress},
};
use crate::lifecycle::{Applet, Event, TokenState};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        return Next::End(End {
            remark: card_authority::which_key(facts),
            next_action: String::new(),
        });
    }
    if !progress.has(StepName::InspectCard) {
        return facts.at_token(StepName::InspectCard);
    }
    let Some(card) = facts.card else {
        return Next::Effect(Effect::TakeForCard);
    };
    if facts.is_blank_card() && !progress.has(StepName::Initialise) {
        if card.pending.is_none() {
            return Next::Effect(Effect::BeginAdminKey);
        }
        return facts.at_token(StepName::Initialise);
    }
    if !progress.has(StepName::Initialise) {
        if progress.admin.is_none() {
            return facts.at_token(StepName::TryAdminKeys);
        }
        if !progress.has(StepName::Personalise) {
            return facts.at_token(StepName::Personalise);
        }
        if let Some(next) = card_authority::admin_key(progress, facts) {
            return next;
        }
        if card.applet == Applet::Piv && !facts.puk.current {
            return card_authority::puk(facts);
        }
    }
    if let Some(next) = card_authority::block_pin(progress, facts) {
        return next;
    }
    if !progress.has(StepName::ReadCard) {
        return facts.at_token(StepName::ReadCard);
    }
    if facts.token.state == TokenState::Unregistered {
        return Next::Effect(Effect::Move(Event::Register));
    }
    Next::End(End::default())
}
