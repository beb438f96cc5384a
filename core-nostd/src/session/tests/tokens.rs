//! How a PIN becomes a token, or why not.

use super::*;

const ASKED_ONCE: [Command; 3] = [Command::GetInfo, Command::ClientPin, Command::ClientPin];

/// Notes the subcommand of each token request.
fn noting(info: Info) -> (Fake, std::rc::Rc<core::cell::RefCell<Vec<Subcommand>>>) {
    let noted = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let notes = std::rc::Rc::clone(&noted);
    let fake = Fake::new(info).on(Command::ClientPin, move |parameters| {
        let request = client_pin::Request::parse(parameters).unwrap();
        notes.borrow_mut().push(request.sub_command);
        None
    });
    (fake, noted)
}

#[test]
fn permissions_are_asked_for_where_the_token_knows_them() {
    let (mut fake, noted) = noting(CTAP_2_1);
    token(&mut fake).unwrap();
    assert_eq!(fake.asked, ASKED_ONCE);
    assert_eq!(
        *noted.borrow(),
        [
            Subcommand::KeyAgreement,
            Subcommand::PinUvAuthTokenUsingPinWithPermissions,
        ]
    );
}

#[test]
fn older_tokens_are_asked_without_permissions() {
    for info in [CTAP_2_0, CTAP_2_1_PRE] {
        let (mut fake, noted) = noting(info);
        token(&mut fake).unwrap();
        let asked = [Subcommand::KeyAgreement, Subcommand::PinToken];
        assert_eq!(*noted.borrow(), asked);
    }
}

#[test]
fn a_preview_is_served_by_a_token_without_permissions() {
    let info = Info {
        options: &[
            ("clientPin", true),
            ("pinUvAuthToken", true),
            ("credentialMgmtPreview", true),
            ("userVerificationMgmtPreview", false),
        ],
        ..CTAP_2_1
    };
    let (plain, with_permissions) = (
        Subcommand::PinToken,
        Subcommand::PinUvAuthTokenUsingPinWithPermissions,
    );
    for (permissions, asked) in [
        (Permissions::CREDENTIAL_MANAGEMENT, plain),
        (Permissions::BIO_ENROLLMENT, plain),
        (
            Permissions::CREDENTIAL_MANAGEMENT | Permissions::GET_ASSERTION,
            plain,
        ),
        (Permissions::GET_ASSERTION, with_permissions),
        (
            Permissions::CREDENTIAL_MANAGEMENT | Permissions::AUTHENTICATOR_CONFIG,
            with_permissions,
        ),
    ] {
        let (mut fake, noted) = noting(info.clone());
        fake.session(|session| {
            session
                .token(&pin("1234"), permissions, Some("rp"))
                .map(drop)
        })
        .unwrap();
        assert_eq!(noted.borrow()[1], asked, "{permissions:?}");
    }
}

#[test]
fn a_token_that_does_not_keep_its_word_is_asked_without_permissions() {
    for status in [Status::InvalidSubcommand, Status::InvalidCommand] {
        let with_permissions = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
        let mut fake = Fake::new(CTAP_2_1).pin_says(with_permissions, status);
        token(&mut fake).unwrap();
    }
}

#[test]
fn a_wrong_pin_is_not_tried_a_second_time() {
    let with_permissions = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    let mut fake = Fake::new(CTAP_2_1)
        .pin_says(with_permissions, Status::PinInvalid)
        .pin_says(Subcommand::PinToken, Status::PinBlocked)
        .retries(7, None);
    let wrong = Error::PinInvalid { retries: Some(7) };
    assert_eq!(token(&mut fake), Err(wrong));
}

#[test]
fn keys_are_agreed_anew_for_every_try() {
    let seen = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let notes = std::rc::Rc::clone(&seen);
    let with_permissions = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    let refused = Status::PinInvalid;
    let mut fake = Fake::new(CTAP_2_1).pin_says(with_permissions, refused).on(
        Command::ClientPin,
        move |parameters| {
            let request = client_pin::Request::parse(parameters).unwrap();
            let platform = request.key_agreement.map(|key| *key.x);
            notes.borrow_mut().push((request.sub_command, platform));
            None
        },
    );
    fake.session(|session| {
        for _ in 0..2 {
            let permissions = Permissions::CREDENTIAL_MANAGEMENT;
            session
                .token(&pin("1234"), permissions, None)
                .err()
                .unwrap();
        }
    });
    let seen = seen.borrow();
    let order: Vec<_> = seen.iter().map(|(subcommand, _)| *subcommand).collect();
    let one_try = [
        Subcommand::KeyAgreement,
        with_permissions,
        Subcommand::PinRetries,
    ];
    assert_eq!(order, [one_try, one_try].concat());
    let platforms: Vec<_> = seen.iter().filter_map(|(_, platform)| *platform).collect();
    assert_eq!(platforms.len(), 2);
    assert_ne!(platforms[0], platforms[1]);
}

