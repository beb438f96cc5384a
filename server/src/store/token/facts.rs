//! Column `token.facts`: what a token said of itself.

use serde::{Deserialize, Serialize};

/// What a token said of itself: agent.v1.Token and FidoFacts.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[allow(missing_docs, reason = "agent.v1.FidoFacts, member by member")]
pub struct Facts {
    pub transport: String,
    pub vendor_id: u32,
    pub product_id: u32,
    pub manufacturer: String,
    pub product: String,
    pub versions: Vec<String>,
    pub extensions: Vec<String>,
    pub options: std::collections::BTreeMap<String, bool>,
    pub firmware_version: u32,
    pub min_pin_length: u32,
    pub max_pin_length: u32,
    pub force_pin_change: bool,
    pub pin_protocols: Vec<u32>,
    pub remaining_discoverable_credentials: u32,
    pub algorithms: Vec<i32>,
    pub max_credential_count_in_list: u32,
    pub transports: Vec<String>,
    pub attestation_formats: Vec<String>,
    pub max_rp_ids_for_set_min_pin_length: u32,
    pub unknown: std::collections::BTreeMap<u32, String>,
    /// Why the token could not be read, when it could not.
    pub fault: String,
    /// What it can be asked.
    pub applets: Vec<String>,
    /// What it said as a card.
    pub card: Option<CardFacts>,
}

/// What a card said of itself: agent.v1.CardFacts, of the applet that it has.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct CardFacts {
    /// Hexadecimal.
    pub atr: String,
    /// The system's name of the reader.
    pub reader: String,
    /// Of the PIV application.
    pub label: String,
    /// Its firmware's.
    pub version: String,
    /// GUID or cardid, hexadecimal; empty: it has none.
    pub id: String,
    /// What the admin key is a key of, where it tells.
    pub admin_algorithm: String,
    /// Whether the admin key is the factory's, where it tells.
    pub admin_key_is_default: Option<bool>,
    /// Tries that are left, where it tells.
    pub pin_tries: Option<u32>,
    /// As above.
    pub puk_tries: Option<u32>,
    /// Whether the PUK is the factory's, where it tells.
    pub puk_is_default: Option<bool>,
}
