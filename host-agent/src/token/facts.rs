//! What authenticatorGetInfo said, owned. CTAP 2.3 §6.4.

use std::collections::BTreeMap;

/// The members that administrators and verbs ask for; unknown ones are kept as they came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the members in CTAP 2.3 §6.4")]
pub struct Facts {
    pub aaguid: [u8; 16],
    pub versions: Vec<String>,
    pub extensions: Vec<String>,
    pub options: BTreeMap<String, bool>,
    pub firmware_version: u32,
    pub min_pin_length: u32,
    pub max_pin_length: u32,
    pub force_pin_change: bool,
    pub pin_protocols: Vec<u32>,
    pub remaining_discoverable_credentials: u32,
    pub algorithms: Vec<i32>,
    pub max_credential_count_in_list: u32,
    pub max_credential_id_length: u32,
    pub transports: Vec<String>,
    pub attestation_formats: Vec<String>,
    pub max_rp_ids_for_set_min_pin_length: u32,
    /// Members that this agent does not know, by key, as hex CBOR.
    pub unknown: BTreeMap<u32, String>,
}
