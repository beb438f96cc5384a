//! The rest of a card's life, and all of a GIDS card's, with something going wrong at
//! each call to the outside.

use super::*;

/// Those after which something else is known: done and told to nobody, done and known to
/// nobody, not done and another presence.
const DIFFERENT: [Fault; 3] = [
    Fault::ServerDiesAfter,
    Fault::AgentDiesAfter,
    Fault::Unplugged,
];

const PIN: &str = "271828";

fn pin() -> Option<GivenPin> {
    Some(GivenPin::new(PIN.into()))
}

fn register(token: TokenId, _: &World) -> Ask {
    Ask::RegisterCard { token }
}

fn issue(token: TokenId, world: &World) -> Ask {
    let (user, template) = (world.user, world.template);
    Ask::Issue {
        token,
        user,
        template,
    }
}

fn hand_over(token: TokenId, _: &World) -> Ask {
    let new_pin = pin();
    Ask::HandOverPin { token, new_pin }
}

fn renew(token: TokenId, _: &World) -> Ask {
    Ask::RenewCertificates {
        token,
        containers: vec![],
        pin: pin(),
    }
}

fn reissue(token: TokenId, _: &World) -> Ask {
    Ask::ReissueCertificates {
        token,
        containers: vec![],
        pin: pin(),
        may_lose_decryption_key: false,
    }
}

fn unblock(token: TokenId, _: &World) -> Ask {
    let new_pin = Some(GivenPin::new("314159".into()));
    Ask::UnblockCard { token, new_pin }
}

fn rotate_puk(token: TokenId, _: &World) -> Ask {
    Ask::RotatePuk { token }
}

fn suspend(token: TokenId, _: &World) -> Ask {
    Ask::Suspend { token }
}

fn resume(token: TokenId, _: &World) -> Ask {
    Ask::Resume { token }
}

fn revoke(token: TokenId, _: &World) -> Ask {
    revocation(token)
}

fn retire(token: TokenId, _: &World) -> Ask {
    Ask::Retire { token }
}

fn unregister(token: TokenId, _: &World) -> Ask {
    Ask::Unregister { token }
}

type Act = fn(TokenId, &World) -> Ask;

/// Lets each call of the last of these acts go wrong in each way; the others go well.
/// `holds`: what is true of the world after.
async fn survives_all(
    wishes: fn() -> Wishes,
    acts: &[Act],
    at_least: usize,
    holds: impl AsyncFn(&World),
) {
    let (act, before) = acts.split_last().unwrap();
    let prepared = async || {
        let world = World::with(wishes()).await;
        let token = world.token().await.id;
        for act in before {
            world.done(act(token, &world)).await;
        }
        world
    };
    survives(prepared, *act, at_least, holds).await;
}

/// As above, in a world that is made for each call.
async fn survives(
    prepared: impl AsyncFn() -> World,
    act: Act,
    at_least: usize,
    holds: impl AsyncFn(&World),
) {
    for fault in DIFFERENT {
        let mut calls = 0;
        while fails_at(prepared().await, act, fault, calls, &holds).await {
            calls += 1;
        }
        assert!(calls >= at_least, "{fault:?}: only {calls} calls");
    }
}

/// `false` when there is no such call.
async fn fails_at(
    mut world: World,
    act: Act,
    fault: Fault,
    call: usize,
    holds: &impl AsyncFn(&World),
) -> bool {
    let token = world.token().await.id;
    world.gate.arm(call, fault);
    let id = world.ask(act(token, &world)).await.unwrap().id;
    let (settled, came) = world.settled_through(fault, id).await;
    let context = format!("{fault:?} at call {call}: {settled:?}");
    let ended = world.retried(&settled).await;
    assert_eq!(ended.state, State::Succeeded, "{context}");
    world.until_nothing_is_open().await;
    world.card(|card| assert_eq!(card.puk_tries, 3, "{context}"));
    assert_eq!(world.tokens().await.len(), 1, "{context}");
    holds(&world).await;
    came
}

async fn agrees(world: &World) {
    world.card_agrees().await;
}

fn blank() -> Wishes {
    Wishes {
        host: |host| {
            host.has_key = false;
            host.serial.clear();
            host.card = Some(Card {
                id: vec![],
                ..Card::gids()
            });
        },
        ..gids()
    }
}

#[tokio::test]
async fn a_blank_gids_card_is_initialised_whichever_call_goes_wrong() {
    survives_all(blank, &[register], 4, agrees).await;
}

#[tokio::test]
async fn a_gids_card_that_has_files_is_registered_whichever_call_goes_wrong() {
    survives_all(gids, &[register], 6, agrees).await;
}

#[tokio::test]
async fn a_gids_card_is_issued_whichever_call_goes_wrong() {
    survives_all(gids, &[register, issue], 8, agrees).await;
}

