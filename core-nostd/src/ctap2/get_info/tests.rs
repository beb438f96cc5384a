use std::vec;
use std::vec::Vec;

use ciborium::{Value, cbor};

use super::*;
use crate::cbor::encode;
use crate::webauthn::cose::Algorithm;

/// Encodes a response as a key would that knows more, or less, than we do.
fn message(members: Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&members, &mut bytes).unwrap();
    bytes
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.into())
}

/// The required members and others.
fn with(others: impl IntoIterator<Item = (Value, Value)>) -> Vec<u8> {
    let required = [
        (1.into(), cbor!(["FIDO_2_1"]).unwrap()),
        (3.into(), bytes(&[9; 16])),
    ];
    message(Value::Map(required.into_iter().chain(others).collect()))
}

#[test]
fn all_members_to_1f_are_read_and_written_in_their_places() {
    let parameters = PublicKeyCredentialParameters::new;
    let algorithms = [parameters(Algorithm::Es256), parameters(Algorithm::EdDsa)];
    let options = [("rk", true), ("clientPin", false)];
    let certifications = [("FIDO", 2), ("FIPS-CMVP-2", 3)];
    let info = Response {
        extensions: Some(List::new(&["credProtect"])),
        options: Options(Entries::new(&options)),
        max_msg_size: Some(1),
        pin_uv_auth_protocols: Some(List::new(&[2, 1])),
        max_credential_count_in_list: Some(2),
        max_credential_id_length: Some(3),
        transports: Some(List::new(&["usb"])),
        algorithms: Some(List::new(&algorithms)),
        max_serialized_large_blob_array: Some(4),
        force_pin_change: Some(true),
        min_pin_length: Some(5),
        firmware_version: Some(6),
        max_cred_blob_length: Some(7),
        max_rp_ids_for_set_min_pin_length: Some(8),
        preferred_platform_uv_attempts: Some(9),
        uv_modality: Some(UvModality(10)),
        certifications: Some(Entries::new(&certifications)),
        remaining_discoverable_credentials: Some(11),
        vendor_prototype_config_commands: Some(List::new(&[12])),
        attestation_formats: Some(List::new(&["packed"])),
        uv_count_since_last_pin_entry: Some(13),
        long_touch_for_reset: Some(false),
        enc_identifier: Some(&[14; 32]),
        transports_for_reset: Some(List::new(&["nfc"])),
        pin_complexity_policy: Some(true),
        pin_complexity_policy_url: Some(b"https://example.com"),
        max_pin_length: Some(15),
        enc_cred_store_state: Some(&[16; 32]),
        authenticator_config_commands: Some(List::new(&[1, 3])),
        ..Response::new(List::new(&[FIDO_2_1, FIDO_2_3]), &[9; 16])
    };
    let mut buffer = [0; 1024];
    let written = encode(&info, &mut buffer).unwrap();
    assert_eq!(Response::parse(written), Ok(info));

    let Value::Map(members) = ciborium::from_reader(written).unwrap() else {
        panic!("not a map");
    };
    let expected = [
        (0x05, 1.into()),
        (0x07, 2.into()),
        (0x0c, true.into()),
        (0x0d, 5.into()),
        (0x14, 11.into()),
        (0x17, 13.into()),
        (0x18, false.into()),
        (0x1a, cbor!(["nfc"]).unwrap()),
        (0x1c, bytes(b"https://example.com")),
        (0x1d, 15.into()),
        (0x1e, bytes(&[16; 32])),
        (0x1f, cbor!([1, 3]).unwrap()),
    ];
    assert_eq!(members.len(), 0x1f);
    for (key, value) in expected {
        assert_eq!(members[key - 1], ((key as u64).into(), value), "{key:#04x}");
    }
}

#[test]
fn unknown_members_are_passed_over_and_reported() {
    let nested = cbor!({ "a" => [1.5, null], "b" => {} }).unwrap();
    let bytes = with([
        (0x05.into(), 2048.into()),
        (0x20.into(), nested),
        (0x3f.into(), bytes(&[1; 400])),
        (0x40.into(), true.into()),
        ((-1).into(), true.into()),
        ("vendor".into(), true.into()),
    ]);
    let info = Response::parse(&bytes).unwrap();
    assert_eq!(info.max_msg_size, Some(2048));
    assert!(info.passed_over.keys().eq([0x20, 0x3f]));
    assert_eq!(info.passed_over.others(), 3);
}

#[test]
fn known_members_of_an_unexpected_type_are_passed_over_and_reported() {
    let bytes = with([
        (0x04.into(), cbor!(["rk"]).unwrap()),
        (0x05.into(), (-1).into()),
        (0x06.into(), 2.into()),
        (0x0c.into(), 1.into()),
        (0x0d.into(), 5.into()),
        (0x0e.into(), "5.7.1".into()),
        (0x1c.into(), "https://example.com".into()),
    ]);
    let info = Response::parse(&bytes).unwrap();
    assert!(info.passed_over.keys().eq([4, 5, 6, 0x0c, 0x0e, 0x1c]));
    assert_eq!(info.min_pin_length, Some(5));
    assert_eq!(info.max_msg_size, None);
}

