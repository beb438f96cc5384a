use super::*;
use crate::authenticator::platform::{BOTH, End, PIN, Platform, padded, pin_hash};
use keysteward_core::ctap2::Command;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::pin_protocol::PinUvAuthToken;

/// Takes one thing away.
type Spoil = fn(&mut Request<'_>);

/// A request with every member that some subcommand wants.
struct Whole {
    point: PublicPoint,
    mac: Vec<u8>,
    new_pin_enc: Vec<u8>,
    pin_hash_enc: Vec<u8>,
}

impl Whole {
    fn new(platform: &mut Platform) -> Self {
        let (point, secret) = platform.agree(PinProtocol::Two);
        let crypto = &mut platform.crypto;
        let new_pin_enc = secret.encrypt(crypto, &padded(b"5678")).unwrap().to_vec();
        let hash = pin_hash(crypto, PIN);
        let pin_hash_enc = secret.encrypt(crypto, &hash).unwrap().to_vec();
        let mac = secret
            .authenticate(crypto, &[&new_pin_enc, &pin_hash_enc])
            .to_vec();
        Self {
            point,
            mac,
            new_pin_enc,
            pin_hash_enc,
        }
    }

    fn request(&self, sub_command: Subcommand) -> Request<'_> {
        Request {
            pin_uv_auth_protocol: Some(2),
            key_agreement: Some(cose::KeyAgreementKey {
                x: &self.point.x,
                y: &self.point.y,
            }),
            pin_uv_auth_param: Some(&self.mac),
            new_pin_enc: Some(&self.new_pin_enc),
            pin_hash_enc: Some(&self.pin_hash_enc),
            ..Request::new(sub_command)
        }
    }
}

#[test]
fn a_pin_is_set_once_and_changed_under_both_protocols() {
    for protocol in BOTH {
        let mut platform = Platform::new();
        assert_eq!(
            platform.change_pin(protocol, PIN, "5678"),
            Status::PinNotSet
        );
        assert_eq!(
            platform.set_padded_pin(protocol, &padded(PIN.as_bytes())),
            Status::Ok
        );
        assert_eq!(
            platform.set_pin("5678"),
            Status::PinAuthInvalid,
            "there is one already"
        );
        assert_eq!(
            platform.change_pin(protocol, "9999", "5678"),
            Status::PinInvalid
        );
        assert_eq!(platform.change_pin(protocol, PIN, "5678"), Status::Ok);
        assert!(platform.token_over(protocol, "5678", None, None).is_ok());
        assert_eq!(
            platform.token_over(protocol, PIN, None, None).err(),
            Some(Status::PinInvalid)
        );
    }
}

#[test]
fn every_member_that_is_missing_is_missed() {
    let drops: [(&str, Spoil); 5] = [
        ("protocol", |request| request.pin_uv_auth_protocol = None),
        ("keyAgreement", |request| request.key_agreement = None),
        ("pinUvAuthParam", |request| request.pin_uv_auth_param = None),
        ("newPinEnc", |request| request.new_pin_enc = None),
        ("pinHashEnc", |request| request.pin_hash_enc = None),
    ];
    let with_permissions = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    for (sub_command, wanted) in [
        (Subcommand::KeyAgreement, &["protocol"][..]),
        (
            Subcommand::SetPin,
            &["protocol", "keyAgreement", "pinUvAuthParam", "newPinEnc"],
        ),
        (
            Subcommand::ChangePin,
            &[
                "protocol",
                "keyAgreement",
                "pinUvAuthParam",
                "newPinEnc",
                "pinHashEnc",
            ],
        ),
        (
            Subcommand::PinToken,
            &["protocol", "keyAgreement", "pinHashEnc"],
        ),
        (
            with_permissions,
            &["protocol", "keyAgreement", "pinHashEnc"],
        ),
    ] {
        for (name, drop) in drops {
            let mut platform = Platform::with_pin();
            let whole = Whole::new(&mut platform);
            let mut request = whole.request(sub_command);
            request.permissions =
                (sub_command == with_permissions).then_some(Permissions::CREDENTIAL_MANAGEMENT);
            drop(&mut request);
            let missed = platform.client_pin(&request) == Status::MissingParameter;
            assert_eq!(
                missed,
                wanted.contains(&name),
                "{sub_command:?} without {name}"
            );
        }
    }
}

