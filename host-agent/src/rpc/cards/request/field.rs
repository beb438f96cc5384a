//! Single fields of requests, checked.

use std::{mem, sync::Arc};

use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_proto::agent::v1 as proto;
use zeroize::Zeroizing;

use super::super::admin::Line;
use crate::verb::{
    Applet, Code, Failure, PinReference,
    card::{AdminProof, CardPin},
};

/// Longest PIN that any card takes, in bytes.
const PIN_MAX: usize = 64;

/// Longest certificate and certification request that any card has room for, in bytes.
const DER_MAX: usize = 16 * 1024;

/// Longest name of a container.
const CONTAINER_MAX: usize = 8;

const CIPHERS: &str = "3des, aes128, aes192 or aes256";

pub(super) fn applet(name: &str) -> Result<Option<Applet>, Failure> {
    optional_name(
        "applet",
        name,
        &[("piv", Applet::Piv), ("gids", Applet::Gids)],
    )
}

/// One of a list of names.
pub(super) fn named<T: Copy>(field: &str, name: &str, names: &[(&str, T)]) -> Result<T, Failure> {
    let found = names.iter().find(|(one, _)| *one == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let allowed: Vec<&str> = names.iter().map(|(one, _)| *one).collect();
        Failure::invalid(field, shown(name), &allowed.join(", "))
    })
}

/// Empty: none was chosen.
pub(super) fn optional_name<T: Copy>(
    field: &str,
    name: &str,
    names: &[(&str, T)],
) -> Result<Option<T>, Failure> {
    match name {
        "" => Ok(None),
        name => named(field, name, names).map(Some),
    }
}

/// Of a PIN or a PUK.
pub(super) fn tries(field: &str, number: u32) -> Result<u8, Failure> {
    u8::try_from(number)
        .ok()
        .filter(|tries| *tries > 0)
        .ok_or_else(|| Failure::invalid(field, number, "1 to 255"))
}

pub(super) fn pin_reference(number: i32) -> Result<PinReference, Failure> {
    match proto::PinReference::try_from(number) {
        Ok(proto::PinReference::Pin) => Ok(PinReference::Pin),
        Ok(proto::PinReference::Puk) => Ok(PinReference::Puk),
        Ok(proto::PinReference::Unspecified) | Err(_) => {
            Err(Failure::invalid("reference", number, "PIN (1) or PUK (2)"))
        }
    }
}

/// Empty: none was given.
pub(super) fn optional_pin(text: String) -> Result<Option<CardPin>, Failure> {
    let text = Zeroizing::new(text);
    if text.is_empty() {
        return Ok(None);
    }
    pin("pin", text).map(Some)
}

pub(super) fn needed_pin(field: &str, text: String) -> Result<CardPin, Failure> {
    let text = Zeroizing::new(text);
    if text.is_empty() {
        return Err(Failure {
            field: field.to_owned(),
            ..Failure::new(
                Code::PinRequired,
                format!("{field}: found nothing, allowed: a PIN"),
            )
        });
    }
    pin(field, text)
}

fn pin(field: &str, text: Zeroizing<String>) -> Result<CardPin, Failure> {
    if text.len() > PIN_MAX {
        return Err(Failure::invalid(
            field,
            format_args!("{} bytes", text.len()),
            "at most 64 bytes; the card may want fewer",
        ));
    }
    Ok(CardPin::new(text))
}

pub(super) fn optional_proof(
    field: &str,
    proof: Option<proto::AdminProof>,
    line: &Arc<Line>,
) -> Result<Option<AdminProof>, Failure> {
    proof
        .map(|proof| dedicated_proof(field, Some(proof), line, 0))
        .transpose()
}

