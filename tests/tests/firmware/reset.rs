//! Reset and its window.

use crate::desk::{Desk, Error, for_management, pin};
use crate::key::Key;
use keysteward_core::session::Keepalive;
use keysteward_virtual_token::device::TouchPolicy;
use std::ops::ControlFlow;
use std::time::Duration;

stories! {
    a_reset_right_after_plugging_in_erases_the_key on [opensk trussed ours]
    a_reset_after_another_command_comes_too_late on [opensk]
    a_reset_ten_seconds_after_plugging_in_comes_too_late on [opensk ours]
    a_reset_that_nobody_touches_for_leaves_the_key_as_it_was on [opensk ours]
}

fn a_reset_right_after_plugging_in_erases_the_key(key: &Key) {
    Desk::with(key).session(|session| session.set_pin(&pin("1234")).unwrap());
    let mut desk = Desk::with(key);
    desk.session(|session| {
        session.info().unwrap();
        session.reset().unwrap();
        assert_eq!(session.facts().unwrap().client_pin, Some(false));
    });
}

fn a_reset_after_another_command_comes_too_late(key: &Key) {
    let mut desk = Desk::with(key);
    desk.session(|session| {
        session.set_pin(&pin("1234")).unwrap();
        for_management(session, "1234");
        assert_eq!(session.reset(), Err(Error::ResetTooLate));
        assert!(Error::ResetTooLate.power_cycle_helps());
    });
    drop(desk);
    Desk::with(key).session(|session| session.reset().unwrap());
}

fn a_reset_ten_seconds_after_plugging_in_comes_too_late(key: &Key) {
    let mut desk = Desk::with(key);
    key.skip(Duration::from_secs(11));
    let refused = desk.session(|session| session.reset());
    assert_eq!(refused, Err(Error::ResetTooLate));
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("10 seconds after it is plugged in"), "{text}");
}

fn a_reset_that_nobody_touches_for_leaves_the_key_as_it_was(key: &Key) {
    Desk::with(key).session(|session| session.set_pin(&pin("1234")).unwrap());
    key.touches(TouchPolicy::Never);
    let mut desk = Desk::with(key);
    let mut hurry = |keepalive| {
        // Before it waits for the touch, the key looks at its clock.
        if keepalive == Keepalive::UserPresenceNeeded {
            key.skip(Duration::from_secs(10));
        }
        ControlFlow::Continue(())
    };
    let refused = desk.impatient_session(10_000, &mut hurry, |session| session.reset());
    assert_eq!(refused, Err(Error::NotTouched));
    desk.session(|session| for_management(session, "1234"));
}
