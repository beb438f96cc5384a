use super::*;
use std::string::String;
use std::{format, vec::Vec};

const OURS: ChannelId = ChannelId(1);
const OTHER: ChannelId = ChannelId(2);
const UNKNOWN: ChannelId = ChannelId(3);
const NONCE: [u8; 8] = *b"anynonce";
const ALL: Capabilities = Capabilities(Capabilities::WINK | Capabilities::CBOR);
const NOW: Millis = Millis(1_000_000);

/// A token on which channels 1 and 2 are allocated.
fn token() -> Device {
    let mut device = Device::new(DeviceVersion::default(), ALL);
    for _ in 0..2 {
        let ask = packet::init_request(ChannelId::BROADCAST, &NONCE);
        let Event::Reply(_) = device.handle_report(NOW, &ask, &mut []) else {
            panic!("INIT was not answered");
        };
    }
    device
}

fn device(state: &str) -> Device {
    let mut device = token();
    let mut buffer = [0; 200];
    let report = match state {
        "idle" => return device,
        "locked" => packet::init(OURS, Command::Lock, 1, &[5]),
        "receiving" => packet::init(OURS, Command::Cbor, 100, &[1; 57]),
        "executing" => packet::init(OURS, Command::Cbor, 1, &[4]),
        "pinging" => packet::init(OURS, Command::Ping, 1, &[4]),
        other => panic!("no state {other}"),
    };
    let _ = device.handle_report(NOW, &report, &mut buffer);
    device
}

fn name(device: &Device) -> &'static str {
    match (&device.state, device.lock) {
        (State::Idle, None) => "idle",
        (State::Idle, Some(_)) => "locked",
        (State::Receiving { .. }, _) => "receiving",
        (
            State::Executing {
                command: Command::Cbor,
                ..
            },
            _,
        ) => "executing",
        (State::Executing { .. }, _) => "executing another",
    }
}

fn outcome(event: Event) -> String {
    let reply = |report: Report| match Packet::parse(&report) {
        Packet::Init {
            channel,
            command: Command::Error,
            data,
            ..
        } => format!("{:?} to {channel}", ErrorCode::from(data[0])),
        Packet::Init {
            channel,
            command: Command::Init,
            data,
            ..
        } => format!(
            "channel {} to {channel}",
            InitResponse::parse(data).unwrap().channel
        ),
        Packet::Init {
            channel, command, ..
        } => format!("{command:?} to {channel}"),
        packet @ Packet::Cont { .. } => panic!("{packet:?}"),
    };
    match event {
        Event::None => "nothing".into(),
        Event::Reply(report) => reply(report),
        Event::Abort(report) => format!("abort, {}", reply(report)),
        Event::Cancel => "cancel".into(),
        Event::Request {
            channel,
            command,
            len,
        } => format!("execute {command:?} of {len} for {channel}"),
    }
}

