//! authenticatorConfig.

use super::*;
use crate::cbor::{List, Raw};
use crate::ctap2::authenticator_config::{SetMinPinLength, VendorPrototype};

#[test]
fn a_subcommand_that_the_token_does_not_list_is_not_sent() {
    let lists_two = Info {
        config_commands: Some(&[1, 2]),
        ..CTAP_2_1
    };
    let mut fake = Fake::new(lists_two);
    fake.session(|session| {
        let rules = SetMinPinLength {
            new_min_pin_length: Some(6),
            ..Default::default()
        };
        let refused = session.set_min_pin_length(&rules, None);
        let lacks = Error::Unsupported(Feature::AuthenticatorConfig);
        assert_eq!(refused, Err(lacks));
        session.enable_enterprise_attestation(None).unwrap();
        session.set_always_uv(true, None).unwrap();
    });
    let sent = fake.asked.iter();
    let sent = sent.filter(|one| **one == Command::AuthenticatorConfig);
    assert_eq!(sent.count(), 2);
}

#[test]
fn what_is_as_wanted_is_left_alone() {
    let mut fake = Fake::new(CTAP_2_1);
    fake.session(|session| session.set_always_uv(false, None))
        .unwrap();
    assert_eq!(fake.asked, [Command::GetInfo]);
}

#[test]
fn a_token_without_configuration_is_told_so() {
    let mut fake = Fake::new(CTAP_2_1_WITHOUT_PIN);
    fake.session(|session| {
        for (outcome, feature) in [
            (session.force_pin_change(None), Feature::SetMinPinLength),
            (session.set_always_uv(true, None), Feature::AlwaysUv),
            (
                session.enable_enterprise_attestation(None),
                Feature::EnterpriseAttestation,
            ),
            (
                session.enable_long_touch_for_reset(None),
                Feature::LongTouchForReset,
            ),
        ] {
            assert_eq!(outcome, Err(Error::Unsupported(feature)));
        }
    });
    assert!(!fake.asked.contains(&Command::AuthenticatorConfig));
}

#[test]
fn parameters_go_out_as_they_are_authenticated() {
    let mut fake = Fake::new(CTAP_2_1).on(Command::AuthenticatorConfig, |parameters| {
        let request = authenticator_config::Request::parse(parameters).unwrap();
        let sent = request.sub_command_params.unwrap();
        assert_eq!(sent.bytes(), [0xA1, 0x03, 0xF5]);
        assert_eq!(request.pin_uv_auth_param.unwrap().len(), 32);
        None
    });
    let permissions = Permissions::AUTHENTICATOR_CONFIG;
    fake.session(|session| {
        let token = session.token(&pin("1234"), permissions, None)?;
        session.force_pin_change(Some(&token))
    })
    .unwrap();
}

#[test]
fn a_long_touch_is_switched_on_once() {
    for (is, sent) in [(false, 1), (true, 0)] {
        let info = Info {
            long_touch_for_reset: Some(is),
            ..CTAP_2_1
        };
        let mut fake = Fake::new(info);
        fake.session(|session| session.enable_long_touch_for_reset(None))
            .unwrap();
        let configured = fake.asked.iter();
        let configured = configured.filter(|one| **one == Command::AuthenticatorConfig);
        assert_eq!(configured.count(), sent);
    }
}

fn configured(fake: &Fake) -> usize {
    let commands = fake.asked.iter();
    commands
        .filter(|one| **one == Command::AuthenticatorConfig)
        .count()
}

#[test]
fn rules_that_cannot_be_are_not_sent() {
    let current = 4;
    let grow = Error::PinPolicy(PinRule::MinLengthMayOnlyGrow { current });
    let above = Error::PinPolicy(PinRule::MinLengthAboveMax { max: 63 });
    let lacks = Error::Unsupported(Feature::PinComplexityPolicy);
    let too_many = Error::TooManyRpIds { max: Some(2) };
    let length = |new| SetMinPinLength {
        new_min_pin_length: Some(new),
        ..Default::default()
    };
    let complex = SetMinPinLength {
        pin_complexity_policy: Some(true),
        ..Default::default()
    };
    let three = SetMinPinLength {
        min_pin_length_rp_ids: Some(List::new(&["a", "b", "c"])),
        ..Default::default()
    };
    for (info, rules, error) in [
        (CTAP_2_1, length(3), grow),
        (CTAP_2_1, length(64), above),
        (CTAP_2_1, complex, lacks),
        (CTAP_2_3, three, too_many),
    ] {
        let mut fake = Fake::new(info);
        let refused = fake.session(|session| session.set_min_pin_length(&rules, None));
        assert_eq!(refused, Err(error));
        assert_eq!(configured(&fake), 0);
    }
}

