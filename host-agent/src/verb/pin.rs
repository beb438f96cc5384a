//! Sets and changes the PIN. CTAP 2.3 §6.5.5.5, §6.5.5.6.

use keysteward_core::pin_protocol::Pin;

use super::{Answer, Failure, conduct::TokenSession};
use crate::journal::Probe;

pub(super) fn probe_set(session: &mut TokenSession<'_, '_>) -> Result<Probe, Failure> {
    Ok(Probe::PinSet {
        was_set: session.facts()?.client_pin == Some(true),
    })
}

pub(super) fn set(session: &mut TokenSession<'_, '_>, new: &Pin) -> Result<Answer, Failure> {
    session.set_pin(new)?;
    Ok(Answer::Done)
}

pub(super) fn probe_change(session: &mut TokenSession<'_, '_>) -> Result<Probe, Failure> {
    Ok(Probe::PinChanged {
        was_forced: session.facts()?.force_pin_change,
    })
}

pub(super) fn change(
    session: &mut TokenSession<'_, '_>,
    current: &Pin,
    new: &Pin,
) -> Result<Answer, Failure> {
    session.change_pin(current, new)?;
    Ok(Answer::Done)
}
