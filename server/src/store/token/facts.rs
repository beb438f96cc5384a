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
    pub max_credential_id_length: u32,
    pub max_msg_size: u32,
    pub max_cred_blob_length: u32,
    pub max_serialized_large_blob_array: u32,
    pub long_touch_for_reset: bool,
    pub transports_for_reset: Vec<String>,
    pub pin_complexity_policy: Option<bool>,
    pub pin_complexity_policy_url: String,
    pub uv_modality: u64,
    pub preferred_platform_uv_attempts: u32,
    pub certifications: std::collections::BTreeMap<String, u64>,
    /// Hexadecimal with 0x: JSON's readers keep fewer bits.
    pub vendor_prototype_config_commands: Vec<String>,
    pub authenticator_config_commands: Vec<u32>,
    pub unknown: std::collections::BTreeMap<u32, String>,
    /// Why the token could not be read, when it could not.
    pub fault: String,
    /// What it can be asked.
    pub applets: Vec<String>,
    /// What it said as a card.
    pub card: Option<CardFacts>,
    /// What an operation found when it looked at it as a key; agents do not look again by
    /// themselves.
    pub inspected: Option<Inspected>,
}

/// What only a look at a key tells: agent.v1.Inspected.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Inspected {
    /// When that was. RFC 3339.
    pub at: String,
    /// Tries that were left; none: it had no PIN, or was given one since.
    pub pin_retries: Option<u32>,
    /// Tries of its own user verification; none: none is set up.
    pub uv_retries: Option<u32>,
    /// It takes no PIN until it is replugged.
    pub power_cycle_needed: bool,
    /// It tells who it is, enciphered for whom it gave a persistent token. CTAP 2.3 section 6.4,
    /// encIdentifier.
    pub enc_identifier: bool,
    /// The same of the state of its credentials: encCredStoreState.
    pub enc_cred_store_state: bool,
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
