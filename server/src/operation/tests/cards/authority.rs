//! An authority that takes its time, refuses, or is away.

use super::*;

#[tokio::test]
async fn a_pending_request_waits_where_everybody_can_see() {
    let world = World::with(piv()).await;
    world.registered().await;
    world.ca.state().pending = 200;
    let id = world.issue_card().await.id;
    world.waiting(id, "has not decided on E-1").await;
    world.ca.state().pending = 1;
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    assert_eq!(world.ca.good(), 2);
    world.card_agrees().await;
}

#[tokio::test]
async fn what_an_authority_refuses_leaves_no_key_behind() {
    let world = World::with(piv()).await;
    world.registered().await;
    world.ca.state().refuses = true;
    let ended = world.settled(world.issue_card().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("enrol"), "{}", ended.remark);
    world.card(|card| {
        assert!(card.containers.is_empty());
        assert_eq!(card.pin_tries, 0);
    });
    assert_eq!(world.token().await.state, TokenState::Registered);
    world.card_agrees().await;
}

#[tokio::test]
async fn a_card_that_forgets_its_certificate_gets_it_revoked() {
    let world = World::with(piv()).await;
    world.registered().await;
    world.card(|card| card.forgets = true);
    let ended = world.settled(world.issue_card().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("does not show"), "{}", ended.remark);
    assert_eq!(world.ca.good(), 0);
    assert_eq!(
        world.ca.state().reasons,
        [Reason::CessationOfOperation, Reason::CessationOfOperation]
    );
    world.card_agrees().await;
}

#[tokio::test]
async fn revoking_waits_for_no_authority_and_the_wait_is_seen() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    world.ca.state().down = true;
    let reason = "stolen".to_owned();
    let revoked = world
        .done(Ask::Revoke {
            token,
            reason,
            pin: None,
        })
        .await;
    assert!(
        revoked.remark.contains("revoke-certificates"),
        "{revoked:?}"
    );
    assert_eq!(world.token().await.state, TokenState::Revoked);
    assert_eq!(world.ca.good(), 2);
    let mut read = world.store.read().await.unwrap();
    let waiting = certificate::waiting_for_revocation(&mut read)
        .await
        .unwrap();
    assert_eq!(waiting.len(), 2);
    let filter = operation::Filter {
        kind: Some(Kind::RevokeCertificates),
        open: true,
        ..operation::Filter::default()
    };
    let open = operation::list(&mut read, &filter, Page::first(9))
        .await
        .unwrap();
    let id = open.rows[0].id;
    let counted = certificate::count_waiting_for_revocation(&mut read).await;
    assert_eq!(counted.unwrap(), 2);
    drop(read);
    // Why it waits, and until when.
    let waits = world.waiting(id, "cannot be reached").await;
    let again = waits.next_try();
    assert!(again.is_some_and(|at| at > waits.created_at), "{waits:?}");
    world.ca.state().down = false;
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    assert_eq!(world.ca.good(), 0);
    assert_eq!(ended.next_try(), None);
    let mut read = world.store.read().await.unwrap();
    let counted = certificate::count_waiting_for_revocation(&mut read).await;
    assert_eq!(counted.unwrap(), 0);
    drop(read);
    assert_eq!(world.ca.state().reasons, [Reason::KeyCompromise; 2]);
    world.card_agrees().await;
}

#[tokio::test]
async fn a_hold_stands_at_the_authority_and_ends_there() {
    let world = World::with(piv()).await;
    let token = world.card_in_use().await;
    world.done(Ask::Suspend { token }).await;
    assert_eq!(world.ca.good(), 0);
    world.card_agrees().await;
    world.done(Ask::Resume { token }).await;
    assert_eq!(world.ca.good(), 2);
    world.card_agrees().await;
}
