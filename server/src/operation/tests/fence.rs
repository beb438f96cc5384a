//! Leases and fencing: two workers, one operation.

use core::time::Duration;

use super::world::World;
use crate::{
    lifecycle::TokenState,
    operation::State,
    store::{Micros, operation},
};

#[tokio::test]
async fn a_worker_whose_lease_ran_out_writes_nothing_more() {
    let mut world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.unplug().await;
    let id = world.issue().await.id;
    let due = world.waiting(id, "waits for the key").await.not_before;
    world.kill().await;
    world.start_without_engine().await;
    let mut tx = world.store.write().await.unwrap();
    let until = due.plus(Duration::from_secs(60));
    let early = Micros(due.0 - 1);
    assert_eq!(
        operation::lease(&mut tx, id, "one", until, early)
            .await
            .unwrap(),
        None
    );
    let mut one = operation::lease(&mut tx, id, "one", until, due)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        operation::lease(&mut tx, id, "two", until, due)
            .await
            .unwrap(),
        None
    );
    let later = until.plus(Duration::from_secs(60));
    let mut two = operation::lease(&mut tx, id, "two", later, until)
        .await
        .unwrap()
        .unwrap();
    assert!(two.version > one.version);
    one.state = State::Succeeded;
    assert!(
        !operation::update(&mut tx, &mut one, Micros(0))
            .await
            .unwrap()
    );
    two.remark = "the second one".into();
    assert!(operation::update(&mut tx, &mut two, later).await.unwrap());
    tx.commit().await.unwrap();
    let now = world.operation(id).await;
    assert_eq!(
        (now.state, now.remark.as_str()),
        (State::Waiting, "the second one")
    );
}
