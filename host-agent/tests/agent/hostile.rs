//! Tokens that lie: whatever they do, a step ends in time with an answer or a typed error, and
//! neither the agent nor the next token suffers.

mod cards;
mod shown;
mod steps;

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use keysteward_agent::settings::Policy;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::hostile::{self, Hostile};
use keysteward_virtual_token::manufacture::Profile;
use proto::{
    lease_response::Response, progress::Kind, step::Verb, step_error::Code,
    step_result::Result as Answer,
};

use self::{
    shown::{SHOWN, SHOWN_WITH_A_SENSOR, SHOWN_WITHOUT_A_PIN, Shown},
    steps::{PATIENCE_MS, STEPS, STEPS_WITH_A_SENSOR, STEPS_WITHOUT_A_PIN, Step, keyed},
};
use crate::harness::{Caller, Done, Host, Key, Lease, PIN, list};

/// A look at a token that was plugged in, and at one that did not answer, take longest: on a
/// machine that does other things too.
const IN_TIME: Duration = Duration::from_secs(40);

/// Hostile tokens that are plugged in at the same time.
const AT_ONCE: usize = 64;

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

/// A host that lets anything be done to tokens.
async fn permissive() -> Host {
    Host::with_policy(Policy {
        allow_raw: true,
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
            Response::Raw(_) => return Ok(Answer::Done(proto::Done {})),
            Response::Error(error) => return Err(error),
            other => panic!("{other:?}"),
        }
    }
}

/// A kind of hostile tokens, and what is done to each of them.
struct Meeting {
    profile: Profile,
    pin: Option<&'static str>,
    steps: &'static [Step],
    shown: &'static [Shown],
}

/// Plugs a token in and does all these steps to it.
async fn meet(host: &Host, hostile: &'static Hostile, meeting: &Meeting) -> Vec<Ended> {
    let caller = host.caller().await;
    let key = Key::hostile_of(host.folder.path(), hostile, meeting.profile, meeting.pin);
    let mut ended = Vec::new();
    let Some(presence_id) = seen(&caller, hostile.name).await else {
        assert!(
            hostile.name.starts_with("drops-off"),
            "{} was never listed",
            hostile.name
        );
        return ended;
    };
    let mut credential_id = vec![0xAA; 16];
    for (step, request) in meeting.steps {
        let began = Instant::now();
        let done = match caller.lease_of(&presence_id, IN_TIME).await {
            Ok(mut lease) => {
                let request = keyed(request(&credential_id), hostile.name, step);
                lease.send(request).await;
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
        if let Some(Ok(Answer::CredentialMade(made))) = &done {
            credential_id.clone_from(&made.credential_id);
        }
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

/// Meets every hostile token, all of one kind, and looks how that ends.
async fn survived(host: &Host, meeting: &Meeting) {
    let ended: Vec<_> = futures::stream::iter(hostile::all())
        .map(|hostile| meet(host, hostile, meeting))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .flatten()
        .collect();
    are_typed(&ended);
    are_shown(&ended, meeting.shown);
}

/// Asserts that whatever is not done is told as the token's doing, in words.
fn are_typed(ended: &[Ended]) {
    for one in ended {
        if let Some(Err(error)) = &one.done {
            let told = format!("{}, {}: {error:?}", one.token, one.step);
            let ours = matches!(error.code(), Code::Unspecified | Code::Internal);
            assert!(!ours && !error.message.is_empty(), "{told}");
        }
    }
}

/// Asserts that the steps of a table ended as it says.
fn are_shown(ended: &[Ended], shown: &[Shown]) {
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
    let meeting = Meeting {
        profile: Profile::Biometric,
        pin: Some(PIN),
        steps: STEPS_WITH_A_SENSOR,
        shown: SHOWN_WITH_A_SENSOR,
    };
    survived(&permissive().await, &meeting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_token_without_a_pin_is_survived() {
    let meeting = Meeting {
        profile: Profile::default(),
        pin: None,
        steps: STEPS_WITHOUT_A_PIN,
        shown: SHOWN_WITHOUT_A_PIN,
    };
    survived(&Host::new().await, &meeting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_token_is_survived_by_every_verb() {
    let host = permissive().await;
    let meeting = Meeting {
        profile: Profile::default(),
        pin: Some(PIN),
        steps: STEPS,
        shown: SHOWN,
    };
    survived(&host, &meeting).await;
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
        let host = permissive().await;
        let hostile = hostile::find(name).unwrap();
        let key = Key::hostile_of(host.folder.path(), hostile, Profile::Biometric, Some(PIN));
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
