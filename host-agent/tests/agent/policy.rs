//! What the host's settings forbid, nobody can ask for.

use keysteward_agent::{settings::Policy, verb};
use keysteward_proto::agent::v1 as proto;
use proto::{lease_request, outcome::State, step::Verb, step_error::Code};

use crate::harness::{Host, Key, PIN, RP, delete, key, list, make_credential, set_pin};

async fn refused(host: &Host, step: &str, verb: Verb, setting: &str) {
    let error = host.lease().await.step(step, verb).await.unwrap_err();
    assert_eq!(error.code(), Code::ForbiddenByHost, "{error:?}");
    assert_eq!(error.rule, setting);
    assert!(error.message.contains(setting), "{}", error.message);
    if !step.is_empty() {
        let outcome = host.caller().await.outcome(step).await;
        assert_eq!(
            outcome.state(),
            State::NotFound,
            "a refusal leaves no trace"
        );
    }
}

#[tokio::test]
async fn resets_and_raw_bytes_are_forbidden_unless_the_host_allows_them() {
    let host = Host::new().await;
    let _key = Key::new(host.folder.path(), Some("KS-1"));
    refused(
        &host,
        "reset",
        Verb::Reset(proto::Reset {}),
        "policy.allow_reset",
    )
    .await;
    let mut lease = host.lease().await;
    let raw = proto::Raw {
        key: Some(key("raw")),
        request: vec![0x04],
        timeout_ms: 0,
    };
    lease.send(lease_request::Request::Raw(raw)).await;
    let error = lease.done().await.unwrap_err();
    assert_eq!(
        (error.code(), error.rule.as_str()),
        (Code::ForbiddenByHost, "policy.allow_raw")
    );
}

#[tokio::test]
async fn a_verb_on_the_list_is_forbidden_and_said_so_at_hello() {
    let host = Host::with_policy(Policy {
        forbid: vec![verb::Verb::SetPin],
        ..Policy::default()
    })
    .await;
    let token = Key::new(host.folder.path(), Some("KS-1"));
    refused(&host, "set", set_pin(PIN), "policy.forbid").await;
    assert!(!token.pin_set());
    let mut client = host.caller().await.host();
    let hello = client
        .hello(proto::HelloRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        hello.forbidden_verbs,
        [
            "set_pin",
            "reset",
            "vendor_configure",
            "raw",
            "reset_card",
            "card_raw"
        ]
    );
}

#[tokio::test]
async fn relying_parties_that_are_not_listed_are_refused_in_every_verb() {
    let host = Host::with_policy(Policy {
        rp_ids: Some(vec!["only.example".to_owned()]),
        ..Policy::default()
    })
    .await;
    let _key = host.key().await;
    let look = Verb::LookForCredentials(proto::LookForCredentials {
        rp_id: RP.to_owned(),
        credential_ids: vec![vec![1; 16]],
    });
    let list_of = Verb::ListCredentials(proto::ListCredentials {
        pin: PIN.to_owned(),
        rp_id: RP.to_owned(),
        ..proto::ListCredentials::default()
    });
    let prove = Verb::ProveCredential(proto::ProveCredential {
        pin: PIN.to_owned(),
        rp_id: RP.to_owned(),
        credential_id: vec![1; 16],
        client_data_hash: vec![0; 32],
    });
    refused(&host, "make", make_credential(), "policy.rp_ids").await;
    refused(&host, "", look, "policy.rp_ids").await;
    refused(&host, "", list_of, "policy.rp_ids").await;
    refused(&host, "prove", prove, "policy.rp_ids").await;
    refused(&host, "delete", delete(&[1; 16]), "policy.rp_ids").await;
}

#[tokio::test]
async fn credentials_of_others_are_neither_listed_nor_deleted_where_relying_parties_are() {
    // Made before the host's administrator wrote the list.
    let host = Host::new().await;
    let token = host.key().await;
    let made = host.lease().await.make("make").await;
    let only = Policy {
        rp_ids: Some(vec!["only.example".to_owned()]),
        ..Policy::default()
    };
    let host = host.restart_with(only).await;
    let mut lease = host.lease().await;
    let Ok(proto::step_result::Result::CredentialList(listed)) = lease.step("", list()).await
    else {
        panic!();
    };
    assert!(listed.credentials.is_empty());
    assert_eq!(listed.existing, 1);
    for (rp_id, code) in [
        ("", Code::ForbiddenByHost),
        (RP, Code::ForbiddenByHost),
        ("only.example", Code::CredentialNotFound),
    ] {
        let lie = Verb::DeleteCredential(proto::DeleteCredential {
            pin: PIN.to_owned(),
            credential_id: made.credential_id.clone(),
            rp_id: rp_id.to_owned(),
        });
        let error = lease.step("delete", lie).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
    }
    assert_eq!(token.credentials(), 1);
}

#[tokio::test]
async fn only_credentials_made_here_are_proved() {
    let host = Host::new().await;
    let _key = host.key().await;
    let mut lease = host.lease().await;
    let made = lease.make("make").await;
    let prove = |rp_id: &str, id: &[u8]| {
        Verb::ProveCredential(proto::ProveCredential {
            pin: PIN.to_owned(),
            rp_id: rp_id.to_owned(),
            credential_id: id.to_vec(),
            client_data_hash: vec![0; 32],
        })
    };
    for (step, verb) in [
        ("prove-1", prove(RP, &[1; 32])),
        ("prove-2", prove("other.example", &made.credential_id)),
    ] {
        let error = lease.step(step, verb).await.unwrap_err();
        assert_eq!(error.code(), Code::ForbiddenByHost);
        assert!(error.message.contains("made itself"), "{}", error.message);
    }
    lease
        .step("delete", delete(&made.credential_id))
        .await
        .unwrap();
    let error = lease
        .step("prove-3", prove(RP, &made.credential_id))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ForbiddenByHost);
}
