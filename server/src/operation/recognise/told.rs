//! What an agent tells of a token, for the database and for people.

use keysteward_core::{cbor::Parse as _, ctap2::get_info};
use keysteward_proto::agent::v1::{self as agent, CardFacts as SeenFacts, FidoFacts};

use crate::store::{
    Micros,
    token::{CardFacts, Facts, Inspected},
};

/// What a token is known by from the first time on: the serial of its link; the serial
/// that a card tells, where its maker gives each its own; else its GUID or cardid. A
/// blank card of other makers is known by nothing that lasts.
pub(super) fn identity(seen: &agent::Token) -> Option<String> {
    if is_of_link(seen) {
        return Some(format!(
            "{:04x}:{:04x}:{}",
            seen.vendor_id, seen.product_id, seen.serial
        ));
    }
    let card = seen.card.as_ref()?;
    if let Some(serial) = unique_serial(card) {
        return Some(format!("piv:{serial}"));
    }
    let id = card_id(card);
    (!id.is_empty()).then(|| by_id(&id))
}

/// The identity of a card that gives this id.
pub(in crate::operation) fn by_id(id: &[u8]) -> String {
    format!("card:{}", hex::encode(id))
}

/// Whether the serial is of the link, and not the one that a card edge tells.
pub(super) fn is_of_link(seen: &agent::Token) -> bool {
    !seen.serial.is_empty() && !seen.serial.starts_with("piv ")
}

/// The serial that a card edge tells, where no two cards tell the same.
pub(super) fn unique_serial(card: &SeenFacts) -> Option<u32> {
    let serial = card.piv.as_ref().map_or(0, |piv| piv.serial);
    let numbered = MAKERS_THAT_NUMBER.iter().any(|name| {
        let has_name = |part: &[u8]| part.eq_ignore_ascii_case(name);
        card.atr.windows(name.len()).any(has_name)
    });
    (serial != 0 && numbered).then_some(serial)
}

/// For people.
pub(super) fn serial(seen: &agent::Token) -> String {
    let piv = seen.card.as_ref().and_then(|card| card.piv.as_ref());
    match piv.map_or(0, |piv| piv.serial) {
        serial if serial != 0 && seen.serial.is_empty() => serial.to_string(),
        _ => seen.serial.clone(),
    }
}

/// GUID or cardid; empty: it has none.
pub(in crate::operation) fn card_id(card: &SeenFacts) -> Vec<u8> {
    let piv = card.piv.as_ref().map(|piv| piv.guid.clone());
    let gids = card.gids.as_ref().map(|gids| gids.card_id.clone());
    let has_one = |id: &Vec<u8>| id.iter().any(|byte| *byte != 0);
    piv.filter(has_one)
        .or(gids.filter(has_one))
        .unwrap_or_default()
}

/// What a card told, for the database.
pub(in crate::operation) fn card_facts(card: &SeenFacts) -> CardFacts {
    let piv = card.piv.clone().unwrap_or_default();
    let gids = card.gids.clone().unwrap_or_default();
    let (pin, puk) = match &card.piv {
        Some(_) => (piv.pin, piv.puk),
        None => (gids.pin, gids.puk),
    };
    let tries = |told: &Option<agent::PinFacts>| told.as_ref().and_then(|told| told.tries_left);
    let printable = |text: &str| -> String {
        let text = text.chars().filter(|c| !c.is_control());
        text.take(128).collect()
    };
    CardFacts {
        atr: hex::encode_upper(&card.atr),
        reader: printable(&card.reader),
        label: printable(&piv.label),
        version: printable(&piv.version),
        id: hex::encode(card_id(card)),
        admin_algorithm: piv.admin_algorithm,
        admin_key_is_default: piv.admin_key_is_default,
        pin_tries: tries(&pin),
        puk_tries: tries(&puk),
        puk_is_default: puk.and_then(|puk| puk.is_default),
    }
}

