//! An honest fingerprint sensor: what a person hears while a finger is enrolled, and what is left of
//! an enrolment that does not come to its end.

use std::time::Duration;

use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{authenticator::Sample, device::TouchPolicy, manufacture::Profile};
use proto::{
    lease_request, lease_response::Response, outcome::State, progress::Kind, step::Verb,
    step_error::Code, step_result::Result as Answer,
};

use crate::harness::{Host, Key, Lease, PIN, SOON};

const THUMB: u32 = 1;
const INDEX: u32 = 2;
/// Good samples that the key wants of a finger.
const SAMPLES: u32 = 4;
/// Fingers that the key has room for.
const FINGERS: u32 = 5;

/// A key with a sensor and a PIN, which is touched when the test says so.
async fn key_on(host: &Host, profile: Profile) -> Key {
    let key = Key::of_profile(host.folder.path(), Some("KS-1"), profile);
    host.lease().await.set_pin("setup").await;
    key.device.set_touch_policy(TouchPolicy::Ask);
    key
}

fn enroll(name: &str) -> Verb {
    Verb::EnrollFingerprint(proto::EnrollFingerprint {
        pin: PIN.to_owned(),
        name: name.to_owned(),
    })
}

fn rename(template_id: &[u8], name: &str) -> Verb {
    Verb::RenameFingerprint(proto::RenameFingerprint {
        pin: PIN.to_owned(),
        template_id: template_id.to_vec(),
        name: name.to_owned(),
    })
}

fn remove(template_id: &[u8]) -> Verb {
    Verb::RemoveFingerprint(proto::RemoveFingerprint {
        pin: PIN.to_owned(),
        template_id: template_id.to_vec(),
    })
}

async fn fingers(lease: &mut Lease) -> Vec<proto::Fingerprint> {
    let list = Verb::ListFingerprints(proto::ListFingerprints {
        pin: PIN.to_owned(),
    });
    match lease.step("", list).await.unwrap() {
        Answer::FingerprintList(list) => list.fingerprints,
        other => panic!("{other:?}"),
    }
}

fn code(status: SampleStatus) -> u32 {
    u8::from(status).into()
}

/// Lays a finger on the sensor once it waits for one.
async fn lay(key: &Key, finger: u32, quality: SampleStatus) {
    key.waits_for_touch().await;
    key.device.set_finger(Sample { finger, quality });
    key.device.touch().unwrap();
}

