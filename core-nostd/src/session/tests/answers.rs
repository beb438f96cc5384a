//! Exchanges, facts and errors.

use super::*;

#[test]
fn an_empty_answer_and_a_broken_one_are_told_apart() {
    let command = Command::GetInfo;
    let mut fake = Fake::new(CTAP_2_1).on(command, |_| Some(Vec::new()));
    let outcome = fake.session(|session| session.facts());
    assert_eq!(outcome, Err(Error::EmptyAnswer { command }));

    let mut fake = Fake::new(CTAP_2_1).on(command, |_| Some(std::vec![0, 0xA1, 0x01]));
    let outcome = fake.session(|session| session.facts());
    assert!(
        matches!(outcome, Err(Error::Malformed { .. })),
        "{outcome:?}"
    );
}

#[test]
fn a_request_longer_than_the_token_takes_is_not_sent() {
    // Every token takes 1,024 bytes, whatever it says.
    for (says, max) in [(None, 1024), (Some(0), 1024), (Some(1200), 1200)] {
        let mut fake = Fake::new(Info {
            max_msg_size: says,
            ..CTAP_2_1
        });
        let mut ask = |rp_id: &str| {
            let permissions = Permissions::GET_ASSERTION;
            fake.session(|session| {
                session
                    .token(&pin("1234"), permissions, Some(rp_id))
                    .map(drop)
            })
        };
        assert_eq!(ask(&"x".repeat(800)), Ok(()));
        let command = Command::ClientPin;
        let too_long = Err(Error::RequestTooLong { command, max });
        assert_eq!(ask(&"x".repeat(1300)), too_long);
    }
}

#[test]
fn a_lost_link_keeps_its_reason() {
    // Longer than the greatest response.
    let mut fake = Fake::new(CTAP_2_1).on(Command::GetInfo, |_| Some(std::vec![0; 8000]));
    let outcome = fake.session(|session| session.facts());
    assert_eq!(outcome, Err(Error::Transport(Lost)));
}

#[test]
fn facts_follow_what_the_token_says() {
    let facts = |info: Info| Fake::new(info).session(|session| session.facts()).unwrap();
    let new = facts(CTAP_2_1);
    assert_eq!(new.pin_protocol, Some(PinProtocol::Two));
    assert_eq!(
        new.credential_management,
        Some(Command::CredentialManagement)
    );
    assert!(new.selection);
    let between = facts(CTAP_2_1_PRE);
    assert_eq!(between.pin_protocol, Some(PinProtocol::One));
    assert_eq!(
        between.credential_management,
        Some(Command::CredentialManagementPreview)
    );
    assert!(!between.selection);
    assert_eq!(between.max_msg_size, 1024);
    let old = facts(CTAP_2_0);
    assert_eq!(old.pin_protocol, Some(PinProtocol::One));
    assert_eq!(old.credential_management, None);
    let unheard_of = facts(Info {
        versions: &["FIDO_2_9"],
        pin_protocols: Some(&[3, 1]),
        ..CTAP_2_0
    });
    assert!(unheard_of.selection);
    assert_eq!(unheard_of.pin_protocol, Some(PinProtocol::One));
}

#[test]
fn every_status_is_an_error_that_can_be_read() {
    let command = Command::GetAssertion;
    let mut table = String::new();
    for code in 1..=u8::MAX {
        let error = Error::<Lost>::from_status(command, Status::from(code));
        if !matches!(error, Error::Refused { .. }) {
            table += &std::format!("{code:02X} {error}\n");
            continue;
        }
        let status = Status::from(code);
        assert_eq!(error, Error::Refused { command, status });
    }
    assert_eq!(table, include_str!("statuses.txt"));
}
