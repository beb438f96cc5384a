//! Gives a card its identity. SP 800-73-5 part 1 §3.1; the minidriver's files of GIDS.

use std::time::Duration;

use keysteward_core::gids::session::Initialisation;

use super::{
    AdminProof, NewCard, admin_keys,
    session::{GidsSession, PivSession},
    trouble::{gids_pin, needed},
};
use crate::verb::{Answer, Failure};

pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    admin: Option<&AdminProof>,
    card_id: &[u8; 16],
    new: Option<&NewCard>,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    if new.is_some() {
        return Err(Failure::invalid(
            "new_pin",
            "a PIN",
            "nothing: PIV cards leave the factory with one, which change_card_pin changes",
        ));
    }
    let admin = needed("admin", admin, "a proof of the admin key")?;
    let admin = session.authenticate_admin(&mut admin.prover(left))?;
    session.personalise(&admin, card_id)?;
    Ok(Answer::Done)
}

/// A card that is initialised keeps its cardid, which nothing writes a second time.
pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    card_id: &[u8; 16],
    new: Option<&NewCard>,
) -> Result<Answer, Failure> {
    let new = needed(
        "new_pin",
        new,
        "PIN and admin key of a card that is not initialised; others keep theirs",
    )?;
    session.initialise(&Initialisation {
        pin: &gids_pin("new_pin", &new.pin)?,
        admin_key: &admin_keys::gids_key("new_admin_key", &new.admin_key)?,
        card_id,
    })?;
    Ok(Answer::Done)
}
