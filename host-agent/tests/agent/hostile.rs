//! Tokens that lie: whatever they do, a step ends in time with an answer or a typed error, and
//! neither the agent nor the next token suffers.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::hostile::{self, Hostile};
use proto::{StepKey, step::Verb, step_error::Code};

use crate::harness::{Caller, Done, Host, Key, PIN, RP, delete, list, make_credential};

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

/// Plugs a token in and does everything to it.
async fn meet(host: &Host, hostile: &'static Hostile) -> Vec<Ended> {
    let caller = host.caller().await;
    let key = Key::hostile(host.folder.path(), hostile);
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
        let done = match caller.lease_of(&presence_id, IN_TIME).await {
            Ok(mut lease) => {
                let key = StepKey {
                    operation_id: hostile.name.to_owned(),
                    step: step.to_owned(),
                    attempt: 1,
                };
                lease.begin_as(Some(key), verb, PATIENCE_MS).await;
                Some(lease.done().await)
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

/// How these steps with these tokens end: a code, or success.
const SHOWN: &[(&str, &str, Option<Code>)] = &[
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_token_is_survived_by_every_verb() {
    let host = Host::new().await;
    let ended: Vec<_> = futures::stream::iter(hostile::all())
        .map(|hostile| meet(&host, hostile))
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
    for (token, step, code) in SHOWN {
        let one = ended
            .iter()
            .find(|one| one.token == *token && one.step == *step)
            .unwrap_or_else(|| panic!("{token} was not met"));
        assert_eq!(one.code(), *code, "{token}, {step}: {:?}", one.done);
    }
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