#[tokio::test]
async fn either_card_is_renewed_whichever_call_goes_wrong() {
    for wishes in [piv as fn() -> Wishes, gids] {
        survives_all(wishes, &[register, issue, hand_over, renew], 5, agrees).await;
    }
}

#[tokio::test]
async fn either_card_is_reissued_whichever_call_goes_wrong() {
    for wishes in [piv as fn() -> Wishes, gids] {
        survives_all(wishes, &[register, issue, hand_over, reissue], 7, agrees).await;
    }
}

#[tokio::test]
async fn either_card_is_unblocked_whichever_call_goes_wrong() {
    for wishes in [piv as fn() -> Wishes, gids] {
        let acts: &[Act] = &[register, issue, hand_over, unblock];
        survives_all(wishes, acts, 1, async |world| {
            world.card(|card| assert_eq!((card.pin.as_str(), card.pin_tries), ("314159", 3)));
            world.card_agrees().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_puk_that_was_told_gives_way_whichever_call_goes_wrong() {
    let told = async || {
        let world = World::with(piv()).await;
        world.registered().await;
        let mut row = world.card_row().await;
        row.puk_spent = true;
        let mut tx = world.store.write().await.unwrap();
        store::card::put(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        world
    };
    survives(told, rotate_puk, 1, async |world| {
        assert!(!world.card_row().await.puk_spent);
        world.card_agrees().await;
    })
    .await;
}

#[tokio::test]
async fn a_card_is_put_on_hold_and_released_whichever_call_goes_wrong() {
    let life: &[Act] = &[register, issue, hand_over, suspend, resume];
    for acts in [&life[..4], life] {
        survives_all(piv, acts, 2, agrees).await;
    }
}

#[tokio::test]
async fn either_card_is_given_back_whichever_call_goes_wrong() {
    for wishes in [piv as fn() -> Wishes, gids] {
        let acts: &[Act] = &[register, issue, hand_over, revoke, retire, unregister];
        survives_all(wishes, acts, 1, async |world| {
            let factory = of_the_factory(world);
            world.card(|card| {
                assert!(card.containers.is_empty());
                assert_eq!(card.admin, factory, "the admin key is not the factory's");
            });
            assert_eq!(world.token().await.state, TokenState::Unregistered);
            assert!(world.secrets().await.is_empty());
        })
        .await;
    }
}

/// As the makers print it, not as we keep it.
fn of_the_factory(world: &World) -> Vec<u8> {
    match world.card(|card| card.applet) {
        Applet::Piv => hex::decode("010203040506070801020304050607080102030405060708").unwrap(),
        Applet::Gids => vec![0; 24],
    }
}

/// Logon, signature, and decryption.
pub(super) fn three() -> Wishes {
    Wishes {
        card: Some(|connection| {
            let mut section = section(connection);
            section.certificates.push(slot("9d", connection));
            section
        }),
        ..piv()
    }
}

#[tokio::test]
async fn the_key_that_decrypts_is_kept_whichever_call_goes_wrong() {
    let acts: &[Act] = &[register, issue, hand_over, reissue];
    survives_all(three, acts, 8, async |world| {
        let rows = world.certificates().await;
        let old = rows.iter().find(|row| row.container == "82").unwrap();
        assert_eq!(old.on_card, OnCard::Present);
        assert_eq!(old.state, certificate::State::Revoked);
        world.card(|card| assert_eq!(card.containers["82"].certificate, old.der));
        world.card_agrees().await;
    })
    .await;
}

#[tokio::test]
async fn three_key_pairs_are_issued_reissued_and_revoked_together() {
    fn three_of_gids() -> Wishes {
        Wishes {
            card: Some(|connection| {
                let mut section = gids_section(connection);
                section.certificates.push(slot("1", connection));
                section.certificates.push(slot("2", connection));
                section
            }),
            ..gids()
        }
    }
    for wishes in [three as fn() -> Wishes, three_of_gids] {
        let world = World::with(wishes()).await;
        let token = world.card_in_use().await;
        let rows = world.certificates().await;
        let containers: Vec<_> = rows.iter().map(|row| row.container.clone()).collect();
        let keys: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.public_key).collect();
        assert_eq!((containers.len(), keys.len()), (3, 3), "{containers:?}");
        assert_eq!(world.ca.good(), 3);
        world.card_agrees().await;
        world.done(reissue(token, &world)).await;
        assert_eq!(world.ca.good(), 3, "what stood there is revoked");
        world.card_agrees().await;
        world.done(revoke(token, &world)).await;
        assert_eq!(world.ca.good(), 0);
        world.card(|card| assert!(card.containers.is_empty()));
        world.card_agrees().await;
    }
}
