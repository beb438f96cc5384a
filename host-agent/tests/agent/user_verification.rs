//! Tokens that verify their user themselves: a finger stands in for the PIN.

use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{authenticator::Sample, device::TouchPolicy, manufacture::Profile};
use proto::{
    lease_request::Request, progress::Kind, step::Verb, step::Verification, step_error::Code,
    step_result::Result as Answer,
};

use crate::harness::{Done, Host, Key, Lease, PIN, RP, key, list, make_credential};

/// The finger that the virtual key is touched with unless it is told else.
const OWN: u32 = 1;
const ANOTHER: u32 = 2;

fn lay(key: &Key, finger: u32) {
    key.device.set_finger(Sample {
        finger,
        quality: SampleStatus::Good,
    });
}

async fn begin_by(lease: &Lease, verification: i32, step: &str, verb: Verb) {
    lease
        .send(Request::Step(proto::Step {
            key: (!step.is_empty()).then(|| key(step)),
            verb: Some(verb),
            verification,
            ..proto::Step::default()
        }))
        .await;
}

/// The same verb without its PIN.
async fn by_finger(lease: &mut Lease, step: &str, verb: Verb) -> Done {
    begin_by(lease, Verification::BuiltIn.into(), step, verb).await;
    lease.done().await
}

/// A key with a PIN and a finger of its owner.
async fn key_with_a_finger(host: &Host) -> (Key, Lease) {
    let key = Key::of_profile(host.folder.path(), Some("KS-1"), Profile::Biometric);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let enroll = Verb::EnrollFingerprint(proto::EnrollFingerprint {
        pin: PIN.to_owned(),
        name: String::new(),
    });
    lease.step("enroll-first", enroll).await.unwrap();
    (key, lease)
}

fn made(answer: Answer) -> Vec<u8> {
    match answer {
        Answer::CredentialMade(made) => made.credential_id,
        other => panic!("{other:?}"),
    }
}

fn make_owner_of_a_blob() -> Verb {
    match make_credential() {
        Verb::MakeCredential(make) => Verb::MakeCredential(proto::MakeCredential {
            pin: String::new(),
            large_blob_key: true,
            ..make
        }),
        other => panic!("{other:?}"),
    }
}

fn list_without_pin() -> Verb {
    Verb::ListCredentials(proto::ListCredentials::default())
}

#[tokio::test]
async fn a_finger_stands_in_for_the_pin_in_every_verb_that_takes_one() {
    let host = Host::new().await;
    let (key, mut lease) = key_with_a_finger(&host).await;
    let credential_id = made(
        by_finger(&mut lease, "make", make_owner_of_a_blob())
            .await
            .unwrap(),
    );
    assert_eq!(key.credentials(), 1);
    let fingers = proto::ListFingerprints::default();
    let Answer::FingerprintList(fingers) =
        by_finger(&mut lease, "", Verb::ListFingerprints(fingers))
            .await
            .unwrap()
    else {
        panic!("no list of fingers");
    };
    let template_id = fingers.fingerprints[0].template_id.clone();
    let id = || credential_id.clone();
    let pin = String::new;
    for (step, verb) in [
        ("", list_without_pin()),
        (
            "rename",
            Verb::UpdateUser(proto::UpdateUser {
                credential_id: id(),
                user_name: "bob".to_owned(),
                ..proto::UpdateUser::default()
            }),
        ),
        (
            "prove",
            Verb::ProveCredential(proto::ProveCredential {
                pin: pin(),
                rp_id: RP.to_owned(),
                credential_id: id(),
                client_data_hash: vec![6; 32],
            }),
        ),
        (
            "",
            Verb::GrantPersistentToken(proto::GrantPersistentToken::default()),
        ),
        (
            "write",
            Verb::WriteLargeBlob(proto::WriteLargeBlob {
                pin: pin(),
                credential_id: id(),
                data: b"a blob".to_vec(),
            }),
        ),
        ("", Verb::ListLargeBlobs(proto::ListLargeBlobs::default())),
        (
            "",
            Verb::ReadLargeBlob(proto::ReadLargeBlob {
                pin: pin(),
                credential_id: id(),
            }),
        ),
        (
            "unwrite",
            Verb::DeleteLargeBlob(proto::DeleteLargeBlob {
                pin: pin(),
                credential_id: id(),
            }),
        ),
        (
            "configure",
            Verb::Configure(proto::Configure {
                always_uv: Some(true),
                ..proto::Configure::default()
            }),
        ),
        (
            "delete",
            Verb::DeleteCredential(proto::DeleteCredential {
                pin: pin(),
                credential_id: id(),
                rp_id: RP.to_owned(),
            }),
        ),
        (
            "call",
            Verb::RenameFingerprint(proto::RenameFingerprint {
                pin: pin(),
                template_id: template_id.clone(),
                name: "thumb".to_owned(),
            }),
        ),
        (
            "remove",
            Verb::RemoveFingerprint(proto::RemoveFingerprint {
                pin: pin(),
                template_id,
            }),
        ),
    ] {
        let answer = by_finger(&mut lease, step, verb.clone()).await;
        assert!(answer.is_ok(), "{verb:?}: {answer:?}");
    }
    assert_eq!(key.credentials(), 0);
    let none_is_left = by_finger(&mut lease, "", list_without_pin()).await;
    assert_eq!(none_is_left.unwrap_err().code(), Code::UvNotSetUp);
}

