mod attestation;
mod extensions;

use super::*;
use crate::authenticator::Touch;
use crate::authenticator::platform::{
    ENTERPRISE_RP_ID, HASH, Platform, RP_ID, derived, raw, resident,
};
use keysteward_core::cbor::{List, Parse};
use keysteward_core::crypto::{RustCrypto, SignatureVerified};
use keysteward_core::ctap2::extension::{CredProtect, HmacSecretInput};
use keysteward_core::ctap2::make_credential::{Options, Response};
use keysteward_core::ctap2::{
    Command, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
};
use keysteward_core::pin_protocol::PinProtocol;
use keysteward_core::webauthn::attestation::Statement;
use keysteward_core::webauthn::authenticator_data::Flags;
use keysteward_core::webauthn::cose::{self, KeyAgreementKey};
use rand_core::OsRng;

fn status(platform: &mut Platform, request: &Request<'_>) -> Status {
    platform.status(Command::MakeCredential, request)
}

fn auth_data(response: &[u8]) -> AuthenticatorData<'_> {
    AuthenticatorData::parse(Response::parse(response).unwrap().auth_data).unwrap()
}

fn credential_id(response: &[u8]) -> Vec<u8> {
    auth_data(response)
        .attested_credential
        .unwrap()
        .credential_id
        .to_vec()
}

#[test]
fn a_credential_is_made_and_attested() {
    let mut platform = Platform::with_pin();
    let made = platform.make(&resident("ada")).unwrap();
    let response = Response::parse(&made).unwrap();
    let data = auth_data(&made);
    assert_eq!(data.flags, Flags::USER_PRESENT | Flags::USER_VERIFIED);
    assert_eq!(
        *data.rp_id_hash,
        RustCrypto(OsRng).sha256(&[RP_ID.as_bytes()])
    );
    assert_eq!(data.extensions, None);
    let statement = Statement::parse(response.fmt, response.att_stmt.unwrap()).unwrap();
    assert_eq!(statement.certificates().len(), 1, "the root stays out");
    let key = platform.state().factory.attestation_key.private();
    let point = platform.crypto.p256_public(&key).unwrap();
    let public = cose::PublicKey::Es256 {
        x: &point.x,
        y: &point.y,
    };
    let _: SignatureVerified = statement
        .verify(&platform.crypto, &public, response.auth_data, &HASH)
        .unwrap();
    let stored = platform.state().owner.credentials.remove(0);
    assert_eq!(stored.id, *credential_id(&made));
    assert_eq!(
        (stored.rp_id.as_str(), stored.user.id.as_slice()),
        (RP_ID, &b"ada"[..])
    );
}

#[test]
fn without_verification_the_flag_stays_clear() {
    let made = Platform::new().make(&resident("ada")).unwrap();
    assert_eq!(auth_data(&made).flags, Flags::USER_PRESENT);
}

#[test]
fn an_empty_param_asks_for_a_touch_and_tells_whether_a_pin_is_set() {
    for (mut platform, answer) in [
        (Platform::new(), Status::PinNotSet),
        (Platform::with_pin(), Status::PinInvalid),
    ] {
        let request = Request {
            pin_uv_auth_param: Some(&[]),
            ..resident("ada")
        };
        assert_eq!(status(&mut platform, &request), answer);
        assert_eq!(platform.world().asked, 1);
        platform.next_touch(Touch::TimedOut);
        assert_eq!(status(&mut platform, &request), Status::OperationDenied);
    }
}

#[test]
fn a_param_wants_a_protocol_that_exists() {
    let mut platform = Platform::with_pin();
    for (protocol, refusal) in [
        (None, Status::MissingParameter),
        (Some(3), Status::InvalidParameter),
    ] {
        let request = Request {
            pin_uv_auth_param: Some(&[0; 32]),
            pin_uv_auth_protocol: protocol,
            ..resident("ada")
        };
        assert_eq!(status(&mut platform, &request), refusal);
    }
}

