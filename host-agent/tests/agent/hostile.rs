//! Tokens that lie: whatever they do, a step ends in time with an answer or a typed error, and
//! neither the agent nor the next token suffers.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use keysteward_agent::settings::Policy;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::hostile::{self, Hostile};
use keysteward_virtual_token::manufacture::Profile;
use proto::lease_response::Response;
use proto::{StepKey, progress::Kind, step::Verb, step_error::Code};

use crate::harness::{Caller, Done, Host, Key, Lease, PIN, RP, delete, list, make_credential};

/// For one step, in milliseconds. The agent adds what a token is given to answer CANCEL.
const PATIENCE_MS: u32 = 500;

/// A look at a token that was plugged in, and at one that did not answer, take longest: on a
/// machine that does other things too.
const IN_TIME: Duration = Duration::from_secs(40);

/// Hostile tokens that are plugged in at the same time.
const AT_ONCE: usize = 24;

/// What is done to each token, one after the other.
fn steps() -> Vec<(&'static str, Verb)> {
    vec![
        ("inspect", Verb::Inspect(proto::Inspect {})),
        (
            "look",
            Verb::LookForCredentials(proto::LookForCredentials {
                rp_id: RP.to_owned(),
                credential_ids: vec![vec![0xAA; 16], vec![0xBB; 32]],
            }),
        ),
        ("make", make_credential()),
        ("list", list()),
        ("select", Verb::Select(proto::Select {})),
        ("wink", Verb::Wink(proto::Wink {})),
        (
            "blobs",
            Verb::ListLargeBlobs(proto::ListLargeBlobs {
                pin: PIN.to_owned(),
            }),
        ),
        (
            "fingers",
            Verb::ListFingerprints(proto::ListFingerprints {
                pin: PIN.to_owned(),
            }),
        ),
        ("delete", delete(&[0xAA; 16])),
        (
            "configure",
            Verb::Configure(proto::Configure {
                pin: PIN.to_owned(),
                min_pin_length: Some(6),
                ..proto::Configure::default()
            }),
        ),
        (
            "change_pin",
            Verb::ChangePin(proto::ChangePin {
                current_pin: PIN.to_owned(),
                new_pin: "271828".to_owned(),
            }),
        ),
    ]
}

/// What is done to tokens with a fingerprint sensor.
fn steps_with_a_sensor() -> Vec<(&'static str, Verb)> {
    let pin = || PIN.to_owned();
    vec![
        (
            "sensor",
            Verb::DescribeFingerprintSensor(proto::DescribeFingerprintSensor {}),
        ),
        (
            "enroll",
            Verb::EnrollFingerprint(proto::EnrollFingerprint {
                pin: pin(),
                name: "thumb".to_owned(),
            }),
        ),
        (
            "fingers",
            Verb::ListFingerprints(proto::ListFingerprints { pin: pin() }),
        ),
        (
            "rename",
            Verb::RenameFingerprint(proto::RenameFingerprint {
                pin: pin(),
                template_id: vec![0x0F; 16],
                name: "index".to_owned(),
            }),
        ),
        (
            "remove",
            Verb::RemoveFingerprint(proto::RemoveFingerprint {
                pin: pin(),
                template_id: vec![0x0F; 16],
            }),
        ),
        ("reset", Verb::Reset(proto::Reset {})),
    ]
}

/// What came of one step with one token; `None` where the token had gone.
struct Ended {
    token: &'static str,
    step: &'static str,
    done: Option<Done>,
}

impl Ended {
    fn code(&self) -> Option<Code> {
        self.done
            .as_ref()?
            .as_ref()
            .err()
            .map(proto::StepError::code)
    }
}

