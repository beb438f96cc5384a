//! What holds for all messages.

use std::format;

use super::*;
use crate::cbor::{Error, List, Parse, Raw, Reader};

#[test]
fn a_request_is_its_command_and_its_parameters() {
    let mut buffer = [0; 8];
    assert_eq!(request(Command::Reset, None, &mut buffer), Ok(&[0x07][..]));
    assert_eq!(parse_request(&[0x07]), Ok((Command::Reset, &[][..])));
    assert_eq!(parse_request(&[]), Err(EmptyMessage));
    assert_eq!(request(Command::Reset, None, &mut []), Err(BufferFull));
}

#[test]
fn a_response_is_its_status_and_its_map() {
    let mut buffer = [0; 8];
    let refusal = encode_response(Status::PinInvalid, None, &mut buffer).unwrap();
    assert_eq!(response(refusal), Ok((Status::PinInvalid, &[][..])));
    assert_eq!(response(&[]), Err(EmptyMessage));
}

#[test]
fn a_message_needs_room_for_its_map() {
    let question = client_pin::Request::new(client_pin::Subcommand::KeyAgreement);
    for room in 0..4 {
        let mut buffer = [0; 4];
        let full = request(Command::ClientPin, Some(&question), &mut buffer[..room]);
        assert_eq!(full, Err(BufferFull));
    }
}

#[test]
fn subcommands_survive_a_round_trip() {
    for byte in 0..=u8::MAX {
        assert_eq!(u8::from(client_pin::Subcommand::from(byte)), byte);
        assert_eq!(
            u8::from(credential_management::Subcommand::from(byte)),
            byte
        );
        assert_eq!(u8::from(authenticator_config::Subcommand::from(byte)), byte);
        assert_eq!(u8::from(bio_enrollment::Subcommand::from(byte)), byte);
        assert_eq!(u8::from(bio_enrollment::Modality::from(byte)), byte);
        assert_eq!(u8::from(bio_enrollment::FingerprintKind::from(byte)), byte);
        assert_eq!(u8::from(bio_enrollment::SampleStatus::from(byte)), byte);
    }
}

#[test]
fn macs_cover_the_prefixes_of_the_specification() {
    assert_eq!(
        credential_management::authenticated_prefix(
            credential_management::Subcommand::DeleteCredential
        ),
        [0x06]
    );
    let prefix = authenticator_config::authenticated_prefix(
        authenticator_config::Subcommand::SetMinPinLength,
    );
    assert_eq!(prefix[..32], [0xff; 32]);
    assert_eq!(prefix[32..], [0x0d, 0x03]);
    assert_eq!(
        bio_enrollment::authenticated_prefix(
            bio_enrollment::Modality::Fingerprint,
            bio_enrollment::Subcommand::RemoveEnrollment
        ),
        [0x01, 0x06]
    );
}

