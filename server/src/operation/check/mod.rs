//! Everything about a request that can be known before the work begins. A file per
//! family of operations.

mod certificates;
mod credential;
mod pin;

use core::fmt;

use super::{Ask, Error, Inner, work::Work};
use crate::{
    lifecycle::{self, Event, Invalid, TokenState},
    store::{Write, token},
};

impl Inner {
    /// Refuses what cannot end well.
    pub(super) async fn check(
        &self,
        tx: &mut Write<'_>,
        ask: &Ask,
        work: &Work,
    ) -> Result<(), Error> {
        let moves = |event| lifecycle::after(work.token.state, event).map(drop);
        pin::current(ask)?;
        match ask {
            Ask::Issue { user, template, .. } => {
                return self.check_issue(tx, *user, *template, work).await;
            }
            Ask::HandOverPin { new_pin, .. } => return pin::hand_over(work, new_pin.as_ref()),
            Ask::SetPin {
                new_pin,
                current_pin,
                ..
            } => return pin::set(work, new_pin, current_pin.as_ref()),
            Ask::UnblockCard { new_pin, .. } => return pin::unblock(work, new_pin.as_ref()),
            Ask::RenewCertificates {
                containers, pin, ..
            }
            | Ask::ReissueCertificates {
                containers, pin, ..
            } => return self.check_again(tx, work, containers, pin.as_ref()).await,
            Ask::Suspend { .. } => moves(Event::Suspend)?,
            Ask::Resume { .. } => moves(Event::Resume)?,
            Ask::Revoke { reason, .. } => {
                moves(Event::Revoke)?;
                check_reason(reason)?;
            }
            Ask::ResetToken { .. } => {
                moves(Event::Reset)?;
                not_a_card_alone(work)?;
            }
            Ask::RegisterCard { .. } => {
                moves(Event::Register)?;
                if work.facts().card_type.is_none() {
                    return Err(Error::UnknownCard);
                }
            }
            Ask::RotatePuk { .. } | Ask::ChangeAdminKey { .. } => is_card(work.card.is_some())?,
            Ask::RefreshCard { .. } => is_card(work.token.facts.card.is_some())?,
            Ask::Retire { .. } => moves(Event::Retire)?,
            Ask::Unregister { .. } => moves(Event::Unregister)?,
        }
        Ok(())
    }
}

fn is_card(known: bool) -> Result<(), Error> {
    if known { Ok(()) } else { Err(Error::NotACard) }
}

/// FIDO2 has a reset; a card is given back.
fn not_a_card_alone(work: &Work) -> Result<(), Invalid> {
    if !work.facts().is_card_alone() {
        return Ok(());
    }
    Err(Invalid::new(
        "reset_token.token",
        "a smart card",
        "a security key; a card is given back: keysteward card retire, then card unregister",
    ))
}

fn check_reason(reason: &str) -> Result<(), Invalid> {
    let length = reason.chars().count();
    if (1..=200).contains(&length) && !reason.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Invalid::new(
        "revoke.reason",
        format_args!("{length} characters"),
        "lost, stolen, damaged, left, replaced, or 1 to 200 printable characters",
    ))
}

fn in_states(token: &token::Token, allowed: &[TokenState]) -> Result<(), Error> {
    if allowed.contains(&token.state) {
        return Ok(());
    }
    let words: Vec<_> = allowed.iter().map(|state| state.as_str()).collect();
    Err(Error::Invalid(Invalid::new(
        "token",
        token.state,
        format!("a card that is {}", words.join(" or ")),
    )))
}

pub(super) fn not_found(what: &'static str, id: impl fmt::Display) -> Error {
    Error::NotFound {
        what,
        id: id.to_string(),
    }
}
