use super::{
    fault::Fault,
    world::{ACTOR, World},
};
use crate::{
    connector::idp::{AuthenticatorState, Call, Why},
    lifecycle::TokenState,
    operation::{Ask, Resolution, State},
};

#[tokio::test]
async fn a_key_goes_on_hold_and_comes_back() {
    let world = World::new().await;
    let token = world.active().await;
    world.done(Ask::Suspend { token }).await;
    assert_eq!(world.token().await.state, TokenState::Suspended);
    assert_eq!(
        world.idp.state().authenticators[0].state,
        AuthenticatorState::Suspended
    );
    world.agree().await;
    world.done(Ask::Resume { token }).await;
    assert_eq!(world.token().await.state, TokenState::Active);
    assert_eq!(
        world.idp.state().authenticators[0].state,
        AuthenticatorState::Active
    );
    world.agree().await;
}

#[tokio::test]
async fn a_key_that_its_user_has_not_activated_cannot_be_suspended() {
    let world = World::new().await;
    let token = world.active().await;
    world.idp.state().authenticators[0].state = AuthenticatorState::Pending;
    let ended = world
        .settled(world.ask(Ask::Suspend { token }).await.unwrap().id)
        .await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("pending"), "{}", ended.remark);
    assert!(
        ended.next_action.contains("activate"),
        "{}",
        ended.next_action
    );
    assert_eq!(world.token().await.state, TokenState::Active);
}

#[tokio::test]
async fn a_key_that_somebody_deleted_at_the_provider_is_said_to_be_gone() {
    let world = World::new().await;
    let token = world.active().await;
    world.idp.state().authenticators.clear();
    let ended = world
        .settled(world.ask(Ask::Suspend { token }).await.unwrap().id)
        .await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("gone"), "{}", ended.remark);
    assert!(
        ended.next_action.contains("revoke"),
        "{}",
        ended.next_action
    );
}

#[tokio::test]
async fn a_provider_that_refuses_leaves_the_key_active() {
    let world = World::new().await;
    let token = world.active().await;
    let refused = Why::NotPermitted {
        status: 401,
        said: Default::default(),
    };
    world.idp.state().say.push((Call::Suspend, refused));
    let ended = world
        .settled(world.ask(Ask::Suspend { token }).await.unwrap().id)
        .await;
    assert_eq!(ended.state, State::Failed);
    assert_eq!(world.token().await.state, TokenState::Active);
    world.agree().await;
}

#[tokio::test]
async fn a_hold_that_cannot_be_confirmed_is_taken_back() {
    let world = World::new().await;
    let token = world.active().await;
    // list, suspend, and the list that should show it.
    world.gate.arm(2, Fault::Refused);
    let ended = world
        .settled(world.ask(Ask::Suspend { token }).await.unwrap().id)
        .await;
    assert_eq!(ended.state, State::Failed, "{ended:?}");
    assert!(ended.remark.contains("403"), "{}", ended.remark);
    assert_eq!(world.token().await.state, TokenState::Active);
    let state = world.idp.state().authenticators[0].state.clone();
    assert_eq!(state, AuthenticatorState::Active);
    world.agree().await;
}

#[tokio::test]
async fn a_hold_that_cannot_be_taken_back_either_needs_a_person() {
    let world = World::new().await;
    let token = world.active().await;
    world.gate.arm(1, Fault::RefusedFromNowOn);
    let id = world.ask(Ask::Suspend { token }).await.unwrap().id;
    let parked = world.settled(id).await;
    assert_eq!(parked.state, State::NeedsAttention, "{parked:?}");
    assert!(parked.remark.contains("403"), "{}", parked.remark);
    assert!(!parked.next_action.is_empty());
    world.idp.state().refuses = false;
    let retry = Resolution::Retry;
    world
        .engine
        .resolve(id, retry, "works again", ACTOR)
        .await
        .unwrap();
    assert_eq!(world.settled(id).await.state, State::Failed);
    let state = world.idp.state().authenticators[0].state.clone();
    assert_eq!(state, AuthenticatorState::Active);
    world.agree().await;
}
