//! The admin key: which of several opens the card, and another one in its place. SP 800-73-5 part 2
//! appendix A.1; GIDS 2.0 §9.

use std::time::Duration;

use keysteward_core::{
    admin_key::{AdminKey as _, Cipher, LocalAdminKey},
    gids::session::NewAdminKey,
    piv::session as piv_session,
};

use super::{
    AdminProof,
    session::{GidsSession, PivSession},
    trouble::not_there,
};
use crate::verb::{Answer, Failure};

/// Which of these opens the card. A card that a wrong key was shown wants to be asked anew, and
/// is.
pub(super) fn try_piv(
    session: &mut PivSession<'_, '_>,
    candidates: &[AdminProof],
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    use piv_session::{AdminError, Error};
    for (place, candidate) in (0..).zip(candidates) {
        match session.authenticate_admin(&mut candidate.prover(left)) {
            Ok(_) => {
                session.select_again()?;
                return Ok(found(Some(place)));
            }
            Err(AdminError::Card(
                Error::AdminKeyWrong { .. } | Error::AdminCipherRefused { .. },
            )) => {}
            // A key of another length than the card's cipher has.
            Err(AdminError::Key(failure)) if failure.code == crate::verb::Code::AdminKeyWrong => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found(None))
}

pub(super) fn try_gids(
    session: &mut GidsSession<'_, '_>,
    candidates: &[AdminProof],
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    use keysteward_core::gids::session::AdminError;
    for (place, candidate) in (0..).zip(candidates) {
        match session.try_admin_key(&mut candidate.prover(left)) {
            Ok(true) => return Ok(found(Some(place))),
            Ok(false) => {}
            Err(AdminError::Key(failure)) if failure.code == crate::verb::Code::AdminKeyWrong => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found(None))
}

const fn found(candidate: Option<u32>) -> Answer {
    Answer::AdminKeyFound { candidate }
}

pub(super) fn change_piv(
    session: &mut PivSession<'_, '_>,
    current: &AdminProof,
    new_key: &LocalAdminKey,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let admin = session.authenticate_admin(&mut current.prover(left))?;
    let cipher = new_key.cipher().unwrap_or(Cipher::TripleDes);
    session.change_admin_key(&admin, cipher, new_key.bytes())?;
    Ok(Answer::Done)
}

pub(super) fn change_gids(
    session: &mut GidsSession<'_, '_>,
    current: &AdminProof,
    new_key: &LocalAdminKey,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    let new_key = gids_key("new_algorithm", new_key)?;
    // The new key goes to the card in clear: to none but the one that has the old one.
    let admin = session.authenticate_admin_and_card(&mut current.prover(left))?;
    session.change_admin_key(&admin, &new_key)?;
    Ok(Answer::Done)
}

/// GIDS knows 3DES alone.
pub(super) fn gids_key(field: &str, key: &LocalAdminKey) -> Result<NewAdminKey, Failure> {
    let bytes = key
        .bytes()
        .first_chunk::<24>()
        .filter(|_| key.cipher() == Some(Cipher::TripleDes))
        .ok_or_else(|| Failure::invalid(field, "another cipher", "3des, which GIDS cards have"))?;
    NewAdminKey::new(bytes).map_err(|error| not_there(&error.to_string()))
}
