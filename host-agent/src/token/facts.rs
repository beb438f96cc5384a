//! What authenticatorGetInfo said, owned. CTAP 2.3 §6.4.

use std::collections::BTreeMap;

use keysteward_core::{
    cbor::{self, Key, List, Parse as _, Raw, Reader},
    ctap2::get_info,
};

/// The members that administrators and verbs ask for; unknown ones are kept as they came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(
    missing_docs,
    reason = "the names are those of the members in CTAP 2.3 §6.4"
)]
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
    pub max_serialized_large_blob_array: u32,
    pub long_touch_for_reset: bool,
    /// `None`: it cannot be set.
    pub pin_complexity_policy: Option<bool>,
    pub transports_for_reset: Vec<String>,
    pub max_msg_size: u32,
    pub max_cred_blob_length: u32,
    /// Bits of the FIDO Registry of Predefined Values §3.1.
    pub uv_modality: u64,
    pub preferred_platform_uv_attempts: u32,
    pub certifications: BTreeMap<String, u64>,
    pub vendor_prototype_config_commands: Vec<u64>,
    pub authenticator_config_commands: Vec<u32>,
    pub pin_complexity_policy_url: String,
    /// Members that this agent does not know or cannot read, by key, as hex CBOR.
    pub unknown: BTreeMap<u32, String>,
}

impl Facts {
    /// Reads the CBOR of a getInfo response.
    pub fn parse(bytes: &[u8]) -> Result<Self, cbor::Error> {
        let info = get_info::Response::parse(bytes)?;
        Ok(Self {
            aaguid: *info.aaguid,
            versions: owned(Some(info.versions)),
            extensions: owned(info.extensions),
            options: info
                .options
                .0
                .iter()
                .map(|(name, on)| (name.to_string(), on))
                .collect(),
            firmware_version: info
                .firmware_version
                .map_or(0, |version| u32::try_from(version).unwrap_or(u32::MAX)),
            min_pin_length: info
                .min_pin_length
                .unwrap_or(get_info::DEFAULT_MIN_PIN_LENGTH),
            max_pin_length: info
                .max_pin_length
                .unwrap_or(get_info::DEFAULT_MAX_PIN_LENGTH),
            force_pin_change: info.force_pin_change == Some(true),
            pin_protocols: info
                .pin_uv_auth_protocols
                .map(|list| list.iter().map(u32::from).collect())
                .unwrap_or_default(),
            remaining_discoverable_credentials: info
                .remaining_discoverable_credentials
                .unwrap_or_default(),
            algorithms: info
                .algorithms
                .map(|list| {
                    let numbers = list.iter().map(|one| i64::from(one.alg));
                    numbers
                        .filter_map(|number| i32::try_from(number).ok())
                        .collect()
                })
                .unwrap_or_default(),
            max_credential_count_in_list: info.max_credential_count_in_list.unwrap_or_default(),
            max_credential_id_length: info.max_credential_id_length.unwrap_or_default(),
            transports: owned(info.transports),
            attestation_formats: owned(info.attestation_formats),
            max_rp_ids_for_set_min_pin_length: info
                .max_rp_ids_for_set_min_pin_length
                .unwrap_or_default(),
            max_serialized_large_blob_array: info
                .max_serialized_large_blob_array
                .unwrap_or_default(),
            long_touch_for_reset: info.long_touch_for_reset == Some(true),
            pin_complexity_policy: info.pin_complexity_policy,
            transports_for_reset: owned(info.transports_for_reset),
            max_msg_size: info.max_msg_size.unwrap_or(get_info::DEFAULT_MAX_MSG_SIZE),
            max_cred_blob_length: info.max_cred_blob_length.unwrap_or_default(),
            uv_modality: info.uv_modality.map_or(0, |modality| modality.0),
            preferred_platform_uv_attempts: info.preferred_platform_uv_attempts.unwrap_or_default(),
            certifications: info
                .certifications
                .map(|entries| {
                    let named = |(name, level): (cbor::Name<'_>, u64)| (name.to_string(), level);
                    entries.iter().map(named).collect()
                })
                .unwrap_or_default(),
            vendor_prototype_config_commands: info
                .vendor_prototype_config_commands
                .map(|list| list.iter().collect())
                .unwrap_or_default(),
            authenticator_config_commands: info
                .authenticator_config_commands
                .map(|list| list.iter().map(u32::from).collect())
                .unwrap_or_default(),
            pin_complexity_policy_url: info
                .pin_complexity_policy_url
                .map(|url| String::from_utf8_lossy(url).into_owned())
                .unwrap_or_default(),
            unknown: unknown(bytes, &info.passed_over)?,
        })
    }
}

fn owned(list: Option<List<'_, &str>>) -> Vec<String> {
    list.map(|list| list.iter().map(str::to_owned).collect())
        .unwrap_or_default()
}

/// The members that the core passed over.
fn unknown(
    bytes: &[u8],
    passed_over: &get_info::PassedOver,
) -> Result<BTreeMap<u32, String>, cbor::Error> {
    let mut unknown = BTreeMap::new();
    if passed_over.is_empty() {
        return Ok(unknown);
    }
    Reader::new(bytes).map(|key, reader| {
        let value: Raw<'_> = reader.read()?;
        let number = match key {
            Key::Int(number) => u32::try_from(number).ok(),
            Key::Text(_) | Key::Bytes(_) => None,
        };
        // Keys from 0x40 on are no edition's yet.
        let is_known =
            |number: u32| number < 0x40 && !passed_over.keys().any(|key| u32::from(key) == number);
        if let Some(number) = number.filter(|number| !is_known(*number)) {
            unknown.insert(number, hex::encode(value.bytes()));
        }
        Ok(())
    })?;
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_nobody_knows_are_kept() {
        // {1: ["FIDO_2_3"], 3: aaguid, 0x0d: 6, 0x30: [1, 2]}
        let mut bytes = hex::decode("a40181684649444f5f325f330350").unwrap();
        bytes.extend([7; 16]);
        bytes.extend(hex::decode("0d06183082").unwrap());
        bytes.extend([1, 2]);
        let facts = Facts::parse(&bytes).unwrap();
        assert_eq!(facts.versions, ["FIDO_2_3"]);
        assert_eq!(facts.aaguid, [7; 16]);
        assert_eq!((facts.min_pin_length, facts.max_pin_length), (6, 63));
        assert_eq!(facts.unknown, BTreeMap::from([(0x30, "820102".to_owned())]));
    }

    #[test]
    fn what_is_no_get_info_is_refused() {
        assert!(Facts::parse(&[0xa0]).is_err());
        assert!(Facts::parse(&[]).is_err());
    }
}
