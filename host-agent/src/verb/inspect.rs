//! Looks at a token: authenticatorGetInfo and the PIN retries. Changes nothing.

use keysteward_core::session::{Error, Facts};

use super::{
    Answer, Failure, Inspection,
    conduct::{self, Conduct, TokenSession, converse},
};
use crate::token::Bench;

pub(super) fn run(bench: &mut Bench, conduct: &mut Conduct) -> Result<Answer, Failure> {
    let get_info = conduct::get_info(bench, conduct)?;
    let (retries, _) = converse(bench, conduct, pin_facts);
    let (pin_set, pin_retries, power_cycle_needed) = retries?;
    Ok(Answer::Inspected(Inspection {
        pin_retries,
        power_cycle_needed,
        pin_set,
        get_info,
    }))
}

fn pin_facts(session: &mut TokenSession<'_, '_>) -> Result<(bool, u32, bool), Failure> {
    let Facts { client_pin, .. } = session.facts()?;
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
