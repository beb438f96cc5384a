//! A token that waits for a touch inside one message, and says so meanwhile, instead of being asked
//! again and again. CTAP 2.3 §11.2.9.2.1.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use keysteward_core::{
    ctap1,
    ctaphid::{
        Capabilities, Command, DeviceVersion, Fragments, Keepalive, MAX_MESSAGE, Packet,
        device::{Device, Event},
    },
};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{
    device::{Io, PowerCut},
    firmware::Firmware,
    manufacture::Profile,
};
use proto::{lease_request::Request, progress::Kind, step::Verb, step_error::Code};

use super::registration;
use crate::harness::{Host, Key};

/// Nobody touches it, so that only CANCEL ends what it is asked for.
struct AtWork {
    cancels: Arc<AtomicUsize>,
}

impl AtWork {
    fn live(&self, io: &Io) -> Result<Infallible, PowerCut> {
        let mut device = Device::new(DeviceVersion::default(), Capabilities(0));
        let mut request = [0; MAX_MESSAGE];
        loop {
            let Some(report) = io.receive(io.now().after(100))? else {
                if let Some((channel, _)) = device.executing() {
                    let status = [Keepalive::UserPresenceNeeded.into()];
                    send(io, Fragments::new(channel, Command::Keepalive, &status))?;
                }
                continue;
            };
            if let Packet::Init {
                command: Command::Cancel,
                ..
            } = Packet::parse(&report)
            {
                self.cancels.fetch_add(1, Ordering::SeqCst);
                send(io, device.respond(b"\x69\x85"))?;
            }
            match device.handle_report(io.now(), &report, &mut request) {
                Event::Reply(reply) | Event::Abort(reply) => io.send(&reply)?,
                Event::Request { .. } if request[1] == ctap1::version().ins => {
                    send(io, device.respond(b"U2F_V2\x90\x00"))?;
                }
                _ => {}
            }
        }
    }
}

fn send<'m, E: std::fmt::Debug>(
    io: &Io,
    answer: Result<impl Into<Option<Fragments<'m>>>, E>,
) -> Result<(), PowerCut> {
    let mut reports = answer.unwrap().into().into_iter().flatten();
    reports.try_for_each(|report| io.send(&report))
}

impl Firmware for AtWork {
    fn run(&mut self, io: &Io) -> PowerCut {
        match self.live(io) {
            Err(cut) => cut,
        }
    }
}

fn plug(host: &Host) -> (Key, Arc<AtomicUsize>) {
    let cancels = Arc::default();
    let heard = Arc::clone(&cancels);
    let firmware = |_| AtWork { cancels: heard };
    let key = Key::of_firmware(host.folder.path(), Profile::U2fOnly, firmware);
    (key, cancels)
}

#[tokio::test]
async fn a_token_that_waits_inside_a_message_is_told_to_end_when_its_caller_gives_up() {
    let host = Host::new().await;
    let (_key, cancels) = plug(&host);
    let mut lease = host.lease().await;
    let register = Verb::MakeCredential(registration());
    // The second shows that the channel is as good as before.
    let select = Verb::Select(proto::Select {});
    for (told, step, verb) in [(1, "register", register), (2, "", select)] {
        lease.begin(step, verb).await;
        lease.hears(Kind::TouchNeeded).await;
        lease.send(Request::Cancel(proto::Cancel {})).await;
        let given_up = lease.done().await.unwrap_err();
        assert_eq!(given_up.code(), Code::Cancelled, "{given_up:?}");
        assert_eq!(cancels.load(Ordering::SeqCst), told);
    }
}

#[tokio::test]
async fn a_token_that_waits_inside_a_message_is_told_to_end_when_time_is_up() {
    let host = Host::new().await;
    let (_key, cancels) = plug(&host);
    let mut lease = host.lease().await;
    let register = Verb::MakeCredential(registration());
    lease.begin_within("make", register, 500).await;
    let late = lease.done().await.unwrap_err();
    assert_eq!(late.code(), Code::TouchTimeout, "{late:?}");
    assert_eq!(cancels.load(Ordering::SeqCst), 1);
}
