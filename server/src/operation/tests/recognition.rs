//! From what an agent sees to a token of ours.

use super::world::{ACTOR, World};
use crate::{
    lifecycle::TokenState,
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
