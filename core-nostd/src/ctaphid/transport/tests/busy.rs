//! A token that others keep busy.

use super::*;

#[test]
fn a_busy_token_is_asked_again_until_it_is_free() {
    let mut transport = open(Behaviour::BusyUntil(START.after(250)));
    let mut buffer = [0; 128];
    let response = transport.cbor(&[4], &mut buffer, START.after(1000), &mut silent);
    assert_eq!(response.unwrap()[0], 4);
    assert_eq!(transport.link.commands(), [Command::Cbor; 4]);
}

#[test]
fn a_token_that_another_program_locked_is_waited_for() {
    for (patience, works) in [(1000, false), (5000, true)] {
        let mut transport = open(Behaviour::Prompt);
        let token = &mut transport.link;
        let init = packet::init_request(ChannelId::BROADCAST, b"another!");
        let lock = packet::init(ChannelId(2), Command::Lock, 1, &[2]);
        for report in [init, lock] {
            let answered = token.device.handle_report(token.now, &report, &mut []);
            assert!(matches!(answered, DeviceEvent::Reply(_)));
        }
        let deadline = token.now.after(patience);
        let mut buffer = [0; 128];
        let outcome = transport.cbor(&[4], &mut buffer, deadline, &mut silent);
        let expected = if works {
            Ok(4)
        } else {
            Err(TransportError::Deadline)
        };
        assert_eq!(outcome.map(|answer| answer[0]), expected);
    }
}

#[test]
fn a_token_that_stays_busy_ends_at_the_deadline() {
    let mut transport = open(Behaviour::BusyUntil(Millis(u64::MAX)));
    let deadline = START.after(1000);
    assert_eq!(
        transport.cbor(&[4], &mut [0; 128], deadline, &mut silent),
        Err(TransportError::Deadline)
    );
    assert!(transport.link.now <= deadline);
}
