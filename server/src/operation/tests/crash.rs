//! Every fault, at every call to the outside, of a whole life of a key. After
//! each: nothing twice, and everything agrees or a person is asked.

use super::{
    fault::Fault,
    world::{Wishes, World, revocation},
};
use crate::{
    connector::{
        Said,
        idp::{Call, Why},
    },
    lifecycle::{Custody, TokenState, Unrooted},
    operation::{Ask, GivenPin, Operation, State},
};

/// One operation in the life of a key, and how far the key must be for it.
#[derive(Clone, Copy, Debug)]
enum Act {
    Issue,
    /// Its attestation proves nothing.
    IssueUnproven,
    /// Its provider refuses the import.
    IssueUnpublished,
    HandOver,
    HandOverOwn,
    Suspend,
    Resume,
    Revoke,
    Reset,
    SetPin,
}

async fn begin(world: &World, act: Act) -> Operation {
    let token = world.token().await.id;
    let ask = match act {
        Act::Issue | Act::IssueUnproven => return world.issue().await,
        Act::IssueUnpublished => {
            let refused = Why::NotPermitted {
                status: 403,
                said: Said::default(),
            };
            world.idp.state().always = Some((Call::AddAuthenticator, refused));
            return world.issue().await;
        }
        Act::HandOver => Ask::HandOverPin {
            token,
            new_pin: None,
        },
        Act::HandOverOwn => Ask::HandOverPin {
            token,
            new_pin: Some(GivenPin::new("correct-horse-7".into())),
        },
        Act::Suspend => Ask::Suspend { token },
        Act::Resume => Ask::Resume { token },
        Act::Revoke => revocation(token),
        Act::Reset => Ask::ResetToken { token },
        Act::SetPin => Ask::SetPin {
            applet: None,
            token,
            current_pin: None,
            new_pin: GivenPin::new("battery-staple-8".into()),
        },
    };
    world.ask(ask).await.unwrap()
}

/// Everything that comes before `act`, without faults.
async fn before(act: Act) -> World {
    let world = World::with(Wishes {
        custody: Custody::Escrow,
        change: |template| template.pin.minimum_length = 8,
        token_type: match act {
            Act::IssueUnproven => |t| t.unrooted_attestation = vec![Unrooted::Itself],
            _ => |_| {},
        },
        ..Wishes::default()
    })
    .await;
    let acts: &[Act] = match act {
        Act::Issue | Act::IssueUnproven | Act::IssueUnpublished => &[],
        Act::HandOver | Act::HandOverOwn | Act::SetPin => &[Act::Issue],
        Act::Suspend | Act::Revoke => &[Act::Issue, Act::HandOver],
        Act::Resume => &[Act::Issue, Act::HandOver, Act::Suspend],
        Act::Reset => &[Act::Issue, Act::HandOver, Act::Revoke],
    };
    for act in acts {
        let ended = world.settled(begin(&world, *act).await.id).await;
        assert_eq!(ended.state, State::Succeeded, "{act:?}: {ended:?}");
        world.idp.activate();
    }
    world
}

fn state_after(act: Act) -> TokenState {
    match act {
        Act::Issue | Act::SetPin => TokenState::Issued,
        Act::HandOver | Act::HandOverOwn | Act::Resume => TokenState::Active,
        Act::Suspend => TokenState::Suspended,
        Act::Revoke => TokenState::Revoked,
        Act::Reset | Act::IssueUnproven | Act::IssueUnpublished => TokenState::Registered,
    }
}

/// Lets call number `at` of `act` go wrong. `false` when there is no such call.
async fn survives(act: Act, fault: Fault, at: usize) -> bool {
    let mut world = before(act).await;
    world.token().await;
    world.gate.arm(at, fault);
    let id = begin(&world, act).await.id;
    let (ended, came) = world.settled_through(fault, id).await;
    let context = format!("{act:?}, {fault:?} at call {at}: {ended:?}");
    let undone = matches!(act, Act::IssueUnproven | Act::IssueUnpublished);
    let expected = if undone {
        State::Failed
    } else {
        State::Succeeded
    };
    assert_eq!(ended.state, expected, "{context}");
    let token = world.token().await;
    assert_eq!(token.state, state_after(act), "{context}");
    let empty = undone || matches!(act, Act::Revoke | Act::Reset);
    let left = world.host.state().key.credentials.len();
    assert_eq!(left, usize::from(!empty), "{context}");
    world.agree().await;
    came
}

async fn every_fault_at_every_call(act: Act) {
    for fault in Fault::ALL {
        let mut calls = 0;
        while survives(act, fault, calls).await {
            calls += 1;
        }
        let expected = match act {
            Act::Issue => 7,
            Act::IssueUnproven => 6,
            Act::IssueUnpublished => 7,
            Act::HandOver => 0,
            Act::Revoke | Act::Suspend | Act::Resume | Act::SetPin => 2,
            Act::HandOverOwn | Act::Reset => 1,
        };
        assert!(calls >= expected, "{act:?}: only {calls} calls");
    }
}

#[tokio::test]
async fn issue_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Issue).await;
}

#[tokio::test]
async fn an_issue_that_must_be_undone_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::IssueUnproven).await;
    every_fault_at_every_call(Act::IssueUnpublished).await;
}

#[tokio::test]
async fn a_server_that_dies_again_and_again_still_comes_to_the_end() {
    // A provider has no journal: its first call is let through, or it would
    // be made for ever.
    for act in [Act::Issue, Act::Revoke] {
        let mut world = before(act).await;
        world.token().await;
        world.gate.arm(1, Fault::ServerDiesAfter);
        let id = begin(&world, act).await.id;
        let mut deaths = 0;
        let ended = loop {
            tokio::select! {
                () = world.gate.tripped() => {}
                ended = world.settled(id) => break ended,
            }
            deaths += 1;
            world.kill().await;
            world.gate.arm(1, Fault::ServerDiesAfter);
            world.start().await;
        };
        assert_eq!(ended.state, State::Succeeded, "{act:?}: {ended:?}");
        assert!(deaths >= 1, "{act:?}");
        world.agree().await;
    }
}

#[tokio::test]
async fn hand_over_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::HandOver).await;
    every_fault_at_every_call(Act::HandOverOwn).await;
}

#[tokio::test]
async fn suspend_and_resume_survive_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Suspend).await;
    every_fault_at_every_call(Act::Resume).await;
}

#[tokio::test]
async fn revoke_survives_every_fault_at_every_call() {
    every_fault_at_every_call(Act::Revoke).await;
}

#[tokio::test]
async fn set_pin_and_reset_survive_every_fault_at_every_call() {
    every_fault_at_every_call(Act::SetPin).await;
    every_fault_at_every_call(Act::Reset).await;
}
