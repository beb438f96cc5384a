//! authenticatorConfig.

use super::*;
use crate::ctap2::authenticator_config::SetMinPinLength;

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