#[test]
fn the_first_algorithm_that_the_key_has_wins() {
    use cose::Algorithm as Cose;
    let known = PublicKeyCredentialParameters::new;
    let other_type = PublicKeyCredentialParameters {
        type_: "other",
        ..known(Cose::Es256)
    };
    for (params, chosen) in [
        (
            &[known(Cose::Es256), known(Cose::EdDsa)][..],
            Ok(Cose::Es256),
        ),
        (
            &[known(Cose::Rs256), known(Cose::EdDsa), known(Cose::Es256)],
            Ok(Cose::EdDsa),
        ),
        (&[other_type, known(Cose::EdDsa)], Ok(Cose::EdDsa)),
        (
            &[other_type, known(Cose::Rs256)],
            Err(Status::UnsupportedAlgorithm),
        ),
        (&[], Err(Status::UnsupportedAlgorithm)),
    ] {
        let request = Request {
            pub_key_cred_params: List::new(params),
            ..derived("ada")
        };
        let made = Platform::new().make(&request);
        let made = made.map(|made| {
            auth_data(&made)
                .attested_credential
                .unwrap()
                .public_key
                .algorithm()
        });
        assert_eq!(made, chosen, "{params:?}");
    }
}

#[test]
fn options_that_this_key_cannot_serve_are_refused() {
    for options in [
        Options {
            up: Some(false),
            ..Options::default()
        },
        Options {
            uv: Some(true),
            ..Options::default()
        },
    ] {
        let request = Request {
            options: Some(options),
            ..derived("ada")
        };
        let mut platform = Platform::new();
        assert_eq!(
            status(&mut platform, &request),
            Status::InvalidOption,
            "{options:?}"
        );
        assert_eq!(platform.world().asked, 0);
    }
    let options = Options {
        rk: Some(false),
        up: Some(true),
        uv: Some(false),
    };
    let request = Request {
        options: Some(options),
        ..derived("ada")
    };
    assert_eq!(status(&mut Platform::new(), &request), Status::Ok);
}

#[test]
fn built_in_verification_is_ignored_beside_a_token() {
    let options = Options {
        uv: Some(true),
        ..Options::default()
    };
    let request = Request {
        options: Some(options),
        ..derived("ada")
    };
    assert!(Platform::with_pin().make(&request).is_ok());
}

#[test]
fn a_user_id_has_1_to_64_bytes() {
    for (length, answer) in [
        (0, Status::InvalidLength),
        (1, Status::Ok),
        (64, Status::Ok),
        (65, Status::InvalidLength),
    ] {
        let id = vec![b'u'; length];
        let user = PublicKeyCredentialUserEntity {
            id: &id,
            name: None,
            display_name: None,
        };
        let request = Request {
            user,
            ..resident("ada")
        };
        assert_eq!(
            status(&mut Platform::new(), &request),
            answer,
            "{length} bytes"
        );
    }
}

#[test]
fn with_a_pin_only_credentials_that_are_not_stored_are_free() {
    let mut platform = Platform::with_pin();
    assert_eq!(
        status(&mut platform, &resident("ada")),
        Status::PuatRequired
    );
    assert_eq!(platform.world().asked, 0);
    assert_eq!(status(&mut platform, &derived("ada")), Status::Ok);
}

#[test]
fn a_token_must_be_right_permit_and_name_this_rp() {
    let mut platform = Platform::with_pin();
    for (permissions, bound, message, answer) in [
        (0x01, Some(RP_ID), HASH, Status::Ok),
        (0x03, Some(RP_ID), HASH, Status::Ok),
        (0x01, Some(RP_ID), [0; 32], Status::PinAuthInvalid),
        (0x01, Some("other.example"), HASH, Status::PinAuthInvalid),
        (0x02, Some(RP_ID), HASH, Status::PinAuthInvalid),
        (0x04, None, HASH, Status::PinAuthInvalid),
        (0x40, None, HASH, Status::PinAuthInvalid),
    ] {
        let token = platform.token(permissions, bound);
        let mac = platform.mac(&token, &[&message]);
        let request = Request {
            pin_uv_auth_param: Some(&mac),
            pin_uv_auth_protocol: Some(2),
            ..resident("ada")
        };
        assert_eq!(
            status(&mut platform, &request),
            answer,
            "{permissions:#x} for {bound:?}"
        );
    }
}

