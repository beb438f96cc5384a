#![no_main]

use ctap_types::ctap2 as theirs;
use ctap_types::webauthn::{
    PublicKeyCredentialDescriptorRef, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
};
use keysteward_core::cbor::{Error, Key, List, Parse, Raw, Reader};
use keysteward_core::ctap2::{
    self as ours, client_pin, credential_management, get_assertion, get_info, large_blobs,
    make_credential,
};
use keysteward_fuzz::written;
use libfuzzer_sys::fuzz_target;

/// Reads `$bytes` with both. What both take `$same` compares. What ours alone takes is written
/// again, in canonical form and without members that we do not know; if theirs still refuses it,
/// `$beyond` says whether it is one of their listed limits.
macro_rules! compare {
    ($bytes:expr, $ours:ty, $theirs:ty, $same:expr, $beyond:expr) => {
        match (
            <$ours>::parse($bytes),
            cbor_smol::cbor_deserialize::<$theirs>($bytes),
        ) {
            (Ok(ours), Ok(theirs)) => $same(&ours, &theirs),
            (Err(error), Ok(theirs)) => {
                assert!(
                    theirs_alone(error),
                    "{error} for {theirs:?} of {:02x?}",
                    $bytes
                );
            }
            (Ok(ours), Err(_)) => {
                let again = written(&ours);
                if let Err(error) = cbor_smol::cbor_deserialize::<$theirs>(&again) {
                    assert!($beyond(&ours), "{error} for {ours:?} of {again:02x?}");
                }
            }
            (Err(_), Err(_)) => {}
        }
    };
}

// Our decoder beside `ctap-types` on the same message: the first byte chooses the message, the
// rest is its CBOR.
fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    // A name in a byte string is one to them and passed over by us: to each, another message.
    if Reader::new(bytes).raw().is_ok_and(has_name_in_bytes) {
        return;
    }
    match kind % 8 {
        0 => compare!(
            bytes,
            make_credential::Request<'_>,
            theirs::make_credential::Request<'_>,
            same_make_credential,
            beyond_make_credential
        ),
        1 => compare!(
            bytes,
            get_assertion::Request<'_>,
            theirs::get_assertion::Request<'_>,
            same_get_assertion,
            beyond_get_assertion
        ),
        2 => compare!(
            bytes,
            client_pin::Request<'_>,
            theirs::client_pin::Request<'_>,
            same_client_pin,
            beyond_client_pin
        ),
        3 => compare!(
            bytes,
            client_pin::Response<'_>,
            theirs::client_pin::Response,
            same_client_pin_response,
            beyond_client_pin_response
        ),
        4 => compare!(
            bytes,
            credential_management::Request<'_>,
            theirs::credential_management::Request<'_>,
            same_management,
            beyond_management
        ),
        5 => compare!(
            bytes,
            large_blobs::Request<'_>,
            theirs::large_blobs::Request<'_>,
            same_large_blobs,
            |_: &_| false
        ),
        6 => compare!(
            bytes,
            large_blobs::Response<'_>,
            theirs::large_blobs::Response,
            |ours: &large_blobs::Response<'_>, theirs: &theirs::large_blobs::Response| {
                assert_eq!(ours.config, theirs.config.as_ref().map(|bytes| &bytes[..]));
            },
            // Their messages are those of a smaller transport.
            |ours: &large_blobs::Response<'_>| ours.config.is_some_and(|one| one.len() > 3008)
        ),
        _ => compare!(
            bytes,
            get_info::Response<'_>,
            theirs::get_info::Response,
            same_info,
            beyond_info
        ),
    }
});

