//! The applet as it left the factory, as far as the card lets it.
//!
//! A PIV card's word that it was reset is checked by a look at it.

mod read_back;

use std::time::Duration;

use keysteward_core::gids::session::Restoration;

use super::{
    AdminProof, LeftWith,
    session::{GidsSession, PivSession},
    trouble::{gids_pin, needed},
};
use crate::verb::{Answer, Failure};

/// Uses up the tries of PIN and PUK, without which the card resets nothing. `guid` is how the card
/// named itself before.
pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    guid: &[u8],
    left_with: Option<&LeftWith>,
) -> Result<Answer, Failure> {
    if left_with.is_some() {
        return Err(Failure::invalid(
            "new_pin",
            "a PIN",
            "nothing: a PIV card has the PIN and PUK of its factory afterwards",
        ));
    }
    session.reset()?;
    read_back::check(session, guid)?;
    Ok(Answer::Done)
}

/// Leaves the card as its initialisation did, with another identifier and PIN: GIDS has no way back
/// to the factory. The admin key stays.
pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    admin: Option<&AdminProof>,
    left_with: Option<&LeftWith>,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let admin = needed("admin", admin, "a proof of the admin key")?;
    let with = needed(
        "new_pin",
        left_with,
        "the PIN, and beside it the card_id, that the card is left with",
    )?;
    let pin = gids_pin("new_pin", &with.pin)?;
    let by = session.authenticate_admin(&mut admin.prover(left))?;
    session.restore(
        by,
        &Restoration {
            pin: &pin,
            card_id: &with.card_id,
        },
    )?;
    Ok(Answer::Done)
}