#[test]
fn a_token_without_an_rp_id_is_bound_at_its_first_use_and_spent_by_the_touch() {
    let mut platform = Platform::with_pin();
    let token = platform
        .token_over(PinProtocol::One, "1234", None, None)
        .unwrap();
    let mac = platform.mac(&token, &[&HASH]);
    let request = |rp_id| Request {
        rp: PublicKeyCredentialRpEntity {
            id: rp_id,
            name: None,
        },
        pin_uv_auth_param: Some(&mac),
        pin_uv_auth_protocol: Some(1),
        ..resident("ada")
    };
    platform.next_touch(Touch::Refused);
    assert_eq!(
        status(&mut platform, &request(RP_ID)),
        Status::OperationDenied
    );
    assert_eq!(
        status(&mut platform, &request("other.example")),
        Status::PinAuthInvalid
    );
    assert_eq!(status(&mut platform, &request(RP_ID)), Status::Ok);
    assert_eq!(
        status(&mut platform, &request(RP_ID)),
        Status::PinAuthInvalid,
        "one ceremony"
    );
}

#[test]
fn without_a_touch_nothing_is_made() {
    for (touch, answer) in [
        (Touch::Refused, Status::OperationDenied),
        (Touch::TimedOut, Status::OperationDenied),
        (Touch::Cancelled, Status::KeepaliveCancel),
    ] {
        let mut platform = Platform::new();
        platform.next_touch(touch);
        assert_eq!(status(&mut platform, &resident("ada")), answer, "{touch:?}");
        assert!(platform.state().owner.credentials.is_empty());
    }
}

#[test]
fn the_exclude_list_finds_what_this_key_holds_for_the_rp() {
    let mut platform = Platform::new();
    let made = platform.make(&resident("ada")).unwrap();
    let stored = credential_id(&made);
    let carried = credential_id(&platform.make(&derived("bob")).unwrap());
    let mut forged = carried.clone();
    forged[40] ^= 1;
    let mut unknown_type = PublicKeyCredentialDescriptor::new(&stored);
    unknown_type.type_ = "other";
    for (descriptor, rp_id, answer) in [
        (
            PublicKeyCredentialDescriptor::new(&stored),
            RP_ID,
            Status::CredentialExcluded,
        ),
        (
            PublicKeyCredentialDescriptor::new(&carried),
            RP_ID,
            Status::CredentialExcluded,
        ),
        (
            PublicKeyCredentialDescriptor::new(&forged),
            RP_ID,
            Status::Ok,
        ),
        (
            PublicKeyCredentialDescriptor::new(&stored),
            "other.example",
            Status::Ok,
        ),
        (
            PublicKeyCredentialDescriptor::new(&carried),
            "other.example",
            Status::Ok,
        ),
        (unknown_type, RP_ID, Status::Ok),
    ] {
        let list = [PublicKeyCredentialDescriptor::new(&[7; 32]), descriptor];
        let request = Request {
            rp: PublicKeyCredentialRpEntity {
                id: rp_id,
                name: None,
            },
            exclude_list: Some(List::new(&list)),
            ..derived("eve")
        };
        let asked = platform.world().asked;
        assert_eq!(status(&mut platform, &request), answer);
        assert_eq!(
            platform.world().asked,
            asked + 1,
            "the answer waits for a touch"
        );
    }
}

