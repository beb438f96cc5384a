mod extensions;

use super::*;
use crate::authenticator::Touch;
use crate::authenticator::platform::{
    BOTH, End, HASH, Platform, RP_ID, assertion, derived, raw, resident,
};
use crate::manufacture::Profile;
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::extension::{
    CredProtect, HmacSecretInput, MakeCredentialInputs, MakeCredentialOutputs,
};
use keysteward_core::ctap2::get_assertion::Options;
use keysteward_core::ctap2::{Command, make_credential};
use keysteward_core::webauthn::cose::{KeyAgreementKey, PublicKey};

/// Makes a credential; its ID and its public key's bytes in the authenticator data.
fn make(platform: &mut Platform, request: &make_credential::Request<'_>) -> Vec<u8> {
    let made = platform.make(request).unwrap();
    let made = make_credential::Response::parse(&made).unwrap();
    made.auth_data.to_vec()
}

fn id(auth_data: &[u8]) -> &[u8] {
    AuthenticatorData::parse(auth_data)
        .unwrap()
        .attested_credential
        .unwrap()
        .credential_id
}

fn public_key(auth_data: &[u8]) -> PublicKey<'_> {
    AuthenticatorData::parse(auth_data)
        .unwrap()
        .attested_credential
        .unwrap()
        .public_key
}

fn protected(platform: &mut Platform, level: CredProtect, resident: bool) -> Vec<u8> {
    let inputs = MakeCredentialInputs {
        cred_protect: Some(level),
        ..MakeCredentialInputs::default()
    };
    let mut room = [0; 32];
    let base = if resident {
        self::resident("ada")
    } else {
        derived("ada")
    };
    make(
        platform,
        &make_credential::Request {
            extensions: Some(raw(&inputs, &mut room)),
            ..base
        },
    )
}

fn status(platform: &mut Platform, request: &Request<'_>) -> Status {
    platform.status(Command::GetAssertion, request)
}

