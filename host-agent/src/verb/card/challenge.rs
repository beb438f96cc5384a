//! Unblocking offline: a challenge that the card keeps until the lease is over, and its answer from
//! who has the admin key. GIDS 2.0 §9.3.

use super::{CardPin, session::GidsSession, trouble::gids_pin};
use crate::verb::{Answer, Code, Failure};

pub(super) fn give(session: &mut GidsSession<'_, '_>) -> Result<Answer, Failure> {
    Ok(Answer::ChallengeGiven {
        challenge: session.give_challenge()?.to_vec(),
    })
}

pub(super) fn answer(
    session: &mut GidsSession<'_, '_>,
    response: &[u8; 8],
    new_pin: &CardPin,
) -> Result<Answer, Failure> {
    let new_pin = gids_pin("new_pin", new_pin)?;
    let admin = session.answer_challenge(response)?;
    session.set_pin(admin, &new_pin)?;
    Ok(Answer::Done)
}

/// Nothing waits for an answer.
pub(super) fn dead() -> Failure {
    Failure::new(
        Code::InvalidRequest,
        "the card's challenge is dead, or none was given in this lease; ask for another \
         (give_challenge) and answer that",
    )
}

/// PIV has no such way: its PUK is read out instead.
pub(super) fn not_for_piv() -> Failure {
    Failure::new(
        Code::NotSupported,
        "PIV cards are unblocked with their PUK, not with a challenge",
    )
}
