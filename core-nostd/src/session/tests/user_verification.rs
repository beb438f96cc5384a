//! Tokens by finger or face.

use super::*;

const BY_UV: Subcommand = Subcommand::PinUvAuthTokenUsingUvWithPermissions;

fn verify(fake: &mut Fake, permissions: Permissions) -> (Outcome<()>, Vec<UvMismatch>) {
    let mut heard = Vec::new();
    let outcome = fake.session(|session| {
        let mut mismatched = |mismatch| {
            heard.push(mismatch);
            ControlFlow::Continue(())
        };
        session
            .token_by_user_verification(permissions, None, &mut mismatched)
            .map(drop)
    });
    (outcome, heard)
}

/// How often the fake was asked to verify its user.
fn counting(fake: Fake) -> (Fake, std::rc::Rc<core::cell::Cell<u32>>) {
    let count = std::rc::Rc::new(core::cell::Cell::new(0));
    let counter = std::rc::Rc::clone(&count);
    let fake = fake.on(Command::ClientPin, move |parameters| {
        let request = client_pin::Request::parse(parameters).unwrap();
        if request.sub_command == BY_UV {
            assert_eq!(request.pin_hash_enc, None);
            assert!(request.permissions.is_some() && request.key_agreement.is_some());
            counter.set(counter.get() + 1);
        }
        None
    });
    (fake, count)
}

/// Answers getUVRetries.
fn uv_retries(fake: Fake, left: u8) -> Fake {
    fake.on(Command::ClientPin, move |parameters| {
        let request = client_pin::Request::parse(parameters).unwrap();
        (request.sub_command == Subcommand::UvRetries).then(|| {
            ok(&client_pin::Response {
                uv_retries: Some(left),
                ..Default::default()
            })
        })
    })
}

#[test]
fn a_finger_that_is_recognised_gives_a_token_at_once() {
    let (mut fake, count) = counting(Fake::new(CTAP_2_3));
    let everything = Permissions::CREDENTIAL_MANAGEMENT
        | Permissions::BIO_ENROLLMENT
        | Permissions::AUTHENTICATOR_CONFIG;
    let (outcome, heard) = verify(&mut fake, everything);
    assert_eq!((outcome, heard.len(), count.get()), (Ok(()), 0, 1));
}

#[test]
fn retries_are_told_without_a_try() {
    let mut fake = Fake::new(CTAP_2_3);
    assert_eq!(fake.session(|session| session.uv_retries()), Ok(5));
}

#[test]
fn a_finger_is_tried_as_often_as_the_token_prefers_and_no_more() {
    for (preferred, tries) in [(None, 1), (Some(0), 1), (Some(1), 1), (Some(3), 3)] {
        let info = Info {
            preferred_platform_uv_attempts: preferred,
            ..CTAP_2_3
        };
        let fake = Fake::new(info).pin_says(BY_UV, Status::UvInvalid);
        let (mut fake, count) = counting(fake);
        let (outcome, heard) = verify(&mut fake, Permissions::CREDENTIAL_MANAGEMENT);
        assert_eq!(outcome, Err(Error::UvInvalid { retries: Some(5) }));
        assert_eq!(count.get(), tries, "{preferred:?}");
        let last = heard.last().unwrap();
        assert!(!last.will_try_again && heard.len() == tries as usize);
        assert!(outcome.unwrap_err().pin_helps());
    }
}

#[test]
fn a_token_that_prefers_to_try_for_ever_is_not_let() {
    let info = Info {
        preferred_platform_uv_attempts: Some(u32::MAX),
        ..CTAP_2_3
    };
    let (mut fake, count) = counting(Fake::new(info).pin_says(BY_UV, Status::UvInvalid));
    verify(&mut fake, Permissions::CREDENTIAL_MANAGEMENT)
        .0
        .unwrap_err();
    assert_eq!(count.get(), 25);
}

