//! What a card tells, as the interface shows it.

use keysteward_proto::agent::v1 as proto;

use crate::verb::{CardFacts, CardInspection, Container, GidsFacts, PinFacts, PivFacts};

pub(super) fn inspected(seen: CardInspection) -> proto::CardInspected {
    proto::CardInspected {
        facts: Some(facts(seen.facts)),
        containers: seen.containers.into_iter().map(container).collect(),
    }
}

/// What it tells without a secret.
pub(in crate::rpc) fn facts(facts: CardFacts) -> proto::CardFacts {
    proto::CardFacts {
        atr: facts.atr,
        reader: facts.reader,
        piv: facts.piv.map(piv),
        gids: facts.gids.map(gids),
    }
}

fn piv(facts: PivFacts) -> proto::PivFacts {
    proto::PivFacts {
        label: facts.label,
        guid: facts.guid,
        version: facts.version,
        serial: facts.serial,
        admin_algorithm: facts.admin_algorithm,
        admin_key_is_default: facts.admin_key_is_default,
        pin: Some(pin(&facts.pin)),
        puk: Some(pin(&facts.puk)),
    }
}

fn gids(facts: GidsFacts) -> proto::GidsFacts {
    proto::GidsFacts {
        card_id: facts.card_id,
        pin: Some(pin(&facts.pin)),
        puk: Some(pin(&facts.puk)),
        pins_freshness: facts.pins_freshness,
        containers_freshness: facts.containers_freshness,
        files_freshness: facts.files_freshness,
    }
}

const fn pin(facts: &PinFacts) -> proto::PinFacts {
    proto::PinFacts {
        tries_left: facts.tries_left,
        tries: facts.tries,
        is_default: facts.is_default,
    }
}

fn container(container: Container) -> proto::Container {
    proto::Container {
        name: container.name,
        algorithm: container.algorithm,
        public_key: container.public_key,
        certificate: container.certificate,
        made_on_card: container.made_on_card,
    }
}
