//! Who gets through, and to what.

use super::*;

#[tokio::test]
async fn a_client_that_trusts_another_root_does_not_connect() {
    let (bench, other) = (Bench::new().await, Bench::new().await);
    assert!(bench.channel(&bench.root).await.is_ok());
    assert!(bench.channel(&other.root).await.is_err());
}

#[tokio::test]
async fn a_call_goes_through_with_the_scope_and_not_without() {
    let bench = Bench::new().await;
    let mut reader = SystemClient::new(bench.with(&[Scope::Read]).await);
    let status = reader.get_status(wire::GetStatusRequest {}).await.unwrap();
    assert!(!status.get_ref().server_id.is_empty());

    let mut issuer = SystemClient::new(bench.with(&[Scope::Issue]).await);
    let refused = issuer
        .get_status(wire::GetStatusRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let nobody = bench.channel(&bench.root).await.unwrap();
    let refused = SystemClient::new(nobody)
        .get_status(wire::GetStatusRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn who_may_issue_may_not_touch_pins() {
    let bench = Bench::new().await;
    let mut token = bench.token("key", rows::token::State::Active);
    token.serial = "5001".into();
    let mut tx = bench.rooms.store.write().await.unwrap();
    rows::token::insert(&mut tx, &token).await.unwrap();
    tx.commit().await.unwrap();
    let start = |kind| wire::StartOperationRequest {
        kind: Some(kind),
        ..wire::StartOperationRequest::default()
    };
    let hand_over = start(wire::start_operation_request::Kind::HandOverPin(
        wire::HandOverPin {
            token: "5001".into(),
            new_pin: String::new(),
        },
    ));
    let suspend = start(wire::start_operation_request::Kind::Suspend(
        wire::Suspend {
            token: "5001".into(),
        },
    ));
    let mut issuer = OperationsClient::new(bench.with(&[Scope::Issue]).await);
    let mut pins = OperationsClient::new(bench.with(&[Scope::Pins]).await);
    let refused = issuer.start(hand_over.clone()).await.unwrap_err();
    assert_eq!(detail(&refused).reason, "SCOPE_MISSING");
    let refused = pins.start(suspend).await.unwrap_err();
    assert_eq!(detail(&refused).reason, "SCOPE_MISSING");
    // With the scope, the token's life decides.
    let refused = pins.start(hand_over).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    assert_ne!(detail(&refused).reason, "SCOPE_MISSING");
}

#[tokio::test]
async fn health_is_open_and_a_method_that_is_not_there_says_so() {
    let bench = Bench::new().await;
    let channel = bench.channel(&bench.root).await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest {
        service: String::new(),
    };
    let answer = health.check(request).await.unwrap();
    assert_eq!(
        answer.get_ref().status(),
        tonic_health::pb::health_check_response::ServingStatus::Serving
    );
    // A service of agents is none of the server's.
    let channel = bench.channel(&bench.root).await.unwrap();
    let refused = keysteward_proto::agent::v1::tokens_client::TokensClient::new(channel)
        .list(keysteward_proto::agent::v1::ListRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}
