//! Steps that are cut off, and what a look at the token says of them.

use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::device::fault::{Action, Fault, Moment};
use proto::{outcome::State, step::Verb, step_error::Code};

use crate::harness::{Host, Key, PIN, RP, USER, delete, list, make_credential, set_pin};

const MAKE_CREDENTIAL: u8 = 0x01;
const GET_ASSERTION: u8 = 0x02;
const CLIENT_PIN: u8 = 0x06;
const CREDENTIAL_MANAGEMENT: u8 = 0x0a;
const AUTHENTICATOR_CONFIG: u8 = 0x0d;

fn unplug(moment: Moment, command: u8, subcommand: Option<u8>) -> Fault {
    Fault {
        moment,
        command,
        subcommand,
        action: Action::Unplug,
    }
}

/// A step on a token that is pulled out at this moment, then plugged in again.
async fn cut(host: &Host, key: &Key, fault: Fault, step: &str, verb: Verb) -> proto::Outcome {
    let mut lease = host.lease().await;
    key.device.arm(fault);
    let error = lease.step(step, verb).await.unwrap_err();
    assert!(error.changed, "{error:?}");
    let caller = host.caller().await;
    crate::harness::until("the key is out", || !key.device.state().plugged).await;
    key.device.plug();
    caller.settled(step).await
}

#[tokio::test]
async fn a_pin_that_was_set_before_the_answer_was_lost_is_done() {
    for (moment, state, pin_set) in [
        (Moment::Before, State::Failed, false),
        (Moment::After, State::Done, true),
    ] {
        let host = Host::new().await;
        let key = Key::new(host.folder.path(), Some("KS-1"));
        let fault = unplug(moment, CLIENT_PIN, Some(3));
        let outcome = cut(&host, &key, fault, "set", set_pin(PIN)).await;
        assert_eq!(outcome.state(), state, "{outcome:?}");
        assert_eq!(key.pin_set(), pin_set);
        assert!(!outcome.error.is_some_and(|error| error.changed));
    }
}

#[tokio::test]
async fn a_pin_that_may_have_changed_is_unknown_and_says_what_to_do() {
    for moment in [Moment::Before, Moment::After] {
        let host = Host::new().await;
        let key = host.key().await;
        let change = Verb::ChangePin(proto::ChangePin {
            current_pin: PIN.to_owned(),
            new_pin: "271828".to_owned(),
        });
        let outcome = cut(
            &host,
            &key,
            unplug(moment, CLIENT_PIN, Some(4)),
            "change",
            change,
        )
        .await;
        assert_eq!(outcome.state(), State::Unknown);
        assert!(
            outcome.explanation.contains("try the new one first"),
            "{}",
            outcome.explanation
        );
    }
}

