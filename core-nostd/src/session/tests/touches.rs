//! Selection and reset.

use super::*;

#[test]
fn older_tokens_are_selected_by_a_request_that_they_refuse() {
    for status in [
        Status::PinInvalid,
        Status::PinNotSet,
        Status::PinAuthInvalid,
        Status::Ok,
    ] {
        for info in [CTAP_2_0, CTAP_2_1_PRE] {
            let mut fake = Fake::new(info).says(Command::MakeCredential, status);
            fake.session(|session| session.select()).unwrap();
            assert_eq!(fake.asked, [Command::GetInfo, Command::MakeCredential]);
        }
    }
}

#[test]
fn newer_tokens_are_selected_by_the_command_for_it() {
    let mut fake = Fake::new(CTAP_2_1);
    fake.session(|session| session.select()).unwrap();
    assert_eq!(fake.asked, [Command::GetInfo, Command::Selection]);

    let mut fake = Fake::new(CTAP_2_1)
        .says(Command::Selection, Status::InvalidCommand)
        .says(Command::MakeCredential, Status::PinInvalid);
    fake.session(|session| session.select()).unwrap();
}

#[test]
fn a_selection_that_fails_is_no_selection() {
    for (status, error) in [
        (Status::UserActionTimeout, Error::NotTouched),
        (Status::ActionTimeout, Error::NotTouched),
        (Status::OperationDenied, Error::Denied),
        (Status::KeepaliveCancel, Error::Cancelled),
        (Status::PuatRequired, Error::PinRequired),
    ] {
        let mut fake = Fake::new(CTAP_2_1).says(Command::Selection, status);
        assert_eq!(fake.session(|session| session.select()), Err(error));
        let mut fake = Fake::new(CTAP_2_0).says(Command::MakeCredential, status);
        assert_eq!(fake.session(|session| session.select()), Err(error));
    }
}

#[test]
fn a_refused_reset_says_what_to_do() {
    for (status, error) in [
        (Status::NotAllowed, Error::ResetTooLate),
        (Status::OperationDenied, Error::ResetDenied),
        (Status::UserActionTimeout, Error::NotTouched),
        (Status::ActionTimeout, Error::NotTouched),
        (Status::KeepaliveCancel, Error::Cancelled),
    ] {
        let mut fake = Fake::new(CTAP_2_1).says(Command::Reset, status);
        assert_eq!(fake.session(|session| session.reset()), Err(error));
        assert_eq!(fake.asked, [Command::Reset], "nothing goes before a reset");
    }
}

#[test]
fn a_short_touch_is_told_where_a_long_one_is_due() {
    let reset = |long_touch_for_reset, status| {
        let info = Info {
            long_touch_for_reset,
            ..CTAP_2_1
        };
        let mut fake = Fake::new(info.clone());
        let facts = fake.session(|session| session.facts()).unwrap();
        // Plugged in again: what is known is not asked.
        let mut fake = Fake::new(info).says(Command::Reset, status);
        let outcome = fake.session(|session| {
            session.remember(facts);
            session.reset()
        });
        assert_eq!(fake.asked, [Command::Reset]);
        outcome
    };
    for status in [
        Status::UserActionTimeout,
        Status::ActionTimeout,
        Status::OperationDenied,
    ] {
        let too_short = Err(Error::ResetTouchTooShort);
        assert_eq!(reset(Some(true), status), too_short);
    }
    assert_eq!(
        reset(Some(false), Status::UserActionTimeout),
        Err(Error::NotTouched)
    );
    assert_eq!(
        reset(Some(true), Status::NotAllowed),
        Err(Error::ResetTooLate)
    );
    assert_eq!(reset(Some(true), Status::Ok), Ok(()));
}

#[test]
fn a_token_says_where_it_takes_a_reset() {
    let facts = |transports_for_reset| {
        let info = Info {
            transports_for_reset,
            ..CTAP_2_3
        };
        Fake::new(info).session(|session| session.facts()).unwrap()
    };
    let silent = facts(None);
    assert_eq!(silent.takes_reset_over("usb"), None);
    let two = facts(Some(&["usb", "smart-card", "telepathy"]));
    for (transport, takes) in [
        ("usb", true),
        ("nfc", false),
        ("ble", false),
        ("smart-card", true),
        ("telepathy", false),
    ] {
        assert_eq!(two.takes_reset_over(transport), Some(takes), "{transport}");
    }
}

#[test]
fn a_selection_by_refusal_names_a_protocol_that_the_token_speaks() {
    let second_only = Info {
        pin_protocols: Some(&[2]),
        ..CTAP_2_0
    };
    for (info, protocol) in [(CTAP_2_0, 1), (second_only, 2)] {
        let mut fake = Fake::new(info).on(Command::MakeCredential, move |parameters| {
            let request = crate::ctap2::make_credential::Request::parse(parameters).unwrap();
            assert_eq!(request.pin_uv_auth_param, Some(&[][..]));
            assert_eq!(request.pin_uv_auth_protocol, Some(protocol));
            Some(answer(Status::PinInvalid))
        });
        fake.session(|session| session.select()).unwrap();
    }
}
