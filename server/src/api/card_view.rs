//! Cards and certificates as the public interface shows them.

use keysteward_proto::server::v1 as wire;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::labels::Labels;
use crate::{
    lifecycle::{Custody, Template, TokenState},
    store::{
        self, Reads,
        card::{Card, Container},
        certificate::{Certificate, OnCard},
        sealed_secret::{self, Kind, State},
        token::Token,
    },
};

/// What a token is as a smart card, and what was made on it.
pub(super) async fn of_token(
    from: &mut impl Reads,
    labels: &mut Labels,
    token: &Token,
) -> store::Result<(Option<wire::Card>, Vec<wire::Certificate>)> {
    let rows = store::certificate::of_token(from, token.id).await?;
    let card = match store::card::get(from, token.id).await? {
        Some(card) => Some(card_to_wire(from, token, card, &rows).await?),
        None => None,
    };
    let mut certificates = Vec::new();
    for row in rows {
        certificates.push(certificate_to_wire(from, labels, row).await?);
    }
    Ok((card, certificates))
}

async fn card_to_wire(
    from: &mut impl Reads,
    token: &Token,
    card: Card,
    rows: &[Certificate],
) -> store::Result<wire::Card> {
    let secrets = sealed_secret::of_token(from, token.id).await?;
    let holds = |kind| {
        let current =
            |s: &&sealed_secret::SealedSecret| s.kind == kind && s.state == State::Current;
        secrets.iter().any(|s| current(&s))
    };
    let facts = token.facts.card.clone().unwrap_or_default();
    Ok(wire::Card {
        applet: card.applet.as_str().to_owned(),
        card_id: hex::encode(&card.shown_id),
        admin_generation: card.admin.map_or(0, |key| key.generation),
        admin_cipher: card.admin.map_or("", |key| key.cipher.as_str()).to_owned(),
        pending_generation: card.pending.map_or(0, |key| key.generation),
        puk: match (holds(Kind::Puk), card.puk_spent) {
            (true, true) => "spent",
            (true, false) => "held",
            (false, _) => "",
        }
        .to_owned(),
        containers: card
            .containers
            .into_iter()
            .map(|container| container_to_wire(container, rows))
            .collect(),
        inspected_at_us: card.inspected_at.map_or(0, |at| at.0),
        pin_custody: pin_custody(from, token, holds(Kind::CardPin))
            .await?
            .to_owned(),
        atr: facts.atr,
        reader: facts.reader,
        version: facts.version,
        pin_tries: facts.pin_tries,
        puk_tries: facts.puk_tries,
    })
}

async fn pin_custody(
    from: &mut impl Reads,
    token: &Token,
    held: bool,
) -> store::Result<&'static str> {
    let template: Option<store::template::Row<Template>> = match token.template_id {
        Some(id) => store::template::get(from, id).await?,
        None => None,
    };
    let escrow = template
        .and_then(|row| row.definition.card)
        .is_some_and(|card| card.pin_custody == Custody::Escrow);
    Ok(match (held, escrow, token.state) {
        (true, true, _) => "escrowed",
        (true, false, _) => "held until hand-over",
        (false, _, TokenState::Active | TokenState::Suspended) => "with its user",
        (false, ..) => "",
    })
}

fn container_to_wire(container: Container, rows: &[Certificate]) -> wire::CardContainer {
    let der = hex::decode(&container.certificate).unwrap_or_default();
    let subject = X509Certificate::from_der(&der)
        .map(|(_, certificate)| certificate.subject().to_string())
        .unwrap_or_default();
    let ours = |row: &&Certificate| {
        !row.der.is_empty() && row.der == der && row.on_card != OnCard::Deleted
    };
    wire::CardContainer {
        name: container.name,
        algorithm: container.algorithm,
        subject,
        made_on_card: container.made_on_card,
        certificate: rows
            .iter()
            .find(ours)
            .map(|row| row.id.to_string())
            .unwrap_or_default(),
    }
}

/// One certificate.
pub(super) async fn certificate_to_wire(
    from: &mut impl Reads,
    labels: &mut Labels,
    row: Certificate,
) -> store::Result<wire::Certificate> {
    let connection = store::connection::get(from, row.connection_id).await?;
    Ok(wire::Certificate {
        id: row.id.to_string(),
        token: row.token_id.to_string(),
        user: labels.user(from, Some(row.user_id)).await?,
        connection: connection.map(|row| row.name).unwrap_or_default(),
        container: row.container,
        profile: row.profile,
        algorithm: row.algorithm.as_str().to_owned(),
        state: row.state.as_str().to_owned(),
        serial: row.serial,
        issuer: row.issuer,
        subject: row.subject,
        not_before_us: row.not_before.map_or(0, |at| at.0),
        not_after_us: row.not_after.map_or(0, |at| at.0),
        revocation: row.revocation,
        on_card: row.on_card.as_str().to_owned(),
        created_at_us: row.created_at.0,
        attestation: row.attestation,
    })
}