/// The presence id of a token, once it was read, or has told why it cannot be.
async fn seen(caller: &Caller, serial: &str) -> Option<String> {
    let deadline = Instant::now() + IN_TIME;
    while Instant::now() < deadline {
        let listed = caller.list().await;
        if let Some(token) = listed.iter().find(|token| token.serial == serial) {
            return Some(token.presence_id.clone());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// A host that lets tokens be reset.
async fn resettable() -> Host {
    Host::with_policy(Policy {
        allow_reset: true,
        ..Policy::default()
    })
    .await
}

/// How a step ends with a token that is plugged in again when that is asked for.
async fn done(lease: &mut Lease, key: &Key) -> Done {
    let deadline = tokio::time::Instant::now() + IN_TIME;
    loop {
        let next = tokio::time::timeout_at(deadline, lease.answers.message()).await;
        match next.expect("an answer").unwrap().unwrap().response.unwrap() {
            Response::Progress(heard) if heard.kind() == Kind::UnplugNeeded => key.replug(),
            Response::Progress(_) => {}
            Response::Result(result) => return Ok(result.result.unwrap()),
            Response::Error(error) => return Err(error),
            other => panic!("{other:?}"),
        }
    }
}

/// Plugs a token in and does all these steps to it.
async fn meet(
    host: &Host,
    hostile: &'static Hostile,
    profile: Profile,
    steps: fn() -> Vec<(&'static str, Verb)>,
) -> Vec<Ended> {
    let caller = host.caller().await;
    let key = Key::hostile_of(host.folder.path(), hostile, profile);
    let mut ended = Vec::new();
    let Some(presence_id) = seen(&caller, hostile.name).await else {
        assert!(
            hostile.name.starts_with("drops-off"),
            "{} was never listed",
            hostile.name
        );
        return ended;
    };
    for (step, verb) in steps() {
        let began = Instant::now();
        // A reset waits until the token is back and looked at.
        let patience = match verb {
            Verb::Reset(_) => 4 * PATIENCE_MS,
            _ => PATIENCE_MS,
        };
        let done = match caller.lease_of(&presence_id, IN_TIME).await {
            Ok(mut lease) => {
                let step_key = StepKey {
                    operation_id: hostile.name.to_owned(),
                    step: step.to_owned(),
                    attempt: 1,
                };
                lease.begin_as(Some(step_key), verb, patience).await;
                Some(done(&mut lease, &key).await)
            }
            Err(error) => {
                assert!(
                    matches!(error.code(), Code::TokenRemoved | Code::TokenNotPresent),
                    "{}, {step}: {error:?}",
                    hostile.name
                );
                None
            }
        };
        let took = began.elapsed();
        assert!(took < IN_TIME, "{}, {step}: {took:?}", hostile.name);
        ended.push(Ended {
            token: hostile.name,
            step,
            done,
        });
    }
    key.device.unplug();
    ended
}

/// A token with a step, and how it ends: a code, or success.
type Shown = (&'static str, &'static str, Option<Code>);

const SHOWN: &[Shown] = &[
    ("silent", "inspect", Some(Code::TokenSilent)),
    ("silent-after-touch", "select", Some(Code::TokenSilent)),
    ("init-silent", "inspect", Some(Code::TokenSilent)),
    ("keepalive-flood", "list", Some(Code::TokenSilent)),
    ("keepalive-alternates", "list", Some(Code::TokenSilent)),
    ("foreign-channels", "list", Some(Code::TokenSilent)),
    ("error-06", "inspect", Some(Code::TokenSilent)),
    ("error-0b", "inspect", Some(Code::TokenMalformed)),
    ("bcnt-ffff", "inspect", Some(Code::TokenMalformed)),
    ("seq-skips", "inspect", Some(Code::TokenMalformed)),
    ("nested-arrays", "inspect", Some(Code::TokenMalformed)),
    ("duplicate-keys", "inspect", Some(Code::TokenMalformed)),
    ("full-length", "inspect", None),
    ("init-long", "inspect", None),
    ("info-no-pin-protocol", "list", Some(Code::NotSupported)),
    ("key-not-on-curve", "list", Some(Code::TokenMalformed)),
    ("token-short", "list", Some(Code::TokenMalformed)),
    ("pin-never", "list", Some(Code::PinInvalid)),
    ("replug-for-ever", "list", Some(Code::PinAuthBlocked)),
    ("rps-endless", "list", Some(Code::TokenMalformed)),
    ("credentials-repeat", "list", Some(Code::TokenMalformed)),
    ("rps-shrink", "list", Some(Code::TokenBusy)),
    ("silent", "wink", None),
    ("init-silent", "wink", Some(Code::TokenSilent)),
    ("blob-endless", "blobs", Some(Code::TokenMalformed)),
    (
        "blob-longer-than-asked",
        "blobs",
        Some(Code::TokenMalformed),
    ),
    ("blob-wrong-hash", "blobs", None),
    ("auth-data-short", "make", Some(Code::TokenMalformed)),
    (
        "credential-id-beyond-end",
        "make",
        Some(Code::TokenMalformed),
    ),
];

/// With other tokens coming and going, which one was plugged in again is anybody's guess; the resets
/// of one token alone are a test of their own.
const SHOWN_WITH_A_SENSOR: &[Shown] = &[
    ("full-length", "enroll", None),
    ("full-length", "remove", Some(Code::CredentialNotFound)),
    ("samples-endless", "enroll", Some(Code::TokenMalformed)),
    ("samples-grow", "enroll", Some(Code::TokenMalformed)),
    ("samples-huge", "enroll", Some(Code::TokenMalformed)),
    ("template-missing", "enroll", Some(Code::TokenMalformed)),
    // It enrolled a finger that nobody knows by that name.
    (
        "sample-status-unknown",
        "enroll",
        Some(Code::CredentialNotFound),
    ),
    ("templates-many", "fingers", None),
    ("template-name-huge", "fingers", None),
    ("pin-never", "enroll", Some(Code::PinInvalid)),
    ("token-short", "rename", Some(Code::TokenMalformed)),
    ("silent", "enroll", Some(Code::TokenSilent)),
    ("keepalive-flood", "enroll", Some(Code::TokenSilent)),
    ("nested-arrays", "sensor", Some(Code::TokenMalformed)),
    ("info-no-pin-protocol", "enroll", Some(Code::NotSupported)),
];

/// Meets every hostile token, all of one kind, and looks how that ends.
async fn survived(
    host: &Host,
    profile: Profile,
    steps: fn() -> Vec<(&'static str, Verb)>,
    shown: &[Shown],
) {
    let ended: Vec<_> = futures::stream::iter(hostile::all())
        .map(|hostile| meet(host, hostile, profile, steps))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .flatten()
        .collect();
    for one in &ended {
        if let Some(Err(error)) = &one.done {
            let told = format!("{}, {}: {error:?}", one.token, one.step);
            let ours = matches!(error.code(), Code::Unspecified | Code::Internal);
            assert!(!ours && !error.message.is_empty(), "{told}");
        }
    }
    for (token, step, code) in shown {
        let one = ended
            .iter()
            .find(|one| one.token == *token && one.step == *step)
            .unwrap_or_else(|| panic!("{token} was not met"));
        assert_eq!(one.code(), *code, "{token}, {step}: {:?}", one.done);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_token_with_a_sensor_is_survived_by_enrolment_and_reset() {
    let host = resettable().await;
    let (profile, steps) = (Profile::Biometric, steps_with_a_sensor);
    survived(&host, profile, steps, SHOWN_WITH_A_SENSOR).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_token_is_survived_by_every_verb() {
    let host = Host::new().await;
    survived(&host, Profile::default(), steps, SHOWN).await;
    // An honest token is served as ever beside what is left of them.
    let _key = Key::new(host.folder.path(), Some("KS-1"));
    let caller = host.caller().await;
    let presence_id = seen(&caller, "KS-1").await.unwrap();
    let mut lease = caller.lease_of(&presence_id, IN_TIME).await.unwrap();
    lease.set_pin("honest").await;
    let made = lease.make("honest-make").await;
    let proto::step_result::Result::CredentialList(listed) = lease.step("", list()).await.unwrap()
    else {
        panic!("no list");
    };
    assert_eq!(listed.credentials.len(), 1);
    assert_eq!(listed.credentials[0].credential_id, made.credential_id);
}

#[tokio::test]
async fn the_reset_of_a_token_that_lies_ends_as_it_says_or_in_a_typed_error() {
    for (name, code, pin_set) in [
        // It says at every getInfo that it has a PIN.
        ("samples-endless", Some(Code::ResetPretended), false),
        ("pin-never", None, false),
        ("silent-after-touch", Some(Code::TokenSilent), true),
        ("error-mid-answer", Some(Code::TokenMalformed), true),
        ("duplicate-keys", Some(Code::TokenMalformed), true),
    ] {
        let host = resettable().await;
        let hostile = hostile::find(name).unwrap();
        let key = Key::hostile_of(host.folder.path(), hostile, Profile::Biometric);
        let caller = host.caller().await;
        let presence_id = seen(&caller, name).await.unwrap();
        let mut lease = caller.lease_of(&presence_id, IN_TIME).await.unwrap();
        let reset = Verb::Reset(proto::Reset {});
        lease.begin_within("reset", reset, 8 * PATIENCE_MS).await;
        let ended = done(&mut lease, &key).await;
        let told = ended.as_ref().err().map(proto::StepError::code);
        assert_eq!(told, code, "{name}: {ended:?}");
        assert_eq!(key.pin_set(), pin_set, "{name}");
        let state = caller.outcome("reset").await.state();
        match code {
            None => assert_eq!(state, proto::outcome::State::Done, "{name}"),
            Some(Code::ResetPretended) => {
                assert_eq!(state, proto::outcome::State::Failed, "{name}");
            }
            Some(_) => assert_ne!(state, proto::outcome::State::Done, "{name}"),
        }
    }
}

#[tokio::test]
async fn a_list_that_no_token_has_memory_for_is_left() {
    let host = Host::new().await;
    let many = hostile::find("credentials-many").unwrap();
    let _key = Key::hostile(host.folder.path(), many);
    let error = host.lease().await.step("", list()).await.unwrap_err();
    assert_eq!(error.code(), Code::TokenMalformed, "{error:?}");
}

#[tokio::test]
async fn progress_of_a_token_that_flickers_is_not_passed_on_without_end() {
    let host = Host::new().await;
    let flickering = hostile::find("keepalive-alternates").unwrap();
    let _key = Key::hostile(host.folder.path(), flickering);
    let caller = host.caller().await;
    let presence_id = seen(&caller, flickering.name).await.unwrap();
    let mut lease = caller.lease_of(&presence_id, IN_TIME).await.unwrap();
    lease
        .begin_within("", Verb::Select(proto::Select {}), 2 * PATIENCE_MS)
        .await;
    let error = lease.done().await.unwrap_err();
    assert_eq!(error.code(), Code::TokenSilent, "{error:?}");
    assert!(
        (2..=500).contains(&lease.progress.len()),
        "{}",
        lease.progress.len()
    );
}
