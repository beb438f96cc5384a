//! PINs: those that are to be set, and the one that the token has.

use super::in_states;
use crate::{
    lifecycle::{self, Event, Invalid, TokenState, card_section::check_card_pin, pin_policy},
    operation::{Ask, Error, GivenPin, PinOf, hand_over_pin, work::Work},
};

/// The PIN that the token has, as it was typed. A card's is checked with its own rules.
pub(super) fn current(ask: &Ask) -> Result<(), Invalid> {
    let again = matches!(
        ask,
        Ask::RenewCertificates { .. } | Ask::ReissueCertificates { .. }
    );
    match ask.pins() {
        (_, Some(pin)) if !again => pin_policy::check_pin(current_field(ask), pin.expose(), 0),
        _ => Ok(()),
    }
}

pub(super) fn hand_over(work: &Work, new_pin: Option<&GivenPin>) -> Result<(), Error> {
    let token = &work.token;
    let facts = work.facts();
    let again = matches!(token.state, TokenState::Active | TokenState::Suspended)
        && hand_over_pin::escrowed(&facts)
        && facts.pins.current;
    if !again {
        lifecycle::after(token.state, Event::HandOver)?;
    }
    let has_card = hand_over_pin::has_card(&facts);
    if !facts.pins.current && !has_card {
        return Err(Error::NoPin);
    }
    if let Some(pin) = new_pin {
        if facts.pins.current {
            check_new(work, "hand_over_pin.new_pin", pin)?;
        }
        if has_card {
            check_card_pin("hand_over_pin.new_pin", pin.expose())?;
        }
    }
    Ok(())
}

pub(super) fn set(
    work: &Work,
    new_pin: &GivenPin,
    current: Option<&GivenPin>,
) -> Result<(), Error> {
    let token = &work.token;
    let facts = work.facts();
    if matches!(token.state, TokenState::Unregistered | TokenState::Retired) {
        return Err(Error::Invalid(Invalid::new(
            "set_pin.token",
            token.state,
            "a key that is registered, issued, active, suspended or revoked",
        )));
    }
    let there = || facts.applets_with_pin();
    if let Some(applet) = facts.parameters.pin_of
        && !there().any(|known| known == applet)
    {
        let names: Vec<_> = there().map(PinOf::as_str).collect();
        return Err(Error::Invalid(Invalid::new(
            "set_pin.applet",
            applet,
            format!("an applet of this token: {}", names.join(", ")),
        )));
    }
    if facts.sets_card_pin() {
        check_card_pin("set_pin.new_pin", new_pin.expose())?;
        let known = facts.card_pin.current || current.is_some();
        if !known {
            return Err(Error::Invalid(Invalid::new(
                "set_pin.current_pin",
                "empty",
                "the PIN that the card has; without it: keysteward card unblock",
            )));
        }
        return Ok(());
    }
    Ok(check_new(work, "set_pin.new_pin", new_pin)?)
}

pub(super) fn unblock(work: &Work, new_pin: Option<&GivenPin>) -> Result<(), Error> {
    let facts = work.facts();
    if !hand_over_pin::has_card(&facts) {
        return Err(Error::NotACard);
    }
    in_states(&work.token, &[TokenState::Active, TokenState::Suspended])?;
    if let Some(pin) = new_pin {
        check_card_pin("unblock_card.new_pin", pin.expose())?;
    }
    Ok(())
}

fn check_new(work: &Work, field: &'static str, pin: &GivenPin) -> Result<(), Invalid> {
    let of_token = work.token.facts.min_pin_length;
    let of_template = work
        .template
        .as_ref()
        .map_or(0, |row| row.definition.pin.minimum_length);
    pin_policy::check_pin(field, pin.expose(), of_token.max(of_template))
}

fn current_field(ask: &Ask) -> &'static str {
    match ask {
        Ask::Revoke { .. } => "revoke.pin",
        _ => "set_pin.current_pin",
    }
}
