use super::world::{ACTOR, Wishes, World};
use crate::{
    lifecycle::{Custody, TokenState},
    operation::{Ask, Error, GivenPin, State},
};

#[tokio::test]
async fn a_pin_is_revealed_once_and_then_gone() {
    let world = World::new().await;
    world.settled(world.issue().await.id).await;
    let token = world.token().await.id;
    let over = world
        .done(Ask::HandOverPin {
            token,
            new_pin: None,
        })
        .await;
    assert_eq!(world.token().await.state, TokenState::Active);
    let shown = world
        .engine
        .reveal(over.id, ACTOR)
        .await
        .unwrap()
        .pin
        .unwrap();
    assert_eq!(Some(shown.to_string()), world.host.state().key.pin);
    assert_eq!(world.secrets().await, []);
    let again = world.engine.reveal(over.id, ACTOR).await;
    assert!(matches!(again, Err(Error::NothingToReveal(_))), "{again:?}");
    let verbs: Vec<_> = world
        .audit_is_whole()
        .await
        .into_iter()
        .map(|r| r.verb)
        .collect();
    assert_eq!(verbs.last().unwrap(), "pin.reveal");
    world.agree().await;
}

#[tokio::test]
async fn an_escrowed_pin_is_kept_and_can_be_handed_over_again() {
    let world = World::with(Wishes {
        custody: Custody::Escrow,
        ..Wishes::default()
    })
    .await;
    world.settled(world.issue().await.id).await;
    let token = world.token().await.id;
    for _ in 0..2 {
        let over = world
            .done(Ask::HandOverPin {
                token,
                new_pin: None,
            })
            .await;
        let shown = world
            .engine
            .reveal(over.id, ACTOR)
            .await
            .unwrap()
            .pin
            .unwrap();
        assert_eq!(Some(shown.to_string()), world.host.state().key.pin);
    }
    assert_eq!(world.secrets().await.len(), 1);
}

#[tokio::test]
async fn the_users_own_pin_replaces_the_first_one_and_is_not_kept() {
    let world = World::new().await;
    world.settled(world.issue().await.id).await;
    let token = world.token().await.id;
    let new_pin = Some(GivenPin::new("correct-horse-7".into()));
    world.done(Ask::HandOverPin { token, new_pin }).await;
    assert_eq!(
        world.host.state().key.pin.as_deref(),
        Some("correct-horse-7")
    );
    assert_eq!(world.secrets().await, []);
    assert_eq!(world.token().await.state, TokenState::Active);
    world.agree().await;
}

#[tokio::test]
async fn a_pin_that_breaks_the_policy_is_refused_by_field_and_not_shown() {
    let world = World::with(Wishes {
        change: |template| template.pin.minimum_length = 8,
        ..Wishes::default()
    })
    .await;
    world.settled(world.issue().await.id).await;
    let token = world.token().await.id;
    let new_pin = Some(GivenPin::new("31415".into()));
    let refused = world
        .ask(Ask::HandOverPin { token, new_pin })
        .await
        .unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("hand_over_pin.new_pin") && said.contains("8 characters"),
        "{said}"
    );
    assert!(!format!("{said}{refused:?}").contains("31415"));
    assert_eq!(world.secrets().await.len(), 1);
}

#[tokio::test]
async fn a_template_that_forces_a_new_pin_says_so_to_the_key() {
    let world = World::with(Wishes {
        change: |template| template.pin.force_change = true,
        ..Wishes::default()
    })
    .await;
    world.settled(world.issue().await.id).await;
    assert!(!world.host.state().key.force_change);
    let token = world.token().await.id;
    world
        .done(Ask::HandOverPin {
            token,
            new_pin: None,
        })
        .await;
    assert!(world.host.state().key.force_change);
}

#[tokio::test]
async fn a_pin_set_by_an_operator_is_held_until_hand_over_and_erased_after() {
    let world = World::new().await;
    world.settled(world.issue().await.id).await;
    let token = world.token().await.id;
    let set = |current: Option<&str>, new: &str| Ask::SetPin {
        applet: None,
        token,
        current_pin: current.map(|pin| GivenPin::new(pin.into())),
        new_pin: GivenPin::new(new.into()),
    };
    world.done(set(None, "battery-staple-8")).await;
    assert_eq!(world.secrets().await.len(), 1);
    world.agree().await;
    let over = world
        .done(Ask::HandOverPin {
            token,
            new_pin: None,
        })
        .await;
    world.engine.reveal(over.id, ACTOR).await.unwrap();
    let without = world
        .settled(world.ask(set(None, "another-pin-9")).await.unwrap().id)
        .await;
    assert_eq!(without.state, State::Failed);
    assert!(
        without.next_action.contains("current_pin"),
        "{}",
        without.next_action
    );
    let wrong = world
        .settled(
            world
                .ask(set(Some("not-this-one"), "another-pin-9"))
                .await
                .unwrap()
                .id,
        )
        .await;
    assert_eq!(wrong.state, State::Failed);
    assert!(wrong.remark.contains("7 tries left"), "{}", wrong.remark);
    world
        .done(set(Some("battery-staple-8"), "another-pin-9"))
        .await;
    assert_eq!(world.host.state().key.pin.as_deref(), Some("another-pin-9"));
    assert_eq!(world.secrets().await, []);
    world.agree().await;
}
