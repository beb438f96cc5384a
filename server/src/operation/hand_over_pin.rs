//! Hand over: the PIN made at issue goes to the user, or gives way to the user's own.
//!
//! ```text
//!  own PIN:  change-pin ──────────────────────────────> active; erased, unless escrowed
//!  reveal:   [configure forceChangePin] ─> revealable ─> active; erased when revealed, unless escrowed
//! ```

use super::{
    StepName,
    plan::{Effect, End, Facts, Next, Progress},
    unblock_card,
};
use crate::{
    lifecycle::{Custody, Event, TokenState},
    store::sealed_secret::State,
};

pub(super) fn next(progress: &Progress, facts: &Facts<'_>) -> Next {
    if progress.failure.is_some() {
        if facts.pins.pending {
            return Next::Effect(Effect::ErasePins(State::Pending));
        }
        return unblock_card::failed(facts);
    }
    if has_card(facts)
        && let Some(next) = unblock_card::give_pin(progress, facts)
    {
        return next;
    }
    if !has_key(progress, facts) {
        // A card alone.
    } else if facts.parameters.own_pin {
        if !progress.has(StepName::ChangePin) {
            return facts.at_token(StepName::ChangePin);
        }
        if facts.pins.current && !escrowed(facts) {
            return Next::Effect(Effect::ErasePins(State::Current));
        }
    } else {
        if forces_change(facts) && !progress.has(StepName::Configure) {
            return facts.at_token(StepName::Configure);
        }
        if progress.offered.is_none() {
            return Next::Effect(Effect::OfferPin);
        }
    }
    if facts.token.state == TokenState::Issued {
        return Next::Effect(Effect::Move(Event::HandOver));
    }
    Next::End(End::default())
}

/// Whether certificates were issued to it.
pub(super) fn has_card(facts: &Facts<'_>) -> bool {
    facts.card.is_some() && facts.certificates.iter().any(|row| !row.der.is_empty())
}

/// Whether there is a FIDO2 PIN to hand over, or was until a moment ago.
fn has_key(progress: &Progress, facts: &Facts<'_>) -> bool {
    facts.pins.current || progress.has(StepName::ChangePin)
}

/// Whether this server keeps the PIN.
pub(super) fn escrowed(facts: &Facts<'_>) -> bool {
    facts
        .template
        .is_some_and(|template| template.pin.custody == Custody::Escrow)
}

/// Whether the user is made to choose another PIN: wanted, and the token can.
pub(super) fn forces_change(facts: &Facts<'_>) -> bool {
    facts.template.is_some_and(|t| t.pin.force_change)
        && facts.option("authnrCfg") == Some(true)
        && facts.option("setMinPINLength") == Some(true)
}
