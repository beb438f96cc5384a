use super::{
    fault::Fault,
    world::{ACTOR, Wishes, World},
};
use crate::{
    connector::idp::{AuthenticatorState, Call, Why},
    lifecycle::{Custody, TokenState},
    operation::{Ask, GivenPin, Kind, Operation, Resolution, State},
    store::{self, Page, TokenId, credential::OnToken},
};

async fn escrowed() -> (World, TokenId) {
    let world = World::with(Wishes {
        custody: Custody::Escrow,
        ..Wishes::default()
    })
    .await;
    let token = world.active().await;
    (world, token)
}

fn revoke(token: TokenId, pin: Option<&str>) -> Ask {
    Ask::Revoke {
        token,
        reason: "lost".into(),
        pin: pin.map(|pin| GivenPin::new(pin.into())),
    }
}

async fn deletion(world: &World) -> Operation {
    let mut read = world.store.read().await.unwrap();
    let filter = store::operation::Filter {
        kind: Some(Kind::DeleteCredentials),
        ..Default::default()
    };
    store::operation::list(&mut read, &filter, Page::first(9))
        .await
        .unwrap()
        .rows
        .remove(0)
}

#[tokio::test]
async fn an_escrowed_key_at_hand_is_gone_at_the_provider_and_empty() {
    let (world, token) = escrowed().await;
    let ended = world.done(revoke(token, None)).await;
    assert_eq!(ended.remark, "");
    assert_eq!(world.token().await.state, TokenState::Revoked);
    assert_eq!(world.host.state().key.credentials, []);
    assert_eq!(world.credentials().await[0].on_token, OnToken::Deleted);
    world.agree().await;
}

/// The user changed the PIN at the key: the one in escrow opens it no more.
async fn revoked_with_the_users_pin(world: &World, token: TokenId) {
    world.host.state().key.pin = Some("chosen by its user".into());
    let ended = world.done(revoke(token, Some("chosen by its user"))).await;
    assert_eq!(ended.remark, "");
    assert_eq!(world.host.state().key.credentials, []);
    assert_eq!(world.credentials().await[0].on_token, OnToken::Deleted);
}

#[tokio::test]
async fn a_pin_that_is_given_wins_over_the_one_that_is_held() {
    let (world, token) = escrowed().await;
    revoked_with_the_users_pin(&world, token).await;
}

#[tokio::test]
async fn a_look_at_the_key_takes_the_pin_that_was_given_too() {
    let (world, token) = escrowed().await;
    // The provider comes first, then the deletion: it is done, and nobody says so.
    world.gate.arm(1, Fault::AgentDiesAfter);
    revoked_with_the_users_pin(&world, token).await;
    assert!(world.gate.came());
}

#[tokio::test]
async fn a_lost_key_is_revoked_at_once_and_emptied_when_it_is_seen() {
    let (mut world, token) = escrowed().await;
    world.unplug().await;
    let ended = world.done(revoke(token, None)).await;
    assert!(
        ended.remark.contains("as soon as an agent sees it"),
        "{}",
        ended.remark
    );
    assert_eq!(world.token().await.state, TokenState::Revoked);
    assert_eq!(world.idp.state().authenticators, []);
    let waiting = deletion(&world).await;
    assert_eq!((waiting.state, waiting.deadline), (State::Waiting, None));
    // Years later, after a restart.
    world
        .later(core::time::Duration::from_secs(3 * 365 * 24 * 3600))
        .await;
    world.restart().await;
    assert_eq!(deletion(&world).await.state, State::Waiting);
    world.host.plug();
    assert_eq!(world.settled(waiting.id).await.state, State::Succeeded);
    assert_eq!(world.host.state().key.credentials, []);
    world.agree().await;
}

#[tokio::test]
async fn without_the_pin_the_key_needs_a_reset_and_says_so() {
    let world = World::new().await;
    let token = world.active().await;
    let ended = world.done(revoke(token, None)).await;
    assert!(
        ended.remark.contains("does not hold its PIN"),
        "{}",
        ended.remark
    );
    assert_eq!(ended.next_action, "reset the key");
    let row = world.token().await;
    assert_eq!((row.state, row.needs_reset), (TokenState::Revoked, true));
    assert_eq!(world.credentials().await[0].on_token, OnToken::Unreachable);
    world.agree().await;
    // And the reset makes it a key like new.
    world.done(Ask::ResetToken { token }).await;
    let row = world.token().await;
    assert_eq!(
        (row.state, row.needs_reset, row.user_id),
        (TokenState::Registered, false, None)
    );
    world.agree().await;
    let again = world.settled(world.issue().await.id).await;
    assert_eq!(again.state, State::Succeeded, "{again:?}");
    world.agree().await;
}

