//! Rules for PINs, enterprise attestation, alwaysUv.

use crate::desk::{Desk, Error, for_configuration, pin};
use crate::key::Key;
use keysteward_core::cbor::List;
use keysteward_core::ctap2::authenticator_config::SetMinPinLength;
use keysteward_core::session::{Feature, PinRule};

stories! {
    the_minimum_pin_length_grows_and_never_shrinks on [opensk trussed ours]
    relying_parties_can_be_told_the_length on [opensk trussed ours]
    a_key_without_pin_is_configured_without_token on [opensk trussed ours]
    a_key_with_pin_is_not_configured_without_token on [opensk trussed ours]
    always_uv_is_switched_to_what_was_asked_for on [opensk trussed ours]
    enterprise_attestation_is_switched_on on [opensk_for_enterprises ours_for_enterprises]
    a_key_without_enterprise_attestation_is_told_so on [opensk trussed ours]
}

fn the_minimum_pin_length_grows_and_never_shrinks(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("12345678")).unwrap();
        let token = for_configuration(session, "12345678");
        let length = |length| SetMinPinLength {
            new_min_pin_length: Some(length),
            ..Default::default()
        };
        session
            .set_min_pin_length(&length(8), Some(&token))
            .unwrap();
        assert_eq!(session.facts().unwrap().min_pin_length, 8);
        assert!(!session.facts().unwrap().force_pin_change, "8 is enough");
        let token = for_configuration(session, "12345678");
        assert_eq!(
            session.set_min_pin_length(&length(7), Some(&token)),
            Err(Error::PinPolicy(PinRule::MinLengthMayOnlyGrow {
                current: 8
            }))
        );
        session
            .set_min_pin_length(&length(9), Some(&token))
            .unwrap();
        assert!(session.facts().unwrap().force_pin_change, "8 is too short");
    });
}

fn relying_parties_can_be_told_the_length(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        let token = for_configuration(session, "1234");
        let rules = SetMinPinLength {
            min_pin_length_rp_ids: Some(List::new(&["one.example", "two.example"])),
            ..Default::default()
        };
        session.set_min_pin_length(&rules, Some(&token)).unwrap();
    });
}

fn a_key_without_pin_is_configured_without_token(key: &Key) {
    Desk::with(key).session(|session| {
        let rules = SetMinPinLength {
            new_min_pin_length: Some(5),
            ..Default::default()
        };
        session.set_min_pin_length(&rules, None).unwrap();
        let too_short = PinRule::TooShort {
            min: 5,
            code_points: 4,
        };
        let set = session.set_pin(&pin("1234"));
        assert_eq!(set, Err(Error::PinPolicy(too_short)));
        assert_eq!(
            session.force_pin_change(None),
            Err(Error::PinNotSet),
            "there is none to change"
        );
    });
}

fn a_key_with_pin_is_not_configured_without_token(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        assert_eq!(session.force_pin_change(None), Err(Error::PinRequired));
        assert!(!session.facts().unwrap().force_pin_change);
    });
}

fn always_uv_is_switched_to_what_was_asked_for(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        for on in [false, true, true, false] {
            let token = for_configuration(session, "1234");
            session.set_always_uv(on, Some(&token)).unwrap();
            assert_eq!(session.facts().unwrap().always_uv, Some(on));
        }
    });
}

fn enterprise_attestation_is_switched_on(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        assert_eq!(session.facts().unwrap().ep, Some(false));
        let token = for_configuration(session, "1234");
        session.enable_enterprise_attestation(Some(&token)).unwrap();
        assert_eq!(session.facts().unwrap().ep, Some(true));
        session.enable_enterprise_attestation(Some(&token)).unwrap();
    });
}

fn a_key_without_enterprise_attestation_is_told_so(key: &Key) {
    Desk::with(key).session(|session| {
        assert_eq!(
            session.enable_enterprise_attestation(None),
            Err(Error::Unsupported(Feature::EnterpriseAttestation))
        );
    });
}