#[test]
fn the_person_may_turn_to_the_pin_at_any_time() {
    let (mut fake, count) = counting(Fake::new(CTAP_2_3).pin_says(BY_UV, Status::UvInvalid));
    let outcome = fake.session(|session| {
        let permissions = Permissions::CREDENTIAL_MANAGEMENT;
        let mut enough = |_| ControlFlow::Break(());
        match session.token_by_user_verification(permissions, None, &mut enough) {
            Err(error) if error.pin_helps() => session.token(&pin("1234"), permissions, None),
            outcome => outcome,
        }
        .map(drop)
    });
    assert_eq!((outcome, count.get()), (Ok(()), 1));
}

#[test]
fn blocked_unrecognised_and_refused_are_told_apart() {
    for (status, error, pin_helps) in [
        (Status::UvBlocked, Error::UvBlocked, true),
        (Status::NotAllowed, Error::UvNotSetUp, true),
        (Status::OperationDenied, Error::Denied, false),
        (Status::UserActionTimeout, Error::NotTouched, false),
        (Status::KeepaliveCancel, Error::Cancelled, false),
        (
            Status::InvalidSubcommand,
            Error::Unsupported(Feature::UserVerification),
            true,
        ),
        (
            Status::UnauthorizedPermission,
            Error::PermissionRefused {
                permissions: Permissions::CREDENTIAL_MANAGEMENT,
            },
            false,
        ),
    ] {
        let mut fake = Fake::new(CTAP_2_3).pin_says(BY_UV, status);
        let (outcome, heard) = verify(&mut fake, Permissions::CREDENTIAL_MANAGEMENT);
        assert_eq!(outcome, Err(error), "{status}");
        assert!(
            heard.is_empty() && error.pin_helps() == pin_helps,
            "{status}"
        );
    }
    let mut last = uv_retries(Fake::new(CTAP_2_3).pin_says(BY_UV, Status::UvInvalid), 0);
    let (outcome, heard) = verify(&mut last, Permissions::CREDENTIAL_MANAGEMENT);
    assert_eq!((outcome, heard.len()), (Err(Error::UvBlocked), 0));
}

#[test]
fn a_permission_that_is_refused_is_named_as_the_specification_does() {
    let by_pin = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    let mut fake = Fake::new(CTAP_2_3).pin_says(by_pin, Status::UnauthorizedPermission);
    let permissions = Permissions::LARGE_BLOB_WRITE | Permissions::AUTHENTICATOR_CONFIG;
    let refused = fake.session(|session| session.token(&pin("1234"), permissions, None).err());
    assert_eq!(refused, Some(Error::PermissionRefused { permissions }));
    assert_eq!(
        refused.unwrap().to_string(),
        "the token does not give its permission for Large Blob Write (lbw), Authenticator \
         Configuration (acfg) in this way; try its PIN, or its own user verification"
    );
}

#[test]
fn what_the_token_cannot_verify_for_is_not_asked() {
    let with = |options: &'static [(&'static str, bool)]| Info {
        options,
        ..CTAP_2_3
    };
    let plain = with(&[("uv", true), ("pinUvAuthToken", true)]);
    let lacks = |feature| Error::Unsupported(feature);
    for (info, permissions, error) in [
        (
            CTAP_2_1,
            Permissions::GET_ASSERTION,
            lacks(Feature::UserVerification),
        ),
        (
            with(&[("uv", true)]),
            Permissions::GET_ASSERTION,
            lacks(Feature::UserVerification),
        ),
        (
            with(&[("uv", false), ("pinUvAuthToken", true)]),
            Permissions::GET_ASSERTION,
            Error::UvNotSetUp,
        ),
        (
            plain.clone(),
            Permissions::BIO_ENROLLMENT,
            lacks(Feature::UserVerificationForFingerprints),
        ),
        (
            plain,
            Permissions::AUTHENTICATOR_CONFIG,
            lacks(Feature::UserVerificationForConfiguration),
        ),
    ] {
        let mut fake = Fake::new(info);
        assert_eq!(verify(&mut fake, permissions).0, Err(error));
        assert_eq!(fake.asked, [Command::GetInfo]);
        assert!(error.pin_helps());
    }
}
