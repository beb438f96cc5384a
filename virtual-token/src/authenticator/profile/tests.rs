use super::*;
use crate::authenticator::platform::{PIN, Platform, derived, resident};
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::client_pin::{self, Subcommand};
use keysteward_core::ctap2::{Command, Status, get_info};
use keysteward_core::pin_protocol::PinProtocol;
use std::fmt::Write;

/// What a key fresh from the factory says of itself, a member a line; random members by length.
fn told(platform: &mut Platform) -> String {
    let map = platform.send(Command::GetInfo, None).unwrap();
    let info = get_info::Response::parse(&map).unwrap();
    assert!(info.passed_over.is_empty());
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            writeln!(text, "{name}: {value}").unwrap();
        }
    };
    let join = |list: Option<keysteward_core::cbor::List<'_, &str>>| {
        list.map(|list| list.iter().collect::<Vec<_>>().join(" "))
    };
    let sizes = |bytes: Option<&[u8]>| bytes.map(|bytes| format!("{} bytes", bytes.len()));
    line("01 versions", join(Some(info.versions)));
    line("02 extensions", join(info.extensions));
    let options = info.options.0.iter();
    let options: Vec<_> = options.map(|(name, on)| format!("{name}={on}")).collect();
    line("04 options", Some(options.join(" ")));
    macro_rules! members {
        ($($name:literal $member:ident,)*) => {
            $(line($name, info.$member.map(|value| format!("{value:?}")));)*
        };
    }
    members! {
        "05 maxMsgSize" max_msg_size,
        "06 pinUvAuthProtocols" pin_uv_auth_protocols,
        "07 maxCredentialCountInList" max_credential_count_in_list,
        "08 maxCredentialIdLength" max_credential_id_length,
        "09 transports" transports,
    }
    let algorithms = info.algorithms.map(|list| list.len());
    line("0A algorithms", algorithms.map(|count| count.to_string()));
    members! {
        "0B maxSerializedLargeBlobArray" max_serialized_large_blob_array,
        "0C forcePINChange" force_pin_change,
        "0D minPINLength" min_pin_length,
        "0E firmwareVersion" firmware_version,
        "0F maxCredBlobLength" max_cred_blob_length,
        "10 maxRPIDsForSetMinPINLength" max_rp_ids_for_set_min_pin_length,
        "11 preferredPlatformUvAttempts" preferred_platform_uv_attempts,
        "12 uvModality" uv_modality,
        "14 remainingDiscoverableCredentials" remaining_discoverable_credentials,
        "15 vendorPrototypeConfigCommands" vendor_prototype_config_commands,
        "16 attestationFormats" attestation_formats,
        "17 uvCountSinceLastPinEntry" uv_count_since_last_pin_entry,
        "18 longTouchForReset" long_touch_for_reset,
    }
    line("19 encIdentifier", sizes(info.enc_identifier));
    line("1A transportsForReset", join(info.transports_for_reset));
    members! {
        "1B pinComplexityPolicy" pin_complexity_policy,
    }
    line(
        "1C pinComplexityPolicyURL",
        sizes(info.pin_complexity_policy_url),
    );
    members! {
        "1D maxPINLength" max_pin_length,
    }
    line("1E encCredStoreState", sizes(info.enc_cred_store_state));
    members! {
        "1F authenticatorConfigCommands" authenticator_config_commands,
    }
    text
}

#[test]
fn each_profile_says_of_itself_what_its_edition_can_say() {
    for profile in Profile::ALL {
        let mut platform = Platform::of(profile);
        let text = if profile.features().ctap2() {
            told(&mut platform)
        } else {
            let refused = platform.send(Command::GetInfo, None);
            assert_eq!(refused, Err(Status::InvalidCommand));
            "speaks no CTAP2\n".to_string()
        };
        insta::assert_snapshot!(profile.features().name, text);
    }
}

#[test]
fn names_lead_back_to_profiles() {
    for profile in Profile::ALL {
        assert_eq!(Profile::named(&profile.to_string()), Some(profile));
    }
    assert_eq!(Profile::named("2.2"), None);
}