#[tokio::test]
async fn with_the_users_pin_the_key_is_emptied_and_the_pin_forgotten() {
    let world = World::new().await;
    let token = world.active().await;
    let pin = world.host.state().key.pin.clone().unwrap();
    world.done(revoke(token, Some(&pin))).await;
    assert_eq!(world.host.state().key.credentials, []);
    assert_eq!(world.secrets().await, []);
    world.agree().await;
}

#[tokio::test]
async fn the_users_pin_waits_sealed_for_a_key_that_is_away() {
    let world = World::new().await;
    let token = world.active().await;
    let pin = world.host.state().key.pin.clone().unwrap();
    world.unplug().await;
    world.done(revoke(token, Some(&pin))).await;
    assert_eq!(world.secrets().await.len(), 1);
    world.no_pin_in_the_files();
    world.host.plug();
    let id = deletion(&world).await.id;
    assert_eq!(world.settled(id).await.state, State::Succeeded);
    assert_eq!(world.host.state().key.credentials, []);
    assert_eq!(world.secrets().await, []);
}

#[tokio::test]
async fn a_wrong_pin_revokes_all_the_same_and_names_the_tries_left() {
    let world = World::new().await;
    let token = world.active().await;
    let ended = world.done(revoke(token, Some("not-this-one"))).await;
    assert!(ended.remark.contains("7 tries left"), "{}", ended.remark);
    assert_eq!(world.token().await.state, TokenState::Revoked);
    assert!(world.token().await.needs_reset);
    assert_eq!(world.secrets().await, []);
}

#[tokio::test]
async fn a_template_may_keep_the_authenticator_on_hold() {
    let world = World::with(Wishes {
        custody: Custody::Escrow,
        change: |template| template.delete_at_idp = false,
        ..Wishes::default()
    })
    .await;
    let token = world.active().await;
    world.done(revoke(token, None)).await;
    assert_eq!(
        world.idp.state().authenticators[0].state,
        AuthenticatorState::Suspended
    );
    assert_eq!(world.host.state().key.credentials, []);
    assert_eq!(world.token().await.state, TokenState::Revoked);
}

#[tokio::test]
async fn what_the_provider_does_not_let_go_is_not_called_revoked() {
    let (world, token) = escrowed().await;
    let refused = Why::NotPermitted {
        status: 403,
        said: Default::default(),
    };
    world.idp.state().say.push((Call::Delete, refused));
    let ended = world
        .settled(world.ask(revoke(token, None)).await.unwrap().id)
        .await;
    assert_eq!(ended.state, State::Failed);
    assert_eq!(world.token().await.state, TokenState::Active);
    assert_eq!(world.host.state().key.credentials.len(), 1);
    world.agree().await;
}

#[tokio::test]
async fn a_deletion_that_is_cancelled_leaves_a_key_that_needs_a_reset() {
    let (world, token) = escrowed().await;
    world.unplug().await;
    world.done(revoke(token, None)).await;
    let id = deletion(&world).await.id;
    world.engine.cancel(id, "tester").await.unwrap();
    let ended = world.settled(id).await;
    assert_eq!(
        (ended.state, ended.next_action.as_str()),
        (State::Cancelled, "reset the key")
    );
    assert!(world.token().await.needs_reset);
}

#[tokio::test]
async fn a_deletion_at_the_provider_that_nobody_confirmed_needs_a_person() {
    let (world, token) = escrowed().await;
    world.gate.arm(0, Fault::RefusedFromNowOn);
    let id = world.ask(revoke(token, None)).await.unwrap().id;
    let parked = world.settled(id).await;
    assert_eq!(parked.state, State::NeedsAttention, "{parked:?}");
    assert_eq!(world.idp.state().authenticators, []);
    world.idp.state().refuses = false;
    let retry = Resolution::Retry;
    world.engine.resolve(id, retry, "", ACTOR).await.unwrap();
    assert_eq!(world.settled(id).await.state, State::Succeeded);
    assert_eq!(world.host.state().key.credentials, []);
    world.agree().await;
}

#[tokio::test]
async fn a_key_that_is_unplugged_meanwhile_is_expected_back_for_a_minute() {
    let (mut world, token) = escrowed().await;
    let down = Why::Unreachable("down".into());
    world.idp.state().always = Some((Call::Delete, down));
    let id = world.ask(revoke(token, None)).await.unwrap().id;
    world.waiting(id, "delete-authenticator").await;
    world.unplug().await;
    world.idp.state().always = None;
    world.waiting(id, "to come back").await;
    assert_eq!(world.token().await.state, TokenState::Revoked);
    world.later(core::time::Duration::from_secs(61)).await;
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Succeeded);
    assert!(
        ended.remark.contains("as soon as an agent sees it"),
        "{}",
        ended.remark
    );
    assert_eq!(deletion(&world).await.state, State::Waiting);
}
