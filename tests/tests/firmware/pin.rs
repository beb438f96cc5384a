//! PINs: set, proved, changed, guessed, blocked.

use crate::desk::{Desk, Error, for_configuration, for_credentials, for_management, pin};
use crate::key::Key;
use keysteward_core::ctap2::Command;
use keysteward_core::ctap2::authenticator_config::SetMinPinLength;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::session::{PinRetries, PinRule};

stories! {
    a_pin_is_set_then_proved_then_changed on [opensk trussed ours]
    a_pin_of_63_bytes_and_one_beyond_ascii_work on [opensk trussed ours]
    a_wrong_pin_tells_the_tries_left_and_the_third_wants_a_replug on [opensk trussed ours]
    a_key_that_wants_a_replug_says_so on [opensk ours]
    the_last_wrong_pin_blocks_for_good on [opensk trussed ours]
    a_pin_that_is_too_short_for_this_key_is_named_so on [opensk trussed ours]
    a_forced_change_is_asked_for_and_wants_another_pin on [opensk trussed ours]
    a_new_pin_voids_the_tokens_of_the_old_one on [opensk trussed ours]
    a_token_is_good_for_what_it_was_asked_for_only on [opensk trussed ours]
}

fn a_pin_is_set_then_proved_then_changed(key: &Key) {
    let mut desk = Desk::with(key);
    desk.session(|session| {
        assert_eq!(session.facts().unwrap().client_pin, Some(false));
        let token = session.token(&pin("1234"), Permissions::CREDENTIAL_MANAGEMENT, None);
        assert_eq!(token.err(), Some(Error::PinNotSet));
        let change = session.change_pin(&pin("1234"), &pin("5678"));
        assert_eq!(change, Err(Error::PinNotSet));

        session.set_pin(&pin("correct horse")).unwrap();
        assert_eq!(session.facts().unwrap().client_pin, Some(true));
        for_management(session, "correct horse");

        session
            .change_pin(&pin("correct horse"), &pin("battery staple"))
            .unwrap();
        for_management(session, "battery staple");
        assert_eq!(session.set_pin(&pin("again")), Err(Error::PinAlreadySet));
    });
}

fn a_pin_of_63_bytes_and_one_beyond_ascii_work(key: &Key) {
    let (long, foreign) = ("x".repeat(63), "pässwörd ключ 鍵");
    Desk::with(key).session(|session| {
        session.set_pin(&pin(&long)).unwrap();
        for_management(session, &long);
        session.change_pin(&pin(&long), &pin(foreign)).unwrap();
        for_management(session, foreign);
    });
}

fn a_wrong_pin_tells_the_tries_left_and_the_third_wants_a_replug(key: &Key) {
    let mut desk = Desk::with(key);
    desk.session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        let mut guess = |text| {
            let token = session.token(&pin(text), Permissions::CREDENTIAL_MANAGEMENT, None);
            token.err()
        };
        assert_eq!(guess("0000"), Some(Error::PinInvalid { retries: Some(7) }));
        assert_eq!(guess("0001"), Some(Error::PinInvalid { retries: Some(6) }));
        let blocked = Error::PinAuthBlocked { retries: Some(5) };
        assert!(blocked.power_cycle_helps());
        assert_eq!(guess("0002"), Some(blocked));
        assert_eq!(guess("1234"), Some(blocked), "even the right one");
        let change = session.change_pin(&pin("1234"), &pin("5678"));
        assert_eq!(change, Err(blocked));
        assert_eq!(session.pin_retries().unwrap().left, 5);
    });

    drop(desk);
    Desk::with(key).session(|session| {
        for_management(session, "1234");
        assert_eq!(
            session.pin_retries().unwrap(),
            PinRetries {
                left: 8,
                power_cycle_needed: false,
            }
        );
    });
}

fn a_key_that_wants_a_replug_says_so(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        for _ in 0..3 {
            let change = session.change_pin(&pin("0000"), &pin("5678"));
            assert!(change.is_err());
        }
        assert_eq!(
            session.pin_retries().unwrap(),
            PinRetries {
                left: 5,
                power_cycle_needed: true,
            }
        );
    });
}

fn the_last_wrong_pin_blocks_for_good(key: &Key) {
    Desk::with(key).session(|session| session.set_pin(&pin("1234")).unwrap());
    for _ in 0..2 {
        let mut desk = Desk::with(key);
        for _ in 0..3 {
            let change = desk.session(|session| session.change_pin(&pin("0000"), &pin("5678")));
            assert!(change.is_err());
        }
    }
    Desk::with(key).session(|session| {
        let mut guess = |text: &str| {
            let token = session.token(&pin(text), Permissions::CREDENTIAL_MANAGEMENT, None);
            token.err()
        };
        assert_eq!(guess("0000"), Some(Error::PinInvalid { retries: Some(1) }));
        assert_eq!(guess("0000"), Some(Error::PinBlocked));
        assert_eq!(guess("1234"), Some(Error::PinBlocked));
        assert!(!Error::PinBlocked.power_cycle_helps());
    });
}

fn a_pin_that_is_too_short_for_this_key_is_named_so(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("123456")).unwrap();
        let token = for_configuration(session, "123456");
        let rules = SetMinPinLength {
            new_min_pin_length: Some(6),
            ..Default::default()
        };
        session.set_min_pin_length(&rules, Some(&token)).unwrap();
        let too_short = PinRule::TooShort {
            min: 6,
            code_points: 5,
        };
        let change = session.change_pin(&pin("123456"), &pin("12345"));
        assert_eq!(change, Err(Error::PinPolicy(too_short)));
        assert_eq!(session.pin_retries().unwrap().left, 8, "nothing was tried");
    });
}

fn a_forced_change_is_asked_for_and_wants_another_pin(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        let token = for_configuration(session, "1234");
        session.force_pin_change(Some(&token)).unwrap();
        assert!(session.facts().unwrap().force_pin_change);

        let refused = session.token(&pin("1234"), Permissions::CREDENTIAL_MANAGEMENT, None);
        assert_eq!(refused.err(), Some(Error::PinChangeRequired));
        let same = session.change_pin(&pin("1234"), &pin("1234"));
        assert_eq!(same, Err(Error::PinPolicy(PinRule::SameAsBefore)));

        session.change_pin(&pin("1234"), &pin("5678")).unwrap();
        assert!(!session.facts().unwrap().force_pin_change);
        for_management(session, "5678");
    });
}

fn a_new_pin_voids_the_tokens_of_the_old_one(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        let token = for_management(session, "1234");
        session.credentials_metadata(&token).unwrap();
        session.change_pin(&pin("1234"), &pin("5678")).unwrap();
        let command = Command::CredentialManagement;
        assert_eq!(
            session.credentials_metadata(&token),
            Err(Error::TokenRejected { command })
        );
    });
}

fn a_token_is_good_for_what_it_was_asked_for_only(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        let token = for_credentials(session, "1234");
        let command = Command::CredentialManagement;
        assert_eq!(
            session.credentials_metadata(&token),
            Err(Error::TokenRejected { command })
        );
        let command = Command::AuthenticatorConfig;
        assert_eq!(
            session.set_always_uv(true, Some(&token)),
            Err(Error::TokenRejected { command })
        );
    });
}
