#![no_main]

use keysteward_core::ctaphid::device::{Device, Event};
use keysteward_core::ctaphid::{
    Capabilities, ChannelId, Command, DeviceVersion, ErrorCode, Fragments, Keepalive, MAX_MESSAGE,
    Report,
};
use keysteward_core::time::Millis;
use keysteward_fuzz::Script;
use libfuzzer_sys::fuzz_target;

// A token among programs that send what they like. At the end a well-behaved one is served.
fuzz_target!(|bytes: &[u8]| {
    let version = DeviceVersion {
        major: 1,
        minor: 0,
        build: 0,
    };
    let mut device = Device::new(version, Capabilities(Capabilities::CBOR));
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut now = Millis(0);
    let mut script = Script::new(bytes);
    while let Some(step) = script.byte() {
        match step {
            0..=0xdf => {
                let channel = match step {
                    0xd0.. => ChannelId::BROADCAST,
                    step => ChannelId(u32::from(step & 3)),
                };
                let report = script.report(channel);
                let event = device.handle_report(now, &report, &mut buffer);
                check(&event, &device, buffer.len());
            }
            0xe0..=0xe7 => {
                now = now.after(u64::from(script.byte().unwrap_or(0)) * 10);
                let _timeout = device.poll_timeout(now);
            }
            0xe8..=0xef => {
                let answer = script.rest_of_step();
                let running = device.executing().is_some();
                let sent = device.respond(answer).expect("the script is shorter");
                assert_eq!(sent.is_some(), running);
                assert!(device.executing().is_none());
            }
            0xf0..=0xf7 => {
                let running = device.executing().is_some();
                assert_eq!(device.refuse(ErrorCode::ChannelBusy).is_some(), running);
            }
            0xf8.. => assert!(
                device.keepalive(Keepalive::Processing).is_none() || device.executing().is_some()
            ),
        }
    }
    serves(&mut device, now.after(60_000), script.all(), &mut buffer);
});

fn check(event: &Event, device: &Device, room: usize) {
    if let Event::Request {
        channel,
        command,
        len,
    } = *event
    {
        assert!(len <= room);
        assert_eq!(device.executing(), Some((channel, command)));
    }
}

/// A new channel is given, and a message on it arrives whole.
fn serves(device: &mut Device, now: Millis, message: &[u8], buffer: &mut [u8]) {
    let mut init: Report = [0; 64];
    init[..15].copy_from_slice(b"\xff\xff\xff\xff\x86\x00\x08NONCE678");
    let Event::Reply(reply) = device.handle_report(now, &init, buffer) else {
        panic!("no answer to INIT");
    };
    assert_eq!(reply[7..15], *b"NONCE678");
    let channel = u32::from_be_bytes([reply[15], reply[16], reply[17], reply[18]]);
    // Whoever held the token is gone; a lock has run out.
    let _none = device.poll_timeout(now);
    let _none = device.refuse(ErrorCode::ChannelBusy);

    let message = &message[..message.len().min(MAX_MESSAGE)];
    let mut last = Event::None;
    let reports = Fragments::new(ChannelId(channel), Command::Ping, message);
    for report in reports.expect("cut to size") {
        assert_eq!(last, Event::None);
        last = device.handle_report(now, &report, buffer);
    }
    let Event::Request { len, .. } = last else {
        panic!("the request was lost: {last:?}");
    };
    assert_eq!(&buffer[..len], message);
}
