#![no_main]

//! Our decoder beside `ctap-types` on the same message. A module for each message holds what is
//! compared (all that both keep) and where theirs ends.

mod authenticator_config;
mod client_pin;
mod credential_management;
mod entities;
mod get_assertion;
mod get_info;
mod large_blobs;
mod make_credential;

use keysteward_core::cbor::{Error, Key, List, Parse, Raw, Reader};
use keysteward_core::ctap2 as ours;
use keysteward_fuzz::written;
use libfuzzer_sys::fuzz_target;

/// Reads `$bytes` with both. What both take `$message::same_*` compares. What ours alone takes is
/// written again, in canonical form and without members that we do not know; if theirs still refuses
/// it, `$message::beyond_*` says whether it is one of their listed limits.
macro_rules! compare {
    ($bytes:expr, $message:ident::$kind:ident, $same:ident, $beyond:ident) => {
        match (
            ours::$message::$kind::parse($bytes),
            cbor_smol::cbor_deserialize::<theirs::$message::$kind>($bytes),
        ) {
            (_, Ok(_)) if leaves_cose_key_unread($bytes) => {}
            (Ok(ours), Ok(theirs)) => $message::$same(&ours, &theirs),
            (Err(error), Ok(theirs)) => {
                assert!(
                    theirs_alone(error),
                    "{error} for {theirs:?} of {:02x?}",
                    $bytes
                );
            }
            (Ok(ours), Err(_)) => {
                let again = written(&ours);
                let read = cbor_smol::cbor_deserialize::<theirs::$message::$kind>(&again);
                match read {
                    Ok(theirs) => $message::$same(&ours, &theirs),
                    Err(error) => assert!(
                        $message::$beyond(&ours),
                        "{error} for {ours:?} of {again:02x?}"
                    ),
                }
            }
            (Err(_), Err(_)) => {}
        }
    };
}

/// Their messages, by our names.
mod theirs {
    pub(crate) use ctap_types::ctap2::config as authenticator_config;
    pub(crate) use ctap_types::ctap2::{
        client_pin, credential_management, get_assertion, get_info, large_blobs, make_credential,
    };
}

// The first byte chooses the message, the rest is its CBOR.
fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let kind = kind % 12;
    if Reader::new(bytes)
        .raw()
        .is_ok_and(|message| has_name_in_other_form(kind, message))
    {
        return;
    }
    match kind {
        0 => compare!(
            bytes,
            make_credential::Request,
            same_request,
            beyond_request
        ),
        1 => compare!(bytes, get_assertion::Request, same_request, beyond_request),
        2 => compare!(bytes, client_pin::Request, same_request, beyond_request),
        3 => compare!(bytes, client_pin::Response, same_response, beyond_response),
        4 => compare!(
            bytes,
            credential_management::Request,
            same_request,
            beyond_request
        ),
        5 => compare!(bytes, large_blobs::Request, same_request, beyond_request),
        6 => compare!(bytes, large_blobs::Response, same_response, beyond_response),
        7 => compare!(bytes, get_info::Response, same_response, beyond_response),
        8 => compare!(
            bytes,
            make_credential::Response,
            same_response,
            beyond_response
        ),
        9 => compare!(
            bytes,
            get_assertion::Response,
            same_response,
            beyond_response
        ),
        10 => compare!(
            bytes,
            credential_management::Response,
            same_response,
            beyond_response
        ),
        _ => compare!(
            bytes,
            authenticator_config::Request,
            same_request,
            beyond_request
        ),
    }
});

/// A name in a byte string, or its place among theirs as an integer, is one to them and passed over by
/// us: to each, another message.
fn has_name_in_other_form(kind: u8, message: Raw<'_>) -> bool {
    message
        .entries()
        .any(|(member, value)| match (kind, member) {
            (_, Key::Bytes(_)) => true,
            // Subcommands' parameters and COSE keys: the members are numbered, too.
            (2 | 4 | 11, Key::Int(3)) | (3, Key::Int(1)) | (10, Key::Int(8)) => value
                .entries()
                .any(|(key, value)| matches!(key, Key::Bytes(_)) || has_other_than_names(value)),
            _ => has_other_than_names(value),
        })
}

fn has_other_than_names(item: Raw<'_>) -> bool {
    item.entries().any(|(key, value)| match key {
        Key::Bytes(_) | Key::Int(_) => true,
        // The only extension whose members are numbered.
        Key::Text(_) => !key.is("hmac-secret") && has_other_than_names(value),
    }) || List::<Raw<'_>>::parse(item.bytes())
        .is_ok_and(|items| items.iter().any(has_other_than_names))
}

/// Of a COSE key they read the five members in canonical order and one key more. What else it
/// announces is left where it stands, and is to them a part of what is around it.
fn leaves_cose_key_unread(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|start| {
        let read = read_by_theirs::<cosey::PublicKey>(&bytes[start..])
            .or_else(|| read_by_theirs::<cosey::EcdhEsHkdf256PublicKey>(&bytes[start..]));
        read.is_some_and(|read| {
            let whole = Reader::new(&bytes[start..]).raw();
            whole.map_or(true, |whole| whole.bytes().len() != read)
        })
    })
}

/// How many bytes they take for a `T`.
fn read_by_theirs<'b, T: serde::Deserialize<'b>>(bytes: &'b [u8]) -> Option<usize> {
    let (_, left) = cbor_smol::de::take_from_bytes::<T>(bytes).ok()?;
    Some(bytes.len() - left.len())
}

/// As our key agreement names them.
const COORDINATES: [&str; 2] = ["x (-2) of the COSE key", "y (-3) of the COSE key"];

/// What they take and we do not: all of it is forbidden by CTAP 2.3 §8, or is a type that the
/// member does not have.
fn theirs_alone(error: Error) -> bool {
    match error {
        // They read the first item and leave the rest.
        Error::TrailingBytes { .. } => true,
        // They ignore unknown members without looking at what is inside.
        Error::TooDeep { .. }
        | Error::DuplicateKey { .. }
        | Error::TooManyEntries { .. }
        | Error::Malformed { .. } => true,
        // They check what a member is for when it is used, or never.
        Error::Unexpected { .. } | Error::OutOfRange { .. } | Error::Length { .. } => true,
        // A coordinate of another length than its curve's is none to us, and any bytes to them.
        Error::Missing { member } => COORDINATES.contains(&member),
        Error::NotUtf8 { .. } | Error::EndOfInput { .. } => false,
        _ => false,
    }
}
