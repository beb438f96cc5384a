//! Deletes a certificate, and its key where the card can.

use std::time::Duration;

use keysteward_core::piv::KeyReference;

use super::{
    AdminProof, CardPin, container, retired,
    session::{GidsSession, PivSession},
    trouble::needed,
    write_certificate::by_authority,
};
use crate::verb::{Answer, Failure};

/// Cards without Yubico's extension keep the key.
pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    admin: Option<&AdminProof>,
    name: &str,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let key = container::piv(name)?;
    let admin = needed("admin", admin, "a proof of the admin key")?;
    let admin = session.authenticate_admin(&mut admin.prover(left))?;
    session.delete_container(&admin, key)?;
    if let KeyReference::Retired(place) = key {
        retired::recount(session, &admin, place)?;
    }
    Ok(Answer::Done)
}

pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    admin: Option<&AdminProof>,
    pin: Option<&CardPin>,
    name: &str,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let number = container::gids(name)?;
    by_authority(session, admin, pin, left, |session, by| {
        session.delete_container(by, number)?;
        Ok(())
    })?;
    Ok(Answer::Done)
}