#[tokio::test]
async fn the_person_is_asked_for_a_finger_and_then_for_the_one_that_is_enrolled() {
    let host = Host::new().await;
    let (key, mut lease) = key_with_a_finger(&host).await;
    let enroll = Verb::EnrollFingerprint(proto::EnrollFingerprint::default());
    key.device.set_touch_policy(TouchPolicy::Ask);
    begin_by(&lease, Verification::BuiltIn.into(), "enroll", enroll).await;
    let asked = lease.hears(Kind::FingerNeeded).await;
    assert!(asked.contains("or let it see your face"), "{asked}");
    key.waits_for_touch().await;
    key.device.touch().unwrap();
    let asked = lease.hears(Kind::FingerNeeded).await;
    assert!(asked.starts_with("lay your finger on"), "{asked}");
    assert!(!asked.contains("face"), "{asked}");
    lay(&key, ANOTHER);
    key.device.set_touch_policy(TouchPolicy::Always);
    let enrolled = lease.done().await;
    assert!(
        matches!(enrolled, Ok(Answer::FingerprintEnrolled(_))),
        "{enrolled:?}"
    );
    // It opens from now on.
    by_finger(&mut lease, "", list_without_pin()).await.unwrap();
}

#[tokio::test]
async fn a_finger_that_is_not_recognised_is_told_with_the_tries_left_until_the_pin_helps() {
    let host = Host::new().await;
    let (key, mut lease) = key_with_a_finger(&host).await;
    lay(&key, ANOTHER);
    let refused = by_finger(&mut lease, "", list_without_pin())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::UvInvalid, "{refused:?}");
    // It asks as often as the token prefers, which is three times of five.
    assert_eq!((refused.uv_retries, refused.pin_retries), (Some(2), None));
    let told: Vec<_> = lease
        .progress
        .iter()
        .filter_map(|heard| heard.not_recognised)
        .map(|told| (told.uv_retries, told.asks_again))
        .collect();
    assert_eq!(
        told,
        [(Some(4), true), (Some(3), true), (Some(2), false)],
        "{:?}",
        lease.progress
    );
    assert_eq!(uv_retries(&mut lease).await, Some(2));

    let blocked = by_finger(&mut lease, "", list_without_pin())
        .await
        .unwrap_err();
    assert_eq!(blocked.code(), Code::UvBlocked, "{blocked:?}");
    assert_eq!(blocked.uv_retries, Some(0));
    assert_eq!(uv_retries(&mut lease).await, Some(0));

    lease.step("", list()).await.unwrap();
    assert_eq!(uv_retries(&mut lease).await, Some(5));
    lay(&key, OWN);
    by_finger(&mut lease, "", list_without_pin()).await.unwrap();
}

async fn uv_retries(lease: &mut Lease) -> Option<u32> {
    match lease.step("", Verb::Inspect(proto::Inspect {})).await {
        Ok(Answer::Inspected(seen)) => seen.uv_retries,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_that_cannot_verify_its_user_itself_says_what_to_do() {
    for (profile, code, words) in [
        (Profile::Biometric, Code::UvNotSetUp, "enrol one first"),
        (Profile::Ctap23, Code::NotSupported, "use its PIN"),
        (Profile::Ctap20, Code::NotSupported, "use its PIN"),
    ] {
        let host = Host::new().await;
        let _key = Key::of_profile(host.folder.path(), Some("KS-1"), profile);
        let mut lease = host.lease().await;
        lease.set_pin("set").await;
        assert_eq!(uv_retries(&mut lease).await, None, "{profile}");
        let refused = by_finger(&mut lease, "make", make_owner_of_a_blob()).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), code, "{profile}: {refused:?}");
        assert!(refused.message.contains(words), "{}", refused.message);
        assert!(!refused.changed, "{refused:?}");
    }
}

#[tokio::test]
async fn a_way_of_proving_that_a_verb_does_not_have_is_refused_before_the_token_is_asked() {
    let host = Host::new().await;
    let (_key, mut lease) = key_with_a_finger(&host).await;
    let built_in = i32::from(Verification::BuiltIn);
    let set_pin = Verb::SetPin(proto::SetPin {
        new_pin: PIN.to_owned(),
    });
    for (verification, verb, field) in [
        (built_in, Verb::Inspect(proto::Inspect {}), "verification"),
        (built_in, set_pin, "verification"),
        (built_in, Verb::Reset(proto::Reset {}), "verification"),
        (built_in, list(), "pin"),
        (2, list_without_pin(), "verification"),
    ] {
        begin_by(&lease, verification, "wrong", verb.clone()).await;
        let refused = lease.done().await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.field.as_str()),
            (Code::InvalidRequest, field),
            "{verb:?}: {refused:?}"
        );
    }
}
