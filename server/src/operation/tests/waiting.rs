//! Operations that wait: for a key, a host, a touch; and those who watch them.

use core::time::Duration;

use keysteward_proto::agent::v1::step_error::Code;

use super::{
    fault::{Fault, MAKE_CREDENTIAL},
    key::refusal,
    world::{ACTOR, World},
};
use crate::{
    connector::idp::{Call, Why},
    lifecycle::TokenState,
    operation::{Ask, Error, State, Update},
};

#[tokio::test]
async fn nobody_touches_the_key_and_nothing_is_left() {
    let world = World::new().await;
    let id = {
        let token = world.token_in(TokenState::Registered).await.id;
        for _ in 0..9 {
            let timeout = refusal(Code::TouchTimeout, "nobody touched the key");
            world.host.state().refuse.push(timeout);
        }
        let (user, template) = (world.user, world.template);
        world
            .ask(Ask::Issue {
                token,
                user,
                template,
            })
            .await
            .unwrap()
            .id
    };
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("nobody touched"), "{}", ended.remark);
    assert!(
        ended.next_action.contains("touch the key"),
        "{}",
        ended.next_action
    );
    world.host.state().refuse.clear();
    world.agree().await;
}

#[tokio::test]
async fn a_step_that_the_agent_found_never_carried_out_is_done_again() {
    let world = World::new().await;
    let token = world.token_in(TokenState::Registered).await.id;
    for _ in 0..3 {
        let cut_off = refusal(Code::Cancelled, "cut off, and the token is as it was");
        world.host.state().refuse.push(cut_off);
    }
    let (user, template) = (world.user, world.template);
    let issue = Ask::Issue {
        token,
        user,
        template,
    };
    let ended = world.settled(world.ask(issue).await.unwrap().id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    world.agree().await;
}

#[tokio::test]
async fn a_key_that_goes_away_is_waited_for_and_the_wait_is_seen() {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.unplug().await;
    let id = world.issue().await.id;
    world.waiting(id, "waits for the key").await;
    world.host.plug();
    assert_eq!(world.settled(id).await.state, State::Succeeded);
    world.agree().await;
}

#[tokio::test]
async fn a_wait_past_the_deadline_ends_as_expired() {
    let mut world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.unplug().await;
    let id = world.issue().await.id;
    world.waiting(id, "waits for the key").await;
    world.later(Duration::from_secs(25 * 60 * 60)).await;
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("expired"), "{}", ended.remark);
}

#[tokio::test]
async fn an_attempt_that_only_an_absent_host_knows_of_is_unknown_until_it_is_back() {
    let mut world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.gate.arm(MAKE_CREDENTIAL, Fault::HostVanishes);
    let id = world.issue().await.id;
    world.waiting(id, "waits for laptop-7").await;
    world.later(Duration::from_secs(25 * 60 * 60)).await;
    let parked = world.settled(id).await;
    assert_eq!(parked.state, State::Unknown);
    assert!(
        parked.remark.contains("laptop-7 is away"),
        "{}",
        parked.remark
    );
    assert!(
        parked.next_action.contains("its journal settles it"),
        "{}",
        parked.next_action
    );
    assert_eq!(world.host.state().key.made, 1);
    world.host.link();
    let ended = world
        .until("its journal has settled it", async || {
            Some(world.operation(id).await).filter(|now| now.state.has_ended())
        })
        .await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    assert_eq!(world.host.state().key.made, 1);
    world.agree().await;
}

#[tokio::test]
async fn a_cancelled_operation_undoes_what_it_made() {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    let down = Why::Unreachable("down".into());
    world.idp.state().always = Some((Call::AddAuthenticator, down));
    let id = world.issue().await.id;
    world.waiting(id, "publish").await;
    assert_eq!(world.host.state().key.credentials.len(), 1);
    world.engine.cancel(id, ACTOR).await.unwrap();
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Cancelled, "{ended:?}");
    assert!(ended.remark.contains(ACTOR), "{}", ended.remark);
    assert_eq!(world.host.state().key.credentials, []);
    world.agree().await;
    let again = world.engine.cancel(id, ACTOR).await;
    assert!(matches!(again, Err(Error::WrongState { .. })), "{again:?}");
}

#[tokio::test]
async fn watchers_see_every_change_and_the_touch_that_is_wanted() {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.unplug().await;
    let id = world.issue().await.id;
    let (_, mut watch) = world.engine.watch(id).await.unwrap();
    world.host.plug();
    let mut touched = false;
    loop {
        match watch.next().await.unwrap().unwrap() {
            Update::Prompt(prompt) => {
                assert_eq!(
                    (prompt.kind, prompt.hostname.as_str()),
                    ("touch", "laptop-7")
                );
                touched = true;
            }
            Update::Operation(now) if now.state.has_ended() => break,
            Update::Operation(_) => {}
        }
    }
    assert!(touched);
}

/// An issue that is cancelled while the key waits for a touch.
async fn cancelled_at_the_touch(fault: Fault) -> World {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.gate.arm(MAKE_CREDENTIAL, fault);
    let id = world.issue().await.id;
    world
        .until("the key waits for a touch", async || {
            world.gate.came().then_some(())
        })
        .await;
    assert_eq!(world.operation(id).await.state, State::Running);
    world.engine.cancel(id, ACTOR).await.unwrap();
    let ended = world.settled(id).await;
    assert_eq!(ended.state, State::Cancelled, "{ended:?}");
    world.agree().await;
    world
}

#[tokio::test]
async fn cancelling_takes_the_prompt_off_a_key_that_nobody_touches() {
    let world = cancelled_at_the_touch(Fault::NobodyTouches).await;
    assert_eq!(world.host.state().key.made, 0);
}

#[tokio::test]
async fn a_touch_that_comes_with_the_cancelling_is_undone() {
    let world = cancelled_at_the_touch(Fault::TouchedTooLate).await;
    let state = world.host.state();
    assert_eq!((state.key.made, state.key.credentials.len()), (1, 0));
}

#[tokio::test]
async fn cancelling_while_only_an_absent_host_knows_says_that_it_is_unknown() {
    let world = World::new().await;
    world.token_in(TokenState::Registered).await;
    world.gate.arm(MAKE_CREDENTIAL, Fault::HostVanishes);
    let id = world.issue().await.id;
    world.waiting(id, "waits for laptop-7").await;
    world.engine.cancel(id, ACTOR).await.unwrap();
    assert_eq!(world.settled(id).await.state, State::Unknown);
    world.host.link();
    let ended = world
        .until("its journal has settled it", async || {
            Some(world.operation(id).await).filter(|now| now.state.has_ended())
        })
        .await;
    assert_eq!(ended.state, State::Cancelled, "{ended:?}");
    assert_eq!(world.host.state().key.credentials, []);
    world.agree().await;
}
