//! The applet as it left the factory, as far as the card lets it.

use std::{ops::ControlFlow, time::Duration};

use keysteward_core::gids::session::Authority;

use super::{
    AdminProof,
    session::{GidsSession, PivSession},
    trouble::needed,
};
use crate::verb::{Answer, Failure};

/// Uses up the tries of PIN and PUK, without which the card resets nothing.
pub(super) fn piv(session: &mut PivSession<'_, '_>) -> Result<Answer, Failure> {
    session.reset()?;
    Ok(Answer::Done)
}

/// Deletes every container. Files, PIN and admin key stay: GIDS has no way back to the factory.
pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    admin: Option<&AdminProof>,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let admin = needed("admin", admin, "a proof of the admin key")?;
    let mut numbers = Vec::new();
    session.containers(&mut |number, _| {
        numbers.push(number);
        ControlFlow::Continue(())
    })?;
    let admin = session.authenticate_admin(&mut admin.prover(left))?;
    for number in numbers {
        session.delete_container(Authority::Admin(&admin), number)?;
    }
    session.deauthenticate()?;
    Ok(Answer::Done)
}
