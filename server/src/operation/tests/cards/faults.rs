//! Every fault at every call, card or authority, of what changes them.

use super::*;

#[derive(Clone, Copy, Debug)]
enum Act {
    Register,
    Issue,
    HandOver,
    Renew,
    Reissue,
    Revoke,
    Retire,
    Unregister,
    ChangeAdminKey,
}

async fn begin(world: &World, act: Act) -> Operation {
    let token = world.token().await.id;
    match act {
        Act::Register => world.ask(Ask::RegisterCard { token }).await.unwrap(),
        Act::Issue => world.issue_card().await,
        Act::HandOver => {
            let new_pin = Some(GivenPin::new("271828".into()));
            world
                .ask(Ask::HandOverPin { token, new_pin })
                .await
                .unwrap()
        }
        Act::Renew => {
            world.ca.state().knows_successors = true;
            let containers = vec![];
            let pin = Some(GivenPin::new("271828".into()));
            let ask = Ask::RenewCertificates {
                token,
                containers,
                pin,
            };
            world.ask(ask).await.unwrap()
        }
        Act::Reissue => {
            let containers = vec!["9c".into()];
            let pin = Some(GivenPin::new("271828".into()));
            let ask = Ask::ReissueCertificates {
                token,
                containers,
                pin,
                may_lose_decryption_key: false,
            };
            world.ask(ask).await.unwrap()
        }
        Act::Retire => world.ask(Ask::Retire { token }).await.unwrap(),
        Act::Unregister => world.ask(Ask::Unregister { token }).await.unwrap(),
        Act::Revoke => world.ask(revocation(token)).await.unwrap(),
        Act::ChangeAdminKey => world.ask(Ask::ChangeAdminKey { token }).await.unwrap(),
    }
}

/// Lets call number `at` of `act` go wrong. `false` when there is no such call.
async fn survives(act: Act, fault: Fault, at: usize) -> bool {
    let mut world = World::with(piv()).await;
    // The way back that has the most steps.
    world.card(|card| card.no_reset = true);
    let acts: &[Act] = match act {
        Act::Register => &[],
        Act::Issue | Act::ChangeAdminKey => &[Act::Register],
        Act::HandOver | Act::Revoke => &[Act::Register, Act::Issue],
        Act::Renew | Act::Reissue => &[Act::Register, Act::Issue, Act::HandOver],
        Act::Retire => &[Act::Register, Act::Issue, Act::Revoke],
        Act::Unregister => &[Act::Register, Act::Issue, Act::Revoke, Act::Retire],
    };
    for act in acts {
        let ended = world.settled(begin(&world, *act).await.id).await;
        assert_eq!(ended.state, State::Succeeded, "{act:?}: {ended:?}");
    }
    if matches!(act, Act::ChangeAdminKey) {
        let mut tx = world.store.write().await.unwrap();
        let second = world
            .keys
            .new_card_master(2, "", ACTOR, store::Micros(2))
            .unwrap();
        store::card_master_key::insert(&mut tx, &second)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    world.token().await;
    world.gate.arm(at, fault);
    let id = begin(&world, act).await.id;
    let (settled, came) = world.settled_through(fault, id).await;
    let context = format!("{act:?}, {fault:?} at call {at}: {settled:?}");
    let ended = world.retried(&settled).await;
    assert_eq!(ended.state, State::Succeeded, "{context}");
    world.until_nothing_is_open().await;
    if matches!(act, Act::Unregister) {
        assert_eq!(world.token().await.state, TokenState::Unregistered);
        world.card(|card| given_back::is_as_from_the_factory(card));
    } else {
        world.card_agrees().await;
    }
    let rows = world.certificates().await;
    let mut serials: Vec<_> = rows
        .iter()
        .map(|row| &row.serial)
        .filter(|serial| !serial.is_empty())
        .collect();
    let taken = serials.len();
    serials.sort_unstable();
    serials.dedup();
    assert_eq!(serials.len(), taken, "{context}: one certificate, twice");
    world.card(|card| {
        assert!(card.puk_errors <= 1, "{context}: tries were burned");
        assert_eq!(card.puk_tries, 3, "{context}");
    });
    came
}

async fn every_fault_at_every_call(act: Act, at_least: usize) {
    for fault in Fault::ALL {
        let mut calls = 0;
        while survives(act, fault, calls).await {
            calls += 1;
        }
        assert!(calls >= at_least, "{act:?}: only {calls} calls");
    }
}

#[tokio::test]
async fn registering_a_card_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Register, 7).await;
}

#[tokio::test]
async fn issuing_certificates_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Issue, 11).await;
}

#[tokio::test]
async fn handing_a_card_over_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::HandOver, 1).await;
}

#[tokio::test]
async fn renewing_certificates_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Renew, 8).await;
}

#[tokio::test]
async fn reissuing_a_certificate_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Reissue, 7).await;
}

#[tokio::test]
async fn giving_a_card_back_by_hand_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Unregister, 5).await;
}

#[tokio::test]
async fn revoking_a_card_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Revoke, 4).await;
}

#[tokio::test]
async fn changing_an_admin_key_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::ChangeAdminKey, 2).await;
}