/// A proof, and its place among several.
pub(super) fn dedicated_proof(
    field: &str,
    proof: Option<proto::AdminProof>,
    line: &Arc<Line>,
    candidate: u32,
) -> Result<AdminProof, Failure> {
    let Some(mut proof) = proof else {
        return Err(Failure::invalid(field, "nothing", "a key, or asks_caller"));
    };
    let key = Zeroizing::new(mem::take(&mut proof.key));
    let cipher = match proof.algorithm.as_str() {
        "" => None,
        name => Some(cipher(&format!("{field}.algorithm"), name)?),
    };
    match (key.is_empty(), proof.asks_caller) {
        (true, true) => Ok(AdminProof::Caller {
            cipher,
            candidate,
            line: Arc::clone(line) as _,
        }),
        (false, false) => {
            let fits = match cipher {
                Some(cipher) => key.len() == cipher.key_len(),
                None => Cipher::ALL.iter().any(|one| key.len() == one.key_len()),
            };
            if !fits {
                return Err(Failure::invalid(
                    &format!("{field}.key"),
                    format_args!("{} bytes", key.len()),
                    "16 (aes128), 24 (3des, aes192) or 32 (aes256) bytes, as the algorithm has it",
                ));
            }
            Ok(AdminProof::Key { cipher, key })
        }
        (true, false) => Err(Failure::invalid(
            &format!("{field}.key"),
            "nothing",
            "a key, or asks_caller instead",
        )),
        (false, true) => Err(Failure::invalid(
            &format!("{field}.asks_caller"),
            "true beside a key",
            "one of the two",
        )),
    }
}

pub(super) fn new_key(algorithm: &str, key: Zeroizing<Vec<u8>>) -> Result<LocalAdminKey, Failure> {
    let cipher = cipher("new_algorithm", algorithm)?;
    local_key("new_key", cipher, &key)
}

/// GIDS knows no other cipher.
pub(super) fn new_gids_key(key: &[u8]) -> Result<LocalAdminKey, Failure> {
    local_key("new_admin_key", Cipher::TripleDes, key)
}

fn local_key(field: &str, cipher: Cipher, key: &[u8]) -> Result<LocalAdminKey, Failure> {
    LocalAdminKey::new(cipher, key).map_err(|_| {
        Failure::invalid(
            field,
            format_args!("{} bytes", key.len()),
            &format!("{} bytes for {cipher}", cipher.key_len()),
        )
    })
}

fn cipher(field: &str, name: &str) -> Result<Cipher, Failure> {
    Cipher::from_name(name).ok_or_else(|| Failure::invalid(field, shown(name), CIPHERS))
}

pub(super) fn container(name: String) -> Result<String, Failure> {
    let is_one = (1..=CONTAINER_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_one {
        return Err(Failure::invalid(
            "container",
            shown(&name),
            "a PIV key reference such as 9a, or the number of a GIDS container such as 0",
        ));
    }
    Ok(name.to_ascii_lowercase())
}

pub(super) fn certificate(der: Vec<u8>) -> Result<Vec<u8>, Failure> {
    sized("certificate", der)
}

pub(super) fn certification_request_info(der: Vec<u8>) -> Result<Vec<u8>, Failure> {
    sized("certification_request_info", der)
}

fn sized(field: &str, der: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if !(1..=DER_MAX).contains(&der.len()) {
        return Err(Failure::invalid(
            field,
            format_args!("{} bytes", der.len()),
            "1 to 16,384 bytes of DER",
        ));
    }
    Ok(der)
}

pub(super) fn sixteen(field: &str, bytes: &[u8]) -> Result<[u8; 16], Failure> {
    bytes
        .try_into()
        .map_err(|_| Failure::invalid(field, format_args!("{} bytes", bytes.len()), "16 bytes"))
}

pub(super) fn response(bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<[u8; 8]>, Failure> {
    let response = bytes.as_slice().try_into().map_err(|_| {
        Failure::invalid(
            "response",
            format_args!("{} bytes", bytes.len()),
            "8 bytes: the challenge under the admin key",
        )
    })?;
    Ok(Zeroizing::new(response))
}

/// Not more of it than a message bears.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(32).collect::<String>())
}
