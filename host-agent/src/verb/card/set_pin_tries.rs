//! How many tries PIN and PUK have. Yubico's extension of PIV; other cards and GIDS have no command
//! for it.

use std::time::Duration;

use super::{
    AdminProof, CardPin,
    request::PinTries,
    session::PivSession,
    trouble::{not_there, piv_pin},
};
use crate::verb::{Answer, Failure};

/// PIN and PUK are those of the factory afterwards. The admin key comes first: a wrong one then
/// costs no try of the PIN.
pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    admin: &AdminProof,
    pin: &CardPin,
    tries: PinTries,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let pin = piv_pin("pin", pin)?;
    let admin = session.authenticate_admin(&mut admin.prover(left))?;
    let verified = session.verify(&pin)?;
    session.set_retries(&admin, &verified, tries.pin, tries.puk)?;
    Ok(Answer::Done)
}

pub(super) fn gids() -> Failure {
    not_there("the tries of a GIDS card are set where it is made")
}
