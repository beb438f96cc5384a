#![no_main]

use keysteward_core::ctaphid::client::{Channel, Event};
use keysteward_core::ctaphid::{ChannelId, Command, Fragments, MAX_MESSAGE, Report};
use keysteward_fuzz::Script;
use libfuzzer_sys::fuzz_target;

// A program facing a token that sends what it likes. At the end a well-behaved one is understood.
fuzz_target!(|bytes: &[u8]| {
    let (mut channel, _init) = Channel::open(*b"NONCE678");
    let mut buffer = vec![0; MAX_MESSAGE];
    let mut script = Script::new(bytes);
    while let Some(step) = script.byte() {
        match step {
            0..=0xdf => {
                let to = if step & 1 == 0 {
                    channel.id()
                } else {
                    ChannelId(step.into())
                };
                let report = script.report(to);
                if let Ok(Event::Response { len }) = channel.handle_report(&report, &mut buffer) {
                    assert!(len <= buffer.len());
                    assert!(
                        channel.request(Command::Cbor, &[]).is_ok(),
                        "not idle again"
                    );
                }
            }
            0xe0..=0xef => {
                let _not_idle = channel.request(Command::Cbor, script.rest_of_step());
            }
            0xf0..=0xf7 => {
                let _nothing_to_cancel = channel.cancel();
            }
            0xf8.. => {
                let _init = channel.resync([step; 8]);
            }
        }
    }

    let _init = channel.resync(*b"NONCE678");
    let opened = channel.handle_report(&opens(channel.id()), &mut buffer);
    assert!(matches!(opened, Ok(Event::Opened(_))), "{opened:?}");
    assert!(channel.request(Command::Ping, &[]).is_ok());
    let message = &script.all()[..script.all().len().min(MAX_MESSAGE)];
    let mut last = Ok(Event::Partial);
    let reports = Fragments::new(channel.id(), Command::Ping, message);
    for report in reports.expect("cut to size") {
        assert_eq!(last, Ok(Event::Partial));
        last = channel.handle_report(&report, &mut buffer);
    }
    assert_eq!(last, Ok(Event::Response { len: message.len() }));
    assert_eq!(&buffer[..message.len()], message);
});

/// The answer to INIT on `channel`: on broadcast, channel 0x01020304.
fn opens(channel: ChannelId) -> Report {
    let given = if channel == ChannelId::BROADCAST {
        ChannelId(0x0102_0304)
    } else {
        channel
    };
    let mut report = [0; 64];
    report[..4].copy_from_slice(&channel.0.to_be_bytes());
    report[4..15].copy_from_slice(b"\x86\x00\x11NONCE678");
    report[15..19].copy_from_slice(&given.0.to_be_bytes());
    report[19..24].copy_from_slice(&[2, 1, 0, 0, 0x04]);
    report
}