#[test]
fn unknown_versions_extensions_and_options_are_kept() {
    let bytes = message(
        cbor!({
            1 => ["FIDO_2_2", "FIDO_9_9", "FIDO_2_0", "U2F_V2"],
            2 => ["credProtect", "newExtension"],
            3 => bytes(&[0; 16]),
            4 => { "rk" => true, "newOption" => true, "up" => false, "strange" => 7 },
        })
        .unwrap(),
    );
    let info = Response::parse(&bytes).unwrap();
    assert!(info.passed_over.is_empty());
    assert!(info.has_version("FIDO_9_9"));
    assert!(info.has_version(FIDO_2_0));
    assert!(!info.has_version(FIDO_2_1));
    assert!(info.has_extension("newExtension"));
    assert!(!info.has_extension("hmac-secret"));
    assert_eq!(info.options.rk(), Some(true));
    assert_eq!(info.options.up(), Some(false));
    assert_eq!(info.options.0.get("newOption"), Some(true));
    assert_eq!(info.options.0.iter().count(), 3);
}

#[test]
fn unknown_algorithms_are_kept_and_odd_entries_passed_over() {
    let bytes = with([(
        0x0a.into(),
        cbor!([
            { "alg" => -7, "type" => "public-key", "new" => [1] },
            { "type" => "public-key", "alg" => -48 },
            { "alg" => -99999, "type" => "public-key" },
            { "alg" => -8, "type" => "other" },
            { "alg" => -8 },
            "ES256",
        ])
        .unwrap(),
    )]);
    let info = Response::parse(&bytes).unwrap();
    let algorithms: Vec<_> = info.algorithms.unwrap().iter().collect();
    let identifiers: Vec<_> = algorithms.iter().map(|one| i64::from(one.alg)).collect();
    assert_eq!(identifiers, [-7, -48, -99999, -8]);
    assert_eq!(algorithms[3].type_, "other");
}

#[test]
fn long_arrays_are_read_to_their_end() {
    let numbers: Vec<Value> = (0..2000_u64).map(|n| (n << 40).into()).collect();
    let names: Vec<Value> = (0..500)
        .map(|n| std::format!("version {n}").into())
        .collect();
    let bytes = message(Value::Map(Vec::from([
        (1.into(), names.clone().into()),
        (2.into(), names.into()),
        (3.into(), bytes(&[0; 16])),
        (0x15.into(), numbers.into()),
    ])));
    let info = Response::parse(&bytes).unwrap();
    assert!(info.has_version("version 499"));
    assert_eq!(info.extensions.unwrap().len(), 500);
    let commands = info.vendor_prototype_config_commands.unwrap();
    assert_eq!(commands.iter().last(), Some(1999 << 40));
}

#[test]
fn members_in_another_order_are_read() {
    let bytes = message(
        cbor!({
            0x0d => 6,
            3 => bytes(&[0; 16]),
            4 => { "clientPin" => true, "rk" => true },
            1 => ["FIDO_2_0"],
        })
        .unwrap(),
    );
    let info = Response::parse(&bytes).unwrap();
    assert_eq!(info.min_pin_length, Some(6));
    assert_eq!(info.options.client_pin(), Some(true));
}

#[test]
fn an_authenticator_without_options_states_none() {
    let bytes = with([]);
    let info = Response::parse(&bytes).unwrap();
    assert_eq!(info.options.rk(), None);
    assert_eq!(encode(&info, &mut [0; 64]).unwrap(), bytes);
}

#[test]
fn a_response_without_versions_or_aaguid_is_refused() {
    for (members, missing) in [
        (cbor!({ 3 => bytes(&[0; 16]) }), "versions (0x01)"),
        (cbor!({ 1 => 7, 3 => bytes(&[0; 16]) }), "versions (0x01)"),
        (cbor!({ 1 => ["FIDO_2_0"] }), "aaguid (0x03)"),
    ] {
        assert_eq!(
            Response::parse(&message(members.unwrap())),
            Err(Error::Missing { member: missing })
        );
    }
    let short = cbor!({ 1 => ["FIDO_2_0"], 3 => bytes(&[0; 15]) }).unwrap();
    assert!(matches!(
        Response::parse(&message(short)),
        Err(Error::Length {
            expected: 16,
            got: 15,
            ..
        })
    ));
}

#[test]
fn tolerance_ends_where_two_readers_could_differ() {
    let good = with([(0x0d.into(), 6.into())]);
    assert!(Response::parse(&good).is_ok());

    let trailing = [&good[..], &[0]].concat();
    assert!(matches!(
        Response::parse(&trailing),
        Err(Error::TrailingBytes { .. })
    ));

    let twice = with([(0x0d.into(), 6.into()), (0x0d.into(), 4.into())]);
    assert!(matches!(
        Response::parse(&twice),
        Err(Error::DuplicateKey { .. })
    ));

    let option_twice = cbor!({ "uv" => true, "rk" => true, "uv" => false }).unwrap();
    assert!(matches!(
        Response::parse(&with([(4.into(), option_twice)])),
        Err(Error::DuplicateKey { .. })
    ));

    let deep = cbor!([[[[1]]]]).unwrap();
    assert!(matches!(
        Response::parse(&with([(0x20.into(), deep)])),
        Err(Error::TooDeep { .. })
    ));

    for cut in 0..good.len() {
        assert!(Response::parse(&good[..cut]).is_err());
    }
}

#[test]
fn the_ways_to_verify_a_user_are_a_set() {
    let both = UvModality(0x0802);
    assert!(both.contains(UvModality::FINGERPRINT_INTERNAL));
    assert!(both.contains(UvModality::PASSCODE_EXTERNAL));
    assert!(!both.contains(UvModality::FACEPRINT_INTERNAL));
    assert!(!both.contains(UvModality(0x0803)));
    let message = with([(0x12.into(), (1_u64 << 63).into())]);
    let info = Response::parse(&message).unwrap();
    assert_eq!(info.uv_modality, Some(UvModality(1 << 63)));
}
