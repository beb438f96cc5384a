//! Rules for PINs.

use super::*;

#[test]
fn a_pin_that_breaks_a_known_rule_is_not_sent() {
    let rules = Info {
        min_pin_length: Some(6),
        max_pin_length: Some(8),
        ..CTAP_2_1_WITHOUT_PIN
    };
    for (text, rule) in [
        (
            "12345",
            PinRule::TooShort {
                min: 6,
                code_points: 5,
            },
        ),
        (
            "123456789",
            PinRule::TooLong {
                max: 8,
                code_points: 9,
            },
        ),
    ] {
        let mut fake = Fake::new(rules.clone());
        let refused = fake.session(|session| session.set_pin(&pin(text)));
        assert_eq!(refused, Err(Error::PinPolicy(rule)));
        assert_eq!(fake.asked, [Command::GetInfo]);
    }
}

/// The rule that a token had in mind when it refused to set "1234".
fn rule_found(info: Info, new_info: Info) -> Error<Lost> {
    let mut fake = Fake::new(info).pin_says(Subcommand::SetPin, Status::PinPolicyViolation);
    let mut first = true;
    fake = fake.on(Command::GetInfo, {
        let mut later = Fake::new(new_info);
        move |_| {
            if core::mem::take(&mut first) {
                return None;
            }
            let mut response = [0; 512];
            let mut ignore = |_| ControlFlow::Continue(());
            let answer = later.exchange(&[0x04], &mut response, Millis(0), &mut ignore);
            Some(answer.unwrap().to_vec())
        }
    });
    fake.session(|session| session.set_pin(&pin("1234")))
        .unwrap_err()
}

#[test]
fn a_policy_violation_is_explained_where_it_can_be() {
    let complex = Info {
        pin_complexity_policy: Some(true),
        ..CTAP_2_1_WITHOUT_PIN
    };
    let longer = Info {
        min_pin_length: Some(8),
        ..CTAP_2_1_WITHOUT_PIN
    };
    let plain = CTAP_2_1_WITHOUT_PIN;
    let too_short = PinRule::TooShort {
        min: 8,
        code_points: 4,
    };
    for (now, rule) in [
        (complex, PinRule::Complexity),
        (longer, too_short),
        (plain, PinRule::Unknown),
    ] {
        let found = rule_found(CTAP_2_1_WITHOUT_PIN, now);
        assert_eq!(found, Error::PinPolicy(rule));
    }
}

#[test]
fn the_last_pin_again_is_named_so() {
    let refuses = || {
        let refused = Status::PinPolicyViolation;
        Fake::new(CTAP_2_1).pin_says(Subcommand::ChangePin, refused)
    };
    let change =
        |new: &str| refuses().session(|session| session.change_pin(&pin("1234"), &pin(new)));
    assert_eq!(change("1234"), Err(Error::PinPolicy(PinRule::SameAsBefore)));
    assert_eq!(change("4321"), Err(Error::PinPolicy(PinRule::Unknown)));
}

#[test]
fn a_pin_that_was_set_meanwhile_is_not_overwritten() {
    for status in [Status::PinAuthInvalid, Status::NotAllowed] {
        let mut fake = Fake::new(CTAP_2_1_WITHOUT_PIN).pin_says(Subcommand::SetPin, status);
        let refused = fake.session(|session| session.set_pin(&pin("1234")));
        assert_eq!(refused, Err(Error::PinAlreadySet));
    }
}

#[test]
fn facts_are_asked_once_until_something_changes() {
    let mut fake = Fake::new(CTAP_2_1_WITHOUT_PIN);
    fake.session(|session| {
        session.facts().unwrap();
        session.set_pin(&pin("1234")).unwrap();
        session.facts().unwrap();
        session.facts().unwrap();
    });
    let infos = fake.asked.iter().filter(|one| **one == Command::GetInfo);
    assert_eq!(infos.count(), 2);
}
