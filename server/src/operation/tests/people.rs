//! Operations that need a person: a key that cannot tell what an agent forgot.

use super::{
    fault::{Fault, MAKE_CREDENTIAL, SET_PIN},
    world::{ACTOR, World},
};
use crate::{
    lifecycle::TokenState,
    operation::{Ask, Error, Operation, Resolution, State, StepName},
};

/// An issue whose agent forgets call `at`, on a key that lists nothing.
async fn unknown(at: usize, fault: Fault) -> (World, Operation) {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.host.state().key.cannot_list = true;
    world.gate.arm(at, fault);
    let id = world.issue().await.id;
    let parked = world.settled(id).await;
    assert_eq!(parked.state, State::Unknown, "{parked:?}");
    assert!(parked.remark.contains("nobody knows"), "{}", parked.remark);
    assert!(
        parked.next_action.contains("resolve"),
        "{}",
        parked.next_action
    );
    (world, parked)
}

#[tokio::test]
async fn a_key_that_says_it_has_no_pin_is_asked_again() {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.host.state().key.cannot_list = true;
    world.gate.arm(SET_PIN, Fault::AgentDiesBefore);
    let ended = world.settled(world.issue().await.id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    world.agree().await;
}

#[tokio::test]
async fn a_step_called_done_by_a_person_is_gone_on_from() {
    let (world, parked) = unknown(SET_PIN, Fault::AgentDiesAfter).await;
    assert!(parked.remark.contains("set-pin"), "{}", parked.remark);
    let done = Resolution::Done;
    world
        .engine
        .resolve(parked.id, done, "tried it", ACTOR)
        .await
        .unwrap();
    let ended = world.settled(parked.id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    let verbs: Vec<_> = world
        .audit_is_whole()
        .await
        .into_iter()
        .map(|r| r.verb)
        .collect();
    assert!(
        verbs.contains(&"operation.resolve-done".to_owned()),
        "{verbs:?}"
    );
    world.agree().await;
}

#[tokio::test]
async fn a_step_called_failed_by_a_person_turns_the_operation_round() {
    let (world, parked) = unknown(MAKE_CREDENTIAL, Fault::AgentDiesBefore).await;
    let failed = Resolution::Failed;
    world
        .engine
        .resolve(parked.id, failed, "the key is empty", ACTOR)
        .await
        .unwrap();
    let ended = world.settled(parked.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(
        ended.remark.contains("the key is empty"),
        "{}",
        ended.remark
    );
    world.agree().await;
}

#[tokio::test]
async fn a_credential_cannot_be_called_made_by_hand() {
    let (world, parked) = unknown(MAKE_CREDENTIAL, Fault::AgentDiesAfter).await;
    let refused = world
        .engine
        .resolve(parked.id, Resolution::Done, "", ACTOR)
        .await;
    let step = StepName::MakeCredential;
    assert!(
        matches!(refused, Err(Error::NotByHand { step: s }) if s == step),
        "{refused:?}"
    );
    assert_eq!(world.operation(parked.id).await.state, State::Unknown);
}

#[tokio::test]
async fn an_unknown_that_is_cancelled_leaves_a_key_that_needs_a_reset() {
    let (world, parked) = unknown(MAKE_CREDENTIAL, Fault::AgentDiesAfter).await;
    world.engine.cancel(parked.id, ACTOR).await.unwrap();
    assert_eq!(world.settled(parked.id).await.state, State::Cancelled);
    let token = world.token().await;
    assert!(token.needs_reset);
    let (user, template) = (world.user, world.template);
    let issue = Ask::Issue {
        token: token.id,
        user,
        template,
    };
    assert!(matches!(world.ask(issue).await, Err(Error::NeedsReset)));
    world.done(Ask::ResetToken { token: token.id }).await;
    world.agree().await;
}

#[tokio::test]
async fn what_goes_on_by_itself_cannot_be_resolved() {
    let world = World::new().await;
    let id = world.issue().await.id;
    world.settled(id).await;
    let refused = world.engine.resolve(id, Resolution::Retry, "", ACTOR).await;
    assert!(
        matches!(refused, Err(Error::WrongState { .. })),
        "{refused:?}"
    );
}
