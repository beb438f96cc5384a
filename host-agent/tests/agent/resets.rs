//! Unplug, plug in, touch.

use keysteward_agent::settings::Policy;
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::device::{
    TouchPolicy,
    fault::{Action, Fault, Moment},
};
use proto::{lease_request, outcome::State, progress::Kind, step::Verb, step_error::Code};

use crate::harness::{Host, Key, Lease, SOON};

const RESET: u8 = 0x07;

fn reset() -> Verb {
    Verb::Reset(proto::Reset {})
}

async fn host() -> Host {
    Host::with_policy(Policy {
        allow_reset: true,
        ..Policy::default()
    })
    .await
}

/// A reset that waits for the key to be unplugged.
async fn begun(host: &Host) -> Lease {
    let mut lease = host.lease().await;
    lease.begin("reset", reset()).await;
    lease.hears(Kind::UnplugNeeded).await;
    lease
}

#[tokio::test]
async fn a_key_is_erased_after_a_replug_and_a_touch_and_the_lease_goes_on() {
    let host = host().await;
    let key = host.key().await;
    host.lease().await.make("make").await;
    let mut lease = begun(&host).await;
    key.device.unplug();
    let asked = lease.hears(Kind::PlugInNeeded).await;
    assert!(asked.contains("within 10 seconds"), "{asked}");
    key.device.plug();
    lease.done().await.unwrap();
    assert!(!key.pin_set());
    assert_eq!(key.credentials(), 0);
    lease
        .step("", Verb::Inspect(proto::Inspect {}))
        .await
        .unwrap();
    let caller = host.caller().await;
    assert_eq!(caller.outcome("reset").await.state(), State::Done);
    assert!(!caller.token().await.fido.unwrap().options["clientPin"]);
}

#[tokio::test]
async fn nothing_is_erased_when_nobody_unplugs() {
    let host = host().await;
    let key = host.key().await;
    let mut lease = host.lease().await;
    lease.begin_within("reset", reset(), 300).await;
    let error = lease.done().await.unwrap_err();
    assert_eq!((error.code(), error.changed), (Code::TouchTimeout, false));
    assert!(key.pin_set());
    assert_eq!(
        host.caller().await.outcome("reset").await.state(),
        State::Failed
    );
}

#[tokio::test]
async fn a_reset_can_be_cancelled_until_it_is_sent() {
    let host = host().await;
    let key = host.key().await;
    let mut lease = begun(&host).await;
    lease
        .send(lease_request::Request::Cancel(proto::Cancel {}))
        .await;
    let error = lease.done().await.unwrap_err();
    assert_eq!((error.code(), error.changed), (Code::Cancelled, false));
    assert!(key.pin_set());
}

#[tokio::test]
async fn another_key_that_comes_back_is_left_alone() {
    let host = host().await;
    let key = host.key().await;
    let other = Key::new(host.folder.path(), Some("KS-2"));
    crate::harness::until_async("two tokens", async || {
        host.caller().await.list().await.len() == 2
    })
    .await;
    let caller = host.caller().await;
    let tokens = caller.list().await;
    let presence_id = |serial: &str| {
        let token = tokens.iter().find(|token| token.serial == serial);
        token.unwrap().presence_id.clone()
    };
    caller
        .lease_of(&presence_id("KS-2"), SOON)
        .await
        .unwrap()
        .set_pin("set-other")
        .await;
    let mut lease = caller.lease_of(&presence_id("KS-1"), SOON).await.unwrap();
    lease.begin("reset", reset()).await;
    lease.hears(Kind::UnplugNeeded).await;
    key.device.unplug();
    lease.hears(Kind::PlugInNeeded).await;
    other.replug();
    let error = lease.done().await.unwrap_err();
    assert_eq!((error.code(), error.changed), (Code::TokenSwapped, false));
    assert!(other.pin_set() && key.pin_set());
}

#[tokio::test]
async fn a_touch_that_does_not_come_leaves_the_key_as_it_was() {
    let host = host().await;
    let key = host.key().await;
    let mut lease = host.lease().await;
    lease.begin_within("reset", reset(), 2_000).await;
    lease.hears(Kind::UnplugNeeded).await;
    key.device.set_touch_policy(TouchPolicy::Never);
    key.replug();
    let error = lease.done().await.unwrap_err();
    assert_eq!((error.code(), error.changed), (Code::TouchTimeout, false));
    assert!(key.pin_set());
}

#[tokio::test]
async fn a_reset_that_was_cut_off_is_settled_by_a_look() {
    for (moment, state, pin_set) in [
        (Moment::Before, State::Failed, true),
        (Moment::After, State::Done, false),
    ] {
        let host = host().await;
        let key = host.key().await;
        let mut lease = begun(&host).await;
        key.device.arm(Fault {
            moment,
            command: RESET,
            subcommand: None,
            action: Action::Unplug,
        });
        key.replug();
        let error = lease.done().await.unwrap_err();
        assert_eq!((error.code(), error.changed), (Code::TokenRemoved, true));
        key.device.plug();
        let outcome = host.caller().await.settled("reset").await;
        assert_eq!(outcome.state(), state, "{outcome:?}");
        assert_eq!(key.pin_set(), pin_set);
    }
}

#[tokio::test]
async fn a_key_without_pin_is_known_to_be_erased_by_a_credential_that_is_gone() {
    for (moment, state) in [
        (Moment::Before, State::Failed),
        (Moment::After, State::Done),
    ] {
        let host = host().await;
        let key = Key::new(host.folder.path(), Some("KS-1"));
        let Verb::MakeCredential(make) = crate::harness::make_credential() else {
            panic!();
        };
        let make = Verb::MakeCredential(proto::MakeCredential {
            pin: String::new(),
            ..make
        });
        host.lease().await.step("make", make).await.unwrap();
        let mut lease = begun(&host).await;
        key.device.arm(Fault {
            moment,
            command: RESET,
            subcommand: None,
            action: Action::Unplug,
        });
        key.replug();
        lease.done().await.unwrap_err();
        key.device.plug();
        let outcome = host.caller().await.settled("reset").await;
        assert_eq!(outcome.state(), state, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_caller_who_vanishes_does_not_cut_a_reset() {
    let host = host().await;
    let key = host.key().await;
    let lease = begun(&host).await;
    drop(lease);
    key.replug();
    let outcome = host.caller().await.settled("reset").await;
    assert_eq!(outcome.state(), State::Done);
    assert!(!key.pin_set());
}