#[test]
fn protocols_and_subcommands_that_do_not_exist_are_refused() {
    let mut platform = Platform::with_pin();
    let whole = Whole::new(&mut platform);
    for sub_command in [
        Subcommand::KeyAgreement,
        Subcommand::SetPin,
        Subcommand::ChangePin,
        Subcommand::PinToken,
    ] {
        let request = Request {
            pin_uv_auth_protocol: Some(3),
            ..whole.request(sub_command)
        };
        assert_eq!(
            platform.client_pin(&request),
            Status::InvalidParameter,
            "{sub_command:?}"
        );
    }
    for sub_command in [
        Subcommand::PinUvAuthTokenUsingUvWithPermissions,
        Subcommand::UvRetries,
        Subcommand::Other(0x08),
    ] {
        let request = whole.request(sub_command);
        assert_eq!(
            platform.client_pin(&request),
            Status::InvalidSubcommand,
            "{sub_command:?}"
        );
    }
}

#[test]
fn a_pin_is_counted_in_code_points_and_limited_in_bytes() {
    for (pin, status) in [
        (&b"123"[..], Status::PinPolicyViolation),
        ("ñññ".as_bytes(), Status::PinPolicyViolation),
        ("ññññ".as_bytes(), Status::Ok),
        (&[b'1'; 63], Status::Ok),
        (&[b'1'; 64], Status::PinPolicyViolation),
        (b"123\xFF", Status::PinPolicyViolation),
        (b"", Status::PinPolicyViolation),
    ] {
        let mut platform = Platform::new();
        let set = platform.set_padded_pin(PinProtocol::Two, &padded(pin));
        assert_eq!(set, status, "{pin:02x?}");
    }
}

#[test]
fn a_padded_pin_of_another_size_is_refused() {
    for size in [16, 48] {
        let mut platform = Platform::new();
        let status = platform.set_padded_pin(PinProtocol::Two, &vec![b'1'; size]);
        assert_eq!(status, Status::InvalidParameter, "{size} bytes");
    }
}

#[test]
fn a_wrong_mac_is_refused_and_costs_no_try() {
    let mut platform = Platform::new();
    let whole = Whole::new(&mut platform);
    let status = platform.client_pin(&whole.request(Subcommand::SetPin));
    assert_eq!(status, Status::PinAuthInvalid, "the MAC of changePIN");
    assert!(platform.state().owner.pin.is_none());

    let mut platform = Platform::with_pin();
    let mut whole = Whole::new(&mut platform);
    whole.mac[0] ^= 1;
    let status = platform.client_pin(&whole.request(Subcommand::ChangePin));
    assert_eq!(status, Status::PinAuthInvalid);
    assert_eq!(platform.pin_retries(), (8, false));
    whole.mac[0] ^= 1;
    assert_eq!(
        platform.client_pin(&whole.request(Subcommand::ChangePin)),
        Status::Ok
    );
}

#[test]
fn a_platform_key_off_the_curve_is_refused() {
    let mut platform = Platform::with_pin();
    let mut whole = Whole::new(&mut platform);
    whole.point.y[31] ^= 1;
    let status = platform.client_pin(&whole.request(Subcommand::PinToken));
    assert_eq!(status, Status::InvalidParameter);
    assert_eq!(platform.pin_retries(), (8, false));
}

#[test]
fn a_secret_is_shared_only_with_who_asked_for_the_key_since_power_up() {
    let mut platform = Platform::with_pin();
    let whole = Whole::new(&mut platform);
    platform.key.replug();
    let status = platform.client_pin(&whole.request(Subcommand::PinToken));
    assert_eq!(status, Status::InvalidParameter);
}

#[test]
fn a_wrong_pin_costs_a_try_and_the_key_agreement() {
    let mut platform = Platform::with_pin();
    let right = Whole::new(&mut platform);
    let mut wrong = Whole::new(&mut platform);
    wrong.pin_hash_enc[20] ^= 1;
    let status = platform.client_pin(&wrong.request(Subcommand::PinToken));
    assert_eq!(status, Status::PinInvalid);
    assert_eq!(platform.pin_retries(), (7, false));
    let status = platform.client_pin(&right.request(Subcommand::PinToken));
    assert_ne!(status, Status::Ok, "the key's half is another now");
    assert!(
        platform
            .token_over(PinProtocol::Two, PIN, None, None)
            .is_ok()
    );
    assert_eq!(platform.pin_retries(), (8, false));
}

