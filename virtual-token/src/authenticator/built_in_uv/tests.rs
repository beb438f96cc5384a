use super::*;
use crate::authenticator::Sample;
use crate::authenticator::bio_enrollment::tests::enrol;
use crate::authenticator::platform::{HASH, PIN, Platform, RP_ID, assertion, derived, resident};
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::client_pin::{self, Permissions, Subcommand};
use keysteward_core::ctap2::make_credential::Options;
use keysteward_core::ctap2::{Command, get_assertion, get_info, make_credential};
use keysteward_core::pin_protocol::{PinProtocol, PinUvAuthToken};
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};
use keysteward_core::webauthn::cose::KeyAgreementKey;

/// A key with finger 7 enrolled.
fn enrolled() -> Platform {
    let mut platform = Platform::biometric();
    enrol(&mut platform, 7);
    platform.world().asked = 0;
    platform
}

/// A token by finger.
fn token(
    platform: &mut Platform,
    permissions: u32,
    rp_id: Option<&str>,
) -> Result<PinUvAuthToken, Status> {
    let (point, secret) = platform.agree(PinProtocol::Two);
    let request = client_pin::Request {
        pin_uv_auth_protocol: Some(2),
        key_agreement: Some(KeyAgreementKey {
            x: &point.x,
            y: &point.y,
        }),
        permissions: Some(Permissions(permissions)),
        rp_id,
        ..client_pin::Request::new(Subcommand::PinUvAuthTokenUsingUvWithPermissions)
    };
    let map = platform.send(Command::ClientPin, Some(&request))?;
    let response = client_pin::Response::parse(&map).unwrap();
    let encrypted = response.pin_uv_auth_token.unwrap();
    Ok(PinUvAuthToken::decrypt(&mut platform.crypto, &secret, encrypted).unwrap())
}

fn uv_retries(platform: &mut Platform) -> u8 {
    let request = client_pin::Request::new(Subcommand::UvRetries);
    let map = platform.send(Command::ClientPin, Some(&request)).unwrap();
    let response = client_pin::Response::parse(&map).unwrap();
    response.uv_retries.unwrap()
}

fn count(platform: &mut Platform) -> u32 {
    let map = platform.send(Command::GetInfo, None).unwrap();
    let info = get_info::Response::parse(&map).unwrap();
    info.uv_count_since_last_pin_entry.unwrap()
}

fn flags(response: &[u8]) -> Flags {
    let made = make_credential::Response::parse(response).unwrap();
    AuthenticatorData::parse(made.auth_data).unwrap().flags
}

/// makeCredential that asks the key to verify the user.
fn verified(user: &str) -> make_credential::Request<'_> {
    let options = Options {
        rk: Some(true),
        uv: Some(true),
        ..Options::default()
    };
    make_credential::Request {
        options: Some(options),
        ..resident(user)
    }
}

#[test]
fn a_finger_gets_a_token_that_needs_no_second_touch() {
    let mut platform = enrolled();
    platform.fingers(&[7]);
    let token = token(&mut platform, 0x01, Some(RP_ID)).unwrap();
    let mac = platform.mac(&token, &[&HASH]);
    let request = make_credential::Request {
        pin_uv_auth_param: Some(&mac),
        pin_uv_auth_protocol: Some(2),
        ..resident("ada")
    };
    let made = platform.send(Command::MakeCredential, Some(&request));
    let both = Flags::USER_PRESENT | Flags::USER_VERIFIED;
    assert_eq!(flags(&made.unwrap()), both);
    assert_eq!(platform.world().asked, 1, "the finger only");
}

#[test]
fn the_touch_of_a_token_is_forgotten_in_time() {
    let mut platform = enrolled();
    platform.fingers(&[7]);
    let token = token(&mut platform, 0x03, Some(RP_ID)).unwrap();
    let mac = platform.mac(&token, &[&HASH]);
    platform.pass(29_000);
    let silent = get_assertion::Request {
        pin_uv_auth_param: Some(&mac),
        pin_uv_auth_protocol: Some(2),
        options: Some(Options {
            up: Some(false),
            ..Options::default()
        }),
        ..assertion()
    };
    // A use, so that the token itself lives on.
    let status = platform.status(Command::GetAssertion, &silent);
    assert_eq!(status, Status::NoCredentials);
    platform.pass(1_000);
    let request = make_credential::Request {
        pin_uv_auth_param: Some(&mac),
        pin_uv_auth_protocol: Some(2),
        ..resident("ada")
    };
    let status = platform.status(Command::MakeCredential, &request);
    assert_eq!(status, Status::Ok);
    assert_eq!(platform.world().asked, 2, "the finger and a touch");
}

