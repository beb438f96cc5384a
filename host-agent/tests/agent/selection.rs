//! Which of the tokens is meant: the one that is touched.

use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{device::TouchPolicy, manufacture::Profile};
use proto::{progress::Kind, step::Verb, step_error::Code, step_result::Result as Answer};

use crate::harness::{Host, Key, Lease};

const EDITIONS: [Profile; 5] = [
    Profile::Ctap23,
    Profile::Ctap21,
    Profile::Ctap21Pre,
    Profile::Ctap20,
    Profile::U2fOnly,
];

/// A token that is asked for its touch, and is not touched.
async fn waiting_for_a_touch(profile: Profile) -> (Host, Key, Lease) {
    let host = Host::new().await;
    let key = Key::of_profile(host.folder.path(), Some("KS-1"), profile);
    let mut lease = host.lease().await;
    key.device.set_touch_policy(TouchPolicy::Never);
    lease.begin("", Verb::Select(proto::Select {})).await;
    lease.hears(Kind::TouchNeeded).await;
    (host, key, lease)
}

#[tokio::test]
async fn a_token_of_any_edition_is_selected_by_its_touch_and_keeps_nothing_of_it() {
    for profile in EDITIONS {
        let (_host, key, mut lease) = waiting_for_a_touch(profile).await;
        key.device.set_touch_policy(TouchPolicy::Always);
        let selected = lease.done().await;
        assert_eq!(selected, Ok(Answer::Done(proto::Done {})), "{profile}");
        assert_eq!(key.credentials(), 0, "{profile}");
    }
}

#[tokio::test]
async fn a_selection_is_given_up_when_another_token_was_touched() {
    for profile in EDITIONS {
        let (_host, _key, mut lease) = waiting_for_a_touch(profile).await;
        let cancel = proto::lease_request::Request::Cancel(proto::Cancel {});
        lease.send(cancel).await;
        let given_up = lease.done().await.unwrap_err();
        assert_eq!(given_up.code(), Code::Cancelled, "{profile}: {given_up:?}");
    }
}