fn listing<'a>(list: &'a [PublicKeyCredentialDescriptor<'a>]) -> Request<'a> {
    Request {
        allow_list: Some(List::new(list)),
        ..assertion()
    }
}

#[test]
fn an_assertion_verifies_with_the_key_that_was_attested() {
    for resident in [true, false] {
        let mut platform = Platform::with_pin();
        let request = if resident {
            self::resident("ada")
        } else {
            derived("ada")
        };
        let made = make(&mut platform, &request);
        let list = [PublicKeyCredentialDescriptor::new(id(&made))];
        let first = platform.assert_verified(&listing(&list)).unwrap();
        let second = platform.assert_verified(&listing(&list)).unwrap();
        let mut counter = AuthenticatorData::parse(&made).unwrap().sign_count;
        for answer in [&first, &second] {
            let response = Response::parse(answer).unwrap();
            let data = AuthenticatorData::parse(response.auth_data).unwrap();
            assert_eq!(data.flags, Flags::USER_PRESENT | Flags::USER_VERIFIED);
            assert!(data.sign_count > counter);
            counter = data.sign_count;
            let parts = [response.auth_data, &HASH];
            let verified = public_key(&made).verify(&platform.crypto, &parts, response.signature);
            assert!(verified.is_ok());
            assert_eq!(response.credential.unwrap().id, id(&made));
            assert_eq!(
                response.user.map(|user| user.name),
                resident.then_some(Some("ada"))
            );
            assert_eq!(response.number_of_credentials, None);
        }
    }
}

#[test]
fn an_empty_param_asks_for_a_touch_and_tells_whether_a_pin_is_set() {
    for (mut platform, answer) in [
        (Platform::new(), Status::PinNotSet),
        (Platform::with_pin(), Status::PinInvalid),
    ] {
        let request = Request {
            pin_uv_auth_param: Some(&[]),
            ..assertion()
        };
        assert_eq!(status(&mut platform, &request), answer);
        assert_eq!(platform.world().asked, 1);
    }
}

#[test]
fn options_that_this_key_cannot_serve_are_refused() {
    let mut platform = Platform::new();
    make(&mut platform, &resident("ada"));
    for (options, answer) in [
        (
            Options {
                rk: Some(true),
                ..Options::default()
            },
            Status::UnsupportedOption,
        ),
        (
            Options {
                rk: Some(false),
                ..Options::default()
            },
            Status::UnsupportedOption,
        ),
        (
            Options {
                uv: Some(true),
                ..Options::default()
            },
            Status::InvalidOption,
        ),
        (
            Options {
                uv: Some(false),
                up: Some(true),
                rk: None,
            },
            Status::Ok,
        ),
    ] {
        let request = Request {
            options: Some(options),
            ..assertion()
        };
        assert_eq!(status(&mut platform, &request), answer, "{options:?}");
    }
}

#[test]
fn a_silent_look_needs_no_touch_and_says_so() {
    let mut platform = Platform::new();
    let made = make(&mut platform, &derived("ada"));
    let asked = platform.world().asked;
    platform.next_touch(Touch::Refused);
    let silent = Some(Options {
        up: Some(false),
        ..Options::default()
    });
    let list = [PublicKeyCredentialDescriptor::new(id(&made))];
    let request = Request {
        options: silent,
        ..listing(&list)
    };
    let answer = platform
        .send(Command::GetAssertion, Some(&request))
        .unwrap();
    let response = Response::parse(&answer).unwrap();
    assert_eq!(
        AuthenticatorData::parse(response.auth_data).unwrap().flags,
        Flags::default()
    );
    assert_eq!(platform.world().asked, asked);
    let unknown = [PublicKeyCredentialDescriptor::new(&[7; 67])];
    let request = Request {
        options: silent,
        ..listing(&unknown)
    };
    assert_eq!(status(&mut platform, &request), Status::NoCredentials);
}

#[test]
fn without_a_touch_nothing_is_signed() {
    for (touch, answer) in [
        (Touch::Refused, Status::OperationDenied),
        (Touch::TimedOut, Status::OperationDenied),
        (Touch::Cancelled, Status::KeepaliveCancel),
    ] {
        let mut platform = Platform::new();
        make(&mut platform, &resident("ada"));
        let counter = platform.state().owner.signature_counter;
        platform.next_touch(touch);
        assert_eq!(status(&mut platform, &assertion()), answer, "{touch:?}");
        assert_eq!(platform.state().owner.signature_counter, counter);
    }
}

#[test]
fn a_token_must_be_right_permit_and_name_this_rp() {
    let mut platform = Platform::with_pin();
    make(&mut platform, &resident("ada"));
    for (permissions, bound, message, answer) in [
        (0x02, Some(RP_ID), HASH, Status::Ok),
        (0x02, Some(RP_ID), [0; 32], Status::PinAuthInvalid),
        (0x02, Some("other.example"), HASH, Status::PinAuthInvalid),
        (0x01, Some(RP_ID), HASH, Status::PinAuthInvalid),
        (0x24, None, HASH, Status::PinAuthInvalid),
    ] {
        let token = platform.token(permissions, bound);
        let mac = platform.mac(&token, &[&message]);
        let request = Request {
            pin_uv_auth_param: Some(&mac),
            pin_uv_auth_protocol: Some(2),
            ..assertion()
        };
        assert_eq!(
            status(&mut platform, &request),
            answer,
            "{permissions:#x} for {bound:?}"
        );
        if answer == Status::Ok {
            let again = status(&mut platform, &request);
            assert_eq!(again, Status::PinAuthInvalid, "one ceremony");
        }
    }
    for (protocol, answer) in [
        (None, Status::MissingParameter),
        (Some(3), Status::InvalidParameter),
    ] {
        let request = Request {
            pin_uv_auth_param: Some(&[0; 32]),
            pin_uv_auth_protocol: protocol,
            ..assertion()
        };
        assert_eq!(status(&mut platform, &request), answer);
    }
}

#[test]
fn a_credential_answers_its_own_rp_only() {
    let mut platform = Platform::new();
    let stored = make(&mut platform, &resident("ada"));
    let carried = make(&mut platform, &derived("ada"));
    let other = Request {
        rp_id: "other.example",
        ..assertion()
    };
    assert_eq!(status(&mut platform, &other), Status::NoCredentials);
    for made in [&stored, &carried] {
        let list = [PublicKeyCredentialDescriptor::new(id(made))];
        let other = Request {
            allow_list: Some(List::new(&list)),
            ..other.clone()
        };
        assert_eq!(status(&mut platform, &other), Status::NoCredentials);
        assert_eq!(status(&mut platform, &listing(&list)), Status::Ok);
    }
    assert_eq!(platform.world().asked, 4, "none is asked for in vain");
}

#[test]
fn protection_hides_a_credential_from_who_may_not_see_it() {
    use CredProtect::{
        UserVerificationOptional as Optional,
        UserVerificationOptionalWithCredentialIdList as WithList,
        UserVerificationRequired as Required,
    };
    for (level, resident, unlisted, listed) in [
        (Optional, true, true, true),
        (WithList, true, false, true),
        (Required, true, false, false),
        (Optional, false, false, true),
        (Required, false, false, false),
    ] {
        let mut platform = Platform::with_pin();
        let made = protected(&mut platform, level, resident);
        let list = [PublicKeyCredentialDescriptor::new(id(&made))];
        assert_eq!(
            status(&mut platform, &assertion()) == Status::Ok,
            unlisted,
            "{level:?}"
        );
        assert_eq!(
            status(&mut platform, &listing(&list)) == Status::Ok,
            listed,
            "{level:?}"
        );
        assert_eq!(
            platform.assert_verified(&assertion()).is_ok(),
            resident,
            "{level:?}"
        );
        assert!(
            platform.assert_verified(&listing(&list)).is_ok(),
            "{level:?}"
        );
    }
}

#[test]
fn an_allow_list_gives_one_assertion_and_has_a_limit() {
    let mut platform = Platform::new();
    let one = make(&mut platform, &resident("ada"));
    let two = make(&mut platform, &resident("bob"));
    let list = [
        PublicKeyCredentialDescriptor::new(&[7; 32]),
        PublicKeyCredentialDescriptor::new(id(&one)),
        PublicKeyCredentialDescriptor::new(id(&two)),
    ];
    let answer = platform
        .send(Command::GetAssertion, Some(&listing(&list)))
        .unwrap();
    let response = Response::parse(&answer).unwrap();
    assert_eq!(response.credential.unwrap().id, id(&one));
    assert_eq!(response.number_of_credentials, None);
    assert_eq!(
        platform.send(Command::GetNextAssertion, None),
        Err(Status::NotAllowed)
    );
    let list = [PublicKeyCredentialDescriptor::new(id(&one)); 17];
    assert_eq!(status(&mut platform, &listing(&list[..16])), Status::Ok);
    assert_eq!(
        status(&mut platform, &listing(&list)),
        Status::LimitExceeded
    );
}

#[test]
fn several_credentials_come_one_by_one_the_newest_first() {
    let mut platform = Platform::with_pin();
    for user in ["ada", "bob", "eve"] {
        make(&mut platform, &resident(user));
    }
    let first = platform.assert_verified(&assertion()).unwrap();
    let second = platform.send(Command::GetNextAssertion, None).unwrap();
    let third = platform.send(Command::GetNextAssertion, None).unwrap();
    assert_eq!(
        platform.send(Command::GetNextAssertion, None),
        Err(Status::NotAllowed)
    );
    for (answer, user, total) in [
        (first, "eve", Some(3)),
        (second, "bob", None),
        (third, "ada", None),
    ] {
        let response = Response::parse(&answer).unwrap();
        assert_eq!(response.user.unwrap().name, Some(user));
        assert_eq!(response.number_of_credentials, total);
        let data = AuthenticatorData::parse(response.auth_data).unwrap();
        assert_eq!(data.flags, Flags::USER_PRESENT | Flags::USER_VERIFIED);
    }
}

#[test]
fn names_are_shown_only_after_verification() {
    let mut platform = Platform::with_pin();
    make(&mut platform, &resident("ada"));
    let answer = platform
        .send(Command::GetAssertion, Some(&assertion()))
        .unwrap();
    let user = Response::parse(&answer).unwrap().user.unwrap();
    assert_eq!(
        (user.id, user.name, user.display_name),
        (&b"ada"[..], None, None)
    );
}

#[test]
fn a_sequence_ends_by_time_or_by_any_other_command() {
    let ends: [(&str, Option<Status>, End); 5] = [
        ("nothing", None, |_| {}),
        ("30 s", None, |platform| platform.pass(30_000)),
        ("more than 30 s", Some(Status::NotAllowed), |platform| {
            platform.pass(30_001)
        }),
        ("getInfo", Some(Status::NotAllowed), |platform| {
            platform.send(Command::GetInfo, None).unwrap();
        }),
        ("a power cycle", Some(Status::NotAllowed), |platform| {
            platform.key.replug()
        }),
    ];
    for (name, refusal, end) in ends {
        let mut platform = Platform::new();
        for user in ["ada", "bob"] {
            make(&mut platform, &resident(user));
        }
        assert_eq!(status(&mut platform, &assertion()), Status::Ok);
        end(&mut platform);
        let next = platform.send(Command::GetNextAssertion, None);
        assert_eq!(next.err(), refusal, "{name}");
    }
    assert_eq!(
        Platform::new().send(Command::GetNextAssertion, None),
        Err(Status::NotAllowed)
    );
}

#[test]
fn each_answer_of_a_sequence_starts_its_time_anew() {
    let mut platform = Platform::new();
    for user in ["ada", "bob", "eve"] {
        make(&mut platform, &resident(user));
    }
    assert_eq!(status(&mut platform, &assertion()), Status::Ok);
    for _ in 0..2 {
        platform.pass(20_000);
        assert!(platform.send(Command::GetNextAssertion, None).is_ok());
    }
}

#[test]
fn with_always_uv_only_silent_looks_are_free() {
    let mut platform = Platform::new();
    let made = make(&mut platform, &derived("ada"));
    assert_eq!(platform.send_bytes(&[0x0D, 0xA1, 0x01, 0x02]), [0x00]);
    let list = [PublicKeyCredentialDescriptor::new(id(&made))];
    assert_eq!(status(&mut platform, &listing(&list)), Status::PuatRequired);
    let silent = Some(Options {
        up: Some(false),
        ..Options::default()
    });
    let request = Request {
        options: silent,
        ..listing(&list)
    };
    assert_eq!(status(&mut platform, &request), Status::Ok);
}