#[test]
#[cfg(feature = "rust-crypto")]
fn the_mac_of_a_large_blob_covers_offset_and_hash_of_the_fragment() {
    let crypto = crate::crypto::RustCrypto(rand_core::OsRng);
    let message = large_blobs::authenticated_message(&crypto, 0x0102_03c0, b"abc");
    assert_eq!(message[..32], [0xff; 32]);
    assert_eq!(message[32..38], [0x0c, 0x00, 0xc0, 0x03, 0x02, 0x01]);
    assert_eq!(
        hex::encode(&message[38..]),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn a_fragment_leaves_room_for_the_message_around_it() {
    assert_eq!(large_blobs::max_fragment_length(1024), 960);
    assert_eq!(large_blobs::max_fragment_length(63), 0);
}

#[test]
fn the_questions_of_bio_enrollment_and_large_blobs_are_as_short_as_can_be() {
    let mut buffer = [0; 32];
    for (message, bytes) in [
        (
            &bio_enrollment::Request::modality() as &dyn Encode,
            &b"\xa1\x06\xf5"[..],
        ),
        (
            &bio_enrollment::Request::new(
                bio_enrollment::Modality::Fingerprint,
                bio_enrollment::Subcommand::FingerprintSensorInfo,
            ),
            b"\xa2\x01\x01\x02\x07",
        ),
        (
            &large_blobs::Request::set_first(b"AB", 17),
            b"\xa3\x02\x42AB\x03\x00\x04\x11",
        ),
        (
            &large_blobs::Request::set_next(b"AB", 24),
            b"\xa2\x02\x42AB\x03\x18\x18",
        ),
    ] {
        assert_eq!(cbor::encode(message, &mut buffer).unwrap(), bytes);
    }
}

#[test]
fn a_sample_is_explained_to_the_person_at_the_sensor() {
    for (code, words) in [
        (0x00, "the sample is good"),
        (0x0e, "the finger was not lifted after the last sample"),
        (0x0c, "sample status 0x0c of the sensor"),
    ] {
        let status = bio_enrollment::SampleStatus::from(code);
        assert_eq!(std::string::ToString::to_string(&status), words);
    }
}

#[test]
fn parameters_under_a_mac_keep_their_bytes() {
    // deleteCredential; the descriptor's members stand in the wrong order.
    let params = b"\xa1\x02\xa2\x64type\x6apublic-key\x62id\x41I";
    let message = [b"\xa2\x01\x06\x02", &params[..]].concat();
    let request = credential_management::Request::parse(&message).unwrap();
    let kept = request.sub_command_params.unwrap();
    assert_eq!(kept.bytes(), params);
    let read = credential_management::SubcommandParams::parse(kept.bytes()).unwrap();
    assert_eq!(read.credential_id.unwrap().id, b"I");
}

#[test]
fn a_vendors_own_parameters_are_carried_through() {
    use authenticator_config::VendorPrototype;
    let members = [
        (2, Raw::parse(b"\x41A").unwrap()),
        (-1, Raw::parse(b"\xf5").unwrap()),
    ];
    let sent = VendorPrototype::new(u64::MAX, &members);
    let bytes = b"\xa3\x01\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x02\x41A\x20\xf5";
    let mut buffer = [0; 32];
    assert_eq!(cbor::encode(&sent, &mut buffer).unwrap(), bytes);
    let came = VendorPrototype::parse(bytes).unwrap();
    assert_eq!(came, sent);
    assert_eq!(came.vendor_command_id(), u64::MAX);
    assert_eq!(came.member(2), Some(members[0].1));
    assert_eq!(came.member(1), None);
    assert_ne!(came, VendorPrototype::new(u64::MAX, &members[..1]));
    assert_eq!(cbor::encode(&came, &mut buffer).unwrap(), bytes);
    let odd = b"\xa3\x05\x05\x02\x02\x01\x01";
    let came = VendorPrototype::parse(odd).unwrap();
    assert_eq!(cbor::encode(&came, &mut buffer).unwrap(), odd);
    assert_eq!(
        VendorPrototype::parse(b"\xa1\x02\x41A"),
        Err(Error::Missing {
            member: "vendorCommandId (0x01)"
        })
    );
}

#[test]
fn a_request_without_a_member_it_needs_says_which() {
    assert_eq!(
        get_assertion::Request::parse(b"\xa1\x01\x61r"),
        Err(Error::Missing {
            member: "clientDataHash (0x02)"
        })
    );
    assert_eq!(
        client_pin::Request::parse(b"\xa1\x01\x01"),
        Err(Error::Missing {
            member: "subCommand (0x02)"
        })
    );
    assert!(make_credential::Request::parse(b"\xa0").is_err());
    assert!(credential_management::Request::parse(b"\xa0").is_err());
    assert!(authenticator_config::Request::parse(b"\xa0").is_err());
    assert_eq!(
        large_blobs::Request::parse(b"\xa1\x01\x01"),
        Err(Error::Missing {
            member: "offset (0x03)"
        })
    );
    assert_eq!(
        bio_enrollment::TemplateInfo::parse(b"\xa1\x02\x61a"),
        Err(Error::Missing {
            member: "templateId (0x01) of the template info"
        })
    );
}

#[test]
fn unknown_members_of_messages_are_passed_over() {
    let answer = client_pin::Response::parse(b"\xa3\x03\x08\x18\x2a\x81\x01\x63new\xf6").unwrap();
    assert_eq!(answer.pin_retries, Some(8));
    let options = make_credential::Options::parse(b"\xa2\x62rk\xf5\x63new\x01").unwrap();
    assert_eq!(options.rk, Some(true));
}

#[test]
fn an_entity_keeps_what_a_key_left_of_a_name_and_drops_its_icon() {
    let user = b"\xa4\x62id\x41\x01\x64icon\x66data:,\x64name\x63Jo\xc3\x6bdisplayName\x62Jo";
    let user = PublicKeyCredentialUserEntity::parse(user).unwrap();
    assert_eq!(user.name, Some("Jo"));
    assert_eq!(user.display_name, Some("Jo"));
}

/// Descriptors with ids of no byte, of one, of the most and of one more.
#[test]
fn parameters_mean_the_same_in_canonical_and_any_other_form() {
    let es256 = PublicKeyCredentialParameters::new(crate::webauthn::cose::Algorithm::Es256);
    let forms: [&[u8]; 5] = [
        b"\xa2\x63alg\x26\x64type\x6apublic-key",
        b"\xa2\x63alg\x39\x00\x06\x64type\x6apublic-key",
        b"\xa2\x64type\x6apublic-key\x63alg\x26",
        b"\xa2\x63alg\x26\x64type\x78\x0apublic-key",
        b"\xa3\x63alg\x26\x64icon\x60\x64type\x6apublic-key",
    ];
    for form in forms {
        assert_eq!(PublicKeyCredentialParameters::parse(form), Ok(es256));
    }
    let of_another_type = PublicKeyCredentialParameters::parse(b"\xa2\x63alg\x26\x64type\x61x");
    assert_eq!(of_another_type.unwrap().type_, "x");
}

#[test]
fn parameters_in_canonical_form_are_checked_like_any_other() {
    let map = b"\xa2\x63alg\x26\x64type\x6apublic-key";
    for length in 0..map.len() {
        let cut = PublicKeyCredentialParameters::parse(&map[..length]);
        assert!(matches!(cut, Err(Error::EndOfInput { .. })), "{length}");
    }
    let no_depth_left = PublicKeyCredentialParameters::read(&mut Reader::with_depth(map, 0));
    assert!(matches!(no_depth_left, Err(Error::TooDeep { .. })));
    let mut longer = map.to_vec();
    longer.push(0);
    let with_more = PublicKeyCredentialParameters::parse(&longer);
    assert!(matches!(with_more, Err(Error::TrailingBytes { .. })));
    let twice = b"\xa3\x63alg\x26\x64type\x6apublic-key\x64type\x6apublic-key";
    let twice = PublicKeyCredentialParameters::parse(twice);
    assert!(matches!(twice, Err(Error::DuplicateKey { .. })));
}

#[test]
fn a_token_names_credentials_by_ids_of_1_to_1023_bytes() {
    let id = [7; 1024];
    for (length, is_named) in [(0, false), (1, true), (1023, true), (1024, false)] {
        let credential = Some(PublicKeyCredentialDescriptor::new(&id[..length]));
        let asserted = get_assertion::Response {
            credential,
            auth_data: &[],
            signature: &[],
            user: None,
            number_of_credentials: None,
            user_selected: None,
            large_blob_key: None,
            unsigned_extension_outputs: None,
        };
        let listed = credential_management::Response {
            credential_id: credential,
            ..Default::default()
        };
        let mut buffer = [0; 1100];
        let asserted = cbor::encode(&asserted, &mut buffer).unwrap();
        let outcome = get_assertion::Response::parse(asserted).err();
        let expected = "a credential id of 1 to 1023 bytes";
        let refused = |position| {
            let refusal = Error::OutOfRange { position, expected };
            (!is_named).then_some(refusal)
        };
        assert_eq!(outcome, refused(2), "{length} bytes");
        let listed = cbor::encode(&listed, &mut buffer).unwrap();
        let outcome = credential_management::Response::parse(listed).err();
        assert_eq!(outcome, refused(2), "{length} bytes");
    }
}

#[test]
fn transports_that_are_not_text_are_passed_over() {
    let odd = b"\xa3\x62id\x41\x01\x64type\x6apublic-key\x6atransports\x82\x63usb\x07";
    let descriptor = PublicKeyCredentialDescriptor::parse(odd).unwrap();
    assert_eq!(descriptor.transports, Some(List::new(&["usb"])));
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let secret = [0xab; 32];
    let pin = client_pin::Request {
        new_pin_enc: Some(&secret),
        pin_hash_enc: Some(&secret),
        ..client_pin::Request::new(client_pin::Subcommand::ChangePin)
    };
    let token = client_pin::Response {
        pin_uv_auth_token: Some(&secret),
        ..client_pin::Response::default()
    };
    let blob = LargeBlobKey(&secret);
    let raw = Raw::parse(&[0x43, 0xab, 0xab, 0xab]).unwrap();
    let shown = format!("{pin:?} {token:?} {blob:?} {raw:?}");
    assert!(!shown.contains("171") && !shown.contains("ab, "), "{shown}");
    assert!(shown.contains("ChangePin"));
}

#[test]
fn permissions_are_a_set() {
    use client_pin::Permissions;
    let both = Permissions::MAKE_CREDENTIAL | Permissions::CREDENTIAL_MANAGEMENT;
    assert!(both.contains(Permissions::MAKE_CREDENTIAL));
    assert!(!both.contains(Permissions::GET_ASSERTION));
    assert!(!both.contains(both | Permissions::GET_ASSERTION));
}

#[test]
fn permissions_are_told_by_the_names_of_the_specification() {
    use client_pin::Permissions;
    for (bits, names) in [
        (0x00, "nothing"),
        (0x05, "MakeCredential (mc), Credential Management (cm)"),
        (0x40, "Persistent Credential Management Read Only (pcmr)"),
        (0x182, "GetAssertion (ga), 0x180"),
        (0x80, "0x80"),
    ] {
        assert_eq!(format!("{}", Permissions(bits)), names, "{bits:#x}");
    }
}
