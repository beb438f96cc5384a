use super::*;
use crate::authenticator::platform::{PIN, Platform, raw};
use crate::manufacture::Profile;
use keysteward_core::cbor::List;
use keysteward_core::ctap2::Command;
use keysteward_core::pin_protocol::PinProtocol;

/// Configures with a fresh token, where the key has a PIN.
fn configure(
    platform: &mut Platform,
    sub_command: Subcommand,
    params: Option<&SetMinPinLength<'_>>,
) -> Status {
    let mut room = [0; 512];
    let params = params.map(|params| raw(params, &mut room));
    let bytes = params.map_or(&[][..], |params| params.bytes());
    let pin = platform.state().owner.pin.is_some();
    let mac = pin.then(|| {
        let token = platform.token(0x20, None);
        platform.mac(&token, &[&authenticated_prefix(sub_command), bytes])
    });
    let request = Request {
        sub_command,
        sub_command_params: params,
        pin_uv_auth_protocol: pin.then_some(2),
        pin_uv_auth_param: mac.as_deref(),
    };
    platform.status(Command::AuthenticatorConfig, &request)
}

fn set(platform: &mut Platform, params: &SetMinPinLength<'_>) -> Status {
    configure(platform, Subcommand::SetMinPinLength, Some(params))
}

fn length(length: u32) -> SetMinPinLength<'static> {
    SetMinPinLength {
        new_min_pin_length: Some(length),
        ..SetMinPinLength::default()
    }
}

const FORCE: SetMinPinLength<'static> = SetMinPinLength {
    new_min_pin_length: None,
    min_pin_length_rp_ids: None,
    force_change_pin: Some(true),
    pin_complexity_policy: None,
};

fn without_mac(sub_command: Subcommand) -> Request<'static> {
    Request {
        sub_command,
        sub_command_params: None,
        pin_uv_auth_protocol: None,
        pin_uv_auth_param: None,
    }
}

#[test]
fn a_key_with_a_pin_wants_a_right_mac_of_a_token_that_permits_it() {
    let sub_command = Subcommand::ToggleAlwaysUv;
    let mut platform = Platform::with_pin();
    let status = platform.status(Command::AuthenticatorConfig, &without_mac(sub_command));
    assert_eq!(status, Status::PuatRequired);
    let prefix = authenticated_prefix(sub_command);
    let other = authenticated_prefix(Subcommand::EnableEnterpriseAttestation);
    for (permissions, message, protocol, answer) in [
        (0x20, &prefix, Some(2), Status::Ok),
        (0x20, &prefix, Some(1), Status::PinAuthInvalid),
        (0x20, &prefix, Some(3), Status::InvalidParameter),
        (0x20, &prefix, None, Status::MissingParameter),
        (0x20, &other, Some(2), Status::PinAuthInvalid),
        (0x04, &prefix, Some(2), Status::PinAuthInvalid),
        (0x40, &prefix, Some(2), Status::PinAuthInvalid),
    ] {
        let token = platform.token(permissions, None);
        let mac = platform.mac(&token, &[message]);
        let request = Request {
            pin_uv_auth_protocol: protocol,
            pin_uv_auth_param: Some(&mac),
            ..without_mac(sub_command)
        };
        let status = platform.status(Command::AuthenticatorConfig, &request);
        assert_eq!(status, answer, "{permissions:#x} {protocol:?}");
    }
    assert!(platform.state().owner.always_uv, "toggled once");
}

#[test]
fn a_key_without_a_pin_is_free_until_it_always_wants_verification() {
    let mut platform = Platform::new();
    assert_eq!(set(&mut platform, &length(5)), Status::Ok);
    assert_eq!(
        configure(&mut platform, Subcommand::ToggleAlwaysUv, None),
        Status::Ok
    );
    assert_eq!(set(&mut platform, &length(6)), Status::PuatRequired);
    assert_eq!(
        configure(&mut platform, Subcommand::ToggleAlwaysUv, None),
        Status::Ok
    );
    assert_eq!(set(&mut platform, &length(6)), Status::Ok);
    assert!(!platform.state().owner.always_uv);
}

