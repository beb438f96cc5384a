//! Everything that a card tells without a secret. Changes nothing.

use std::ops::ControlFlow;

use keysteward_core::{
    piv::{KeyReference, yubico::metadata},
    time::Millis,
};

use super::{
    Applet, CardFacts, CardInspection, Container, GidsFacts, PivFacts, compression, container,
    public_key,
    session::{Card, GidsSession, PivSession, has, with_gids, with_piv},
};
use crate::verb::Failure;

/// Looks at one applet, or at every one that the card has.
pub(super) fn run(
    card: &mut Card<'_>,
    named: Option<Applet>,
    deadline: Millis,
) -> Result<CardInspection, Failure> {
    let mut seen = CardInspection::default();
    for applet in [Applet::Piv, Applet::Gids] {
        let wanted = match named {
            Some(named) => named == applet,
            None => has(card, applet, deadline)?,
        };
        if !wanted {
            continue;
        }
        match applet {
            Applet::Piv => with_piv(card, deadline, |session| {
                let (facts, containers) = piv(session)?;
                seen.facts.piv = Some(facts);
                seen.containers.extend(containers);
                Ok(())
            })?,
            Applet::Gids => with_gids(card, deadline, |session| {
                let (facts, containers) = gids(session)?;
                seen.facts.gids = Some(facts);
                seen.containers.extend(containers);
                Ok(())
            })?,
        }
    }
    match &seen.facts {
        CardFacts {
            piv: None,
            gids: None,
            ..
        } => Err(super::trouble::no_applet()),
        _ => Ok(seen),
    }
}

/// The PIV applet.
pub(super) fn piv(session: &mut PivSession<'_, '_>) -> Result<(PivFacts, Vec<Container>), Failure> {
    let mut found: Vec<(KeyReference, Container)> = Vec::new();
    let told = session.inspect(&mut |place| {
        let certificate = place
            .certificate
            .and_then(|one| container::piv_der(one.format, one.bytes))
            .unwrap_or_default();
        let container = Container {
            name: place.key.to_string(),
            certificate,
            ..Container::default()
        };
        found.push((place.key, container));
    })?;
    let mut containers = Vec::with_capacity(found.len());
    for (key, place) in found {
        containers.push(piv_container(session, key, place)?);
    }
    Ok((PivFacts::from(&told), containers))
}

/// What the card tells of the key; where it tells nothing, what its certificate does.
fn piv_container(
    session: &mut PivSession<'_, '_>,
    key: KeyReference,
    place: Container,
) -> Result<Container, Failure> {
    let told = session.metadata(metadata::Request { of: key.id() })?;
    let public_key = told
        .as_ref()
        .and_then(|told| container::piv_spki(&told.public_key()?));
    let algorithm = told.as_ref().and_then(|told| told.key_algorithm());
    let made_on_card = told.as_ref().and_then(|told| told.generated);
    let public_key = public_key
        .or_else(|| super::certification_request::key_of_certificate(&place.certificate).ok())
        .unwrap_or_default();
    Ok(Container {
        algorithm: match algorithm {
            Some(algorithm) => algorithm.name().to_owned(),
            None => algorithm_name(&public_key),
        },
        public_key,
        made_on_card,
        ..place
    })
}

fn algorithm_name(spki: &[u8]) -> String {
    let algorithm = public_key::algorithm(spki);
    algorithm
        .map_or("", |algorithm| algorithm.as_str())
        .to_owned()
}

/// The GIDS applet.
pub(super) fn gids(
    session: &mut GidsSession<'_, '_>,
) -> Result<(GidsFacts, Vec<Container>), Failure> {
    let told = session.facts()?;
    let mut numbers = Vec::new();
    if told.card_cf.is_some() {
        session.containers(&mut |number, _| {
            numbers.push(number);
            ControlFlow::Continue(())
        })?;
    }
    let mut containers = Vec::with_capacity(numbers.len());
    for number in numbers {
        let public_key = container::gids_key(session, number)?.unwrap_or_default();
        let certificate = session
            .certificate(number)?
            .and_then(|one| compression::unzlib(one.compressed))
            .unwrap_or_default();
        containers.push(Container {
            name: number.to_string(),
            algorithm: algorithm_name(&public_key),
            public_key,
            certificate,
            made_on_card: None,
        });
    }
    Ok((GidsFacts::from(&told), containers))
}
