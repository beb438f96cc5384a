//! One caller at a time; callers and tokens that vanish.

use std::time::Duration;

use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::device::TouchPolicy;
use proto::{lease_request, lease_response, progress::Kind, step::Verb, step_error::Code};

use crate::harness::{Host, Key, SOON, list, make_credential};

#[tokio::test]
async fn a_token_is_leased_to_one_caller_at_a_time() {
    let host = Host::new().await;
    let _key = host.key().await;
    let (one, two) = (host.caller().await, host.caller().await);
    let presence_id = one.token().await.presence_id;
    let lease = one.lease_of(&presence_id, SOON).await.unwrap();
    let Err(refused) = two.lease_of(&presence_id, Duration::ZERO).await else {
        panic!("two leases at once");
    };
    assert_eq!(refused.code(), Code::TokenBusy);
    drop(lease);
    assert!(two.lease_of(&presence_id, SOON).await.is_ok());
}

#[tokio::test]
async fn callers_who_wait_are_told_so_and_served() {
    let host = Host::new().await;
    let _key = host.key().await;
    let (one, two) = (host.caller().await, host.caller().await);
    let presence_id = one.token().await.presence_id;
    let first = one.lease_of(&presence_id, SOON).await.unwrap();
    let mut second = two.stream().await;
    second
        .send(lease_request::Request::Open(proto::Open {
            presence_id: presence_id.clone(),
            wait_ms: 10_000,
            purpose: String::new(),
        }))
        .await;
    second.hears(Kind::WaitingForToken).await;
    drop(first);
    let opened = second.answer().await;
    assert!(
        matches!(opened, Some(lease_response::Response::Opened(_))),
        "{opened:?}"
    );
}

#[tokio::test]
async fn an_unknown_token_is_named() {
    let host = Host::new().await;
    let Err(error) = host.caller().await.lease_of("nobody-1", SOON).await else {
        panic!();
    };
    assert_eq!(error.code(), Code::TokenNotPresent);
    assert!(error.message.contains("nobody-1"), "{}", error.message);
}

#[tokio::test]
async fn a_lease_ends_when_its_token_goes() {
    let host = Host::new().await;
    let token = host.key().await;
    let mut lease = host.lease().await;
    token.device.unplug();
    let Some(lease_response::Response::Error(error)) = lease.answer().await else {
        panic!();
    };
    assert_eq!(error.code(), Code::TokenRemoved);
    assert_eq!(lease.answer().await, None);
}

#[tokio::test]
async fn those_who_wait_hear_that_the_token_went() {
    let host = Host::new().await;
    let token = host.key().await;
    let caller = host.caller().await;
    let presence_id = caller.token().await.presence_id;
    let _lease = caller.lease_of(&presence_id, SOON).await.unwrap();
    let waiting = tokio::spawn({
        let caller = caller.clone();
        async move { caller.lease_of(&presence_id, SOON).await.err() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    token.device.unplug();
    assert_eq!(waiting.await.unwrap().unwrap().code(), Code::TokenRemoved);
}

#[tokio::test]
async fn a_caller_who_vanishes_in_mid_step_does_not_cut_it() {
    let host = Host::new().await;
    let token = host.key().await;
    token.device.set_touch_policy(TouchPolicy::Ask);
    let lease = host.lease().await;
    lease.begin("make", make_credential()).await;
    token.waits_for_touch().await;
    drop(lease);
    // The token still waits, and is still leased to the step.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let caller = host.caller().await;
    let presence_id = caller.token().await.presence_id;
    let Err(busy) = caller.lease_of(&presence_id, Duration::ZERO).await else {
        panic!("the token was let go in mid-step");
    };
    assert_eq!(busy.code(), Code::TokenBusy);
    token.device.touch().unwrap();
    let outcome = caller.settled("make").await;
    assert_eq!(outcome.state(), proto::outcome::State::Done);
    assert_eq!(token.credentials(), 1);
    assert!(caller.lease_of(&presence_id, SOON).await.is_ok());
}

#[tokio::test]
async fn a_second_request_in_mid_step_ends_the_stream_and_not_the_step() {
    let host = Host::new().await;
    let token = host.key().await;
    token.device.set_touch_policy(TouchPolicy::Ask);
    let mut lease = host.lease().await;
    lease.begin("make", make_credential()).await;
    lease.hears(Kind::TouchNeeded).await;
    lease.begin("", Verb::Inspect(proto::Inspect {})).await;
    let status = loop {
        match lease.answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("ended without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    token.device.touch().unwrap();
    let outcome = host.caller().await.settled("make").await;
    assert_eq!(outcome.state(), proto::outcome::State::Done);
}

#[tokio::test]
async fn a_lease_begins_with_open() {
    let host = Host::new().await;
    let mut lease = host.caller().await.stream().await;
    lease.begin("", list()).await;
    let status = lease.answers.message().await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    assert!(status.message().contains("open"), "{status}");
}

#[tokio::test]
async fn two_keys_are_leased_independently() {
    let host = Host::new().await;
    let _keys = [
        Key::new(host.folder.path(), Some("KS-1")),
        Key::new(host.folder.path(), Some("KS-2")),
    ];
    let caller = host.caller().await;
    crate::harness::until_async("two tokens", async || caller.list().await.len() == 2).await;
    let tokens = caller.list().await;
    let mut leases = Vec::new();
    for token in &tokens {
        leases.push(
            caller
                .lease_of(&token.presence_id, Duration::ZERO)
                .await
                .unwrap(),
        );
    }
    for lease in &mut leases {
        lease
            .step("", Verb::Inspect(proto::Inspect {}))
            .await
            .unwrap();
    }
}