#[test]
fn a_key_that_nothing_protects_does_not_look_at_what_authenticates() {
    let wrong = [0xAA; 32];
    let request = |sub_command, protocol| Request {
        pin_uv_auth_protocol: protocol,
        pin_uv_auth_param: Some(&wrong),
        ..without_mac(sub_command)
    };
    let toggle = Subcommand::ToggleAlwaysUv;
    let enable = Subcommand::EnableLongTouchForReset;
    for protocol in [Some(2), Some(9), None] {
        let mut platform = Platform::new();
        let mut ask = |sub_command| {
            let request = request(sub_command, protocol);
            platform.status(Command::AuthenticatorConfig, &request)
        };
        assert_eq!(ask(enable), Status::Ok, "{protocol:?}");
        assert_eq!(ask(toggle), Status::Ok, "{protocol:?}");
        // Now it wants verification, but for what takes that back.
        assert_ne!(ask(enable), Status::Ok, "{protocol:?}");
        assert_eq!(ask(toggle), Status::Ok, "{protocol:?}");
        assert!(!platform.state().owner.always_uv, "{protocol:?}");
    }
}

#[test]
fn a_subcommand_that_is_not_there_is_named_before_who_asks_is_checked() {
    let mut platform = Platform::with_pin();
    let request = without_mac(Subcommand::Other(0x05));
    let status = platform.status(Command::AuthenticatorConfig, &request);
    assert_eq!(status, Status::InvalidSubcommand);
}

#[test]
fn the_minimum_only_grows_and_has_a_limit() {
    let mut platform = Platform::new();
    for (asked, answer) in [
        (3, Status::PinPolicyViolation),
        (4, Status::Ok),
        (8, Status::Ok),
        (7, Status::PinPolicyViolation),
        (8, Status::Ok),
        (64, Status::PinPolicyViolation),
        (300, Status::PinPolicyViolation),
        (63, Status::Ok),
    ] {
        assert_eq!(set(&mut platform, &length(asked)), answer, "{asked}");
    }
    assert_eq!(platform.state().owner.min_pin_length, 63);
}

#[test]
fn a_pin_that_became_too_short_must_be_changed() {
    let mut platform = Platform::with_pin();
    let token = platform.token(0x40, None);
    assert_eq!(set(&mut platform, &length(4)), Status::Ok);
    assert!(!platform.state().owner.force_pin_change);
    let persistent = platform.state().owner.persistent_token.0;
    assert_eq!(set(&mut platform, &length(6)), Status::Ok);
    assert!(platform.state().owner.force_pin_change);
    assert_ne!(
        platform.state().owner.persistent_token.0,
        persistent,
        "every token is void"
    );
    drop(token);
    let mut try_token = |pin, permissions| {
        platform
            .token_over(PinProtocol::Two, pin, permissions, None)
            .err()
    };
    assert_eq!(try_token(PIN, None), Some(Status::PinInvalid));
    assert_eq!(try_token(PIN, Some(0x04)), Some(Status::PinPolicyViolation));
    assert_eq!(try_token(PIN, Some(0x40)), Some(Status::PinPolicyViolation));
    let mut change = |new| platform.change_pin(PinProtocol::Two, PIN, new);
    assert_eq!(change("12345"), Status::PinPolicyViolation);
    assert_eq!(change("123456"), Status::Ok);
    assert!(!platform.state().owner.force_pin_change);
    assert!(
        platform
            .token_over(PinProtocol::Two, "123456", None, None)
            .is_ok()
    );
}

#[test]
fn a_change_that_is_forced_is_not_served_by_the_same_pin() {
    assert_eq!(set(&mut Platform::new(), &FORCE), Status::PinNotSet);
    let mut platform = Platform::with_pin();
    assert_eq!(
        platform.change_pin(PinProtocol::Two, PIN, PIN),
        Status::Ok,
        "not forced"
    );
    assert_eq!(set(&mut platform, &FORCE), Status::Ok);
    let same = platform.change_pin(PinProtocol::Two, PIN, PIN);
    assert_eq!(same, Status::PinPolicyViolation);
    assert_eq!(
        platform.change_pin(PinProtocol::Two, PIN, "5678"),
        Status::Ok
    );
}

#[test]
fn forcing_a_change_ends_the_token_that_asked_for_it() {
    let mut platform = Platform::with_pin();
    let mut room = [0; 64];
    let params = raw(&FORCE, &mut room);
    let sub_command = Subcommand::SetMinPinLength;
    let token = platform.token(0x20, None);
    let mac = platform.mac(
        &token,
        &[&authenticated_prefix(sub_command), params.bytes()],
    );
    let request = Request {
        sub_command,
        sub_command_params: Some(params),
        pin_uv_auth_protocol: Some(2),
        pin_uv_auth_param: Some(&mac),
    };
    assert_eq!(
        platform.status(Command::AuthenticatorConfig, &request),
        Status::Ok
    );
    assert_eq!(
        platform.status(Command::AuthenticatorConfig, &request),
        Status::PinAuthInvalid
    );
}