#[test]
fn five_wrong_fingers_block_until_the_pin_is_entered() {
    let mut platform = enrolled();
    for left in [4, 3, 2, 1] {
        platform.fingers(&[8]);
        let refused = token(&mut platform, 0x04, None);
        assert_eq!(refused.err(), Some(Status::UvInvalid));
        assert_eq!(uv_retries(&mut platform), left);
        platform.key.replug();
    }
    assert_eq!(count(&mut platform), 4);
    platform.fingers(&[8]);
    let refused = token(&mut platform, 0x04, None);
    assert_eq!(refused.err(), Some(Status::UvBlocked));
    platform.fingers(&[7]);
    let refused = token(&mut platform, 0x04, None);
    assert_eq!(refused.err(), Some(Status::UvBlocked), "the right one too");
    let status = platform.status(Command::MakeCredential, &verified("ada"));
    assert_eq!(status, Status::PinBlocked);

    platform.token(0x04, None);
    assert_eq!((uv_retries(&mut platform), count(&mut platform)), (5, 0));
    platform.world().scans.clear();
    platform.fingers(&[7]);
    assert!(token(&mut platform, 0x04, None).is_ok());
    assert_eq!((uv_retries(&mut platform), count(&mut platform)), (5, 1));
}

#[test]
fn a_bad_sample_of_the_right_finger_is_a_spent_try() {
    let mut platform = enrolled();
    platform.world().scans.push_back(Scan::Sample(Sample {
        finger: 7,
        quality: SampleStatus::PoorQuality,
    }));
    let refused = token(&mut platform, 0x04, None);
    assert_eq!(refused.err(), Some(Status::UvInvalid));
    assert_eq!(uv_retries(&mut platform), 4);
}

#[test]
fn how_a_wait_for_a_finger_ends_is_told() {
    for (scan, refusal) in [
        (Scan::TimedOut, Status::UserActionTimeout),
        (Scan::Cancelled, Status::KeepaliveCancel),
    ] {
        let mut platform = enrolled();
        platform.world().scans.push_back(scan);
        assert_eq!(token(&mut platform, 0x04, None).err(), Some(refusal));
        assert_eq!(uv_retries(&mut platform), 5);
    }
    let mut platform = Platform::biometric();
    let refused = token(&mut platform, 0x04, None);
    assert_eq!(refused.err(), Some(Status::NotAllowed), "none is enrolled");
    let mut without = Platform::with_pin();
    let refused = token(&mut without, 0x04, None);
    assert_eq!(refused.err(), Some(Status::InvalidSubcommand));
}

#[test]
fn the_option_uv_asks_for_a_finger_and_falls_back_to_the_pin() {
    let mut platform = enrolled();
    platform.fingers(&[8, 7]);
    let made = platform.send(Command::MakeCredential, Some(&verified("ada")));
    let both = Flags::USER_PRESENT | Flags::USER_VERIFIED;
    assert_eq!(flags(&made.unwrap()), both);
    assert_eq!(platform.world().asked, 2, "two fingers and no touch");

    platform.fingers(&[7]);
    let request = get_assertion::Request {
        options: Some(Options {
            uv: Some(true),
            ..Options::default()
        }),
        ..assertion()
    };
    let map = platform
        .send(Command::GetAssertion, Some(&request))
        .unwrap();
    let response = get_assertion::Response::parse(&map).unwrap();
    let data = AuthenticatorData::parse(response.auth_data).unwrap();
    assert_eq!(data.flags, both);
    assert_eq!(response.user.unwrap().name, Some("ada"));

    platform.fingers(&[1, 2, 3]);
    let status = platform.status(Command::MakeCredential, &verified("bob"));
    assert_eq!(status, Status::PuatRequired);
    platform.world().scans.push_back(Scan::TimedOut);
    let status = platform.status(Command::MakeCredential, &verified("bob"));
    assert_eq!(status, Status::OperationDenied);
}

#[test]
fn the_option_uv_is_refused_where_no_finger_is_enrolled() {
    for mut platform in [Platform::biometric(), Platform::with_pin()] {
        let status = platform.status(Command::MakeCredential, &verified("ada"));
        assert_eq!(status, Status::InvalidOption);
    }
}

#[test]
fn always_uv_takes_a_finger_in_place_of_a_token() {
    let mut platform = enrolled();
    platform.fingers(&[7]);
    let acfg = token(&mut platform, 0x20, None).unwrap();
    let toggle = [&[0xFF; 32][..], &[0x0D, 0x02]].concat();
    let mac = platform.mac(&acfg, &[&toggle]);
    let mut request = vec![0x0D, 0xA3, 0x01, 0x02, 0x03, 0x02, 0x04, 0x58, 0x20];
    request.extend_from_slice(&mac);
    assert_eq!(platform.send_bytes(&request), [0x00]);
    platform.fingers(&[7]);
    let made = platform.send(Command::MakeCredential, Some(&derived("ada")));
    assert!(flags(&made.unwrap()).contains(Flags::USER_VERIFIED));
}

#[test]
fn a_reset_forgets_the_fingers() {
    let mut platform = enrolled();
    assert_eq!(platform.send_bytes(&[0x07]), [0x00]);
    assert_eq!(platform.state().owner.fingerprints, 0);
    assert_eq!(platform.set_pin(PIN), Status::Ok);
    platform.fingers(&[7]);
    let refused = token(&mut platform, 0x04, None);
    assert_eq!(refused.err(), Some(Status::NotAllowed));
}
