//! CTAPHID beside CTAP2.

use crate::desk::{Desk, open};
use crate::key::{Key, Unplugged};
use keysteward_core::ctaphid::{Link, PROTOCOL_VERSION, TransportError};
use std::ops::ControlFlow;

stories! {
    init_tells_what_the_key_can_do on [opensk trussed ours]
    pings_of_every_length_come_back on [opensk trussed ours]
    a_key_winks on [opensk ours]
    a_locked_key_lets_the_next_in_when_the_lock_runs_out on [opensk]
    a_key_that_is_pulled_out_is_a_lost_link on [opensk trussed ours]
}

fn init_tells_what_the_key_can_do(key: &Key) {
    let desk = Desk::with(key);
    let info = desk.transport.info();
    assert_eq!(info.protocol_version, PROTOCOL_VERSION);
    assert!(info.capabilities.cbor());
}

fn pings_of_every_length_come_back(key: &Key) {
    let mut desk = Desk::with(key);
    let payload: Vec<u8> = (0..=255).cycle().take(7609).collect();
    let mut response = vec![0; 7609];
    for len in [0, 1, 57, 58, 116, 117, 1024, 7609] {
        let deadline = desk.transport.link_mut().now().after(5_000);
        let echo = desk
            .transport
            .ping(&payload[..len], &mut response, deadline);
        assert_eq!(echo, Ok(&payload[..len]), "{len} bytes");
    }
}

fn a_key_winks(key: &Key) {
    let mut desk = Desk::with(key);
    let deadline = desk.transport.link_mut().now().after(5_000);
    desk.transport.wink(deadline).unwrap();
}

fn a_locked_key_lets_the_next_in_when_the_lock_runs_out(key: &Key) {
    let mut desk = Desk::with(key);
    let deadline = desk.transport.link_mut().now().after(5_000);
    desk.transport.lock(1, deadline).unwrap();
    let mut cable = desk.transport.into_link();
    let begun = cable.now();
    let mut other = open(cable).unwrap();
    let waited = other.link_mut().now().since(begun);
    assert!(waited >= 900, "{waited} ms");
}

fn a_key_that_is_pulled_out_is_a_lost_link(key: &Key) {
    let mut desk = Desk::with(key);
    desk.transport.link_mut().pull();
    let deadline = desk.transport.link_mut().now().after(5_000);
    let mut ignore = |_| ControlFlow::Continue(());
    assert_eq!(
        desk.transport
            .cbor(&[4], &mut [0; 64], deadline, &mut ignore),
        Err(TransportError::Link(Unplugged))
    );
}
