//! Cards that were revoked, retired and given back: what is left on them.

use keysteward_proto::agent::v1::step_error::Code;

use super::{super::key::refusal, *};

fn piv_without_reset() -> Wishes {
    Wishes {
        host: |host| {
            host.has_key = false;
            host.serial.clear();
            host.card = Some(Card {
                no_reset: true,
                ..Card::piv()
            });
        },
        ..piv()
    }
}

/// A card that was in use, and is over.
async fn retired(world: &World) -> TokenId {
    let token = world.card_in_use().await;
    world.done(revocation(token)).await;
    world.done(Ask::Retire { token }).await;
    token
}

#[tokio::test]
async fn an_unregistered_piv_card_is_as_it_left_the_factory() {
    let world = World::with(piv()).await;
    let token = retired(&world).await;
    world.done(Ask::Unregister { token }).await;
    world.card(|card| {
        assert_eq!(
            (card.puk.as_str(), card.pin.as_str()),
            ("12345678", "123456")
        );
        assert_eq!(card.admin, [1, 2, 3, 4, 5, 6, 7, 8].repeat(3));
    });
    assert!(world.secrets().await.is_empty());
    // And may come back.
    world.registered().await;
    world.card_agrees().await;
}

#[tokio::test]
async fn an_unregistered_gids_card_is_empty_and_opens_with_the_key_of_its_factory() {
    let world = World::with(gids()).await;
    let token = retired(&world).await;
    let before = world.card_row().await.shown_id;
    let ended = world.done(Ask::Unregister { token }).await;
    assert_eq!(ended.remark, "", "nothing of us is left on it");
    world.card(|card| {
        is_as_from_the_factory(card);
        assert_ne!(card.id, before, "Windows would know it as the card it was");
    });
    world.registered().await;
    world.card_agrees().await;
}

#[tokio::test]
async fn nobodys_pin_opens_a_revoked_card_whether_it_is_at_hand_or_comes_later() {
    for (wishes, away) in [(piv(), false), (piv(), true), (gids(), true)] {
        let world = World::with(wishes).await;
        let token = world.card_in_use().await;
        if away {
            world.unplug().await;
        }
        let revoked = world.done(revocation(token)).await;
        if away {
            assert!(revoked.remark.contains("PIN is blocked"), "{revoked:?}");
            world.card(|card| assert_eq!(card.pin_tries, 3));
            world.host.plug();
        }
        world
            .until("the card is empty, and its PIN blocked", async || {
                let shut = world.card(|card| card.containers.is_empty() && card.pin_tries == 0);
                let held = world.secrets().await;
                let forgotten = held.iter().all(|s| s.kind == sealed_secret::Kind::Puk);
                (shut && forgotten).then_some(())
            })
            .await;
        world.card_agrees().await;
    }
}

#[tokio::test]
async fn a_card_without_a_reset_is_given_back_by_hand_and_what_remains_is_told() {
    let world = World::with(piv_without_reset()).await;
    let token = retired(&world).await;
    let ended = world.done(Ask::Unregister { token }).await;
    assert!(ended.remark.contains("it keeps its id"), "{ended:?}");
    world.card(|card| is_as_from_the_factory(card));
    assert!(world.secrets().await.is_empty());
    // And may come back.
    world.registered().await;
    world.card_agrees().await;
}

#[tokio::test]
async fn a_card_that_refuses_to_delete_a_key_is_asked_once_more_and_not_for_ever() {
    for (refusals, deleted) in [(1, true), (2, false)] {
        let world = World::with(piv()).await;
        let token = world.card_in_use().await;
        let refused = refusal(Code::Refused, "the command is not allowed now (SW 6986)");
        world.host.state().refuse = vec![refused; refusals];
        let ended = world.done(revocation(token)).await;
        world.card(|card| assert_eq!(card.containers.is_empty(), deleted, "{ended:?}"));
        assert_eq!(ended.remark.contains("SW 6986"), !deleted, "{ended:?}");
    }
}

pub(super) fn is_as_from_the_factory(card: &Card) {
    assert!(card.containers.is_empty());
    assert_eq!((card.pin.as_str(), card.pin_tries), ("123456", 3));
    match card.applet {
        Applet::Piv => {
            assert_eq!((card.puk.as_str(), card.puk_tries), ("12345678", 3));
            assert_eq!(card.admin, [1, 2, 3, 4, 5, 6, 7, 8].repeat(3));
        }
        Applet::Gids => assert_eq!(card.admin, vec![0; 24]),
    }
    assert_eq!(card.cipher, Cipher::TripleDes);
}

#[tokio::test]
async fn a_puk_that_a_card_does_not_take_back_is_told_and_holds_nothing_up() {
    let world = World::with(piv_without_reset()).await;
    let token = retired(&world).await;
    world.card(|card| card.puk_tries = 0);
    let ended = world.done(Ask::Unregister { token }).await;
    for kept in [
        "its PIN (the PUK is blocked)",
        "its PUK (the PUK is blocked)",
    ] {
        assert!(ended.remark.contains(kept), "{ended:?}");
    }
    world.card(|card| assert_eq!(card.admin, [1, 2, 3, 4, 5, 6, 7, 8].repeat(3)));
}

#[tokio::test]
async fn a_card_is_not_reset_like_a_key() {
    let world = World::with(piv()).await;
    let token = world.registered().await;
    let refused = world.ask(Ask::ResetToken { token }).await.unwrap_err();
    assert!(refused.to_string().contains("card unregister"), "{refused}");
}
