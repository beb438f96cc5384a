//! `keysteward --agent ADDRESS token fido info`: what a key says of itself (authenticatorGetInfo,
//! CTAP 2.3 §6.4), and how many tries are left.
//!
//! The core reads the message that the agent passes on as it came; members that no edition of ours
//! knows are shown as the bytes that they are.

use std::collections::BTreeMap;

use keysteward_core::{
    cbor::{self, Key, List, Parse as _, Raw, Reader},
    ctap2::get_info::{self, PassedOver, Response, UvModality},
};
use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};
use serde::Serialize;

use super::{Keys, OTHER, Which, lease_of};
use crate::{
    connect::Agent,
    decode::{UV_MODALITY, algorithm, authenticator_config},
    failure::{Failure, Result},
    local::token::{aaguid, find, speaks_u2f_alone},
    output::{Output, View},
};

pub(super) async fn show(agent: &Agent, which: &Which, output: &mut Output<'_>) -> Result<()> {
    let token = find(agent, which.token.as_deref()).await?;
    if speaks_u2f_alone(&token) {
        return output.show(&Info::of_u2f(token.presence_id));
    }
    let mut lease = lease_of(agent, Keys::default(), &token, "look at the key").await?;
    match lease.read(Verb::Inspect(wire::Inspect {})).await? {
        Outcome::Inspected(seen) => output.show(&Info::read(token.presence_id, seen)?),
        _ => Err(OTHER),
    }
}

/// Members are called as in the specification, and absent where the key does not tell them.
#[derive(Debug, Default, Serialize)]
struct Info {
    presence_id: String,
    pin_set: bool,
    pin_retries: u32,
    power_cycle_needed: bool,
    /// Tries left for fingers or faces; absent without built-in user verification.
    uv_retries: Option<u32>,
    versions: Vec<String>,
    extensions: Vec<String>,
    aaguid: Option<String>,
    firmware_version: Option<u64>,
    options: BTreeMap<String, bool>,
    transports: Vec<String>,
    /// COSE numbers, preferred first.
    algorithms: Vec<i64>,
    algorithm_names: Vec<String>,
    attestation_formats: Vec<String>,
    certifications: BTreeMap<String, u64>,
    pin_uv_auth_protocols: Vec<u8>,
    /// Code points.
    min_pin_length: u32,
    max_pin_length: u32,
    force_pin_change: bool,
    pin_complexity_policy: Option<bool>,
    pin_complexity_policy_url: Option<String>,
    uv_modality: Vec<String>,
    preferred_platform_uv_attempts: Option<u32>,
    uv_count_since_last_pin_entry: Option<u32>,
    remaining_discoverable_credentials: Option<u32>,
    max_credential_count_in_list: Option<u32>,
    max_credential_id_length: Option<u32>,
    /// Bytes, as the following ones.
    max_msg_size: u32,
    max_cred_blob_length: Option<u32>,
    max_serialized_large_blob_array: Option<u32>,
    max_rp_ids_for_set_min_pin_length: Option<u32>,
    authenticator_config_commands: Vec<String>,
    /// Hexadecimal with 0x, since a number of 64 bits is more than JSON's readers keep.
    vendor_prototype_config_commands: Vec<String>,
    long_touch_for_reset: Option<bool>,
    transports_for_reset: Vec<String>,
    /// The key tells who it is to the holder of its persistent token; see `identity`.
    enc_identifier: bool,
    /// The same of the state of its credentials.
    enc_cred_store_state: bool,
    /// Members that are not in this list, or not as they should be, by their key; hexadecimal
    /// CBOR.
    unknown: BTreeMap<String, String>,
    /// All of it as it came, hexadecimal CBOR.
    get_info: String,
}

impl View for Info {
    const COLUMNS: &'static [&'static str] = &["presence_id", "versions", "pin_set", "pin_retries"];
    const FIELDS: &'static [&'static str] = &[
        "presence_id",
        "pin_set",
        "pin_retries",
        "power_cycle_needed",
        "uv_retries",
        "versions",
        "extensions",
        "aaguid",
        "firmware_version",
        "options",
        "transports",
        "algorithm_names",
        "attestation_formats",
        "certifications",
        "pin_uv_auth_protocols",
        "min_pin_length",
        "max_pin_length",
        "force_pin_change",
        "pin_complexity_policy",
        "pin_complexity_policy_url",
        "uv_modality",
        "preferred_platform_uv_attempts",
        "uv_count_since_last_pin_entry",
        "remaining_discoverable_credentials",
        "max_credential_count_in_list",
        "max_credential_id_length",
        "max_msg_size",
        "max_cred_blob_length",
        "max_serialized_large_blob_array",
        "max_rp_ids_for_set_min_pin_length",
        "authenticator_config_commands",
        "vendor_prototype_config_commands",
        "long_touch_for_reset",
        "transports_for_reset",
        "enc_identifier",
        "enc_cred_store_state",
        "unknown",
    ];
}

impl Info {
    /// A key that speaks U2F alone says no more than that it does.
    fn of_u2f(presence_id: String) -> Self {
        Self {
            presence_id,
            versions: vec![get_info::U2F_V2.to_owned()],
            ..Self::default()
        }
    }

