//! Looks at a token: authenticatorGetInfo and the tries that are left. Changes nothing.

use keysteward_core::session::Error;

use super::{
    Answer, Failure, Inspection,
    conduct::{self, Conduct, TokenSession, converse},
};
use crate::token::Bench;

pub(super) fn run(bench: &mut Bench, conduct: &mut Conduct) -> Result<Answer, Failure> {
    let get_info = conduct::get_info(bench, conduct)?;
    let (tries, _) = converse(bench, conduct, |session| {
        Ok((pin_facts(session)?, uv_retries(session)?))
    });
    let ((pin_set, pin_retries, power_cycle_needed), uv_retries) = tries?;
    Ok(Answer::Inspected(Inspection {
        pin_retries,
        power_cycle_needed,
        pin_set,
        get_info,
        uv_retries,
    }))
}

fn pin_facts(session: &mut TokenSession<'_, '_>) -> Result<(bool, u32, bool), Failure> {
    let client_pin = session.facts()?.client_pin;
    if client_pin.is_none() {
        return Ok((false, 0, false));
    }
    let retries = match session.pin_retries() {
        // Speaks a PIN protocol of the future.
        Err(Error::Unsupported(_)) => return Ok((client_pin == Some(true), 0, false)),
        outcome => outcome?,
    };
    Ok((
        client_pin == Some(true),
        retries.left.into(),
        retries.power_cycle_needed,
    ))
}

/// `None` where the token does not verify its user itself, or does not count the tries.
fn uv_retries(session: &mut TokenSession<'_, '_>) -> Result<Option<u32>, Failure> {
    let facts = session.facts()?;
    if facts.uv != Some(true) || !facts.pin_uv_auth_token {
        return Ok(None);
    }
    match session.uv_retries() {
        Ok(left) => Ok(Some(left.into())),
        Err(Error::Unsupported(_) | Error::Refused { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