#[test]
fn a_pin_hash_of_another_size_is_a_wrong_pin() {
    let mut platform = Platform::with_pin();
    let (point, secret) = platform.agree(PinProtocol::Two);
    let mut long = pin_hash(&platform.crypto, PIN).to_vec();
    long.extend([0; 16]);
    let pin_hash_enc = secret.encrypt(&mut platform.crypto, &long).unwrap();
    let status = platform.client_pin(&Request {
        pin_uv_auth_protocol: Some(2),
        key_agreement: Some(cose::KeyAgreementKey {
            x: &point.x,
            y: &point.y,
        }),
        pin_hash_enc: Some(&pin_hash_enc),
        ..Request::new(Subcommand::PinToken)
    });
    assert_eq!(status, Status::PinInvalid);
}

#[test]
fn three_wrong_pins_in_a_row_want_a_power_cycle() {
    let mut platform = Platform::with_pin();
    let mut wrong = || platform.change_pin(PinProtocol::Two, "9999", "5678");
    assert_eq!(wrong(), Status::PinInvalid);
    assert_eq!(wrong(), Status::PinInvalid);
    assert_eq!(wrong(), Status::PinAuthBlocked);
    assert_eq!(platform.pin_retries(), (5, true));
    assert_eq!(
        platform.change_pin(PinProtocol::Two, PIN, "5678"),
        Status::PinAuthBlocked
    );
    assert_eq!(
        platform.token_over(PinProtocol::Two, PIN, None, None).err(),
        Some(Status::PinAuthBlocked)
    );
    assert_eq!(
        platform.pin_retries(),
        (5, true),
        "what was not tried costs nothing"
    );
    platform.key.replug();
    assert_eq!(platform.pin_retries(), (5, false));
    assert_eq!(
        platform.change_pin(PinProtocol::Two, PIN, "5678"),
        Status::Ok
    );
    assert_eq!(platform.pin_retries(), (8, false));
}

#[test]
fn a_right_pin_between_wrong_ones_counts() {
    let mut platform = Platform::with_pin();
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(
                platform.change_pin(PinProtocol::Two, "9", PIN),
                Status::PinInvalid
            );
        }
        assert!(
            platform
                .token_over(PinProtocol::Two, PIN, None, None)
                .is_ok()
        );
    }
}

#[test]
fn eight_wrong_pins_block_it_for_good() {
    let mut platform = Platform::with_pin();
    for left in (0..8).rev() {
        let status = platform.change_pin(PinProtocol::Two, "9999", "5678");
        if left == 0 {
            assert_eq!(status, Status::PinBlocked);
        }
        assert_eq!(platform.pin_retries().0, left);
        platform.key.replug();
    }
    assert_eq!(
        platform.change_pin(PinProtocol::Two, PIN, "5678"),
        Status::PinBlocked
    );
    let token = platform.token_over(PinProtocol::Two, PIN, None, None);
    assert_eq!(token.err(), Some(Status::PinBlocked));
}

#[test]
fn a_try_that_cannot_be_stored_is_none() {
    let mut platform = Platform::with_pin();
    platform.storage.set_worn_out(true);
    let token = platform.token_over(PinProtocol::Two, PIN, None, None);
    assert_eq!(
        token.err(),
        Some(Status::OtherError),
        "else cutting the power would give tries"
    );
    platform.storage.set_worn_out(false);
    assert_eq!(platform.pin_retries(), (8, false));
}

#[test]
fn permissions_are_granted_or_refused_as_a_whole() {
    for (permissions, rp_id, refusal) in [
        (0x00, None, Some(Status::InvalidParameter)),
        (0x01, None, Some(Status::MissingParameter)),
        (0x02, None, Some(Status::MissingParameter)),
        (0x03, Some("a"), None),
        (0x04, None, None),
        (0x08, None, Some(Status::UnauthorizedPermission)),
        (0x0C, None, Some(Status::UnauthorizedPermission)),
        (0x10, None, None),
        (0x14, None, None),
        (0x20, None, None),
        (0x40, None, None),
        (0x44, None, Some(Status::UnauthorizedPermission)),
        (0x80, None, None),
        (0x184, None, None),
    ] {
        let mut platform = Platform::with_pin();
        let token = platform.token_over(PinProtocol::Two, PIN, Some(permissions), rp_id);
        assert_eq!(token.err(), refusal, "{permissions:#x}");
    }
}