#[test]
fn an_exclude_list_longer_than_get_info_says_is_refused() {
    let id = [7; 32];
    let list = [PublicKeyCredentialDescriptor::new(&id); 17];
    for (length, answer) in [(16, Status::Ok), (17, Status::LimitExceeded)] {
        let request = Request {
            exclude_list: Some(List::new(&list[..length])),
            ..derived("ada")
        };
        assert_eq!(status(&mut Platform::new(), &request), answer);
    }
}

#[test]
fn a_credential_that_wants_verification_is_not_betrayed_by_the_exclude_list() {
    let mut room = [0; 32];
    let inputs = MakeCredentialInputs {
        cred_protect: Some(CredProtect::UserVerificationRequired),
        ..MakeCredentialInputs::default()
    };
    let extensions = raw(&inputs, &mut room);
    let mut platform = Platform::with_pin();
    let made = platform
        .make(&Request {
            extensions: Some(extensions),
            ..resident("ada")
        })
        .unwrap();
    let id = credential_id(&made);
    let list = [PublicKeyCredentialDescriptor::new(&id)];
    let request = Request {
        exclude_list: Some(List::new(&list)),
        ..derived("eve")
    };
    assert_eq!(status(&mut platform, &request), Status::Ok);
    assert_eq!(platform.make(&request), Err(Status::CredentialExcluded));
}

#[test]
fn the_same_account_gets_one_credential() {
    let mut platform = Platform::new();
    platform.make(&resident("ada")).unwrap();
    platform.make(&resident("bob")).unwrap();
    let made = platform.make(&resident("ada")).unwrap();
    let ids: Vec<_> = platform
        .state()
        .owner
        .credentials
        .iter()
        .map(|kept| kept.user.id.clone())
        .collect();
    assert_eq!(ids, [b"bob", b"ada"]);
    assert_eq!(
        platform.state().owner.credentials[1].id,
        *credential_id(&made)
    );
}

#[test]
fn a_full_key_takes_no_more_but_replaces() {
    let mut platform = Platform::new();
    let users: Vec<_> = (0..100).map(|n| format!("user-{n}")).collect();
    for user in &users {
        assert_eq!(status(&mut platform, &resident(user)), Status::Ok);
    }
    assert_eq!(
        status(&mut platform, &resident("one more")),
        Status::KeyStoreFull
    );
    assert_eq!(status(&mut platform, &resident("user-7")), Status::Ok);
    assert_eq!(status(&mut platform, &derived("one more")), Status::Ok);
}

#[test]
fn storage_that_fails_makes_nothing() {
    let mut platform = Platform::new();
    platform.storage.set_worn_out(true);
    assert_eq!(status(&mut platform, &resident("ada")), Status::OtherError);
    platform.storage.set_worn_out(false);
    assert!(
        platform
            .key
            .authenticator()
            .contents()
            .credentials
            .is_empty()
    );
}

#[test]
fn always_uv_frees_nothing() {
    for mut platform in [Platform::new(), Platform::with_pin()] {
        let mut room = [0; 64];
        let toggle = raw_toggle(&mut platform, &mut room);
        assert_eq!(platform.send_bytes(toggle), [0x00]);
        assert_eq!(status(&mut platform, &derived("ada")), Status::PuatRequired);
    }
}

/// toggleAlwaysUv, with a token where the key has a PIN.
fn raw_toggle<'a>(platform: &mut Platform, room: &'a mut [u8]) -> &'a [u8] {
    use keysteward_core::ctap2::authenticator_config::{Request, Subcommand, authenticated_prefix};
    let sub_command = Subcommand::ToggleAlwaysUv;
    let pin = platform.state().owner.pin.is_some();
    let mac = pin.then(|| {
        let token = platform.token(0x20, None);
        platform.mac(&token, &[&authenticated_prefix(sub_command)])
    });
    let request = Request {
        sub_command,
        sub_command_params: None,
        pin_uv_auth_protocol: pin.then_some(2),
        pin_uv_auth_param: mac.as_deref(),
    };
    keysteward_core::ctap2::request(Command::AuthenticatorConfig, Some(&request), room).unwrap()
}