fn has_name_in_bytes(item: Raw<'_>) -> bool {
    item.entries()
        .any(|(name, value)| matches!(name, Key::Bytes(_)) || has_name_in_bytes(value))
        || List::<Raw<'_>>::parse(item.bytes())
            .is_ok_and(|items| items.iter().any(has_name_in_bytes))
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

fn same_make_credential(
    ours: &make_credential::Request<'_>,
    theirs: &theirs::make_credential::Request<'_>,
) {
    assert_eq!(ours.client_data_hash, &theirs.client_data_hash[..]);
    same_rp(&ours.rp, &theirs.rp);
    same_user(&ours.user, &theirs.user);
    same_list(ours.exclude_list, theirs.exclude_list.as_deref());
    assert_eq!(ours.extensions.is_some(), theirs.extensions.is_some());
    same_options(ours.options, theirs.options.as_ref());
    assert_eq!(
        ours.pin_uv_auth_param,
        theirs.pin_auth.map(|bytes| &bytes[..])
    );
    assert_eq!(
        ours.pin_uv_auth_protocol.map(u32::from),
        theirs.pin_protocol
    );
    assert_eq!(
        ours.enterprise_attestation.map(u32::from),
        theirs.enterprise_attestation
    );
    assert_eq!(
        ours.attestation_formats_preference.is_some(),
        theirs.attestation_formats_preference.is_some()
    );
}

fn beyond_make_credential(ours: &make_credential::Request<'_>) -> bool {
    // Lengths of names are theirs to choose.
    ours.rp.id.len() > 256
        || ours.user.id.len() > 64
        || ours.exclude_list.is_some_and(|list| beyond_list(list, 16))
        // Extensions are read at once, and must be of the right type.
        || ours.extensions.is_some()
        || ours.pub_key_cred_params.iter().any(|one| {
            one.type_.len() > 32 || i32::try_from(i64::from(one.alg)).is_err()
        })
}

fn same_get_assertion(
    ours: &get_assertion::Request<'_>,
    theirs: &theirs::get_assertion::Request<'_>,
) {
    assert_eq!(ours.rp_id, theirs.rp_id);
    assert_eq!(ours.client_data_hash, &theirs.client_data_hash[..]);
    same_list(ours.allow_list, theirs.allow_list.as_deref());
    assert_eq!(ours.extensions.is_some(), theirs.extensions.is_some());
    same_options(ours.options, theirs.options.as_ref());
    assert_eq!(
        ours.pin_uv_auth_param,
        theirs.pin_auth.map(|bytes| &bytes[..])
    );
    assert_eq!(
        ours.pin_uv_auth_protocol.map(u32::from),
        theirs.pin_protocol
    );
}

fn beyond_get_assertion(ours: &get_assertion::Request<'_>) -> bool {
    ours.allow_list.is_some_and(|list| beyond_list(list, 10)) || ours.extensions.is_some()
}

fn same_client_pin(ours: &client_pin::Request<'_>, theirs: &theirs::client_pin::Request<'_>) {
    assert_eq!(ours.pin_uv_auth_protocol, theirs.pin_protocol);
    assert_eq!(u8::from(ours.sub_command), theirs.sub_command.clone() as u8);
    let point = theirs.key_agreement.as_ref();
    assert_eq!(
        ours.key_agreement.map(|key| (&key.x[..], &key.y[..])),
        point.map(|key| (&key.x[..], &key.y[..]))
    );
    assert_eq!(
        ours.pin_uv_auth_param,
        theirs.pin_auth.map(|bytes| &bytes[..])
    );
    assert_eq!(ours.new_pin_enc, theirs.new_pin_enc.map(|bytes| &bytes[..]));
    assert_eq!(
        ours.pin_hash_enc,
        theirs.pin_hash_enc.map(|bytes| &bytes[..])
    );
    assert_eq!(
        ours.permissions.map(|one| one.0),
        theirs.permissions.map(u32::from)
    );
    assert_eq!(ours.rp_id, theirs.rp_id);
}

fn beyond_client_pin(ours: &client_pin::Request<'_>) -> bool {
    // Subcommands and permissions that they do not know.
    matches!(ours.sub_command, client_pin::Subcommand::Other(_))
        || ours.permissions.is_some_and(|one| one.0 > 0xff)
}

fn same_client_pin_response(
    ours: &client_pin::Response<'_>,
    theirs: &theirs::client_pin::Response,
) {
    let point = theirs.key_agreement.as_ref();
    assert_eq!(
        ours.key_agreement.map(|key| (&key.x[..], &key.y[..])),
        point.map(|key| (&key.x[..], &key.y[..]))
    );
    assert_eq!(
        ours.pin_uv_auth_token,
        theirs.pin_token.as_ref().map(|bytes| &bytes[..])
    );
    assert_eq!(ours.pin_retries, theirs.retries);
    assert_eq!(ours.power_cycle_state, theirs.power_cycle_state);
    assert_eq!(ours.uv_retries, theirs.uv_retries);
}

fn beyond_client_pin_response(ours: &client_pin::Response<'_>) -> bool {
    ours.pin_uv_auth_token.is_some_and(|token| token.len() > 48)
}

fn same_management(
    ours: &credential_management::Request<'_>,
    theirs: &theirs::credential_management::Request<'_>,
) {
    assert_eq!(u8::from(ours.sub_command), theirs.sub_command as u8);
    assert_eq!(ours.pin_uv_auth_protocol, theirs.pin_protocol);
    assert_eq!(
        ours.pin_uv_auth_param,
        theirs.pin_auth.map(|bytes| &bytes[..])
    );
    let params = ours
        .sub_command_params
        .map(|raw| credential_management::SubcommandParams::parse(raw.bytes()));
    if let (Some(Ok(ours)), Some(theirs)) = (&params, &theirs.sub_command_params) {
        assert_eq!(
            ours.rp_id_hash.map(|hash| &hash[..]),
            theirs.rp_id_hash.map(|hash| &hash[..])
        );
        assert_eq!(ours.credential_id.is_some(), theirs.credential_id.is_some());
        if let (Some(ours), Some(theirs)) = (&ours.user, &theirs.user) {
            same_user(ours, theirs);
        }
    }
}

fn beyond_management(ours: &credential_management::Request<'_>) -> bool {
    // Their parameters are read at once, whatever the subcommand.
    matches!(
        ours.sub_command,
        credential_management::Subcommand::Other(_)
    ) || ours.sub_command_params.is_some()
}

fn same_large_blobs(ours: &large_blobs::Request<'_>, theirs: &theirs::large_blobs::Request<'_>) {
    assert_eq!(ours.get, theirs.get);
    assert_eq!(ours.set, theirs.set.map(|bytes| &bytes[..]));
    assert_eq!(ours.offset, theirs.offset);
    assert_eq!(ours.length, theirs.length);
    assert_eq!(
        ours.pin_uv_auth_param,
        theirs.pin_uv_auth_param.map(|bytes| &bytes[..])
    );
    assert_eq!(
        ours.pin_uv_auth_protocol.map(u32::from),
        theirs.pin_uv_auth_protocol
    );
}

fn same_info(ours: &get_info::Response<'_>, theirs: &theirs::get_info::Response) {
    let size = |one: Option<u32>| one.map(|one| one as usize);
    assert_eq!(ours.aaguid, &theirs.aaguid[..]);
    assert_eq!(ours.versions.len(), theirs.versions.len());
    assert_eq!(size(ours.max_msg_size), theirs.max_msg_size);
    assert_eq!(
        size(ours.max_credential_count_in_list),
        theirs.max_creds_in_list
    );
    assert_eq!(
        size(ours.max_credential_id_length),
        theirs.max_cred_id_length
    );
    assert_eq!(ours.force_pin_change, theirs.force_pin_change);
    assert_eq!(ours.min_pin_length, theirs.min_pin_length.map(u32::from));
    if let Some(theirs) = &theirs.options {
        assert_eq!(ours.options.client_pin(), theirs.client_pin);
        assert_eq!(ours.options.0.get("rk"), Some(theirs.rk));
        assert_eq!(ours.options.cred_mgmt(), theirs.cred_mgmt);
    }
}

/// They read what they know, of the lengths that they know: an unknown version, extension or
/// transport ends the reading, as do more protocols, formats or algorithms than they have room for,
/// and options without `up`.
fn beyond_info(ours: &get_info::Response<'_>) -> bool {
    let known = [
        "FIDO_2_0",
        "FIDO_2_1",
        "FIDO_2_1_PRE",
        "FIDO_2_2",
        "FIDO_2_3",
        "U2F_V2",
    ];
    ours.versions.len() > 3
        || ours
            .versions
            .iter()
            .any(|version| !known.contains(&version))
        || ours.extensions.is_some()
        || ours.transports.is_some()
        || !ours.options.0.is_empty()
        || ours.algorithms.is_some()
        || ours
            .pin_uv_auth_protocols
            .is_some_and(|list| list.len() > 2)
        || ours.min_pin_length.is_some_and(|length| length > 255)
        || ours.certifications.is_some()
        || ours.attestation_formats.is_some()
        || ours.vendor_prototype_config_commands.is_some()
}

fn same_rp(ours: &ours::PublicKeyCredentialRpEntity<'_>, theirs: &PublicKeyCredentialRpEntity) {
    assert_eq!(ours.id, theirs.id.as_str());
    // They cut names.
    if let (Some(ours), Some(theirs)) = (ours.name, &theirs.name) {
        assert!(ours.starts_with(theirs.as_str()) || theirs.starts_with(ours));
    }
}

fn same_user(
    ours: &ours::PublicKeyCredentialUserEntity<'_>,
    theirs: &PublicKeyCredentialUserEntity,
) {
    assert_eq!(ours.id, &theirs.id[..]);
    let names = [
        (ours.name, &theirs.name),
        (ours.display_name, &theirs.display_name),
    ];
    for (ours, theirs) in names {
        assert_eq!(ours.is_some(), theirs.is_some());
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            assert!(ours.starts_with(theirs.as_str()));
        }
    }
}

fn same_list(
    ours: Option<List<'_, ours::PublicKeyCredentialDescriptor<'_>>>,
    theirs: Option<&[PublicKeyCredentialDescriptorRef<'_>]>,
) {
    assert_eq!(ours.map(|list| list.len()), theirs.map(<[_]>::len));
    let ours = ours.into_iter().flat_map(|list| list.iter());
    for (ours, theirs) in ours.zip(theirs.unwrap_or_default()) {
        assert_eq!((ours.id, ours.type_), (&theirs.id[..], theirs.key_type));
    }
}

fn beyond_list(list: List<'_, ours::PublicKeyCredentialDescriptor<'_>>, room: usize) -> bool {
    list.len() > room
}

fn same_options(
    ours: Option<make_credential::Options>,
    theirs: Option<&theirs::AuthenticatorOptions>,
) {
    let ours = ours.map(|options| (options.rk, options.up, options.uv));
    assert_eq!(
        ours,
        theirs.map(|options| (options.rk, options.up, options.uv))
    );
}
