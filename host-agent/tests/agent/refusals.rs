//! Requests that are wrong: each names the field, what was found and what is allowed, and leaves no
//! trace behind.

use keysteward_proto::{agent::v1 as proto, error::v1::ErrorDetail};
use prost::Message as _;
use proto::{lease_request, outcome::State, step::Verb, step_error::Code};

use crate::harness::{Host, Key, PIN, RP, key, make_credential};

fn make(change: impl FnOnce(&mut proto::MakeCredential)) -> Verb {
    let Verb::MakeCredential(mut make) = make_credential() else {
        panic!();
    };
    change(&mut make);
    Verb::MakeCredential(make)
}

fn configure(change: impl FnOnce(&mut proto::Configure)) -> Verb {
    let mut configure = proto::Configure::default();
    change(&mut configure);
    Verb::Configure(configure)
}

fn look(rp_id: &str, ids: Vec<Vec<u8>>) -> Verb {
    Verb::LookForCredentials(proto::LookForCredentials {
        rp_id: rp_id.to_owned(),
        credential_ids: ids,
    })
}

#[tokio::test]
async fn a_wrong_field_is_named_with_what_is_allowed() {
    let host = Host::new().await;
    let _key = Key::new(host.folder.path(), Some("KS-1"));
    let mut lease = host.lease().await;
    for (verb, field) in [
        (make(|m| m.rp_id.clear()), "rp_id"),
        (make(|m| m.rp_id = "a b".into()), "rp_id"),
        (make(|m| m.rp_id = "x".repeat(254)), "rp_id"),
        (
            make(|m| m.client_data_hash = vec![0; 31]),
            "client_data_hash",
        ),
        (make(|m| m.user_id.clear()), "user_id"),
        (make(|m| m.user_id = vec![0; 65]), "user_id"),
        (make(|m| m.algorithms.clear()), "algorithms"),
        (
            make(|m| m.exclude_credential_ids = vec![Vec::new()]),
            "exclude_credential_ids",
        ),
        (
            make(|m| m.enterprise_attestation = 3),
            "enterprise_attestation",
        ),
        (make(|m| m.cred_protect = 4), "cred_protect"),
        (configure(|_| {}), "configure"),
        (configure(|c| c.min_pin_length = Some(3)), "min_pin_length"),
        (configure(|c| c.min_pin_length = Some(64)), "min_pin_length"),
        (
            configure(|c| c.min_pin_length_rp_ids = vec![String::new()]),
            "min_pin_length_rp_ids",
        ),
        (look("", Vec::new()), "rp_id"),
        (look(RP, vec![vec![0; 1024]]), "credential_ids"),
        (look(RP, vec![vec![0; 1]; 1025]), "credential_ids"),
    ] {
        let error = lease.step("wrong", verb).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidRequest, "{error:?}");
        assert_eq!(error.field, field, "{error:?}");
        assert!(error.message.contains("allowed: "), "{}", error.message);
    }
    let outcome = host.caller().await.outcome("wrong").await;
    assert_eq!(outcome.state(), State::NotFound);
}

#[tokio::test]
async fn a_pin_that_no_token_takes_is_refused_with_its_rule_and_costs_no_try() {
    let host = Host::new().await;
    let token = host.key().await;
    let mut lease = host.lease().await;
    let change = |current: &str, new: &str| {
        Verb::ChangePin(proto::ChangePin {
            current_pin: current.to_owned(),
            new_pin: new.to_owned(),
        })
    };
    for (verb, field) in [
        (change(PIN, "123"), "new_pin"),
        (change(PIN, &"1".repeat(64)), "new_pin"),
        (change("123", PIN), "current_pin"),
    ] {
        let error = lease.step("change", verb).await.unwrap_err();
        assert_eq!(
            (error.code(), error.field.as_str()),
            (Code::PinPolicyViolation, field)
        );
        assert!(!error.rule.is_empty());
    }
    assert_eq!(token.device.state().contents.pin_retries, 8);
}

#[tokio::test]
async fn a_pin_that_is_needed_is_asked_for() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let list = Verb::ListCredentials(proto::ListCredentials::default());
    let error = lease.step("", list).await.unwrap_err();
    assert_eq!(
        (error.code(), error.field.as_str()),
        (Code::PinRequired, "pin")
    );
    let error = lease
        .step("make", make(|m| m.pin.clear()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::PinRequired);
}

#[tokio::test]
async fn keys_and_time_outs_are_checked() {
    let host = Host::new().await;
    let _key = Key::new(host.folder.path(), Some("KS-1"));
    let mut lease = host.lease().await;
    let step = |key: Option<proto::StepKey>, timeout_ms| {
        lease_request::Request::Step(proto::Step {
            key,
            timeout_ms,
            verb: Some(make_credential()),
            ..proto::Step::default()
        })
    };
    let named = |change: fn(&mut proto::StepKey)| {
        let mut key = key("step");
        change(&mut key);
        Some(key)
    };
    for (request, field) in [
        (step(None, 0), "key"),
        (
            step(named(|k| k.operation_id.clear()), 0),
            "key.operation_id",
        ),
        (step(named(|k| k.step = "x".repeat(129)), 0), "key.step"),
        (step(named(|k| k.attempt = 0), 0), "key.attempt"),
        (step(named(|_| {}), 600_001), "timeout_ms"),
        (
            lease_request::Request::Step(proto::Step::default()),
            "step.verb",
        ),
        (
            lease_request::Request::Raw(proto::Raw {
                key: named(|_| {}),
                request: Vec::new(),
                timeout_ms: 0,
            }),
            "raw.request",
        ),
    ] {
        lease.send(request).await;
        let error = lease.done().await.unwrap_err();
        assert_eq!(
            (error.code(), error.field.as_str()),
            (Code::InvalidRequest, field)
        );
    }
}

#[tokio::test]
async fn the_journal_refuses_a_wrong_key_with_machine_readable_details() {
    let host = Host::new().await;
    let mut journal = host.caller().await.journal();
    let status = journal
        .get_outcome(proto::GetOutcomeRequest { key: None })
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let detail = ErrorDetail::decode(status.details()).unwrap();
    assert_eq!(
        (detail.reason.as_str(), detail.field.as_str()),
        ("FIELD_INVALID", "key")
    );
    let wrong = proto::AcknowledgeRequest {
        keys: vec![proto::StepKey {
            attempt: 0,
            ..key("step")
        }],
    };
    let status = journal.acknowledge(wrong).await.unwrap_err();
    let detail = ErrorDetail::decode(status.details()).unwrap();
    assert_eq!(
        (detail.field.as_str(), detail.found.as_str()),
        ("key.attempt", "0")
    );
}
