//! From what an agent sees to a token of ours.

use super::world::{ACTOR, Wishes, World, revocation};
use crate::{
    lifecycle::{Custody, TokenState},
    operation::{Ask, Error, GivenPin, State},
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
async fn what_a_key_tells_of_itself_is_kept() {
    let world = World::with(Wishes {
        custody: Custody::Escrow,
        ..Wishes::default()
    })
    .await;
    let facts = world.token().await.facts;
    let sizes = (facts.max_msg_size, facts.max_credential_id_length);
    assert_eq!(sizes, (1200, 128));
    let blobs = (
        facts.max_cred_blob_length,
        facts.max_serialized_large_blob_array,
    );
    assert_eq!(blobs, (32, 1024));
    assert!(facts.long_touch_for_reset);
    assert_eq!(facts.transports_for_reset, ["usb"]);
    assert_eq!(facts.pin_complexity_policy, Some(true));
    assert_eq!(facts.pin_complexity_policy_url, "https://example.com/pin");
    assert_eq!(facts.uv_modality, 2);
    assert_eq!(facts.preferred_platform_uv_attempts, 3);
    assert_eq!(facts.certifications["FIDO"], 6);
    let vendors = facts.vendor_prototype_config_commands;
    assert_eq!(vendors, ["0xffffffffffffffff"]);
    assert_eq!(facts.authenticator_config_commands, [1, 3]);
    assert_eq!(facts.inspected, None, "nobody has looked yet");

    let inspected = async || world.token().await.facts.inspected.unwrap();
    let issued = world.settled(world.issue().await.id).await;
    assert_eq!(issued.state, State::Succeeded, "{issued:?}");
    let found = inspected().await;
    assert_eq!((found.pin_retries, found.uv_retries), (None, Some(3)));
    assert!(found.enc_identifier && !found.enc_cred_store_state);
    assert!(!found.at.is_empty());

    // Seen again, it is still what was found.
    world.unplug().await;
    world.host.plug();
    let token = world.token().await.id;
    world
        .until("seen again", async || world.engine.place(token))
        .await;
    assert_eq!(inspected().await, found);

    // Tries that were left, until the PIN is another one.
    let set = |current: Option<&str>| Ask::SetPin {
        token,
        applet: None,
        current_pin: current.map(|pin| GivenPin::new(pin.into())),
        new_pin: GivenPin::new("battery-staple-8".into()),
    };
    world.host.state().key.retries = 5;
    let asked = world.ask(set(Some("not-the-pin"))).await.unwrap();
    let ended = world.settled(asked.id).await;
    assert_eq!(ended.state, State::Failed, "{ended:?}");
    assert_eq!(inspected().await.pin_retries, Some(5));
    world.done(set(None)).await;
    assert_eq!(inspected().await.pin_retries, None);
    assert_eq!(inspected().await.uv_retries, Some(3));
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
    world.done(revocation(token)).await;
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
