//! PIN and PUK: changed by who knows them, set by authority, used up. SP 800-73-5 part 2 §3.2;
//! GIDS 2.0 §7.7.

use std::time::Duration;

use keysteward_core::piv::PinReference as PivReference;

use super::{
    Authority, CardPin, PinReference,
    session::{GidsSession, PivSession},
    trouble::{gids_pin, not_there, piv_pin},
};
use crate::verb::{Answer, Failure};

pub(super) fn change_piv(
    session: &mut PivSession<'_, '_>,
    reference: PinReference,
    current: &CardPin,
    new: &CardPin,
) -> Result<Answer, Failure> {
    let current = piv_pin("current_pin", current)?;
    let new = piv_pin("new_pin", new)?;
    session.change_pin(of(reference), &current, &new)?;
    Ok(Answer::Done)
}

pub(super) fn change_gids(
    session: &mut GidsSession<'_, '_>,
    reference: PinReference,
    current: &CardPin,
    new: &CardPin,
) -> Result<Answer, Failure> {
    no_puk(reference)?;
    let current = gids_pin("current_pin", current)?;
    let new = gids_pin("new_pin", new)?;
    let _ = session.change_pin(&current, &new)?;
    session.deauthenticate()?;
    Ok(Answer::Done)
}

/// The card management key of PIV sets no PIN: the PUK does.
pub(super) fn set_piv(
    session: &mut PivSession<'_, '_>,
    new: &CardPin,
    by: &Authority,
) -> Result<Answer, Failure> {
    let new = piv_pin("new_pin", new)?;
    match by {
        Authority::Puk(puk) => session.set_pin(&piv_pin("puk", puk)?, &new)?,
        Authority::Admin(_) => {
            return Err(Failure::invalid(
                "admin",
                "the admin key",
                "the PUK: the admin key of a PIV card sets no PIN",
            ));
        }
    }
    Ok(Answer::Done)
}

pub(super) fn set_gids(
    session: &mut GidsSession<'_, '_>,
    new: &CardPin,
    by: &Authority,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let new = gids_pin("new_pin", new)?;
    match by {
        Authority::Admin(admin) => {
            let admin = session.authenticate_admin(&mut admin.prover(left))?;
            session.set_pin(admin, &new)?;
        }
        Authority::Puk(_) => {
            return Err(Failure::invalid(
                "puk",
                "a PUK",
                "admin: the admin key sets the PIN of a GIDS card",
            ));
        }
    }
    Ok(Answer::Done)
}

pub(super) fn block_piv(
    session: &mut PivSession<'_, '_>,
    reference: PinReference,
) -> Result<Answer, Failure> {
    session.block(of(reference))?;
    Ok(Answer::Done)
}

pub(super) fn block_gids(
    session: &mut GidsSession<'_, '_>,
    reference: PinReference,
) -> Result<Answer, Failure> {
    no_puk(reference)?;
    session.block_pin()?;
    Ok(Answer::Done)
}

const fn of(reference: PinReference) -> PivReference {
    match reference {
        PinReference::Pin => PivReference::Pin,
        PinReference::Puk => PivReference::Puk,
    }
}

fn no_puk(reference: PinReference) -> Result<(), Failure> {
    match reference {
        PinReference::Pin => Ok(()),
        PinReference::Puk => Err(not_there(
            "GIDS cards have no PUK; their admin key sets the PIN",
        )),
    }
}
