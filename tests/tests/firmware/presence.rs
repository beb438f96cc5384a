//! Touch, cancel, deadline, and finding out which key is meant.

use crate::desk::{Desk, Error};
use crate::key::Key;
use keysteward_core::ctaphid::{Link as _, TransportError};
use keysteward_core::session::Keepalive;
use keysteward_virtual_token::device::TouchPolicy;
use std::ops::ControlFlow;
use std::time::Duration;

stories! {
    a_key_that_waits_for_a_touch_says_so on [opensk trussed ours]
    breaking_off_cancels_and_the_next_request_works on [opensk ours]
    the_deadline_holds_and_the_next_request_works on [opensk ours]
    a_key_that_nobody_touches_gives_up_by_itself on [opensk ours]
}

fn a_key_that_waits_for_a_touch_says_so(key: &Key) {
    key.touches(TouchPolicy::Ask);
    let mut heard = 0;
    let mut listen = |keepalive| {
        if keepalive == Keepalive::UserPresenceNeeded {
            heard += 1;
        }
        if heard == 3 {
            key.touch();
        }
        ControlFlow::Continue(())
    };
    Desk::with(key)
        .impatient_session(60_000, &mut listen, |session| session.select())
        .unwrap();
    assert!(heard >= 3, "{heard} times");
}

fn breaking_off_cancels_and_the_next_request_works(key: &Key) {
    key.touches(TouchPolicy::Never);
    let mut desk = Desk::with(key);
    let mut give_up = |_| ControlFlow::Break(());
    let cancelled = desk.impatient_session(10_000, &mut give_up, |session| session.select());
    assert_eq!(cancelled, Err(Error::Cancelled));
    desk.session(|session| session.info().map(drop)).unwrap();
}

fn the_deadline_holds_and_the_next_request_works(key: &Key) {
    key.touches(TouchPolicy::Never);
    let mut desk = Desk::with(key);
    // By the clock that the deadline is on.
    let begun = desk.transport.link_mut().now();
    let mut wait = |_| ControlFlow::Continue(());
    let late = desk.impatient_session(700, &mut wait, |session| session.select());
    assert_eq!(late, Err(Error::Transport(TransportError::Deadline)));
    let took = desk.transport.link_mut().now().since(begun);
    assert!((700..5_000).contains(&took), "{took} ms");

    key.touches(TouchPolicy::Always);
    desk.session(|session| session.select()).unwrap();
}

fn a_key_that_nobody_touches_gives_up_by_itself(key: &Key) {
    key.touches(TouchPolicy::Never);
    let mut hurry = |_| {
        key.skip(Duration::from_secs(10));
        ControlFlow::Continue(())
    };
    let refused = Desk::with(key).impatient_session(10_000, &mut hurry, |session| session.select());
    assert_eq!(refused, Err(Error::NotTouched));
}
