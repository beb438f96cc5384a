//! After a restore: the database is older than the journals.

use keysteward_proto::agent::v1::{Outcome, StepKey, outcome::State as Journal};

use super::world::{ACTOR, World};
use crate::{
    lifecycle::TokenState,
    operation::State,
    store::{Micros, OperationId, server},
};

async fn restored(world: &mut World) {
    world.host.cut_link();
    world.kill().await;
    let path = world
        .files()
        .into_iter()
        .find(|path| path.ends_with("db"))
        .unwrap();
    let store = crate::store::Store::open(&path).await.unwrap();
    let mut tx = store.write().await.unwrap();
    let since = Micros(crate::store::Clock::system().now().0);
    server::set_reconcile_since(&mut tx, Some(since))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    world.start().await;
}

#[tokio::test]
async fn nothing_runs_until_every_journal_was_read() {
    let mut world = World::new().await;
    world.token_in(TokenState::Registered).await;
    restored(&mut world).await;
    let (_, missing) = world.engine.reconciliation().await.unwrap().unwrap();
    assert_eq!(missing[0].hostname, "laptop-7");
    let id = world.issue().await.id;
    world.waiting(id, "journals of all hosts").await;
    assert_eq!(world.host.state().log, Vec::<&str>::new());
    world.host.link();
    assert_eq!(world.settled(id).await.state, State::Succeeded);
    assert_eq!(world.engine.reconciliation().await.unwrap(), None);
    world.agree().await;
}

#[tokio::test]
async fn waiting_for_a_host_that_does_not_come_back_can_be_given_up() {
    let mut world = World::new().await;
    world.token_in(TokenState::Registered).await;
    restored(&mut world).await;
    world
        .engine
        .end_reconciliation("it burnt", ACTOR)
        .await
        .unwrap();
    assert_eq!(world.engine.reconciliation().await.unwrap(), None);
    let last = world.audit_is_whole().await.pop().unwrap();
    assert_eq!(last.verb, "server.end-reconciliation");
    assert!(last.facts.contains("it burnt"), "{}", last.facts);
}

#[tokio::test]
async fn a_step_of_after_the_backup_is_shown_and_not_done_again() {
    let mut world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.unplug().await;
    let id = world.issue().await.id;
    world.waiting(id, "waits for the key").await;
    world.host.remember(Outcome {
        key: Some(StepKey {
            operation_id: id.to_string(),
            step: "set-pin".into(),
            attempt: 1,
        }),
        state: Journal::Done.into(),
        caller: "server".into(),
        ..Outcome::default()
    });
    restored(&mut world).await;
    world.host.link();
    let parked = world.settled(id).await;
    assert_eq!(parked.state, State::NeedsAttention);
    assert!(
        parked.remark.contains("set-pin happened after the backup"),
        "{}",
        parked.remark
    );
    assert!(
        parked.next_action.contains("reset the key"),
        "{}",
        parked.next_action
    );
    assert!(world.token().await.needs_reset);
}

#[tokio::test]
async fn what_a_host_did_unasked_is_in_the_audit() {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    let id = OperationId::new();
    world.host.remember(Outcome {
        key: Some(StepKey {
            operation_id: id.to_string(),
            step: "reset".into(),
            attempt: 1,
        }),
        state: Journal::Done.into(),
        verb: "reset".into(),
        caller: "root at the local socket".into(),
        serial: "S1".into(),
        ..Outcome::default()
    });
    world.host.cut_link();
    world.host.link();
    let told = world
        .until("it is told", async || {
            world
                .audit_is_whole()
                .await
                .into_iter()
                .find(|record| record.verb == "host.did")
        })
        .await;
    assert!(
        told.facts.contains("root at the local socket"),
        "{}",
        told.facts
    );
}