/// What is told of the next sample: to a program, and to a person.
async fn told(lease: &mut Lease) -> (proto::FingerprintSample, String) {
    loop {
        let next = tokio::time::timeout(SOON, lease.answers.message()).await;
        match next.expect("a sample").unwrap().unwrap().response.unwrap() {
            Response::Progress(proto::Progress {
                sample: Some(sample),
                message,
                ..
            }) => return (sample, message),
            Response::Progress(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Enrols a finger, well laid each time.
async fn enrolled(lease: &mut Lease, key: &Key, step: &str, finger: u32) -> proto::Fingerprint {
    lease.begin(step, enroll(step)).await;
    for _ in 0..SAMPLES {
        lay(key, finger, SampleStatus::Good).await;
        told(lease).await;
    }
    match lease.done().await.unwrap() {
        Answer::FingerprintEnrolled(fingerprint) => fingerprint,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_sample_is_told_with_what_was_wrong_with_it_and_how_many_are_missing() {
    use SampleStatus::{
        Good, MergeFailure, NoUserPresenceTransition, Other, PoorQuality, TooFast, TooHigh,
        TooLeft, TooLow, TooRight, TooShort, TooSkewed, TooSlow,
    };
    for profile in [Profile::Biometric, Profile::Ctap21Pre] {
        let host = Host::new().await;
        let key = key_on(&host, profile).await;
        let mut lease = host.lease().await;
        lease.begin("enroll", enroll("thumb")).await;
        let asked = lease.hears(Kind::FingerNeeded).await;
        assert!(asked.starts_with("lay your finger on the Virtual Key"));
        for (finger, laid, heard, remaining, words) in [
            (THUMB, Good, Good, 3, "the sample is good; 3 more to come"),
            (THUMB, TooHigh, TooHigh, 3, "too far up; 3 more to come"),
            (THUMB, TooLow, TooLow, 3, "too far down; 3 more"),
            (THUMB, TooLeft, TooLeft, 3, "to the left; 3 more"),
            (THUMB, TooRight, TooRight, 3, "to the right; 3 more"),
            (THUMB, TooFast, TooFast, 3, "too fast; 3 more"),
            (THUMB, TooSlow, TooSlow, 3, "too slowly; 3 more"),
            (THUMB, Good, Good, 2, "the sample is good; 2 more"),
            (THUMB, PoorQuality, PoorQuality, 2, "poor quality; 2 more"),
            (THUMB, TooSkewed, TooSkewed, 2, "askew; 2 more"),
            (THUMB, TooShort, TooShort, 2, "lifted too soon; 2 more"),
            (INDEX, Good, MergeFailure, 2, "does not fit those before"),
            (
                THUMB,
                NoUserPresenceTransition,
                NoUserPresenceTransition,
                2,
                "not lifted after the last",
            ),
            (THUMB, Other(0x7F), Other(0x7F), 2, "0x7f"),
            (THUMB, Good, Good, 1, "the sample is good; once more"),
            (THUMB, Good, Good, 0, "good; that was the last one"),
        ] {
            lay(&key, finger, laid).await;
            let (sample, message) = told(&mut lease).await;
            assert_eq!(
                (sample.status, sample.remaining),
                (code(heard), remaining),
                "{profile}, {laid:?}"
            );
            assert_eq!(sample.meaning, heard.to_string());
            assert!(message.contains(words), "{message}");
        }
        let Ok(Answer::FingerprintEnrolled(thumb)) = lease.done().await else {
            panic!("not enrolled");
        };
        assert_eq!(fingers(&mut lease).await, [thumb], "{profile}");
    }
}

#[tokio::test]
async fn a_finger_that_does_not_come_is_waited_for_again_until_the_step_is_over() {
    let host = Host::new().await;
    let key = key_on(&host, Profile::Biometric).await;
    let mut lease = host.lease().await;
    lease.begin("enroll", enroll("thumb")).await;
    lay(&key, THUMB, SampleStatus::Good).await;
    assert_eq!(told(&mut lease).await.0.remaining, SAMPLES - 1);
    key.waits_for_touch().await;
    // The sensor gives the sample up by itself.
    key.device.advance(Duration::from_secs(31));
    let (sample, message) = told(&mut lease).await;
    assert_eq!(sample.status, code(SampleStatus::NoUserActivity));
    assert_eq!(sample.remaining, SAMPLES - 1);
    assert!(message.contains("no finger was laid"), "{message}");
    for _ in 1..SAMPLES {
        lay(&key, THUMB, SampleStatus::Good).await;
        told(&mut lease).await;
    }
    assert!(lease.done().await.is_ok());

    lease.begin_within("late", enroll("index"), 500).await;
    lay(&key, INDEX, SampleStatus::Good).await;
    told(&mut lease).await;
    let late = lease.done().await.unwrap_err();
    assert_eq!(late.code(), Code::TouchTimeout, "{late:?}");
    assert_eq!(fingers(&mut lease).await.len(), 1);
}

#[tokio::test]
async fn an_enrolment_that_is_cancelled_leaves_no_template_and_the_next_begins_anew() {
    let host = Host::new().await;
    let key = key_on(&host, Profile::Biometric).await;
    let mut lease = host.lease().await;
    lease.begin("enroll", enroll("thumb")).await;
    for _ in 1..SAMPLES {
        lay(&key, THUMB, SampleStatus::Good).await;
        told(&mut lease).await;
    }
    key.waits_for_touch().await;
    lease
        .send(lease_request::Request::Cancel(proto::Cancel {}))
        .await;
    let cancelled = lease.done().await.unwrap_err();
    assert_eq!(cancelled.code(), Code::Cancelled, "{cancelled:?}");
    assert_eq!(fingers(&mut lease).await, []);
    // Were the three samples kept, one would be enough.
    let again = enrolled(&mut lease, &key, "again", THUMB).await;
    assert_eq!(fingers(&mut lease).await, [again]);
}

#[tokio::test]
async fn a_key_that_is_pulled_out_in_mid_enrolment_has_no_template_and_the_outcome_is_not_guessed()
{
    let host = Host::new().await;
    let key = key_on(&host, Profile::Biometric).await;
    let mut lease = host.lease().await;
    lease.begin("enroll", enroll("thumb")).await;
    lay(&key, THUMB, SampleStatus::Good).await;
    told(&mut lease).await;
    host.replug(&key).await;
    let unknown = lease.done().await.unwrap_err();
    assert_eq!(unknown.code(), Code::OutcomeUnknown, "{unknown:?}");
    assert!(unknown.changed && unknown.message.contains("list the fingerprints"));
    let outcome = host.caller().await.settled("enroll").await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert_eq!(fingers(&mut host.lease().await).await, []);
}

#[tokio::test]
async fn fingers_are_enrolled_until_there_is_no_room_renamed_and_removed() {
    let host = Host::new().await;
    let key = key_on(&host, Profile::Biometric).await;
    let mut lease = host.lease().await;
    let mut known = Vec::new();
    for finger in 1..=FINGERS {
        known.push(enrolled(&mut lease, &key, &format!("finger-{finger}"), finger).await);
    }
    assert_eq!(fingers(&mut lease).await, known);
    let full = lease.step("one-more", enroll("")).await.unwrap_err();
    assert_eq!(full.code(), Code::NoRoom, "{full:?}");

    let renamed = rename(&known[1].template_id, "Zeigefinger");
    lease.step("rename", renamed).await.unwrap();
    known[1].name = "Zeigefinger".to_owned();
    let removed = known.remove(3);
    let verb = || remove(&removed.template_id);
    lease.step("remove", verb()).await.unwrap();
    assert_eq!(fingers(&mut lease).await, known);
    for (step, verb) in [
        ("remove-again", verb()),
        ("rename-absent", rename(&removed.template_id, "nobody")),
    ] {
        let absent = lease.step(step, verb).await.unwrap_err();
        assert_eq!(absent.code(), Code::CredentialNotFound, "{absent:?}");
        assert!(!absent.changed);
    }
    // What was removed can be enrolled anew, where it was.
    enrolled(&mut lease, &key, "finger-4-again", 4).await;
    assert_eq!(fingers(&mut lease).await.len(), FINGERS as usize);
}

#[tokio::test]
async fn a_finger_that_is_enrolled_already_is_told_and_another_can_take_its_place() {
    let host = Host::new().await;
    let key = key_on(&host, Profile::Biometric).await;
    let mut lease = host.lease().await;
    enrolled(&mut lease, &key, "thumb", THUMB).await;
    lease.begin("index", enroll("index")).await;
    lay(&key, THUMB, SampleStatus::Good).await;
    let (sample, message) = told(&mut lease).await;
    assert_eq!(sample.status, code(SampleStatus::Exists));
    assert_eq!(sample.remaining, SAMPLES);
    assert!(message.contains("enrolled already"), "{message}");
    for _ in 0..SAMPLES {
        lay(&key, INDEX, SampleStatus::Good).await;
        told(&mut lease).await;
    }
    assert!(lease.done().await.is_ok());
    let names: Vec<_> = fingers(&mut lease)
        .await
        .into_iter()
        .map(|finger| finger.name)
        .collect();
    assert_eq!(names, ["thumb", "index"]);
}

#[tokio::test]
async fn a_wrong_pin_enrols_lists_renames_and_removes_nothing() {
    let host = Host::new().await;
    let key = key_on(&host, Profile::Biometric).await;
    let mut lease = host.lease().await;
    let thumb = enrolled(&mut lease, &key, "thumb", THUMB).await;
    key.device.set_touch_policy(TouchPolicy::Never);
    for (step, verb) in [
        (
            "enroll",
            Verb::EnrollFingerprint(proto::EnrollFingerprint {
                pin: "000000".to_owned(),
                name: String::new(),
            }),
        ),
        (
            "remove",
            Verb::RemoveFingerprint(proto::RemoveFingerprint {
                pin: "000000".to_owned(),
                template_id: thumb.template_id.clone(),
            }),
        ),
    ] {
        let wrong = lease.step(step, verb).await.unwrap_err();
        assert_eq!(wrong.code(), Code::PinInvalid, "{wrong:?}");
    }
    assert_eq!(fingers(&mut lease).await, [thumb]);
}
