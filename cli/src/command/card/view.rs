//! Cards, certificates and master keys, as they are shown.

use keysteward_proto::server::v1 as wire;
use serde::Serialize;

use crate::{
    failure::Failure,
    output::{View, some, time},
};

#[derive(Debug, Serialize)]
pub(crate) struct Card {
    id: String,
    model: String,
    serial: Option<String>,
    state: String,
    user: Option<String>,
    present: bool,
    applet: String,
    card_id: Option<String>,
    admin_generation: u32,
    admin_cipher: Option<String>,
    pending_generation: Option<u32>,
    puk: Option<String>,
    pin_custody: Option<String>,
    pin_tries: Option<u32>,
    puk_tries: Option<u32>,
    atr: Option<String>,
    reader: Option<String>,
    version: Option<String>,
    containers: Vec<String>,
    certificates: Vec<Certificate>,
    inspected_at: Option<String>,
}

impl View for Card {
    const COLUMNS: &'static [&'static str] = &["id", "model", "state", "user", "applet"];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "model",
        "serial",
        "state",
        "user",
        "present",
        "applet",
        "card_id",
        "admin_generation",
        "admin_cipher",
        "pending_generation",
        "puk",
        "pin_custody",
        "pin_tries",
        "puk_tries",
        "atr",
        "reader",
        "version",
        "containers",
        "inspected_at",
    ];
}

impl TryFrom<wire::TokenDetail> for Card {
    type Error = Failure;

    fn try_from(detail: wire::TokenDetail) -> Result<Self, Failure> {
        let token = detail.token.unwrap_or_default();
        let card = detail.card.ok_or_else(|| {
            let allowed = "a smart card that is registered: keysteward card register";
            Failure::wrong("TOKEN", token.id.clone(), allowed)
        })?;
        Ok(Self {
            id: token.id,
            model: token.model,
            serial: some(token.serial),
            state: token.state,
            user: some(token.user),
            present: token.present,
            applet: card.applet,
            card_id: some(card.card_id),
            admin_generation: card.admin_generation,
            admin_cipher: some(card.admin_cipher),
            pending_generation: (card.pending_generation != 0).then_some(card.pending_generation),
            puk: some(card.puk),
            pin_custody: some(card.pin_custody),
            pin_tries: card.pin_tries,
            puk_tries: card.puk_tries,
            atr: some(card.atr),
            reader: some(card.reader),
            version: some(card.version),
            containers: card
                .containers
                .into_iter()
                .map(|container| match container.subject.as_str() {
                    "" => format!("{} {}", container.name, container.algorithm),
                    subject => format!("{} {} {subject}", container.name, container.algorithm),
                })
                .collect(),
            certificates: detail
                .certificates
                .into_iter()
                .map(Certificate::from)
                .collect(),
            inspected_at: time(card.inspected_at_us),
        })
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Certificate {
    id: String,
    token: String,
    user: String,
    connection: String,
    container: String,
    profile: String,
    algorithm: String,
    state: String,
    on_card: String,
    serial: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    revocation: Option<String>,
    attestation: String,
    created_at: Option<String>,
}

impl View for Certificate {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "container",
        "state",
        "on_card",
        "serial",
        "subject",
        "not_after",
        "revocation",
    ];
}

impl From<wire::Certificate> for Certificate {
    fn from(row: wire::Certificate) -> Self {
        Self {
            id: row.id,
            token: row.token,
            user: row.user,
            connection: row.connection,
            container: row.container,
            profile: row.profile,
            algorithm: row.algorithm,
            state: row.state,
            on_card: row.on_card,
            serial: some(row.serial),
            issuer: some(row.issuer),
            subject: some(row.subject),
            not_before: time(row.not_before_us),
            not_after: time(row.not_after_us),
            revocation: some(row.revocation),
            attestation: row.attestation,
            created_at: time(row.created_at_us),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct MasterKey {
    generation: u32,
    custody: String,
    comment: Option<String>,
    created_by: String,
    created_at: Option<String>,
    cards: u32,
}

impl View for MasterKey {
    const COLUMNS: &'static [&'static str] = &[
        "generation",
        "custody",
        "cards",
        "comment",
        "created_by",
        "created_at",
    ];
}

impl From<wire::CardMasterKey> for MasterKey {
    fn from(key: wire::CardMasterKey) -> Self {
        Self {
            generation: key.generation,
            custody: key.custody,
            comment: some(key.comment),
            created_by: key.created_by,
            created_at: time(key.created_at_us),
            cards: key.cards,
        }
    }
}