/// Every state times every event; each cell is "what is done -> state".
#[test]
fn the_whole_table_of_transitions_is_as_drawn() {
    let events: [(&str, Report); 29] = [
        (
            "INIT on broadcast",
            packet::init_request(ChannelId::BROADCAST, &NONCE),
        ),
        ("INIT on ours", packet::init_request(OURS, &NONCE)),
        ("INIT on other", packet::init_request(OTHER, &NONCE)),
        ("INIT on unknown", packet::init_request(UNKNOWN, &NONCE)),
        ("INIT, short", packet::init(OURS, Command::Init, 7, &NONCE)),
        ("CBOR, short", packet::init(OURS, Command::Cbor, 1, &[4])),
        (
            "CBOR, long",
            packet::init(OURS, Command::Cbor, 60, &[4; 57]),
        ),
        (
            "CBOR, too long",
            packet::init(OURS, Command::Cbor, 201, &[4; 57]),
        ),
        ("CBOR on other", packet::init(OTHER, Command::Cbor, 1, &[4])),
        (
            "CBOR on unknown",
            packet::init(UNKNOWN, Command::Cbor, 1, &[4]),
        ),
        (
            "CBOR on broadcast",
            packet::init(ChannelId::BROADCAST, Command::Cbor, 1, &[4]),
        ),
        (
            "CBOR on channel 0",
            packet::init(ChannelId::RESERVED, Command::Cbor, 1, &[4]),
        ),
        ("CONT 0", packet::cont(OURS, 0, &[2; 59])),
        ("CONT 5", packet::cont(OURS, 5, &[2; 59])),
        ("CONT 0 on other", packet::cont(OTHER, 0, &[2; 59])),
        ("CANCEL", packet::empty(OURS, Command::Cancel)),
        ("CANCEL on other", packet::empty(OTHER, Command::Cancel)),
        ("CANCEL on unknown", packet::empty(UNKNOWN, Command::Cancel)),
        ("LOCK 5", packet::init(OURS, Command::Lock, 1, &[5])),
        ("LOCK 0", packet::init(OURS, Command::Lock, 1, &[0])),
        ("LOCK 11", packet::init(OURS, Command::Lock, 1, &[11])),
        ("KEEPALIVE", packet::keepalive(OURS, Keepalive::Processing)),
        (
            "vendor command",
            packet::init(OURS, Command::Other(0x41), 2, &[1, 2]),
        ),
        (
            "unknown command",
            packet::init(OURS, Command::Other(0x02), 60, &[1; 57]),
        ),
        ("PING on other", packet::init(OTHER, Command::Ping, 1, &[9])),
        ("WINK", packet::empty(OURS, Command::Wink)),
        (
            "WINK with a payload",
            packet::init(OURS, Command::Wink, 1, &[1]),
        ),
        (
            "LOCK 5 on other",
            packet::init(OTHER, Command::Lock, 1, &[5]),
        ),
        (
            "LOCK 0 on other",
            packet::init(OTHER, Command::Lock, 1, &[0]),
        ),
    ];
    let mut table = String::new();
    for state in ["idle", "locked", "receiving", "executing", "pinging"] {
        for (event, report) in &events {
            let mut device = device(state);
            let done = outcome(device.handle_report(NOW, report, &mut [0; 200]));
            table += &format!("{state} + {event}: {done} -> {}\n", name(&device));
        }
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
fn a_request_is_put_together_and_its_response_cut_again() {
    let mut device = device("idle");
    let message: Vec<u8> = (0..=255).cycle().take(700).collect();
    let mut buffer = [0; 1024];
    let mut last = Event::None;
    for report in Fragments::new(OURS, Command::Ping, &message).unwrap() {
        assert_eq!(last, Event::None);
        last = device.handle_report(NOW, &report, &mut buffer);
    }
    let request = Event::Request {
        channel: OURS,
        command: Command::Ping,
        len: 700,
    };
    assert_eq!(last, request);
    assert_eq!(buffer[..700], message);
    assert_eq!(device.executing(), Some((OURS, Command::Ping)));
    let answer: Vec<_> = device.respond(&buffer[..700]).unwrap().unwrap().collect();
    let same: Vec<_> = Fragments::new(OURS, Command::Ping, &message)
        .unwrap()
        .collect();
    assert_eq!(answer, same);
    assert_eq!(name(&device), "idle");
}

#[test]
fn a_request_that_stops_coming_is_dropped_in_time() {
    let mut device = device("receiving");
    assert_eq!(device.poll_timeout(NOW.after(PACKET_TIMEOUT)), None);
    assert_eq!(
        device.poll_timeout(NOW.after(PACKET_TIMEOUT + 1)),
        Some(packet::error(OURS, ErrorCode::Timeout))
    );
    assert_eq!(name(&device), "idle");
}

#[test]
fn a_sender_that_stopped_holds_nobody_up_even_if_no_one_polls() {
    let late = NOW.after(PACKET_TIMEOUT + 1);
    let others = packet::init(OTHER, Command::Cbor, 1, &[4]);
    let busy = Event::Reply(packet::error(OTHER, ErrorCode::ChannelBusy));
    let mut buffer = [0; 200];
    let mut token = device("receiving");
    let in_time = NOW.after(PACKET_TIMEOUT);
    assert_eq!(token.handle_report(in_time, &others, &mut buffer), busy);
    let Event::Request { channel: OTHER, .. } = token.handle_report(late, &others, &mut buffer)
    else {
        panic!("the token stayed busy");
    };

    let mut token = device("receiving");
    let next = packet::cont(OURS, 0, &[2; 59]);
    assert_eq!(
        token.handle_report(late, &next, &mut buffer),
        Event::Reply(packet::error(OURS, ErrorCode::Timeout))
    );
    assert_eq!(name(&token), "idle");
}

#[test]
fn each_packet_starts_the_time_out_anew() {
    let mut device = token();
    let mut buffer = [0; 400];
    let first = packet::init(OURS, Command::Cbor, 300, &[0; 57]);
    assert_eq!(device.handle_report(NOW, &first, &mut buffer), Event::None);
    let next = packet::cont(OURS, 0, &[0; 59]);
    let later = NOW.after(400);
    assert_eq!(device.handle_report(later, &next, &mut buffer), Event::None);
    assert_eq!(device.poll_timeout(NOW.after(800)), None);
    assert_eq!(device.deadline(), Some(NOW.after(901)));
    assert!(device.poll_timeout(NOW.after(901)).is_some());
    assert_eq!(device.deadline(), None);
}

#[test]
fn a_lock_keeps_others_out_until_it_runs_out() {
    let mut device = device("locked");
    let others = packet::init(OTHER, Command::Cbor, 1, &[4]);
    let busy = Event::Reply(packet::error(OTHER, ErrorCode::ChannelBusy));
    let last = NOW.after(4999);
    assert_eq!(device.handle_report(last, &others, &mut [0; 64]), busy);
    let Event::Request { .. } = device.handle_report(NOW.after(5000), &others, &mut [0; 64]) else {
        panic!("the lock outlived its time");
    };
}

#[test]
fn a_lock_can_be_prolonged_and_given_up_by_its_owner_only() {
    let mut device = device("locked");
    let lock = |channel, seconds| packet::init(channel, Command::Lock, 1, &[seconds]);
    let busy = Event::Reply(packet::error(OTHER, ErrorCode::ChannelBusy));
    let done = Event::Reply(packet::empty(OURS, Command::Lock));
    let later = NOW.after(4000);
    assert_eq!(device.handle_report(later, &lock(OURS, 10), &mut []), done);
    let later = NOW.after(13_999);
    assert_eq!(device.handle_report(later, &lock(OTHER, 0), &mut []), busy);
    assert_eq!(device.handle_report(later, &lock(OURS, 0), &mut []), done);
    let taken = Event::Reply(packet::empty(OTHER, Command::Lock));
    assert_eq!(device.handle_report(later, &lock(OTHER, 1), &mut []), taken);
}

#[test]
fn a_lock_does_not_cut_off_who_is_sending_already() {
    let mut device = token();
    let mut buffer = [0; 128];
    let first = packet::init(OTHER, Command::Cbor, 60, &[4; 57]);
    assert_eq!(device.handle_report(NOW, &first, &mut buffer), Event::None);
    let lock = packet::init(OURS, Command::Lock, 1, &[5]);
    let busy = Event::Reply(packet::error(OURS, ErrorCode::ChannelBusy));
    assert_eq!(device.handle_report(NOW, &lock, &mut buffer), busy);
    let last = packet::cont(OTHER, 0, &[4; 59]);
    let Event::Request { len: 60, .. } = device.handle_report(NOW, &last, &mut buffer) else {
        panic!("the request was lost");
    };
}

#[test]
fn keepalives_go_out_for_a_running_cbor_request_only() {
    for (state, sent) in [
        ("idle", false),
        ("receiving", false),
        ("executing", true),
        ("pinging", false),
    ] {
        let status = Keepalive::UserPresenceNeeded;
        let expected = sent.then(|| packet::keepalive(OURS, status));
        assert_eq!(device(state).keepalive(status), expected, "{state}");
    }
}

#[test]
fn an_aborted_request_is_not_answered() {
    let mut device = device("executing");
    let again = packet::init_request(OURS, &NONCE);
    let Event::Abort(_) = device.handle_report(NOW, &again, &mut []) else {
        panic!("INIT did not abort the transaction of its own channel");
    };
    assert!(device.respond(&[0]).unwrap().is_none());
    assert_eq!(device.refuse(ErrorCode::Other(0x7F)), None);
}

#[test]
fn a_response_that_is_too_long_can_be_refused_instead() {
    let mut device = device("executing");
    let too_long = device.respond(&[0; 7610]).err();
    assert_eq!(too_long, Some(MessageTooLong { len: 7610 }));
    assert_eq!(
        device.refuse(ErrorCode::Other(0x7F)),
        Some(packet::error(OURS, ErrorCode::Other(0x7F)))
    );
}

#[test]
fn a_token_refuses_what_its_capabilities_leave_out() {
    for (capabilities, command) in [
        (Capabilities::NMSG, Command::Cbor),
        (Capabilities::NMSG, Command::Wink),
        (Capabilities::NMSG, Command::Msg),
    ] {
        let mut device = token();
        device.capabilities = Capabilities(capabilities);
        let report = packet::init(OURS, command, 1, &[0]);
        assert_eq!(
            device.handle_report(NOW, &report, &mut [0; 64]),
            Event::Reply(packet::error(OURS, ErrorCode::InvalidCommand)),
            "{command:?}"
        );
    }
}

#[test]
fn channel_numbers_start_over_before_they_reach_broadcast() {
    let mut device = token();
    device.last_channel = u32::MAX - 2;
    assert_eq!(device.allocate(), ChannelId(u32::MAX - 1));
    assert_eq!(device.allocate(), ChannelId(1));
}
