//! Enterprise attestation of our own key: CTAP 2.3 §7.1.

use core::ops::ControlFlow;

use super::*;
use keysteward_core::{
    cbor,
    crypto::RustCrypto,
    ctap2::{
        PublicKeyCredentialParameters, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
        client_pin::Permissions, make_credential::Request,
    },
    pin_protocol::Pin,
    session::{Buffers, Millis, Session},
};
use keysteward_virtual_token::{
    in_process::InProcess,
    manufacture::{Manufacturer, Order, Profile, certificate_pem},
};
use rand_core::OsRng;

const SERIAL: &str = "12345678";

/// What a key that is made for it tells of a credential, asked for this kind.
fn told(kind: Option<u8>) -> (Vec<u8>, Trust) {
    let manufacturer = Manufacturer::found().unwrap();
    let order = Order {
        profile: Profile::Enterprise,
        serial: Some(SERIAL.into()),
        ..Order::default()
    };
    let (mut key, _) = InProcess::manufacture(&manufacturer, &order, RustCrypto(OsRng)).unwrap();
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
    let mut go_on = |_| ControlFlow::Continue(());
    let limit = Millis(60_000);
    let mut session = Session::new(&mut key, &mut crypto, &mut buffers, limit, &mut go_on);
    let pin = Pin::new("124857").unwrap();
    session.set_pin(&pin).unwrap();
    let configures = Permissions::AUTHENTICATOR_CONFIG;
    let token = session.token(&pin, configures, None).unwrap();
    session.enable_enterprise_attestation(Some(&token)).unwrap();
    let makes = Permissions::MAKE_CREDENTIAL;
    let token = session.token(&pin, makes, Some(RP_ID)).unwrap();
    let es256 = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
    let request = Request {
        client_data_hash: &CLIENT_DATA_HASH,
        rp: PublicKeyCredentialRpEntity {
            id: RP_ID,
            name: None,
        },
        user: PublicKeyCredentialUserEntity {
            id: b"ada",
            name: None,
            display_name: None,
        },
        pub_key_cred_params: List::new(&es256),
        exclude_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: kind,
        attestation_formats_preference: None,
    };
    let made = session.make_credential(&request, Some(token)).unwrap();
    assert_eq!(made.ep_att, kind.map(|_| true));
    let mut room = vec![0; 2048];
    let object = cbor::encode(&made.attestation_object(), &mut room).unwrap();
    let object = object.to_vec();
    let root = certificate_pem(manufacturer.root());
    let trust = Trust::new(&[root], Unrooted::default()).unwrap();
    (object, trust)
}

#[test]
fn a_template_that_demands_it_takes_the_device_s_own_attestation_alone() {
    for (kind, one_device, serial) in [
        (Some(2), true, Ok(Some(SERIAL))),
        (Some(2), false, Ok(Some(SERIAL))),
        (None, false, Ok(None)),
        (None, true, Err("names no device")),
    ] {
        let (object, trust) = told(kind);
        let expected = Expected {
            one_device,
            serial: Some(SERIAL),
            ..EXPECTED
        };
        let verified = verify(&object, &CLIENT_DATA_HASH, &expected, &trust, now());
        match (verified, serial) {
            (Ok(verified), Ok(serial)) => {
                assert_eq!(verified.serial(), serial, "{kind:?}");
            }
            (Err(refusal), Err(why)) => assert!(refusal.to_string().contains(why), "{refusal}"),
            (verified, _) => panic!("{kind:?}, {one_device}: {verified:?}"),
        }
    }
}

#[test]
fn an_attestation_without_certificates_names_no_device() {
    let expected = Expected {
        one_device: true,
        ..EXPECTED
    };
    let credential = Credential::new();
    let object = credential.attest(&credential.auth_data());
    let refusal = verify(
        &object,
        &CLIENT_DATA_HASH,
        &expected,
        &unrooted(true, true),
        now(),
    )
    .unwrap_err();
    assert!(matches!(refusal, Refusal::NoDevice { .. }), "{refusal}");
}
