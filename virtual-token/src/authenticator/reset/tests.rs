use super::*;
use crate::authenticator::platform::{PIN, Platform, RP_ID, assertion, derived, resident};
use crate::storage::{Record, whole};
use keysteward_core::cbor::{List, Parse};
use keysteward_core::ctap2::{
    Command, PublicKeyCredentialDescriptor, get_assertion, make_credential,
};
use keysteward_core::pin_protocol::PinProtocol;
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;

fn reset(platform: &mut Platform) -> Status {
    platform
        .send(Command::Reset, None)
        .err()
        .unwrap_or(Status::Ok)
}

#[test]
fn a_reset_is_taken_within_ten_seconds_of_power_up() {
    let mut platform = Platform::new();
    platform.pass(10_000);
    assert_eq!(reset(&mut platform), Status::Ok);
    platform.pass(1);
    assert_eq!(
        reset(&mut platform),
        Status::NotAllowed,
        "a reset does not restart the window"
    );
    assert_eq!(platform.world().asked, 1);
    platform.key.replug();
    assert_eq!(reset(&mut platform), Status::Ok);
}

#[test]
fn a_reset_wants_a_touch() {
    for (touch, answer) in [
        (Touch::Refused, Status::OperationDenied),
        (Touch::TimedOut, Status::UserActionTimeout),
        (Touch::Cancelled, Status::KeepaliveCancel),
    ] {
        let mut platform = Platform::with_pin();
        platform.next_touch(touch);
        assert_eq!(reset(&mut platform), answer);
        assert!(platform.state().owner.pin.is_some(), "{touch:?}");
    }
}

#[test]
fn where_a_long_touch_is_wanted_a_short_one_is_none() {
    let mut platform = Platform::new();
    assert_eq!(platform.send_bytes(&[0x0D, 0xA1, 0x01, 0x04]), [0x00]);
    platform.world().hold = 4_999;
    assert_eq!(reset(&mut platform), Status::UserActionTimeout);
    platform.world().hold = 5_000;
    assert_eq!(reset(&mut platform), Status::Ok);
    let owner = platform.state().owner;
    assert!(!owner.long_touch_for_reset, "as the factory made it");
    platform.world().hold = 1;
    assert_eq!(reset(&mut platform), Status::Ok);
}

#[test]
fn a_reset_erases_the_owner_and_keeps_the_factory() {
    let mut platform = Platform::with_pin();
    platform.make(&resident("ada")).unwrap();
    let made = platform.make(&derived("ada")).unwrap();
    let made = make_credential::Response::parse(&made).unwrap();
    let made = AuthenticatorData::parse(made.auth_data)
        .unwrap()
        .attested_credential
        .unwrap();
    let id = made.credential_id.to_vec();
    assert_eq!(
        platform.change_pin(PinProtocol::Two, "9999", PIN),
        Status::PinInvalid
    );
    let before = platform.state();
    platform.key.replug();
    assert_eq!(reset(&mut platform), Status::Ok);
    let after = platform.state();
    assert!(after.owner.pin.is_none() && after.owner.credentials.is_empty());
    assert_eq!(after.owner.pin_retries, 8);
    assert_eq!(after.owner.signature_counter, 0);
    assert_ne!(
        after.owner.device_identifier,
        before.owner.device_identifier
    );
    assert_ne!(
        after.owner.persistent_token.0,
        before.owner.persistent_token.0
    );
    assert_eq!(
        after.factory.attestation_key.0,
        before.factory.attestation_key.0
    );
    let mut serial = [0; 16];
    let kept = whole(&platform.storage, Record::Serial, &mut serial);
    assert_eq!(kept, Ok(Some(&b"KS-0001"[..])));

    let list = [PublicKeyCredentialDescriptor::new(&id)];
    let request = get_assertion::Request {
        allow_list: Some(List::new(&list)),
        ..assertion()
    };
    let status = platform.status(Command::GetAssertion, &request);
    assert_eq!(
        status,
        Status::NoCredentials,
        "what the ID carries is void too"
    );
}

#[test]
fn a_reset_brings_the_configuration_back_to_the_factorys() {
    let mut platform = Platform::new();
    for order in [
        &[0x0D, 0xA1, 0x01, 0x01][..],
        &[
            0x0D, 0xA2, 0x01, 0x03, 0x02, 0xA2, 0x01, 0x08, 0x02, 0x81, 0x61, b'a',
        ],
        &[0x0D, 0xA1, 0x01, 0x02],
    ] {
        assert_eq!(platform.send_bytes(order), [0x00], "{order:02x?}");
    }
    assert_eq!(reset(&mut platform), Status::Ok);
    let owner = platform.state().owner;
    assert!(!owner.enterprise_attestation && !owner.always_uv);
    assert_eq!(owner.min_pin_length, 4);
    assert!(owner.min_pin_length_rp_ids.is_empty());
}

#[test]
fn a_token_does_not_survive_a_reset() {
    let mut platform = Platform::with_pin();
    let token = platform.token(0x01, Some(RP_ID));
    assert_eq!(reset(&mut platform), Status::Ok);
    let request = resident("ada");
    let mac = platform.mac(&token, &[request.client_data_hash]);
    let request = make_credential::Request {
        pin_uv_auth_param: Some(&mac),
        pin_uv_auth_protocol: Some(2),
        ..request
    };
    assert_eq!(
        platform.status(Command::MakeCredential, &request),
        Status::PinAuthInvalid
    );
}

#[test]
fn a_reset_that_cannot_be_stored_is_none() {
    let mut platform = Platform::with_pin();
    platform.storage.set_worn_out(true);
    assert_eq!(reset(&mut platform), Status::OtherError);
    assert!(platform.key.authenticator().contents().pin_set);
}