#[test]
fn what_the_token_says_of_rules_is_told_as_what_it_means() {
    let refusing = |status, rules: &SetMinPinLength<'_>| {
        let mut fake = Fake::new(CTAP_2_3).says(Command::AuthenticatorConfig, status);
        fake.session(|session| session.set_min_pin_length(rules, None))
    };
    let two = SetMinPinLength {
        min_pin_length_rp_ids: Some(List::new(&["a", "b"])),
        ..Default::default()
    };
    let too_many = Err(Error::TooManyRpIds { max: Some(2) });
    assert_eq!(refusing(Status::KeyStoreFull, &two), too_many);
    let change = SetMinPinLength {
        force_change_pin: Some(true),
        ..Default::default()
    };
    assert_eq!(refusing(Status::PinNotSet, &change), Err(Error::PinNotSet));
    assert_eq!(
        refusing(Status::PuatRequired, &change),
        Err(Error::PinRequired)
    );
}

#[test]
fn complexity_is_enforced_once() {
    for (is, sent) in [(false, 1), (true, 0)] {
        let info = Info {
            pin_complexity_policy: Some(is),
            ..CTAP_2_3
        };
        let mut fake = Fake::new(info).on(Command::AuthenticatorConfig, |parameters| {
            let request = authenticator_config::Request::parse(parameters).unwrap();
            assert_eq!(request.sub_command_params.unwrap().bytes(), [0xA1, 4, 0xF5]);
            None
        });
        fake.session(|session| session.enforce_pin_complexity(None))
            .unwrap();
        assert_eq!(configured(&fake), sent);
    }
}

#[test]
fn verification_that_cannot_be_switched_off_is_named_so() {
    let always = Info {
        options: &[("alwaysUv", true), ("authnrCfg", true)],
        ..CTAP_2_1
    };
    let denied = Status::OperationDenied;
    let mut fake = Fake::new(always).says(Command::AuthenticatorConfig, denied);
    let refused = fake.session(|session| session.set_always_uv(false, None));
    assert_eq!(refused, Err(Error::Unsupported(Feature::AlwaysUvOff)));
    let mut fake = Fake::new(CTAP_2_1).says(Command::AuthenticatorConfig, denied);
    let refused = fake.session(|session| session.set_always_uv(true, None));
    assert_eq!(refused, Err(Error::Denied));
}

#[test]
fn a_vendors_command_goes_to_who_lists_it() {
    let listing = Info {
        vendor_commands: Some(&[0x1122_3344_5566]),
        ..CTAP_2_1
    };
    let mut room = [0; 8];
    let members = [(2, Raw::encode_in(&true, &mut room).unwrap())];
    let send = |fake: &mut Fake, id| {
        fake.session(|session| session.vendor_prototype(&VendorPrototype::new(id, &members), None))
    };
    let mut fake = Fake::new(listing).on(Command::AuthenticatorConfig, |parameters| {
        let request = authenticator_config::Request::parse(parameters).unwrap();
        assert_eq!(u8::from(request.sub_command), 0xFF);
        let params = request.sub_command_params.unwrap();
        let params = VendorPrototype::parse(params.bytes()).unwrap();
        assert_eq!(params.vendor_command_id(), 0x1122_3344_5566);
        assert_eq!(params.member(2).unwrap().bytes(), [0xF5]);
        None
    });
    send(&mut fake, 0x1122_3344_5566).unwrap();
    assert_eq!(configured(&fake), 1);
    let lacks = Err(Error::Unsupported(Feature::VendorPrototype));
    assert_eq!(send(&mut fake, 7), lacks);
    assert_eq!(send(&mut Fake::new(CTAP_2_1), 7), lacks);
    assert_eq!(configured(&fake), 1);
}
