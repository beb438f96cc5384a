use super::*;
use crate::authenticator::Touch;
use crate::authenticator::platform::{HASH, Platform, RP_ID, assertion, resident};
use crate::manufacture::Profile;
use keysteward_core::cbor::Parse;
use keysteward_core::crypto::SignatureVerified;
use keysteward_core::ctap1::{MAX_APDU, MAX_DATA, version};
use keysteward_core::ctap2::{self, get_assertion};
use keysteward_core::iso7816::{Form, Response};
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};

fn send(platform: &mut Platform, command: Command<'_>) -> Result<Vec<u8>, Status> {
    let mut room = [0; MAX_APDU];
    let apdu = command.encode(Form::Extended, &mut room).unwrap();
    let answer = platform.key.exchange_ctap1(apdu);
    let response = Response::parse(&answer).unwrap();
    match response.status {
        Status::Success => Ok(response.data.to_vec()),
        refusal => {
            assert!(response.data.is_empty(), "a refusal with data");
            Err(refusal)
        }
    }
}

fn application() -> [u8; 32] {
    Platform::hash(RP_ID)
}

fn register(platform: &mut Platform) -> Result<Vec<u8>, Status> {
    let application = application();
    let request = register::Request {
        challenge: &HASH,
        application: &application,
    };
    let mut data = [0; 64];
    send(platform, request.command(&mut data))
}

fn authenticate(
    platform: &mut Platform,
    control: Control,
    application: &[u8; 32],
    key_handle: &[u8],
) -> Result<Vec<u8>, Status> {
    let request = authenticate::Request {
        control,
        challenge: &HASH,
        application,
        key_handle,
    };
    let mut data = [0; MAX_DATA];
    send(platform, request.command(&mut data).unwrap())
}

#[test]
fn a_registration_is_signed_by_the_factory_and_used_by_its_handle() {
    let mut platform = Platform::new();
    assert_eq!(send(&mut platform, version()).unwrap(), b"U2F_V2");
    let registered = register(&mut platform).unwrap();
    let registered = register::Response::parse(&registered).unwrap();
    let application = application();
    let request = register::Request {
        challenge: &HASH,
        application: &application,
    };
    let key = platform.state().factory.attestation_key.private();
    let maker = platform.crypto.p256_public(&key).unwrap();
    let _: SignatureVerified = platform
        .crypto
        .es256_verify(&maker, &registered.signed(&request), registered.signature)
        .unwrap();

    let point = PublicPoint {
        x: *registered.x,
        y: *registered.y,
    };
    for (control, presence, counter) in [
        (Control::EnforceUserPresence, 1, 1),
        (Control::DontEnforceUserPresence, 0, 2),
    ] {
        let handle = registered.key_handle;
        let answer = authenticate(&mut platform, control, &application, handle).unwrap();
        let answer = authenticate::Response::parse(&answer).unwrap();
        assert_eq!((answer.user_presence, answer.counter), (presence, counter));
        let request = authenticate::Request {
            control,
            challenge: &HASH,
            application: &application,
            key_handle: handle,
        };
        let head = answer.head();
        let signed = authenticate::Response::signed(&request, &head);
        let _: SignatureVerified = platform
            .crypto
            .es256_verify(&point, &signed, answer.signature)
            .unwrap();
    }
}

#[test]
fn without_a_touch_nothing_is_signed() {
    let mut platform = Platform::new();
    platform.next_touch(Touch::TimedOut);
    let refused = register(&mut platform);
    assert_eq!(refused, Err(Status::ConditionsNotSatisfied));
    let registered = register(&mut platform).unwrap();
    let registered = register::Response::parse(&registered).unwrap();
    let before = platform.state().owner.signature_counter;
    platform.next_touch(Touch::TimedOut);
    for control in [Control::EnforceUserPresence, Control::CheckOnly] {
        let handle = registered.key_handle;
        let refused = authenticate(&mut platform, control, &application(), handle);
        assert_eq!(refused, Err(Status::ConditionsNotSatisfied), "{control:?}");
    }
    assert_eq!(platform.state().owner.signature_counter, before);
}

#[test]
fn a_handle_of_another_key_rp_or_life_is_unknown() {
    let mut platform = Platform::new();
    let registered = register(&mut platform).unwrap();
    let registered = register::Response::parse(&registered).unwrap();
    let handle = registered.key_handle;
    let check = Control::CheckOnly;
    let application = application();
    let refused = |platform: &mut Platform, application: &[u8; 32], handle: &[u8]| {
        authenticate(platform, check, application, handle)
    };
    let unknown = Err(Status::IncorrectData);
    let elsewhere = refused(&mut platform, &[0; 32], handle);
    assert_eq!(elsewhere, unknown);
    let short = refused(&mut platform, &application, &handle[1..]);
    assert_eq!(short, unknown);
    let mut other = Platform::new();
    assert_eq!(refused(&mut other, &application, handle), unknown);
    assert_eq!(platform.send_bytes(&[0x07]), [0x00]);
    assert_eq!(refused(&mut platform, &application, handle), unknown);
}

#[test]
fn what_was_registered_works_in_ctap2_and_the_other_way_round() {
    let mut platform = Platform::new();
    let registered = register(&mut platform).unwrap();
    let registered = register::Response::parse(&registered).unwrap();
    let list = [PublicKeyCredentialDescriptor::new(registered.key_handle)];
    let request = get_assertion::Request {
        allow_list: Some(List::new(&list)),
        ..assertion()
    };
    let map = platform.send(ctap2::Command::GetAssertion, Some(&request));
    let map = map.unwrap();
    let response = get_assertion::Response::parse(&map).unwrap();
    let data = AuthenticatorData::parse(response.auth_data).unwrap();
    assert_eq!(data.flags, Flags::USER_PRESENT);

    platform.make(&resident("ada")).unwrap();
    let id = platform.state().owner.credentials[0].id;
    let control = Control::EnforceUserPresence;
    assert!(authenticate(&mut platform, control, &application(), &id).is_ok());
}

#[test]
fn always_uv_and_some_profiles_forbid_it() {
    let mut platform = Platform::new();
    assert_eq!(platform.send_bytes(&[0x0D, 0xA1, 0x01, 0x02]), [0x00]);
    let refused = send(&mut platform, version());
    assert_eq!(refused, Err(Status::CommandNotAllowed));
    assert_eq!(register(&mut platform), Err(Status::CommandNotAllowed));
    let mut enterprise = Platform::of(Profile::Enterprise);
    let refused = send(&mut enterprise, version());
    assert_eq!(refused, Err(Status::InsNotSupported));
    let mut u2f = Platform::of(Profile::U2fOnly);
    assert!(register(&mut u2f).is_ok());
}

#[test]
fn what_is_no_command_gets_its_status_word() {
    let mut platform = Platform::new();
    for (apdu, word) in [
        (&[][..], [0x67, 0x00]),
        (&[0x00, 0x01, 0x00, 0x00], [0x67, 0x00]),
        (&[0x00, 0x40, 0x00, 0x00], [0x6D, 0x00]),
        (&[0x10, 0x03, 0x00, 0x00], [0x6E, 0x00]),
    ] {
        assert_eq!(platform.key.exchange_ctap1(apdu), word, "{apdu:02x?}");
    }
    let registered = register(&mut platform).unwrap();
    let registered = register::Response::parse(&registered).unwrap();
    let other = Control::Other(9);
    let refused = authenticate(&mut platform, other, &application(), registered.key_handle);
    assert_eq!(refused, Err(Status::IncorrectP1P2));
}
