//! How a card stands before it is changed, and what will show the change.

use super::{
    Applet, Ask, CardFacts, Container, container, inspect,
    session::{GidsSession, PivSession},
    settle, sha256,
};
use crate::{
    journal::{Mark, Probe},
    verb::Failure,
};

pub(super) fn piv(session: &mut PivSession<'_, '_>, ask: &Ask) -> Result<Probe, Failure> {
    if let Some(probe) = without_look(ask) {
        return Ok(probe);
    }
    let tells = container::piv_tells(session)?;
    let (facts, containers) = inspect::piv(session, None)?;
    let facts = CardFacts {
        piv: Some(facts),
        ..CardFacts::default()
    };
    Ok(probe(Applet::Piv, &facts, &containers, ask, tells))
}

pub(super) fn gids(session: &mut GidsSession<'_, '_>, ask: &Ask) -> Result<Probe, Failure> {
    if let Some(probe) = without_look(ask) {
        return Ok(probe);
    }
    let (facts, containers) = inspect::gids(session)?;
    let facts = CardFacts {
        gids: Some(facts),
        ..CardFacts::default()
    };
    Ok(probe(Applet::Gids, &facts, &containers, ask, true))
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
        | Ask::Reset { .. } => None,
    }
}

fn probe(
    applet: Applet,
    facts: &CardFacts,
    containers: &[Container],
    ask: &Ask,
    tells: bool,
) -> Probe {
    let Some(card) = settle::name(applet, facts) else {
        return Probe::Hidden;
    };
    let place = |name: &str| containers.iter().find(|one| one.name == name);
    let mark = match ask {
        Ask::BlockPin { reference } => Mark::Blocked(*reference),
        Ask::SetPinTries { tries, .. } => Mark::Tries(*tries),
        Ask::Personalise { card_id, .. } => Mark::Named {
            id: card_id.to_vec(),
        },
        Ask::GenerateKey { container, .. } => Mark::Key {
            container: container.clone(),
            before: place(container)
                .map(|one| one.public_key.as_slice())
                .filter(|key| !key.is_empty())
                .map(sha256),
            tells,
        },
        Ask::WriteCertificate {
            container,
            certificate,
            ..
        } => Mark::Certificate {
            container: container.clone(),
            sha256: sha256(certificate),
        },
        Ask::DeleteContainer { container, .. } => Mark::Empty {
            container: container.clone(),
            had_certificate: place(container).is_some_and(|one| !one.certificate.is_empty()),
        },
        Ask::Reset { .. } => Mark::Erased {
            containers: u32::try_from(containers.len()).unwrap_or(u32::MAX),
        },
        _ => return Probe::Hidden,
    };
    Probe::Card { card, mark }
}