pub(super) fn model(seen: &agent::Token) -> String {
    let name = match (seen.manufacturer.trim(), seen.product.trim()) {
        ("", "") if seen.card.is_some() => {
            let piv = seen.card.as_ref().and_then(|card| card.piv.as_ref());
            let label = piv.map(|piv| piv.label.trim().to_owned());
            label
                .filter(|label| !label.is_empty())
                .unwrap_or_else(|| "smart card".into())
        }
        ("", "") => format!("{:04x}:{:04x}", seen.vendor_id, seen.product_id),
        ("", product) => product.to_owned(),
        (maker, product) if product.starts_with(maker) => product.to_owned(),
        (maker, product) => format!("{maker} {product}"),
    };
    name.chars().filter(|c| !c.is_control()).take(128).collect()
}

pub(super) fn facts(seen: &agent::Token) -> Facts {
    let fido = seen.fido.clone().unwrap_or_default();
    let fido: &FidoFacts = &fido;
    Facts {
        transport: seen.transport.clone(),
        vendor_id: seen.vendor_id,
        product_id: seen.product_id,
        manufacturer: seen.manufacturer.clone(),
        product: seen.product.clone(),
        versions: fido.versions.clone(),
        extensions: fido.extensions.clone(),
        options: fido.options.clone().into_iter().collect(),
        firmware_version: fido.firmware_version,
        min_pin_length: fido.min_pin_length,
        max_pin_length: fido.max_pin_length,
        force_pin_change: fido.force_pin_change,
        pin_protocols: fido.pin_protocols.clone(),
        remaining_discoverable_credentials: fido.remaining_discoverable_credentials,
        algorithms: fido.algorithms.clone(),
        max_credential_count_in_list: fido.max_credential_count_in_list,
        transports: fido.transports.clone(),
        attestation_formats: fido.attestation_formats.clone(),
        max_rp_ids_for_set_min_pin_length: fido.max_rp_ids_for_set_min_pin_length,
        max_credential_id_length: fido.max_credential_id_length,
        max_msg_size: fido.max_msg_size,
        max_cred_blob_length: fido.max_cred_blob_length,
        max_serialized_large_blob_array: fido.max_serialized_large_blob_array,
        long_touch_for_reset: fido.long_touch_for_reset,
        transports_for_reset: fido.transports_for_reset.clone(),
        pin_complexity_policy: fido.pin_complexity_policy,
        pin_complexity_policy_url: fido.pin_complexity_policy_url.clone(),
        uv_modality: fido.uv_modality,
        preferred_platform_uv_attempts: fido.preferred_platform_uv_attempts,
        certifications: fido.certifications.clone().into_iter().collect(),
        vendor_prototype_config_commands: fido
            .vendor_prototype_config_commands
            .iter()
            .map(|command| format!("{command:#x}"))
            .collect(),
        authenticator_config_commands: fido.authenticator_config_commands.clone(),
        unknown: fido.unknown.clone().into_iter().collect(),
        fault: seen.fault.clone(),
        applets: seen.applets.clone(),
        card: seen.card.as_ref().map(card_facts),
        inspected: None,
    }
}

/// What a look at a key told, for the database.
pub(in crate::operation) fn inspected(seen: &agent::Inspected, at: Micros) -> Inspected {
    let info = get_info::Response::parse(&seen.get_info).ok();
    let tells = |told: fn(&get_info::Response<'_>) -> bool| info.as_ref().is_some_and(told);
    Inspected {
        at: at.to_string(),
        pin_retries: seen.pin_set.then_some(seen.pin_retries),
        uv_retries: seen.uv_retries,
        power_cycle_needed: seen.power_cycle_needed,
        enc_identifier: tells(|info| info.enc_identifier.is_some()),
        enc_cred_store_state: tells(|info| info.enc_cred_store_state.is_some()),
    }
}

/// What stands among the historical bytes of their cards. Yubico: "YubiKey", or
/// "Yubikey" before version 5.
const MAKERS_THAT_NUMBER: [&[u8]; 1] = [b"yubikey"];
