use super::*;
use crate::authenticator::Authenticator;
use crate::device::{Device, Link, TouchPolicy};
use crate::manufacture::{Manufacturer, Order};
use crate::security_key::SecurityKey;
use crate::storage::MemoryStorage;
use keysteward_core::crypto::{Crypto, RustCrypto};
use keysteward_core::ctaphid::{self, HidTransport, Link as _, Report, TransportError};
use keysteward_core::session::Millis;
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// A program's end of the link.
struct Cable(Option<Sender<Report>>);

impl Link for Cable {
    fn send(&mut self, report: &Report) -> std::io::Result<()> {
        let end = self.0.as_ref().ok_or(std::io::ErrorKind::BrokenPipe)?;
        end.send(*report).map_err(std::io::Error::other)
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

/// One program with the key open.
struct Program {
    device: Arc<Device>,
    reports: Receiver<Report>,
    started: Instant,
}

impl ctaphid::Link for Program {
    type Error = RecvTimeoutError;

    fn now(&mut self) -> Millis {
        Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap())
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Self::Error> {
        self.device.deliver(*report);
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Self::Error> {
        let left = until.since(self.now());
        match self.reports.recv_timeout(Duration::from_millis(left)) {
            Ok(report) => Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A plugged-in key and two programs that have it open.
fn key(policy: TouchPolicy) -> (Arc<Device>, [HidTransport<Program>; 2]) {
    let device = Device::new(policy);
    device.plug();
    let powered = Arc::clone(&device);
    std::thread::spawn(move || {
        let mut storage = MemoryStorage::new();
        Manufacturer::found()
            .unwrap()
            .make(&Order::default(), &mut RustCrypto(OsRng))
            .unwrap()
            .burn_in(&mut storage, &mut RustCrypto(OsRng))
            .unwrap();
        let authenticator = Authenticator::new(storage, RustCrypto(OsRng)).unwrap();
        powered.run(&mut SecurityKey::new(authenticator))
    });
    let programs = [open(&device, 1), open(&device, 1)];
    (device, programs)
}

/// One more program opens the key.
fn open(device: &Arc<Device>, power_up: u64) -> HidTransport<Program> {
    let (sender, reports) = channel();
    device
        .attach(power_up, Box::new(Cable(Some(sender))))
        .unwrap();
    let program = Program {
        device: Arc::clone(device),
        reports,
        started: Instant::now(),
    };
    let mut nonce = [0; 8];
    RustCrypto(OsRng).random(&mut nonce).unwrap();
    HidTransport::open(program, nonce, SOON).unwrap()
}

const SOON: Millis = Millis(10_000);
const SELECTION: [u8; 1] = [0x0B];

fn go_on(_: Keepalive) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn the_key_says_what_it_speaks() {
    let (_, [mut program, _]) = key(TouchPolicy::Always);
    let capabilities = program.capabilities();
    assert!(capabilities.cbor() && capabilities.wink() && capabilities.msg());
    program.wink(SOON).unwrap();
    let long = vec![0x5A; MAX_MESSAGE];
    let mut echo = vec![0; MAX_MESSAGE];
    assert_eq!(program.ping(&long, &mut echo, SOON).unwrap(), long);
    for command in [Command::Other(0x40), Command::Other(0x7F)] {
        let refused = program.transact(command, &[0; 7], &mut echo, SOON, &mut go_on);
        assert!(
            matches!(
                refused,
                Err(TransportError::Refused(ErrorCode::InvalidCommand))
            ),
            "{command:?}: {refused:?}"
        );
    }
}

#[test]
fn a_touch_is_asked_for_with_keep_alives() {
    let (device, [mut program, _]) = key(TouchPolicy::Ask);
    let mut asked = 0;
    let mut response = [0; 64];
    let answer = program.cbor(&SELECTION, &mut response, SOON, &mut |keepalive| {
        asked += usize::from(keepalive == Keepalive::UserPresenceNeeded);
        if asked == 2 {
            device.touch().unwrap();
        }
        ControlFlow::Continue(())
    });
    assert_eq!(answer.unwrap(), [0x00]);
    assert!(asked >= 2);
}

#[test]
fn cancel_ends_the_wait() {
    let (device, [mut program, _]) = key(TouchPolicy::Ask);
    let mut response = [0; 64];
    let answer = program.cbor(
        &SELECTION,
        &mut response,
        SOON,
        &mut |keepalive| match keepalive {
            Keepalive::UserPresenceNeeded => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        },
    );
    assert_eq!(answer.unwrap(), [0x2D]);
    assert!(!device.state().waiting_for_touch);
}

#[test]
fn the_wait_for_a_touch_has_an_end() {
    let (device, [mut program, _]) = key(TouchPolicy::Never);
    let mut response = [0; 64];
    let answer = program.cbor(&SELECTION, &mut response, SOON, &mut |keepalive| {
        if keepalive == Keepalive::UserPresenceNeeded {
            device.advance(Duration::from_secs(30));
        }
        ControlFlow::Continue(())
    });
    assert_eq!(answer.unwrap(), [0x2F]);
}

#[test]
fn another_program_is_told_that_the_key_is_busy_and_gets_its_turn() {
    let (device, [mut first, mut second]) = key(TouchPolicy::Ask);
    let waiting = std::thread::spawn(move || {
        let mut response = [0; 64];
        first
            .cbor(&SELECTION, &mut response, SOON, &mut go_on)
            .map(<[u8]>::to_vec)
            .unwrap()
    });
    while !device.state().waiting_for_touch {
        std::thread::sleep(Duration::from_millis(5));
    }
    let busy_until = second.link_mut().now().after(250);
    let mut response = [0; 2048];
    let busy = second.cbor(&[0x04], &mut response, busy_until, &mut go_on);
    assert!(busy.is_err(), "{busy:?}");
    device.touch().unwrap();
    assert_eq!(waiting.join().unwrap(), [0x00]);
    let info = second
        .cbor(&[0x04], &mut response, SOON, &mut go_on)
        .unwrap();
    assert_eq!(info[0], 0x00);
}

#[test]
fn init_on_its_channel_drops_what_a_program_had_asked() {
    let (device, [mut program, _]) = key(TouchPolicy::Ask);
    let mut response = [0; 2048];
    let soon = program.link_mut().now().after(150);
    assert!(
        program
            .cbor(&SELECTION, &mut response, soon, &mut go_on)
            .is_err()
    );
    // The transport synchronises by INIT before the next request.
    let info = program
        .cbor(&[0x04], &mut response, SOON, &mut go_on)
        .unwrap();
    assert_eq!(info[0], 0x00);
    assert!(!device.state().waiting_for_touch);
}

#[test]
fn a_request_that_stops_half_way_is_dropped() {
    let (device, [mut program, _]) = key(TouchPolicy::Always);
    let channel = program.info().channel.0.to_be_bytes();
    let mut half: Report = [0; 64];
    half[..4].copy_from_slice(&channel);
    half[4..7].copy_from_slice(&[0x81, 0x01, 0x00]);
    device.deliver(half);
    std::thread::sleep(Duration::from_millis(20));
    device.advance(Duration::from_secs(1));
    let until = program.link_mut().now().after(5_000);
    let report = loop {
        let report = program.link_mut().receive_report(until).unwrap().unwrap();
        if report[..4] == channel {
            break report;
        }
    };
    assert_eq!(report[4..8], [0xBF, 0x00, 0x01, 0x05], "ERROR, time-out");
}

#[test]
fn a_power_cut_ends_the_wait_and_the_next_life_is_new() {
    let (device, [mut program, _]) = key(TouchPolicy::Ask);
    let mut response = [0; 64];
    let answer = program.cbor(&SELECTION, &mut response, SOON, &mut |keepalive| {
        if keepalive == Keepalive::UserPresenceNeeded {
            device.unplug();
        }
        ControlFlow::Continue(())
    });
    assert!(matches!(answer, Err(TransportError::Link(_))), "{answer:?}");
    assert!(!device.state().waiting_for_touch);
    device.plug();
    let mut program = open(&device, 2);
    assert_eq!(program.info().channel.0, 1, "channels begin anew");
    device.set_touch_policy(TouchPolicy::Always);
    let answer = program.cbor(&SELECTION, &mut response, SOON, &mut go_on);
    assert_eq!(answer.unwrap(), [0x00]);
}

/// How a PING of `program` ends within a quarter of a second.
fn is_let_in(program: &mut HidTransport<Program>) -> bool {
    let soon = program.link_mut().now().after(250);
    match program.ping(b"me?", &mut [0; 8], soon) {
        Ok(echo) => {
            assert_eq!(echo, b"me?");
            true
        }
        Err(TransportError::Deadline) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn lock_keeps_other_programs_out_until_its_time_is_over() {
    let (device, [mut first, mut second]) = key(TouchPolicy::Always);
    first.lock(10, SOON).unwrap();
    assert!(is_let_in(&mut first));
    assert!(!is_let_in(&mut second));
    device.advance(Duration::from_millis(9_000));
    assert!(!is_let_in(&mut second), "a second early");
    device.advance(Duration::from_millis(1_000));
    assert!(is_let_in(&mut second));
}

#[test]
fn lock_ends_when_its_program_says_so_and_another_cannot() {
    let (_, [mut first, mut second]) = key(TouchPolicy::Always);
    first.lock(10, SOON).unwrap();
    let soon = second.link_mut().now().after(250);
    assert!(matches!(
        second.lock(0, soon),
        Err(TransportError::Deadline)
    ));
    assert!(!is_let_in(&mut second));
    first.lock(0, SOON).unwrap();
    assert!(is_let_in(&mut second));
}

#[test]
fn lock_of_more_than_ten_seconds_is_refused_and_changes_nothing() {
    let (_, [mut first, mut second]) = key(TouchPolicy::Always);
    for seconds in [11, 0xFF] {
        assert!(matches!(
            first.lock(seconds, SOON),
            Err(TransportError::Refused(ErrorCode::InvalidParameter))
        ));
    }
    assert!(is_let_in(&mut second));
}

#[test]
fn a_locked_key_still_gives_out_channels_and_forgets_the_lock_without_power() {
    let (device, [mut first, _]) = key(TouchPolicy::Always);
    first.lock(10, SOON).unwrap();
    let mut third = open(&device, 1);
    assert!(!is_let_in(&mut third));
    device.unplug();
    device.plug();
    assert!(is_let_in(&mut open(&device, 2)));
}

/// A packet of `program` without data.
fn bare(program: &HidTransport<Program>, command: u8) -> Report {
    let mut report: Report = [0; 64];
    report[..4].copy_from_slice(&program.info().channel.0.to_be_bytes());
    report[4] = command | 0x80;
    report
}

#[test]
fn cancel_is_for_who_asked_and_answers_nothing_by_itself() {
    let (device, [mut first, mut second]) = key(TouchPolicy::Ask);
    let cancel = bare(&second, 0x11);
    // Nothing runs: no answer, no error, and the next request is not cancelled.
    device.deliver(cancel);
    assert!(is_let_in(&mut second));
    let stranger = Arc::clone(&device);
    let mut asked = 0;
    let mut response = [0; 64];
    let answer = first.cbor(&SELECTION, &mut response, SOON, &mut |keepalive| {
        if keepalive == Keepalive::UserPresenceNeeded {
            asked += 1;
            match asked {
                1 => stranger.deliver(cancel),
                3 => stranger.touch().unwrap(),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    });
    assert_eq!(answer.unwrap(), [0x00], "another's CANCEL ended the wait");
    assert!(asked >= 3);
}
