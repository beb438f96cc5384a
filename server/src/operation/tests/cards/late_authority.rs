//! An authority that acts on a request after the server that sent it has died.

use core::time::Duration;

use super::piv;
use crate::{
    connector::ca::Reason,
    operation::{
        Operation, State,
        tests::world::{ACTOR, World},
    },
    store::certificate,
};

const LIMIT: Duration = Duration::from_secs(45);

/// The server has died while its first request was under way, and is back.
async fn cut_off() -> (World, Operation) {
    let mut world = World::with(piv()).await;
    world.registered().await;
    world.ca.state().limit = LIMIT;
    world.ca.state().late = true;
    let issue = world.issue_card().await;
    world.gate.tripped().await;
    world.restart().await;
    let waits = world.waiting(issue.id, "may still act").await;
    (world, waits)
}

#[tokio::test]
async fn nothing_is_asked_for_again_while_the_authority_may_still_act() {
    let (mut world, waits) = cut_off().await;
    let next = waits.next_try().unwrap();
    assert!(next <= waits.created_at.plus(LIMIT + Duration::from_secs(30)));
    assert!(world.ca.state().issued.is_empty());
    world.ca.act_late();
    world.later(LIMIT).await;
    let ended = world.settled(waits.id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    world.until_nothing_is_open().await;
    assert_eq!(world.ca.state().issued.len(), 2, "one for each key");
    assert_eq!(world.ca.good(), 2);
    world.card_agrees().await;
}

#[tokio::test]
async fn what_an_authority_issues_beside_what_is_known_is_revoked() {
    let (mut world, waits) = cut_off().await;
    world.ca.state().later_with_next = true;
    world.later(LIMIT).await;
    let ended = world.settled(waits.id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    assert!(ended.remark.contains("asked once more"), "{}", ended.remark);
    world.until_nothing_is_open().await;
    assert_eq!(world.ca.state().issued.len(), 3, "it issued one too many");
    assert_eq!(world.ca.good(), 2);
    assert_eq!(world.ca.state().reasons, [Reason::Superseded]);
    let rows = world.certificates().await;
    assert!(rows.iter().all(|row| row.lost_at.is_none()));
    world.card_agrees().await;
}

#[tokio::test]
async fn what_a_lost_answer_may_bring_counts_as_waiting_for_its_revocation() {
    let (mut world, waits) = cut_off().await;
    world.engine.cancel(waits.id, ACTOR).await.unwrap();
    let ended = world.settled(waits.id).await;
    assert_eq!(ended.state, State::Cancelled, "{ended:?}");
    assert!(ended.remark.contains("may still act"), "{ended:?}");
    let waiting = async |world: &World| {
        let mut read = world.store.read().await.unwrap();
        let counted = certificate::count_waiting_for_revocation(&mut read).await;
        let listed = certificate::waiting_for_revocation(&mut read).await;
        (counted.unwrap(), listed.unwrap().len())
    };
    assert_eq!(waiting(&world).await, (1, 1));
    world.ca.act_late();
    assert_eq!(world.ca.good(), 1);
    world.later(LIMIT).await;
    world.until_nothing_is_open().await;
    assert_eq!(waiting(&world).await, (0, 0));
    assert_eq!(world.ca.good(), 0, "nobody has it");
    world.card_agrees().await;
}