#[test]
fn commands_that_an_edition_lacks_do_not_exist() {
    // A byte that every one of them refuses for another reason once it exists.
    let missing = |profile| {
        let mut platform = Platform::of(profile);
        let commands = [0x04, 0x06, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x40, 0x41];
        let unknown = |command: &u8| platform.send_bytes(&[*command, 0xFF]) == [0x01];
        commands.into_iter().filter(unknown).collect::<Vec<_>>()
    };
    for (profile, lacks) in [
        (Profile::Ctap23, &[0x09, 0x40][..]),
        (Profile::Ctap21, &[0x09, 0x40]),
        (Profile::Ctap21Pre, &[0x09, 0x0A, 0x0B, 0x0C, 0x0D]),
        (Profile::Ctap20, &[0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x40, 0x41]),
        (
            Profile::U2fOnly,
            &[0x04, 0x06, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x40, 0x41],
        ),
        (Profile::NfcOnly, &[0x09, 0x40]),
        (Profile::Biometric, &[0x40]),
        (Profile::Enterprise, &[0x09, 0x40, 0x41]),
        (Profile::LargeBlob, &[0x09, 0x0C, 0x40]),
    ] {
        assert_eq!(missing(profile), lacks, "{profile}");
    }
}

#[test]
fn a_key_of_2_0_wants_the_pin_for_every_credential_and_its_token_lasts() {
    let mut platform = Platform::of(Profile::Ctap20);
    assert_eq!(platform.set_pin_over(PinProtocol::One, PIN), Status::Ok);
    let request = derived("ada");
    let status = platform.status(Command::MakeCredential, &request);
    assert_eq!(status, Status::PuatRequired);
    let by_permission = platform.token_over(PinProtocol::One, PIN, Some(0x01), Some("a"));
    assert_eq!(by_permission.err(), Some(Status::InvalidParameter));
    let token = platform.token_over(PinProtocol::One, PIN, None, None);
    let token = token.unwrap();
    let mac = platform.mac(&token, &[request.client_data_hash]);
    for user in ["ada", "bob"] {
        let request = resident(user);
        let request = keysteward_core::ctap2::make_credential::Request {
            pin_uv_auth_param: Some(&mac),
            pin_uv_auth_protocol: Some(1),
            ..request
        };
        let status = platform.status(Command::MakeCredential, &request);
        assert_eq!(status, Status::Ok, "{user}");
        platform.pass(3_600_000);
    }
    assert_eq!(platform.send_bytes(&[0x07]), [0x00], "at any time");
}

#[test]
fn a_card_gives_less_time_for_the_first_use_of_a_token() {
    for (profile, limit) in [(Profile::NfcOnly, 19_800), (Profile::Ctap23, 30_000)] {
        for (age, status) in [(limit - 1, Status::Ok), (limit, Status::PinAuthInvalid)] {
            let mut platform = Platform::of(profile);
            assert_eq!(platform.set_pin(PIN), Status::Ok);
            let request = resident("ada");
            let token = platform.token(0x01, Some(request.rp.id));
            let mac = platform.mac(&token, &[request.client_data_hash]);
            platform.pass(age);
            let request = keysteward_core::ctap2::make_credential::Request {
                pin_uv_auth_param: Some(&mac),
                pin_uv_auth_protocol: Some(2),
                ..request
            };
            let made = platform.status(Command::MakeCredential, &request);
            assert_eq!(made, status, "{profile} after {age} ms");
        }
    }
}

#[test]
fn a_protocol_that_the_profile_lacks_is_refused() {
    let mut platform = Platform::of(Profile::Ctap20);
    let request = client_pin::Request {
        pin_uv_auth_protocol: Some(2),
        ..client_pin::Request::new(Subcommand::KeyAgreement)
    };
    let status = platform.client_pin(&request);
    assert_eq!(status, Status::InvalidParameter);
}

#[test]
fn an_enterprise_key_is_strict_from_the_factory_and_after_a_reset() {
    let mut platform = Platform::of(Profile::Enterprise);
    for _ in 0..2 {
        for refused in ["12485", "123456"] {
            let status = platform.set_pin(refused);
            assert_eq!(status, Status::PinPolicyViolation, "{refused}");
        }
        let status = platform.status(Command::MakeCredential, &derived("ada"));
        assert_eq!(status, Status::PuatRequired);
        assert_eq!(platform.set_pin("124857"), Status::Ok);
        assert_eq!(platform.send_bytes(&[0x07]), [0x00]);
    }
}
