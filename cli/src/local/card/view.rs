//! What `token card` shows.

use keysteward_proto::agent::v1 as wire;
use serde::Serialize;

use crate::output::{View, some};

/// One applet.
#[derive(Debug, Serialize)]
pub(super) struct Applet {
    pub(super) applet: &'static str,
    /// GUID or card id, hexadecimal.
    pub(super) id: Option<String>,
    pub(super) label: Option<String>,
    pub(super) version: Option<String>,
    pub(super) serial: Option<u32>,
    pub(super) admin_algorithm: Option<String>,
    pub(super) admin_key_is_default: Option<bool>,
    pub(super) pin_tries_left: Option<u32>,
    pub(super) pin_is_default: Option<bool>,
    pub(super) puk_tries_left: Option<u32>,
    pub(super) puk_is_default: Option<bool>,
}

impl View for Applet {
    const COLUMNS: &'static [&'static str] = &[
        "applet",
        "id",
        "version",
        "serial",
        "admin_algorithm",
        "pin_tries_left",
        "puk_tries_left",
    ];
}

impl Applet {
    /// Those of a card.
    pub(super) fn of(facts: wire::CardFacts) -> Vec<Self> {
        let piv = facts.piv.map(Self::piv);
        let gids = facts.gids.map(Self::gids);
        piv.into_iter().chain(gids).collect()
    }

    fn piv(facts: wire::PivFacts) -> Self {
        let (pin, puk) = (facts.pin.unwrap_or_default(), facts.puk.unwrap_or_default());
        Self {
            applet: "piv",
            id: some(hex::encode(facts.guid)),
            label: some(facts.label),
            version: some(facts.version),
            serial: Some(facts.serial).filter(|serial| *serial != 0),
            admin_algorithm: some(facts.admin_algorithm),
            admin_key_is_default: facts.admin_key_is_default,
            pin_tries_left: pin.tries_left,
            pin_is_default: pin.is_default,
            puk_tries_left: puk.tries_left,
            puk_is_default: puk.is_default,
        }
    }

    fn gids(facts: wire::GidsFacts) -> Self {
        let (pin, puk) = (facts.pin.unwrap_or_default(), facts.puk.unwrap_or_default());
        Self {
            applet: "gids",
            id: some(hex::encode(facts.card_id)),
            label: None,
            version: None,
            serial: None,
            admin_algorithm: None,
            admin_key_is_default: None,
            pin_tries_left: pin.tries_left,
            pin_is_default: pin.is_default,
            puk_tries_left: puk.tries_left,
            puk_is_default: puk.is_default,
        }
    }
}

/// A place for a key and its certificate.
#[derive(Debug, Serialize)]
pub(super) struct Container {
    pub(super) container: String,
    pub(super) algorithm: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) not_after: Option<String>,
    pub(super) made_on_card: Option<bool>,
    /// SubjectPublicKeyInfo, hexadecimal.
    pub(super) public_key: Option<String>,
    /// X.509, hexadecimal.
    pub(super) certificate: Option<String>,
}

impl View for Container {
    const COLUMNS: &'static [&'static str] = &[
        "container",
        "algorithm",
        "subject",
        "not_after",
        "made_on_card",
    ];
}

impl From<wire::Container> for Container {
    fn from(found: wire::Container) -> Self {
        let parsed = x509_parser::parse_x509_certificate(&found.certificate).ok();
        let certificate = parsed.as_ref().map(|(_, certificate)| certificate);
        Self {
            subject: certificate.map(|one| one.subject().to_string()),
            not_after: certificate.map(|one| one.validity().not_after.to_string()),
            container: found.name,
            algorithm: some(found.algorithm),
            made_on_card: found.made_on_card,
            public_key: some(hex::encode(found.public_key)),
            certificate: some(hex::encode(&found.certificate)),
        }
    }
}

/// A key that was made.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    pub(super) presence_id: String,
    pub(super) container: String,
    /// SubjectPublicKeyInfo, hexadecimal.
    pub(super) public_key: String,
    /// The card says itself that it made the key.
    pub(super) attested: bool,
    pub(super) attestation: Option<String>,
    pub(super) attestation_issuer: Option<String>,
}

impl View for Made {
    const COLUMNS: &'static [&'static str] = &["presence_id", "container", "attested"];
}

/// A key that was moved.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    pub(super) presence_id: String,
    pub(super) container: String,
    pub(super) moved_to: String,
}

impl View for Moved {
    const COLUMNS: &'static [&'static str] = &["presence_id", "container", "moved_to"];
}
