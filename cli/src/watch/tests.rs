use std::collections::HashMap;

use keysteward_proto::server::v1::{Issue, start_operation_request::Kind};

use super::*;
use crate::{failure::Exit, stand_in::StandIn};

fn issue(token: &str) -> StartOperationRequest {
    StartOperationRequest {
        kind: Some(Kind::Issue(Issue {
            token: token.into(),
            ..Issue::default()
        })),
        ..StartOperationRequest::default()
    }
}

async fn run(stand_in: &StandIn, wait: &Wait) -> Result<()> {
    let server = stand_in.serve().await;
    let operation = start(&server, issue("k1")).await?;
    let operation = follow(&server, operation, wait, &mut Screen::new()).await?;
    verdict(&operation, wait)
}

#[tokio::test]
async fn an_operation_is_followed_to_its_end_through_a_broken_watch() {
    let stand_in = StandIn::default();
    *stand_in.breaks.lock().unwrap() = 1;
    run(&stand_in, &Wait::default()).await.unwrap();
    assert_eq!(*stand_in.breaks.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_id() {
    let stand_in = StandIn::default();
    *stand_in.lost_answers.lock().unwrap() = 1;
    run(&stand_in, &Wait::default()).await.unwrap();
    assert_eq!(stand_in.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_end_decides_the_exit_code() {
    for (end, exit) in [
        ("failed", Exit::Failed),
        ("cancelled", Exit::Failed),
        ("unknown", Exit::NeedsAttention),
        ("needs-attention", Exit::NeedsAttention),
    ] {
        let stand_in = StandIn {
            ends: HashMap::from([("k1".to_owned(), end)]),
            ..StandIn::default()
        };
        let failure = run(&stand_in, &Wait::default()).await.unwrap_err();
        assert_eq!(failure.exit(), exit, "{end}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_asked_for_again() {
    let stand_in = StandIn {
        ends: HashMap::from([("k1".to_owned(), "refused")]),
        ..StandIn::default()
    };
    let failure = run(&stand_in, &Wait::default()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
}

#[tokio::test]
async fn patience_that_ends_first_says_how_to_go_on() {
    let stand_in = StandIn::default();
    *stand_in.breaks.lock().unwrap() = u32::MAX;
    let wait = Wait {
        timeout: Some(Duration::from_millis(50)),
        ..Wait::default()
    };
    let failure = run(&stand_in, &wait).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::NeedsAttention);
    assert!(failure.report().next_action().contains("operation watch"));
}

#[tokio::test]
async fn without_waiting_a_running_operation_is_a_success() {
    let wait = Wait {
        no_wait: true,
        ..Wait::default()
    };
    run(&StandIn::default(), &wait).await.unwrap();
}
