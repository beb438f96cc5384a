//! Touch, cancel, deadline, and finding out which key is meant.

use crate::desk::{Desk, Error};
use crate::opensk::{Finger, Key};
use keysteward_core::ctaphid::TransportError;
use keysteward_core::session::Keepalive;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

#[test]
fn a_key_that_waits_for_a_touch_says_so() {
    let key = Key::new();
    key.finger(Finger::TouchesAfter(3));
    let mut heard = Vec::new();
    let mut listen = |keepalive| {
        heard.push(keepalive);
        ControlFlow::Continue(())
    };
    Desk::with(&key)
        .impatient_session(10_000, &mut listen, |session| session.select())
        .unwrap();
    assert_eq!(heard, [Keepalive::UserPresenceNeeded; 3]);
}

#[test]
fn breaking_off_cancels_and_the_next_request_works() {
    let key = Key::new();
    key.finger(Finger::StaysAway);
    let mut desk = Desk::with(&key);
    let mut give_up = |_| ControlFlow::Break(());
    let cancelled = desk.impatient_session(10_000, &mut give_up, |session| session.select());
    assert_eq!(cancelled, Err(Error::Cancelled));
    desk.session(|session| session.info().map(drop)).unwrap();
}

#[test]
fn the_deadline_holds_and_the_next_request_works() {
    let key = Key::new();
    key.finger(Finger::StaysAway);
    let mut desk = Desk::with(&key);
    let begun = Instant::now();
    let mut wait = |_| ControlFlow::Continue(());
    let late = desk.impatient_session(700, &mut wait, |session| session.select());
    assert_eq!(late, Err(Error::Transport(TransportError::Deadline)));
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    key.finger(Finger::Touches);
    desk.session(|session| session.select()).unwrap();
}

#[test]
fn a_key_that_nobody_touches_gives_up_by_itself() {
    let key = Key::new();
    key.finger(Finger::StaysAway);
    let mut hurry = |_| {
        key.skip(Duration::from_secs(10));
        ControlFlow::Continue(())
    };
    let refused =
        Desk::with(&key).impatient_session(10_000, &mut hurry, |session| session.select());
    assert_eq!(refused, Err(Error::NotTouched));
}

#[test]
fn a_person_who_declines_is_reported() {
    let key = Key::new();
    key.finger(Finger::Declines);
    let refused = Desk::with(&key).session(|session| session.select());
    assert_eq!(refused, Err(Error::Denied));
}