#[test]
fn the_list_of_rp_ids_replaces_the_earlier_and_has_a_limit() {
    let mut platform = Platform::new();
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let listing = |ids| SetMinPinLength {
        min_pin_length_rp_ids: Some(List::new(ids)),
        ..SetMinPinLength::default()
    };
    assert_eq!(set(&mut platform, &listing(&ids[..8])), Status::Ok);
    assert_eq!(set(&mut platform, &listing(&ids)), Status::KeyStoreFull);
    assert_eq!(platform.state().owner.min_pin_length_rp_ids, ids[..8]);
    assert_eq!(set(&mut platform, &length(5)), Status::Ok);
    assert_eq!(
        platform.state().owner.min_pin_length_rp_ids.len(),
        8,
        "absent: kept"
    );
    assert_eq!(set(&mut platform, &listing(&ids[3..4])), Status::Ok);
    assert_eq!(platform.state().owner.min_pin_length_rp_ids, ["d"]);
}

#[test]
fn a_refusal_changes_nothing() {
    let mut platform = Platform::of(Profile::Ctap21);
    let complexity = SetMinPinLength {
        pin_complexity_policy: Some(true),
        ..length(9)
    };
    let status = set(&mut platform, &complexity);
    assert_eq!(status, Status::InvalidParameter, "2.1 has no such policy");
    assert_eq!(platform.state().owner.min_pin_length, 4);
    let status = configure(&mut platform, Subcommand::SetMinPinLength, None);
    assert_eq!(status, Status::MissingParameter);
}

#[test]
fn subcommands_of_others_are_refused() {
    for sub_command in [Subcommand::VendorPrototype, Subcommand::Other(0x05)] {
        let status = configure(&mut Platform::new(), sub_command, None);
        assert_eq!(status, Status::InvalidSubcommand, "{sub_command:?}");
    }
    let long_touch = Subcommand::EnableLongTouchForReset;
    let status = configure(&mut Platform::of(Profile::Ctap21), long_touch, None);
    assert_eq!(status, Status::InvalidSubcommand, "2.1 knows no long touch");
}

#[test]
fn the_complexity_policy_judges_the_next_pin() {
    let mut platform = Platform::with_pin();
    let enforce = SetMinPinLength {
        pin_complexity_policy: Some(true),
        ..SetMinPinLength::default()
    };
    let off = SetMinPinLength {
        pin_complexity_policy: Some(false),
        ..SetMinPinLength::default()
    };
    assert_eq!(set(&mut platform, &off), Status::Ok);
    assert!(!platform.state().owner.pin_complexity_policy);
    assert_eq!(set(&mut platform, &enforce), Status::Ok);
    let owner = platform.state().owner;
    assert!(owner.pin_complexity_policy);
    assert!(owner.force_pin_change, "1234 is a run");
    for simple in ["1111", "4321", "abcdef", "xxxxxxxx"] {
        let status = platform.change_pin(PinProtocol::Two, PIN, simple);
        assert_eq!(status, Status::PinPolicyViolation, "{simple}");
    }
    let changed = platform.change_pin(PinProtocol::Two, PIN, "1243");
    assert_eq!(changed, Status::Ok);
    assert!(!platform.state().owner.force_pin_change);
}

#[test]
fn a_pin_that_is_complex_already_may_stay() {
    let mut platform = Platform::new();
    assert_eq!(platform.set_pin("2580"), Status::Ok);
    let params = SetMinPinLength {
        pin_complexity_policy: Some(true),
        ..SetMinPinLength::default()
    };
    let mut room = [0; 64];
    let params = raw(&params, &mut room);
    let prefix = authenticated_prefix(Subcommand::SetMinPinLength);
    let permissions = Some(0x20);
    let token = platform.token_over(PinProtocol::Two, "2580", permissions, None);
    let token = token.unwrap();
    let mac = platform.mac(&token, &[&prefix, params.bytes()]);
    let request = Request {
        sub_command: Subcommand::SetMinPinLength,
        sub_command_params: Some(params),
        pin_uv_auth_protocol: Some(2),
        pin_uv_auth_param: Some(&mac),
    };
    let status = platform.status(Command::AuthenticatorConfig, &request);
    assert_eq!(status, Status::Ok);
    assert!(!platform.state().owner.force_pin_change);
}

#[test]
fn enterprise_attestation_is_enabled_for_good() {
    let mut platform = Platform::new();
    let enable = Subcommand::EnableEnterpriseAttestation;
    for _ in 0..2 {
        assert_eq!(configure(&mut platform, enable, None), Status::Ok);
        assert!(platform.state().owner.enterprise_attestation);
    }
}
