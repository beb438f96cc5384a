//! Everything that a card tells without a secret. Changes nothing.

use std::ops::ControlFlow;

use keysteward_core::{
    piv::{KeyReference, session::Place, yubico::metadata},
    time::Millis,
};

use super::{
    Applet, CardFacts, CardInspection, Container, GidsFacts, PivFacts, compression, container,
    public_key,
    session::{Card, GidsSession, PivSession, has, with_gids, with_piv},
};
use crate::verb::Failure;

/// Looks at one applet, or at every one that the card has. What lasts is not asked again of a card
/// that is known since it was put on its reader: its applets, and of PIV version and serial number.
pub(super) fn run(
    card: &mut Card<'_>,
    named: Option<Applet>,
    known: Option<&CardFacts>,
    deadline: Millis,
) -> Result<CardInspection, Failure> {
    let mut seen = CardInspection::default();
    for applet in [Applet::Piv, Applet::Gids] {
        let wanted = match (named, known) {
            (Some(named), _) => named == applet,
            (None, Some(known)) => match applet {
                Applet::Piv => known.piv.is_some(),
                Applet::Gids => known.gids.is_some(),
            },
            (None, None) => has(card, applet, deadline)?,
        };
        if !wanted {
            continue;
        }
        match applet {
            Applet::Piv => with_piv(card, deadline, |session| {
                let known = known.and_then(|known| known.piv.as_ref());
                let (facts, containers) = piv(session, known)?;
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

/// The PIV applet. `known`: what it told since it was put on its reader.
pub(super) fn piv(
    session: &mut PivSession<'_, '_>,
    known: Option<&PivFacts>,
) -> Result<(PivFacts, Vec<Container>), Failure> {
    let mut found: Vec<(KeyReference, Container, Option<KeyFacts>)> = Vec::new();
    let mut find = |place: &Place<'_>| {
        let certificate = place
            .certificate
            .and_then(|one| container::piv_der(one.format, one.bytes))
            .unwrap_or_default();
        let container = Container {
            name: place.key.to_string(),
            certificate,
            ..Container::default()
        };
        found.push((
            place.key,
            container,
            place.metadata.as_ref().map(KeyFacts::of),
        ));
    };
    // One that could not be read then told neither, nor does one that never tells.
    let lasting = known.filter(|known| !known.version.is_empty() || known.serial != 0);
    let facts = match lasting {
        Some(known) => PivFacts {
            version: known.version.clone(),
            serial: known.serial,
            ..PivFacts::from(&session.inspect_again(&mut find)?)
        },
        None => PivFacts::from(&session.inspect(&mut find)?),
    };
    let mut containers = Vec::with_capacity(found.len());
    for (key, place, told) in found {
        let told = match told {
            Some(told) => told,
            None => session
                .metadata(metadata::Request { of: key.id() })?
                .as_ref()
                .map(KeyFacts::of)
                .unwrap_or_default(),
        };
        containers.push(piv_container(place, told));
    }
    Ok((facts, containers))
}

/// What the card tells of a key.
#[derive(Default)]
struct KeyFacts {
    public_key: Option<Vec<u8>>,
    algorithm: Option<&'static str>,
    made_on_card: Option<bool>,
}

impl KeyFacts {
    fn of(told: &metadata::Metadata<'_>) -> Self {
        Self {
            public_key: told.public_key().and_then(|key| container::piv_spki(&key)),
            algorithm: told.key_algorithm().map(|algorithm| algorithm.name()),
            made_on_card: told.generated,
        }
    }
}

/// What the card tells of the key; where it tells nothing, what its certificate does.
fn piv_container(place: Container, told: KeyFacts) -> Container {
    let public_key = told
        .public_key
        .or_else(|| super::certification_request::key_of_certificate(&place.certificate).ok())
        .unwrap_or_default();
    Container {
        algorithm: match told.algorithm {
            Some(name) => name.to_owned(),
            None => algorithm_name(&public_key),
        },
        public_key,
        made_on_card: told.made_on_card,
        ..place
    }
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
