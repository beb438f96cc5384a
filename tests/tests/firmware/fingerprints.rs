//! Fingers: enrolled, listed, renamed, removed, and standing in for the PIN.

use crate::desk::{Desk, DeskSession, Error, pin};
use crate::key::Key;
use keysteward_core::ctap2::bio_enrollment::{FingerprintKind, SampleStatus};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::pin_protocol::PinUvAuthToken;
use keysteward_core::session::{Sample, UvMismatch};
use keysteward_tests::firmware::opensk::{SAMPLES, UV_RETRIES};
use std::ops::ControlFlow;

const PIN: &str = "1234";

stories! {
    a_sensor_describes_itself_without_a_pin on [opensk]
    a_finger_is_enrolled_sample_by_sample_renamed_and_removed on [opensk]
    whoever_stops_in_the_middle_enrols_nothing on [opensk]
    a_finger_stands_in_for_the_pin on [opensk]
    a_name_that_is_too_long_is_not_taken on [opensk]
}

fn for_fingers(session: &mut DeskSession<'_>) -> PinUvAuthToken {
    session
        .token(&pin(PIN), Permissions::BIO_ENROLLMENT, None)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn enroll(session: &mut DeskSession<'_>) -> Vec<u8> {
    let token = for_fingers(session);
    let id = session.enroll_fingerprint(&token, None, &mut |_| ControlFlow::Continue(()));
    id.unwrap().to_vec()
}

fn list(session: &mut DeskSession<'_>) -> Vec<(Vec<u8>, Option<String>)> {
    let token = for_fingers(session);
    let mut found = Vec::new();
    let listed = session.fingerprints(&token, &mut |info| {
        let name = info.template_friendly_name.map(str::to_owned);
        found.push((info.template_id.to_vec(), name));
        ControlFlow::Continue(())
    });
    listed.unwrap();
    found
}

fn a_sensor_describes_itself_without_a_pin(key: &Key) {
    Desk::with(key).session(|session| {
        let sensor = session.fingerprint_sensor().unwrap();
        assert_eq!(sensor.kind, Some(FingerprintKind::Touch));
        let samples = u32::try_from(SAMPLES).ok();
        assert_eq!(sensor.max_capture_samples_required_for_enroll, samples);
        assert_eq!(sensor.max_template_friendly_name, Some(64));
        assert_eq!(session.facts().unwrap().uv, Some(false));
    });
}

fn a_finger_is_enrolled_sample_by_sample_renamed_and_removed(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin(PIN)).unwrap();
        assert_eq!(list(session), []);
        let token = for_fingers(session);
        let mut heard = Vec::new();
        let id = session.enroll_fingerprint(&token, Some(5_000), &mut |sample| {
            heard.push(sample);
            ControlFlow::Continue(())
        });
        let id = id.unwrap().to_vec();
        let status = SampleStatus::Good;
        let good = [2, 1, 0].map(|remaining| Sample { status, remaining });
        assert_eq!(heard, good);
        assert_eq!(session.facts().unwrap().uv, Some(true));

        let token = for_fingers(session);
        session.rename_fingerprint(&token, &id, "thumb").unwrap();
        assert_eq!(list(session), [(id.clone(), Some("thumb".to_owned()))]);
        let token = for_fingers(session);
        session.remove_fingerprint(&token, &id).unwrap();
        assert_eq!(list(session), []);
        assert_eq!(session.facts().unwrap().uv, Some(false));
    });
}

fn whoever_stops_in_the_middle_enrols_nothing(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin(PIN)).unwrap();
        let token = for_fingers(session);
        let stopped = session.enroll_fingerprint(&token, None, &mut |_| ControlFlow::Break(()));
        assert_eq!(stopped, Err(Error::Cancelled));
        assert_eq!(list(session), []);
        // And the next enrolment begins from its beginning.
        let id = enroll(session);
        assert_eq!(list(session)[0].0, id);
    });
}

fn a_finger_stands_in_for_the_pin(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin(PIN)).unwrap();
        enroll(session);
    });
    Desk::with(key).session(|session| {
        let permissions = Permissions::CREDENTIAL_MANAGEMENT;
        let mut never = |_| panic!("the finger is known");
        let token = session.token_by_user_verification(permissions, None, &mut never);
        let metadata = session.credentials_metadata(&token.ok().unwrap());
        assert_eq!(metadata.unwrap().existing, 0);
    });
}

fn a_name_that_is_too_long_is_not_taken(key: &Key) {
    Desk::with(key).session(|session| {
        session.set_pin(&pin(PIN)).unwrap();
        let id = enroll(session);
        let token = for_fingers(session);
        let refused = session.rename_fingerprint(&token, &id, &"x".repeat(65));
        assert_eq!(refused, Err(Error::FingerprintNameTooLong));
    });
}

/// Asks for a token by finger; tells which mismatches were heard.
fn verify(session: &mut DeskSession<'_>) -> (Result<(), Error>, Vec<UvMismatch>) {
    let mut heard = Vec::new();
    let permissions = Permissions::CREDENTIAL_MANAGEMENT;
    let outcome = session.token_by_user_verification(permissions, None, &mut |mismatch| {
        heard.push(mismatch);
        ControlFlow::Continue(())
    });
    (outcome.map(drop), heard)
}

fn with_a_finger(key: &Key) -> Desk {
    let mut desk = Desk::with(key);
    desk.session(|session| {
        session.set_pin(&pin(PIN)).unwrap();
        enroll(session);
    });
    desk
}

#[test]
fn a_finger_is_tried_again_as_often_as_the_key_prefers() {
    let key = Key::opensk_among_strangers(2);
    with_a_finger(&key).session(|session| {
        let (outcome, heard) = verify(session);
        assert_eq!(outcome, Ok(()));
        let left: Vec<_> = heard.iter().map(|one| one.retries).collect();
        assert_eq!(left, [Some(UV_RETRIES - 1), Some(UV_RETRIES - 2)]);
        assert_eq!(session.uv_retries(), Ok(UV_RETRIES));
    });
}

#[test]
fn strangers_block_the_sensor_and_the_pin_opens_it() {
    let key = Key::opensk_among_strangers(usize::from(UV_RETRIES));
    with_a_finger(&key).session(|session| {
        let (outcome, heard) = verify(session);
        let retries = Some(UV_RETRIES - 3);
        assert_eq!(
            (outcome, heard.len()),
            (Err(Error::UvInvalid { retries }), 3)
        );
        let (outcome, heard) = verify(session);
        assert_eq!((outcome, heard.len()), (Err(Error::UvBlocked), 1));
        assert!(Error::UvBlocked.pin_helps());
        let permissions = Permissions::CREDENTIAL_MANAGEMENT;
        let by_pin = session.token(&pin(PIN), permissions, None);
        assert!(by_pin.is_ok());
        assert_eq!(verify(session).0, Ok(()));
    });
}
