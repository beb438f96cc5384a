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