#[test]
fn get_pin_token_takes_neither_permissions_nor_an_rp_id() {
    let mut platform = Platform::with_pin();
    let whole = Whole::new(&mut platform);
    let request = whole.request(Subcommand::PinToken);
    let with_rp_id = Request {
        rp_id: Some("a"),
        ..request.clone()
    };
    let with_permissions = Request {
        permissions: Some(Permissions(1)),
        ..request.clone()
    };
    assert_eq!(platform.client_pin(&with_rp_id), Status::InvalidParameter);
    assert_eq!(
        platform.client_pin(&with_permissions),
        Status::InvalidParameter
    );
    assert_eq!(platform.client_pin(&request), Status::Ok);
}

/// Whether a token still authenticates.
fn works(platform: &mut Platform, token: &PinUvAuthToken) -> bool {
    let mac = platform.mac(token, &[&[0x01]]);
    let request = keysteward_core::ctap2::credential_management::Request {
        sub_command: 0x01.into(),
        sub_command_params: None,
        pin_uv_auth_protocol: Some(token.protocol().id()),
        pin_uv_auth_param: Some(&mac),
    };
    platform
        .send(Command::CredentialManagement, Some(&request))
        .is_ok()
}

#[test]
fn a_token_lives_until_the_next_a_new_pin_its_time_or_a_power_cycle() {
    let ends: [(&str, bool, End); 9] = [
        ("nothing", true, |_| {}),
        ("another token", false, |platform| {
            drop(platform.token(0x20, None))
        }),
        ("another token of the other protocol", false, |platform| {
            platform
                .token_over(PinProtocol::One, PIN, None, None)
                .unwrap();
        }),
        ("the persistent token", true, |platform| {
            drop(platform.token(0x40, None))
        }),
        ("a new PIN", false, |platform| {
            assert_eq!(
                platform.change_pin(PinProtocol::Two, PIN, "5678"),
                Status::Ok
            );
        }),
        ("a power cycle", false, |platform| platform.key.replug()),
        ("29 s", true, |platform| platform.pass(29_999)),
        ("30 s without a use", false, |platform| {
            platform.pass(30_000)
        }),
        ("a wrong PIN", true, |platform| {
            platform.change_pin(PinProtocol::Two, "9999", PIN);
        }),
    ];
    for (name, lives, end) in ends {
        let mut platform = Platform::with_pin();
        let token = platform.token(0x04, None);
        end(&mut platform);
        assert_eq!(works(&mut platform, &token), lives, "{name}");
    }
}

#[test]
fn a_token_in_use_lives_ten_minutes() {
    let mut platform = Platform::with_pin();
    let token = platform.token(0x04, None);
    assert!(works(&mut platform, &token));
    platform.pass(599_999);
    assert!(works(&mut platform, &token));
    platform.pass(1);
    assert!(!works(&mut platform, &token));
}

#[test]
fn a_token_works_under_its_own_protocol_only() {
    let mut platform = Platform::with_pin();
    let token = platform.token(0x04, None);
    let mac = platform.mac(&token, &[&[0x01]]);
    let request = keysteward_core::ctap2::credential_management::Request {
        sub_command: 0x01.into(),
        sub_command_params: None,
        pin_uv_auth_protocol: Some(1),
        pin_uv_auth_param: Some(&mac[..16]),
    };
    let status = platform.status(Command::CredentialManagement, &request);
    assert_eq!(status, Status::PinAuthInvalid);
}

#[test]
fn the_persistent_token_outlives_power_and_time_and_ends_with_the_pin() {
    for protocol in BOTH {
        let mut platform = Platform::with_pin();
        let token = platform
            .token_over(protocol, PIN, Some(0x40), None)
            .unwrap();
        platform.key.replug();
        platform.pass(86_400_000);
        assert!(works(&mut platform, &token), "{protocol:?}");
        assert_eq!(platform.change_pin(protocol, PIN, "5678"), Status::Ok);
        assert!(!works(&mut platform, &token), "{protocol:?}");
    }
}
