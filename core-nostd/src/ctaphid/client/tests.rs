use super::*;
use crate::ctaphid::{Capabilities, DeviceVersion};
use std::string::{String, ToString};
use std::{format, vec::Vec};

const OURS: ChannelId = ChannelId(0x11);
const OTHER: ChannelId = ChannelId(0x22);
const NONCE: [u8; 8] = *b"our nonc";

fn answer(nonce: [u8; 8], channel: ChannelId) -> InitResponse {
    InitResponse {
        nonce,
        channel,
        protocol_version: 2,
        device_version: DeviceVersion::default(),
        capabilities: Capabilities(Capabilities::CBOR),
    }
}

fn channel(state: &str) -> Channel {
    let (mut channel, _) = Channel::open(NONCE);
    let opened = packet::init_response(ChannelId::BROADCAST, &answer(NONCE, OURS));
    if state == "broadcast" {
        return channel;
    }
    let event = channel.handle_report(&opened, &mut []).unwrap();
    assert_eq!(event, Event::Opened(answer(NONCE, OURS)));
    if state == "idle" {
        return channel;
    }
    if state == "opening" {
        let _ = channel.resync(NONCE);
        return channel;
    }
    let _ = channel.request(Command::Cbor, &[4]).unwrap();
    match state {
        "waiting" => {}
        "cancelling" => assert!(channel.cancel().is_some()),
        "body" => {
            let first = packet::init(OURS, Command::Cbor, 100, &[1; 57]);
            let event = channel.handle_report(&first, &mut [0; 200]).unwrap();
            assert_eq!(event, Event::Partial);
        }
        other => panic!("no state {other}"),
    }
    channel
}

fn name(channel: &Channel) -> &'static str {
    match channel.state {
        State::Opening { .. } if channel.id == ChannelId::BROADCAST => "broadcast",
        State::Opening { .. } => "opening",
        State::Idle => "idle",
        State::Waiting { .. } => "waiting",
        State::Cancelling { .. } => "cancelling",
        State::Body { .. } => "body",
    }
}

/// Every state times every event; each cell is "what is reported -> state".
#[test]
fn the_whole_table_of_transitions_is_as_drawn() {
    type Make = fn(ChannelId) -> Report;
    let events: [(&str, Make); 10] = [
        ("INIT, our nonce", |on| {
            packet::init_response(on, &answer(NONCE, OURS))
        }),
        ("INIT, other nonce", |on| {
            packet::init_response(on, &answer([9; 8], OTHER))
        }),
        ("INIT, CID 0", |on| {
            packet::init_response(on, &answer(NONCE, ChannelId::RESERVED))
        }),
        ("KEEPALIVE", |on| {
            packet::keepalive(on, Keepalive::Processing)
        }),
        ("ERROR", |on| packet::error(on, ErrorCode::ChannelBusy)),
        ("CBOR, short", |on| packet::init(on, Command::Cbor, 1, &[0])),
        ("CBOR, long", |on| {
            packet::init(on, Command::Cbor, 60, &[0; 57])
        }),
        ("PING", |on| packet::init(on, Command::Ping, 1, &[0])),
        ("CONT 0", |on| packet::cont(on, 0, &[0; 59])),
        ("CONT 5", |on| packet::cont(on, 5, &[0; 59])),
    ];
    let mut table = String::new();
    for state in [
        "broadcast",
        "opening",
        "idle",
        "waiting",
        "cancelling",
        "body",
    ] {
        for (event, make) in &events {
            let mut channel = channel(state);
            let outcome = channel.handle_report(&make(channel.id()), &mut [0; 200]);
            let outcome = match outcome {
                Ok(Event::Opened(_)) => "opened".to_string(),
                Ok(event) => format!("{event:?}"),
                Err(error) => format!("{error:?}"),
            };
            table += &format!("{state} + {event}: {outcome} -> {}\n", name(&channel));
        }
        let mut channel = channel(state);
        let elsewhere = packet::init(OTHER, Command::Cbor, 1, &[0]);
        let outcome = channel.handle_report(&elsewhere, &mut [0; 200]).unwrap();
        table += &format!(
            "{state} + other channel: {outcome:?} -> {}\n",
            name(&channel)
        );
    }
    let expected = include_str!("tests/transitions.txt");
    let differing: Vec<_> = table
        .lines()
        .zip(expected.lines())
        .filter(|(is, should)| is != should)
        .collect();
    assert_eq!(table, expected, "{differing:#?}");
}