    fn read(presence_id: String, seen: wire::Inspected) -> Result<Self> {
        let bytes = seen.get_info;
        let unreadable = |_| Failure::Answer("what the key says of itself cannot be read");
        let info = Response::parse(&bytes).map_err(unreadable)?;
        let unknown = unknown(&bytes, &info.passed_over).map_err(unreadable)?;
        let algorithms: Vec<i64> = info
            .algorithms
            .iter()
            .flat_map(List::iter)
            .map(|one| i64::from(one.alg))
            .collect();
        Ok(Self {
            presence_id,
            pin_set: seen.pin_set,
            pin_retries: seen.pin_retries,
            power_cycle_needed: seen.power_cycle_needed,
            uv_retries: seen.uv_retries,
            versions: owned(Some(info.versions)),
            extensions: owned(info.extensions),
            aaguid: aaguid(info.aaguid),
            firmware_version: info.firmware_version,
            options: info
                .options
                .0
                .iter()
                .map(|(name, on)| (name.to_string(), on))
                .collect(),
            transports: owned(info.transports),
            algorithm_names: algorithms.iter().copied().map(algorithm_name).collect(),
            algorithms,
            attestation_formats: owned(info.attestation_formats),
            certifications: info
                .certifications
                .iter()
                .flat_map(cbor::Entries::iter)
                .map(|(name, level)| (name.to_string(), level))
                .collect(),
            pin_uv_auth_protocols: numbers(info.pin_uv_auth_protocols),
            min_pin_length: info
                .min_pin_length
                .unwrap_or(get_info::DEFAULT_MIN_PIN_LENGTH),
            max_pin_length: info
                .max_pin_length
                .unwrap_or(get_info::DEFAULT_MAX_PIN_LENGTH),
            force_pin_change: info.force_pin_change == Some(true),
            pin_complexity_policy: info.pin_complexity_policy,
            pin_complexity_policy_url: info
                .pin_complexity_policy_url
                .map(|url| String::from_utf8_lossy(url).into_owned()),
            uv_modality: info.uv_modality.map(modalities).unwrap_or_default(),
            preferred_platform_uv_attempts: info.preferred_platform_uv_attempts,
            uv_count_since_last_pin_entry: info.uv_count_since_last_pin_entry,
            remaining_discoverable_credentials: info.remaining_discoverable_credentials,
            max_credential_count_in_list: info.max_credential_count_in_list,
            max_credential_id_length: info.max_credential_id_length,
            max_msg_size: info.max_msg_size.unwrap_or(get_info::DEFAULT_MAX_MSG_SIZE),
            max_cred_blob_length: info.max_cred_blob_length,
            max_serialized_large_blob_array: info.max_serialized_large_blob_array,
            max_rp_ids_for_set_min_pin_length: info.max_rp_ids_for_set_min_pin_length,
            authenticator_config_commands: numbers(info.authenticator_config_commands)
                .into_iter()
                .map(|number| {
                    authenticator_config(number.into())
                        .map_or_else(|| format!("{number:#04x}"), str::to_owned)
                })
                .collect(),
            vendor_prototype_config_commands: numbers(info.vendor_prototype_config_commands)
                .into_iter()
                .map(|id| format!("{id:#x}"))
                .collect(),
            long_touch_for_reset: info.long_touch_for_reset,
            transports_for_reset: owned(info.transports_for_reset),
            enc_identifier: info.enc_identifier.is_some(),
            enc_cred_store_state: info.enc_cred_store_state.is_some(),
            unknown,
            get_info: hex::encode(&bytes),
        })
    }
}

fn owned(list: Option<List<'_, &str>>) -> Vec<String> {
    list.iter()
        .flat_map(List::iter)
        .map(str::to_owned)
        .collect()
}

fn numbers<'a, T: cbor::Parse<'a> + Copy>(list: Option<List<'a, T>>) -> Vec<T> {
    list.iter().flat_map(List::iter).collect()
}

fn algorithm_name(number: i64) -> String {
    algorithm(number).map_or_else(|| number.to_string(), str::to_owned)
}

/// The methods by name; bits without one as a number.
fn modalities(UvModality(bits): UvModality) -> Vec<String> {
    let named = UV_MODALITY.iter().filter(|(bit, _)| bits & bit != 0);
    let known = UV_MODALITY.iter().fold(0, |all, (bit, _)| all | bit);
    let rest = Some(bits & !known).filter(|rest| *rest != 0);
    named
        .map(|(_, name)| (*name).to_owned())
        .chain(rest.map(|rest| format!("{rest:#x}")))
        .collect()
}

/// The members that the core passed over.
fn unknown(
    bytes: &[u8],
    passed_over: &PassedOver,
) -> std::result::Result<BTreeMap<String, String>, cbor::Error> {
    let mut unknown = BTreeMap::new();
    Reader::new(bytes).map(|key, reader| {
        let value: Raw<'_> = reader.read()?;
        let name = match key {
            // Keys from 0x40 on are no edition's yet.
            Key::Int(number @ 0..0x40) => {
                let is_passed_over = |key| i64::from(key) == number;
                if !passed_over.keys().any(is_passed_over) {
                    return Ok(());
                }
                format!("{number:#04x}")
            }
            Key::Int(number @ 0x40..) => format!("{number:#04x}"),
            Key::Int(negative) => negative.to_string(),
            Key::Text(name) => format!("{:?}", name.to_string()),
            Key::Bytes(bytes) => format!("h'{}'", hex::encode(bytes)),
        };
        unknown.insert(name, hex::encode(value.bytes()));
        Ok(())
    })?;
    Ok(unknown)
}

#[cfg(test)]
mod tests;
