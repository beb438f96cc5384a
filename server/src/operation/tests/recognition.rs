//! From what an agent sees to a token of ours.

use super::world::{ACTOR, Wishes, World};
use crate::{
    lifecycle::{Custody, TokenState},
    operation::{Ask, Error, State},
    store::token,
};

#[tokio::test]
async fn a_virtual_key_is_registered_only_where_its_type_says_so() {
    let world = World::new().await;
    world.token().await;
    world.host.unplug();
    {
        let mut state = world.host.state();
        state.is_virtual = true;
        state.serial = "V1".into();
    }
    world.host.plug();
    let row = world
        .until("the virtual key is seen", async || {
            world
                .tokens()
                .await
                .into_iter()
                .find(|token| token.serial == "V1")
        })
        .await;
    assert_eq!(
        (row.state, row.token_type_id),
        (TokenState::Unregistered, None)
    );
    let refused = world.engine.register(row.id, ACTOR).await;
    assert!(
        matches!(refused, Err(Error::WrongType { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_key_without_a_serial_is_known_again_by_its_credential() {
    let world = World::new().await;
    world.token().await;
    world.host.unplug();
    world.host.state().serial.clear();
    world.host.plug();
    let first = world
        .until("it is seen", async || {
            let tokens = world.tokens().await;
            tokens.into_iter().find(|token| token.identity.is_none())
        })
        .await;
    let ask = Ask::Issue {
        token: first.id,
        user: world.user,
        template: world.template,
    };
    let issued = world.until("registered", async || {
        let mut read = world.store.read().await.unwrap();
        let now = token::get(&mut read, first.id).await.unwrap().unwrap();
        (now.state == TokenState::Registered && world.engine.place(first.id).is_some())
            .then_some(())
    });
    issued.await;
    let ended = world.settled(world.ask(ask).await.unwrap().id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    world.unplug().await;
    world.host.plug();
    world
        .until("known again", async || world.engine.place(first.id))
        .await;
    assert_eq!(world.tokens().await.len(), 2);
}

#[tokio::test]
async fn a_key_without_a_serial_that_was_emptied_is_still_the_same_until_it_is_unplugged() {
    let mut world = World::with(Wishes {
        custody: Custody::Escrow,
        ..Wishes::default()
    })
    .await;
    world.host.state().serial.clear();
    world.restart().await;
    let token = world
        .until("it is seen", async || {
            let seen = |token: &token::Token| {
                token.identity.is_none() && world.engine.place(token.id).is_some()
            };
            world.tokens().await.into_iter().find(seen)
        })
        .await
        .id;
    let (user, template) = (world.user, world.template);
    world
        .done(Ask::Issue {
            token,
            user,
            template,
        })
        .await;
    world
        .done(Ask::Revoke {
            token,
            reason: "left".into(),
            pin: None,
        })
        .await;
    assert_eq!(world.host.state().key.credentials, []);
    world.restart().await;
    world
        .until("known again", async || world.engine.place(token))
        .await;
    // A key that is plugged in later is another one, for all that anybody knows.
    world.host.unplug();
    world.host.plug();
    let other = world
        .until("another one", async || {
            let other =
                |seen: &token::Token| seen.id != token && world.engine.place(seen.id).is_some();
            world.tokens().await.into_iter().find(other)
        })
        .await;
    // It does not inherit the end of the one that was revoked.
    assert_eq!((other.state, other.user_id), (TokenState::Registered, None));
    let tokens = world.tokens().await;
    let revoked = tokens.iter().find(|row| row.id == token).unwrap();
    assert_eq!(revoked.state, TokenState::Revoked);
}