#[test]
fn a_response_is_put_together_from_its_packets() {
    let mut channel = channel("waiting");
    let message: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let mut buffer = [0; 1200];
    let mut last = Event::Partial;
    for report in Fragments::new(OURS, Command::Cbor, &message).unwrap() {
        assert_eq!(last, Event::Partial);
        last = channel.handle_report(&report, &mut buffer).unwrap();
    }
    assert_eq!(last, Event::Response { len: 1000 });
    assert_eq!(buffer[..1000], message);
}

#[test]
fn a_response_longer_than_the_buffer_is_not_copied() {
    let mut channel = channel("waiting");
    let mut buffer = [0; 99];
    let first = packet::init(OURS, Command::Cbor, 100, &[1; 57]);
    assert_eq!(
        channel.handle_report(&first, &mut buffer),
        Err(ReceiveError::MessageTooLong { bcnt: 100 })
    );
    assert_eq!(buffer, [0; 99]);
    assert_eq!(name(&channel), "idle");
}

#[test]
fn padding_after_the_last_byte_is_not_part_of_the_message() {
    let mut channel = channel("waiting");
    let mut buffer = [7; 64];
    let report = packet::init(OURS, Command::Cbor, 3, &[1; 57]);
    let event = channel.handle_report(&report, &mut buffer).unwrap();
    assert_eq!(event, Event::Response { len: 3 });
    assert_eq!(buffer[..4], [1, 1, 1, 7]);
}

#[test]
fn cancel_is_sent_once_and_only_for_a_running_ctap2_or_u2f_request() {
    for (state, sent) in [
        ("broadcast", false),
        ("opening", false),
        ("idle", false),
        ("waiting", true),
        ("cancelling", false),
        ("body", false),
    ] {
        let mut channel = channel(state);
        let expected = sent.then(|| packet::empty(OURS, Command::Cancel));
        assert_eq!(channel.cancel(), expected, "{state}");
    }
    let mut u2f = channel("idle");
    let _ = u2f.request(Command::Msg, b"an APDU").unwrap();
    let cancel = packet::empty(OURS, Command::Cancel);
    assert_eq!([u2f.cancel(), u2f.cancel()], [Some(cancel), None]);
    let answer = packet::init(OURS, Command::Msg, 2, &[0x69, 0x85]);
    let ended = u2f.handle_report(&answer, &mut [0; 2]);
    assert_eq!(ended, Ok(Event::Response { len: 2 }));
    let mut channel = channel("idle");
    let _ = channel.request(Command::Ping, b"hello").unwrap();
    assert_eq!(channel.cancel(), None, "ping cannot be cancelled");
}

#[test]
fn only_an_idle_channel_takes_a_request() {
    for state in ["broadcast", "opening", "waiting", "cancelling", "body"] {
        let mut channel = channel(state);
        let refused = channel.request(Command::Cbor, &[4]).err();
        assert_eq!(refused, Some(RequestError::NotIdle), "{state}");
        assert_eq!(name(&channel), state);
    }
}

#[test]
fn a_request_that_is_too_long_changes_nothing() {
    let mut channel = channel("idle");
    let refused = channel.request(Command::Cbor, &[0; 7610]).err();
    let error = MessageTooLong { len: 7610 };
    assert_eq!(refused, Some(RequestError::MessageTooLong(error)));
    assert_eq!(name(&channel), "idle");
}
