//! Single fields of requests, checked.

use keysteward_core::{
    cbor::{Parse as _, Raw},
    pin_protocol::{PersistentToken, Pin},
};
use keysteward_proto::agent::v1 as proto;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::verb::{Failure, MAX_CRED_BLOB, MAX_LARGE_BLOB, pin_refused};

/// Longest RP ID: a DNS name.
const RP_ID_MAX: usize = 253;

/// Longest credential id that any token has. CTAP 2.3 §6.4.
const CREDENTIAL_ID_MAX: usize = 1023;

/// More ids than any token can hold.
const CREDENTIAL_IDS_MAX: usize = 1024;

/// Longest template id and name of a finger that any token has, in bytes.
const FINGER_MAX: usize = 64;

/// Longest name of a user that any token keeps whole, in bytes. WebAuthn Level 3 §5.4.3.
const USER_TEXT_MAX: usize = 64;

/// The first parameter of a vendor's command. CTAP 2.3 §6.11.5.
const VENDOR_COMMAND_ID: u32 = 1;

pub(super) fn rp_id(id: String) -> Result<String, Failure> {
    checked_rp_id("rp_id", id)
}

pub(super) fn checked_rp_id(field: &str, id: String) -> Result<String, Failure> {
    if id.is_empty() || id.len() > RP_ID_MAX || id.contains(|c: char| c.is_whitespace()) {
        let found = format!("{:?}", id.chars().take(64).collect::<String>());
        return Err(Failure::invalid(
            field,
            found,
            "a relying party id of 1 to 253 bytes, such as login.example.com",
        ));
    }
    Ok(id)
}

pub(super) fn credential_id(field: &str, id: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if !(1..=CREDENTIAL_ID_MAX).contains(&id.len()) {
        return Err(Failure::invalid(
            field,
            format_args!("{} bytes", id.len()),
            "1 to 1,023 bytes",
        ));
    }
    Ok(id)
}

pub(super) fn credential_ids(field: &str, ids: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Failure> {
    if ids.len() > CREDENTIAL_IDS_MAX {
        return Err(Failure::invalid(
            field,
            format_args!("{} ids", ids.len()),
            "at most 1,024",
        ));
    }
    ids.into_iter().map(|id| credential_id(field, id)).collect()
}

pub(super) fn client_data_hash(hash: &[u8]) -> Result<[u8; 32], Failure> {
    hash.try_into().map_err(|_| {
        Failure::invalid(
            "client_data_hash",
            format_args!("{} bytes", hash.len()),
            "32 bytes",
        )
    })
}

/// In Unicode normalisation form C, as every platform sends it: else a PIN that one keyboard
/// composes and another does not would be two. CTAP 2.3 §6.5.1.
pub(super) fn pin(field: &str, text: String) -> Result<Pin, Failure> {
    let text = Zeroizing::new(text);
    // No form C is longer than three times what it was: the text is never moved.
    let room = text.len().saturating_mul(3);
    let mut composed = Zeroizing::new(String::with_capacity(room));
    composed.extend(text.nfc());
    Pin::new(&composed).map_err(|error| pin_refused(field, error))
}

pub(super) fn optional_rp_id(id: String) -> Result<Option<String>, Failure> {
    match id.as_str() {
        "" => Ok(None),
        _ => rp_id(id).map(Some),
    }
}

/// `None`: none was given.
pub(super) fn persistent_token(bytes: Vec<u8>) -> Result<Option<PersistentToken>, Failure> {
    let bytes = Zeroizing::new(bytes);
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes
        .as_slice()
        .try_into()
        .ok()
        .and_then(PersistentToken::from_bytes)
        .map(Some)
        .ok_or_else(|| {
            Failure::invalid(
                "persistent_token",
                format_args!("{} bytes that are none", bytes.len()),
                "the 33 bytes that GrantPersistentToken gave",
            )
        })
}

pub(super) fn no_persistent_token() -> Failure {
    Failure::invalid(
        "persistent_token",
        "nothing",
        "the 33 bytes that GrantPersistentToken gave",
    )
}

/// Keys ascend, each with one CBOR item: as the token will be sent them.
pub(super) fn vendor_parameters(
    parameters: Vec<proto::VendorParameter>,
) -> Result<Vec<(u32, Zeroizing<Vec<u8>>)>, Failure> {
    let mut last = VENDOR_COMMAND_ID;
    parameters
        .into_iter()
        .map(|proto::VendorParameter { key, value }| {
            let value = Zeroizing::new(value);
            if key <= last {
                return Err(Failure::invalid(
                    "parameters.key",
                    format_args!("{key} after {last}"),
                    "keys from 2 on, ascending",
                ));
            }
            last = key;
            match Raw::parse(&value) {
                Ok(_) => Ok((key, value)),
                Err(error) => Err(Failure::invalid(
                    "parameters.value",
                    format_args!("{} bytes: {error}", value.len()),
                    "one CBOR item",
                )),
            }
        })
        .collect()
}

pub(super) fn user_text(field: &str, text: String) -> Result<String, Failure> {
    sized_text(field, text, 0, USER_TEXT_MAX)
}

pub(super) fn finger_name(name: String, least: usize) -> Result<String, Failure> {
    sized_text("name", name, least, FINGER_MAX)
}

pub(super) fn template_id(id: Vec<u8>) -> Result<Vec<u8>, Failure> {
    sized("template_id", id.len(), 1, FINGER_MAX).map(|()| id)
}

pub(super) fn cred_blob(blob: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    sized("cred_blob", blob.len(), 0, MAX_CRED_BLOB).map(|()| blob)
}

pub(super) fn large_blob(data: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    sized("data", data.len(), 0, MAX_LARGE_BLOB).map(|()| data)
}

fn sized_text(field: &str, text: String, least: usize, most: usize) -> Result<String, Failure> {
    sized(field, text.len(), least, most).map(|()| text)
}

fn sized(field: &str, length: usize, least: usize, most: usize) -> Result<(), Failure> {
    if (least..=most).contains(&length) {
        return Ok(());
    }
    Err(Failure::invalid(
        field,
        format_args!("{length} bytes"),
        &format!("{least} to {most} bytes"),
    ))
}

#[cfg(test)]
mod tests {
    use super::pin;

    #[test]
    fn a_pin_is_the_same_however_its_letters_were_composed() {
        let composed = pin("pin", "p\u{e4}ss\u{e9}".to_owned()).unwrap();
        let apart = pin("pin", "pa\u{308}sse\u{301}".to_owned()).unwrap();
        assert_eq!(composed.padded(), apart.padded());
        assert_eq!(apart.code_points(), 5);
        // Four letters are counted as four, not as the eight code points that were typed.
        let short = pin("pin", "e\u{301}".repeat(3)).err().unwrap();
        assert_eq!(short.field, "pin");
    }
}
