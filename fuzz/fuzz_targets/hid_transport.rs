#![no_main]

use std::ops::ControlFlow;

use keysteward_core::ctaphid::{ChannelId, Command, HidTransport, Link, Report};
use keysteward_core::time::Millis;
use keysteward_fuzz::Script;
use libfuzzer_sys::fuzz_target;

// A program facing a token that sends reports as it likes. Every call ends by its deadline.
fuzz_target!(|bytes: &[u8]| {
    let wire = Wire {
        script: Script::new(bytes),
        now: Millis(0),
        channel: None,
    };
    let Ok(mut transport) = HidTransport::open(wire, *b"NONCE678", Millis(500)) else {
        return;
    };
    let request = [0x5A; 510];
    let mut response = [0; 1024];
    for call in 0..8_u64 {
        let deadline = Millis((call + 2) * 500);
        match call {
            0 => drop(transport.ping(&request[..200], &mut response, deadline)),
            1 => drop(transport.wink(deadline)),
            2 => drop(transport.lock(3, deadline)),
            _ => {
                let command = if call < 6 {
                    Command::Cbor
                } else {
                    Command::Msg
                };
                let request = &request[..call as usize * 70];
                let hear = &mut |_| match call & 1 {
                    0 => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                };
                drop(transport.transact(command, request, &mut response, deadline, hear));
            }
        }
    }
});

struct Wire<'s> {
    script: Script<'s>,
    now: Millis,
    /// That of the last report that was sent to us.
    channel: Option<ChannelId>,
}

/// The script has ended.
#[derive(Debug)]
struct Unplugged;

impl std::fmt::Display for Unplugged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script has ended")
    }
}

impl std::error::Error for Unplugged {}

impl Link for Wire<'_> {
    type Error = Unplugged;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Unplugged> {
        let channel = [report[0], report[1], report[2], report[3]];
        self.channel = Some(ChannelId(u32::from_be_bytes(channel)));
        self.now = self.now.after(1);
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Unplugged> {
        let step = self.script.byte().ok_or(Unplugged)?;
        let channel = self.channel.unwrap_or(ChannelId::BROADCAST);
        match step {
            // Nothing comes.
            0xf0.. => {
                self.now = self.now.max(until);
                Ok(None)
            }
            // An honest answer to INIT, which no fuzzer would guess.
            0xe0..=0xef => {
                let mut report = [0; 64];
                report[..4].copy_from_slice(&channel.0.to_be_bytes());
                report[4..15].copy_from_slice(b"\x86\x00\x11NONCE678");
                report[15..19].copy_from_slice(&[1, 2, 3, step]);
                report[19..24].copy_from_slice(&[2, 1, 0, 0, 0x05]);
                Ok(Some(report))
            }
            step => {
                self.now = self.now.after(1);
                let stranger = ChannelId(u32::from(step));
                let channel = if step & 7 == 7 { stranger } else { channel };
                Ok(Some(self.script.report(channel)))
            }
        }
    }
}
