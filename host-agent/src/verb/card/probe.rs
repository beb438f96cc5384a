//! How a card stands before it is changed, and what will show the change.

use std::ops::ControlFlow;

use keysteward_core::piv::KeyReference;

use super::{
    Applet, Ask, CardFacts, GidsFacts, LeftWith, container, inspect,
    session::{GidsSession, PivSession},
    settle, sha256,
};
use crate::{
    journal::{CardName, Mark, Probe},
    verb::Failure,
};

/// `listed` is what the agent has read of the card already: of it counts what no command changes.
pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    listed: Option<&CardFacts>,
    ask: &Ask,
) -> Result<Probe, Failure> {
    if let Some(probe) = without_look(ask) {
        return Ok(probe);
    }
    let serial = match listed.and_then(|card| card.piv.as_ref()) {
        Some(listed) => listed.serial,
        None => session.facts()?.serial.unwrap_or_default(),
    };
    let card = CardName {
        applet: Applet::Piv,
        id: session.guid()?.map(Vec::from).unwrap_or_default(),
        serial,
    };
    let mark = match ask {
        Ask::GenerateKey { container, .. } => match container::piv(container) {
            Ok(key) => key_of_piv(session, container, key)?,
            // Which the verb says.
            Err(_) => return Ok(Probe::Hidden),
        },
        Ask::DeleteContainer { container, .. } => Mark::Empty {
            container: container.clone(),
            had_certificate: match container::piv(container) {
                Ok(key) => !container::piv_certificate(session, key)?.is_empty(),
                Err(_) => return Ok(Probe::Hidden),
            },
        },
        Ask::MoveKey { container, .. } => {
            let certificate = match container::piv(container) {
                Ok(key) => container::piv_certificate(session, key)?,
                Err(_) => Vec::new(),
            };
            if certificate.is_empty() {
                // Which the verb says: it moves nothing without one.
                return Ok(Probe::Harmless);
            }
            Mark::Moved {
                container: container.clone(),
                sha256: sha256(&certificate),
            }
        }
        Ask::Reset { .. } => Mark::Erased {
            // A card that has a name shows by it that it was erased.
            containers: if card.id.is_empty() {
                count(inspect::piv(session, None)?.1.len())
            } else {
                0
            },
        },
        _ => return Ok(by_request(card, ask)),
    };
    Ok(Probe::Card { card, mark })
}

fn key_of_piv(
    session: &mut PivSession<'_, '_>,
    name: &str,
    key: KeyReference,
) -> Result<Mark, Failure> {
    let mut before = container::piv_key(session, key)?;
    let tells = before.is_some() || container::piv_tells(session)?;
    if tells && before.is_none() {
        // As a look at a container without a key shows it.
        let certificate = container::piv_certificate(session, key)?;
        before = super::certification_request::key_of_certificate(&certificate).ok();
    }
    Ok(Mark::Key {
        container: name.to_owned(),
        before: before.as_deref().map(sha256),
        tells,
    })
}

/// As [`piv`].
pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
    listed: Option<&CardFacts>,
    ask: &Ask,
) -> Result<Probe, Failure> {
    if let Some(probe) = without_look(ask) {
        return Ok(probe);
    }
    if let Ask::Reset {
        left_with: Some(with),
        ..
    } = ask
    {
        return restored(session, with);
    }
    // Nothing else writes a cardid a second time, and after that the card is read anew.
    let listed = listed.filter(|card| {
        card.gids
            .as_ref()
            .is_some_and(|one| !one.card_id.is_empty())
    });
    let card = match listed.and_then(|card| settle::name(Applet::Gids, card)) {
        Some(card) => card,
        None => CardName {
            applet: Applet::Gids,
            id: session.facts()?.card_id.map(Vec::from).unwrap_or_default(),
            serial: 0,
        },
    };
    let is_blank = card.id.is_empty();
    let mark = match ask {
        Ask::GenerateKey { container, .. } => Mark::Key {
            container: container.clone(),
            before: match container::gids(container) {
                Ok(number) if !is_blank => {
                    container::gids_key(session, number)?.as_deref().map(sha256)
                }
                Ok(_) | Err(_) => None,
            },
            tells: true,
        },
        Ask::DeleteContainer { container, .. } => Mark::Empty {
            container: container.clone(),
            had_certificate: match container::gids(container) {
                Ok(number) if !is_blank => {
                    has_container(session, number)? && session.certificate(number)?.is_some()
                }
                Ok(_) | Err(_) => false,
            },
        },
        // Which the verb says: GIDS has no such command, or what the card is to be left with lacks.
        Ask::MoveKey { .. } | Ask::Reset { .. } => return Ok(Probe::Harmless),
        _ => return Ok(by_request(card, ask)),
    };
    Ok(Probe::Card { card, mark })
}

fn restored(session: &mut GidsSession<'_, '_>, with: &LeftWith) -> Result<Probe, Failure> {
    let told = GidsFacts::from(&session.facts()?);
    Ok(Probe::Card {
        mark: Mark::Restored {
            card_id: with.card_id,
            counted: told.containers_freshness,
            was_blocked: told.pin.tries_left == Some(0),
        },
        card: CardName {
            applet: Applet::Gids,
            id: told.card_id,
            serial: 0,
        },
    })
}

fn has_container(session: &mut GidsSession<'_, '_>, number: u8) -> Result<bool, Failure> {
    let mut is_there = false;
    session.containers(&mut |found, _| {
        is_there |= found == number;
        ControlFlow::Continue(())
    })?;
    Ok(is_there)
}

fn count(containers: usize) -> u32 {
    u32::try_from(containers).unwrap_or(u32::MAX)
}

/// What no look at the card shows.
fn without_look(ask: &Ask) -> Option<Probe> {
    match ask {
        Ask::Inspect
        | Ask::TryAdminKeys { .. }
        | Ask::GiveChallenge
        | Ask::SignCertificationRequest { .. } => Some(Probe::Harmless),
        Ask::ChangeAdminKey { .. }
        | Ask::ChangePin { .. }
        | Ask::SetPin { .. }
        | Ask::AnswerChallenge { .. } => Some(Probe::Hidden),
        Ask::Raw(command) => Some(Probe::CardRaw {
            header: super::raw::header(command),
        }),
        Ask::BlockPin { .. }
        | Ask::SetPinTries { .. }
        | Ask::Personalise { .. }
        | Ask::GenerateKey { .. }
        | Ask::WriteCertificate { .. }
        | Ask::DeleteContainer { .. }
        | Ask::MoveKey { .. }
        | Ask::Reset { .. } => None,
    }
}

/// What will show the change follows from what is asked.
fn by_request(card: CardName, ask: &Ask) -> Probe {
    let mark = match ask {
        Ask::BlockPin { reference } => Mark::Blocked(*reference),
        Ask::SetPinTries { tries, .. } => Mark::Tries(*tries),
        Ask::Personalise { card_id, .. } => Mark::Named {
            id: card_id.to_vec(),
        },
        Ask::WriteCertificate {
            container,
            certificate,
            guid,
            ..
        } => {
            let (container, sha256) = (container.clone(), sha256(certificate));
            match guid {
                None => Mark::Certificate { container, sha256 },
                Some(guid) => Mark::CertificateAndGuid {
                    container,
                    sha256,
                    guid: *guid,
                },
            }
        }
        _ => return Probe::Hidden,
    };
    Probe::Card { card, mark }
}