#[test]
fn a_refused_pin_is_told_by_what_helps() {
    let invalid = Status::PinInvalid;
    let replug = Status::PinAuthBlocked;
    for (status, left, power_cycle, error) in [
        (invalid, 5, None, Error::PinInvalid { retries: Some(5) }),
        (
            invalid,
            5,
            Some(false),
            Error::PinInvalid { retries: Some(5) },
        ),
        (
            invalid,
            5,
            Some(true),
            Error::PinAuthBlocked { retries: Some(5) },
        ),
        (invalid, 0, None, Error::PinBlocked),
        (
            replug,
            5,
            Some(true),
            Error::PinAuthBlocked { retries: Some(5) },
        ),
        (replug, 5, None, Error::PinAuthBlocked { retries: Some(5) }),
        (replug, 0, Some(true), Error::PinBlocked),
        (Status::PinBlocked, 0, None, Error::PinBlocked),
    ] {
        let with_permissions = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
        let mut fake = Fake::new(CTAP_2_1)
            .pin_says(with_permissions, status)
            .pin_says(Subcommand::ChangePin, status)
            .retries(left, power_cycle);
        assert_eq!(token(&mut fake), Err(error), "{status}");
        let changed = fake.session(|session| session.change_pin(&pin("1234"), &pin("5678")));
        assert_eq!(changed, Err(error), "{status}");
    }
}

#[test]
fn a_token_that_does_not_count_is_no_reason_to_hide_the_wrong_pin() {
    let with_permissions = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    let mut fake = Fake::new(CTAP_2_1)
        .pin_says(with_permissions, Status::PinInvalid)
        .pin_says(Subcommand::PinRetries, Status::OtherError);
    assert_eq!(token(&mut fake), Err(Error::PinInvalid { retries: None }));
}

#[test]
fn a_change_that_is_due_is_asked_for_before_the_pin_is_spent() {
    let due = Info {
        force_pin_change: Some(true),
        ..CTAP_2_1
    };
    let mut fake = Fake::new(due);
    assert_eq!(token(&mut fake), Err(Error::PinChangeRequired));
    assert_eq!(fake.asked, [Command::GetInfo]);

    let with_permissions = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    let policy = Status::PinPolicyViolation;
    let mut fake = Fake::new(CTAP_2_1).pin_says(with_permissions, policy);
    assert_eq!(token(&mut fake), Err(Error::PinChangeRequired));
}

#[test]
fn what_cannot_work_is_not_sent() {
    let without_pins = Info {
        options: &[("rk", true)],
        ..CTAP_2_1
    };
    let verifies_itself = Info {
        options: &[
            ("clientPin", true),
            ("pinUvAuthToken", true),
            ("noMcGaPermissionsWithClientPin", true),
        ],
        ..CTAP_2_1
    };
    let future_protocol = Info {
        pin_protocols: Some(&[3, 4]),
        ..CTAP_2_1
    };
    for (info, error) in [
        (without_pins, Error::Unsupported(Feature::ClientPin)),
        (CTAP_2_1_WITHOUT_PIN, Error::PinNotSet),
        (
            verifies_itself,
            Error::Unsupported(Feature::PinForCredentials),
        ),
        (future_protocol, Error::Unsupported(Feature::PinProtocol)),
    ] {
        let mut fake = Fake::new(info);
        let permissions = Permissions::MAKE_CREDENTIAL;
        let refused = fake.session(|session| {
            session
                .token(&pin("1234"), permissions, Some("login.example"))
                .err()
        });
        assert_eq!(refused, Some(error));
        assert_eq!(fake.asked, [Command::GetInfo]);
    }
}

#[test]
fn a_key_that_is_no_point_is_refused() {
    let mut fake = Fake::new(CTAP_2_1).on(Command::ClientPin, |_| {
        Some(ok(&client_pin::Response {
            key_agreement: Some(crate::webauthn::cose::KeyAgreementKey {
                x: &[1; 32],
                y: &[1; 32],
            }),
            ..Default::default()
        }))
    });
    assert_eq!(token(&mut fake), Err(Error::Crypto));
}

#[test]
fn an_answer_without_its_member_names_it() {
    let mut fake = Fake::new(CTAP_2_1).on(Command::ClientPin, |_| {
        Some(ok(&client_pin::Response::default()))
    });
    let error = cbor::Error::Missing {
        member: "keyAgreement (0x01)",
    };
    let command = Command::ClientPin;
    assert_eq!(token(&mut fake), Err(Error::Malformed { command, error }));
}