#[tokio::test]
async fn a_forced_change_shows_whether_it_was_made() {
    for (moment, state) in [
        (Moment::Before, State::Failed),
        (Moment::After, State::Done),
    ] {
        let host = Host::new().await;
        let key = host.key().await;
        let force = Verb::Configure(proto::Configure {
            pin: PIN.to_owned(),
            force_pin_change: true,
            ..proto::Configure::default()
        });
        host.lease().await.step("force", force).await.unwrap();
        let change = Verb::ChangePin(proto::ChangePin {
            current_pin: PIN.to_owned(),
            new_pin: "271828".to_owned(),
        });
        let outcome = cut(
            &host,
            &key,
            unplug(moment, CLIENT_PIN, Some(4)),
            "change",
            change,
        )
        .await;
        assert_eq!(outcome.state(), state, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_configuration_is_settled_by_what_the_token_says_of_itself() {
    for (moment, state) in [
        (Moment::Before, State::Failed),
        (Moment::After, State::Done),
    ] {
        let host = Host::new().await;
        let key = host.key().await;
        let configure = Verb::Configure(proto::Configure {
            pin: PIN.to_owned(),
            min_pin_length: Some(6),
            ..proto::Configure::default()
        });
        let fault = unplug(moment, AUTHENTICATOR_CONFIG, None);
        let outcome = cut(&host, &key, fault, "configure", configure).await;
        assert_eq!(outcome.state(), state, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_half_made_configuration_is_unknown() {
    let host = Host::new().await;
    let key = host.key().await;
    let configure = Verb::Configure(proto::Configure {
        pin: PIN.to_owned(),
        enable_enterprise_attestation: true,
        min_pin_length: Some(6),
        ..proto::Configure::default()
    });
    let fault = unplug(Moment::After, AUTHENTICATOR_CONFIG, Some(1));
    let outcome = cut(&host, &key, fault, "configure", configure).await;
    assert_eq!(outcome.state(), State::Unknown);
    assert!(
        outcome.explanation.contains("configure the token again"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_credential_that_may_have_been_made_is_unknown_and_can_be_searched_for() {
    for (moment, made) in [(Moment::Before, 0), (Moment::After, 1)] {
        let host = Host::new().await;
        let key = host.key().await;
        let fault = unplug(moment, MAKE_CREDENTIAL, None);
        let outcome = cut(&host, &key, fault, "make", make_credential()).await;
        assert_eq!(outcome.state(), State::Unknown);
        assert_eq!((outcome.rp_id.as_str(), &outcome.user_id[..]), (RP, USER));
        assert_eq!(outcome.serial, "KS-1");
        let Ok(proto::step_result::Result::CredentialList(listed)) =
            host.lease().await.step("", list()).await
        else {
            panic!();
        };
        assert_eq!(listed.credentials.len(), made);
    }
}

#[tokio::test]
async fn a_deletion_is_settled_by_a_silent_look() {
    for (moment, state, left) in [
        (Moment::Before, State::Failed, 1),
        (Moment::After, State::Done, 0),
    ] {
        let host = Host::new().await;
        let key = host.key().await;
        let made = host.lease().await.make("make").await;
        let fault = unplug(moment, CREDENTIAL_MANAGEMENT, Some(6));
        let outcome = cut(&host, &key, fault, "delete", delete(&made.credential_id)).await;
        assert_eq!(outcome.state(), state, "{outcome:?}");
        assert_eq!(key.credentials(), left);
        assert_eq!(outcome.credential_id, made.credential_id);
    }
}

#[tokio::test]
async fn a_deletion_that_a_silent_look_cannot_see_is_unknown() {
    let host = Host::new().await;
    let key = host.key().await;
    let Verb::MakeCredential(make) = make_credential() else {
        panic!();
    };
    let hidden = Verb::MakeCredential(proto::MakeCredential {
        cred_protect: 3,
        ..make
    });
    let mut lease = host.lease().await;
    let Ok(proto::step_result::Result::CredentialMade(made)) = lease.step("make", hidden).await
    else {
        panic!();
    };
    drop(lease);
    let fault = unplug(Moment::Before, CREDENTIAL_MANAGEMENT, Some(6));
    let outcome = cut(&host, &key, fault, "delete", delete(&made.credential_id)).await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert_eq!(key.credentials(), 1);
}

#[tokio::test]
async fn a_proof_that_was_cut_off_changed_nothing() {
    let host = Host::new().await;
    let key = host.key().await;
    let made = host.lease().await.make("make").await;
    let prove = Verb::ProveCredential(proto::ProveCredential {
        pin: PIN.to_owned(),
        rp_id: RP.to_owned(),
        credential_id: made.credential_id,
        client_data_hash: vec![6; 32],
    });
    let mut lease = host.lease().await;
    key.device.arm(unplug(Moment::After, GET_ASSERTION, None));
    let error = lease.step("prove", prove).await.unwrap_err();
    assert_eq!((error.code(), error.changed), (Code::TokenRemoved, false));
    let outcome = host.caller().await.outcome("prove").await;
    assert_eq!(outcome.state(), State::Failed);
}

#[tokio::test]
async fn a_token_that_falls_silent_is_looked_at_at_once() {
    let host = Host::new().await;
    let key = Key::new(host.folder.path(), Some("KS-1"));
    key.device.arm(Fault {
        moment: Moment::After,
        command: CLIENT_PIN,
        subcommand: Some(3),
        action: Action::DropResponse,
    });
    let mut lease = host.lease().await;
    lease.begin_within("set", set_pin(PIN), 300).await;
    lease.done().await.unwrap();
    assert!(key.pin_set());
    let outcome = host.caller().await.outcome("set").await;
    assert_eq!(outcome.state(), State::Done);
}

#[tokio::test]
async fn a_token_of_the_same_model_is_not_taken_for_the_one_that_was_cut_off() {
    let host = Host::new().await;
    let one = Key::new(host.folder.path(), None);
    let mut lease = host.lease().await;
    one.device.arm(unplug(Moment::After, CLIENT_PIN, Some(3)));
    lease.step("set", set_pin(PIN)).await.unwrap_err();
    let caller = host.caller().await;
    // No serial number, no credential that this agent made: nothing tells.
    let _other = Key::new(host.folder.path(), None);
    let outcome = caller.settled("set").await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert!(
        outcome.explanation.contains("serial number"),
        "{}",
        outcome.explanation
    );
}

#[tokio::test]
async fn a_token_without_serial_number_is_known_by_a_credential_that_was_made_on_it() {
    let host = Host::new().await;
    let key = Key::new(host.folder.path(), None);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    lease.make("make-1").await;
    drop(lease);
    let configure = Verb::Configure(proto::Configure {
        pin: PIN.to_owned(),
        min_pin_length: Some(6),
        ..proto::Configure::default()
    });
    let fault = unplug(Moment::After, AUTHENTICATOR_CONFIG, None);
    let outcome = cut(&host, &key, fault, "configure", configure).await;
    assert_eq!(outcome.state(), State::Done, "{outcome:?}");
}

#[tokio::test]
async fn another_key_settles_nothing() {
    let host = Host::new().await;
    let key = Key::new(host.folder.path(), Some("KS-1"));
    let mut lease = host.lease().await;
    key.device.arm(unplug(Moment::After, CLIENT_PIN, Some(3)));
    lease.step("set", set_pin(PIN)).await.unwrap_err();
    let _other = Key::new(host.folder.path(), Some("KS-2"));
    let caller = host.caller().await;
    caller.token().await;
    assert_eq!(caller.outcome("set").await.state(), State::Started);
    key.device.plug();
    assert_eq!(caller.settled("set").await.state(), State::Done);
}

#[tokio::test]
async fn a_raw_exchange_that_was_cut_off_is_unknown() {
    let host = Host::with_policy(keysteward_agent::settings::Policy {
        allow_raw: true,
        ..Default::default()
    })
    .await;
    let key = Key::new(host.folder.path(), Some("KS-1"));
    let mut lease = host.lease().await;
    key.device.arm(unplug(Moment::After, 0x07, None));
    lease
        .send(proto::lease_request::Request::Raw(proto::Raw {
            key: Some(crate::harness::key("raw")),
            request: vec![0x07],
            timeout_ms: 0,
        }))
        .await;
    assert_eq!(lease.done().await.unwrap_err().code(), Code::OutcomeUnknown);
    let outcome = host.caller().await.outcome("raw").await;
    assert_eq!(outcome.state(), State::Unknown);
    assert!(
        outcome.explanation.contains("0x07"),
        "{}",
        outcome.explanation
    );
}
