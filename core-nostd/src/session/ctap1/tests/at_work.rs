//! Keys that wait for a touch inside CTAPHID_MSG, and send keep-alives meanwhile. CTAP 2.3
//! §11.2.9.1.5 (CANCEL), §11.2.9.2.1 (KEEPALIVE).

use super::*;
use crate::ctaphid::{Command as HidCommand, Fragments, Packet, TransportError};

/// A key that is at work until it is touched, or told to end.
struct AtWork {
    device: Device,
    request: Vec<u8>,
    reports: VecDeque<Report>,
    now: u64,
    /// What the channel was asked for, but INIT.
    asked: Vec<HidCommand>,
    /// When the touch comes, and what it answers then.
    touch: Option<(u64, &'static [u8])>,
    /// What it answers when it is told to end; `None`: it goes on.
    ends: Option<&'static [u8]>,
    /// Whether it says that it is at work.
    speaks: bool,
}

impl AtWork {
    fn answer(&mut self, answer: &[u8]) {
        let reports = self.device.respond(answer).unwrap();
        self.reports.extend(reports.into_iter().flatten());
    }
}

impl Link for AtWork {
    type Error = Never;

    fn now(&mut self) -> Millis {
        Millis(self.now)
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Never> {
        if let Packet::Init { command, .. } = Packet::parse(report)
            && command != HidCommand::Init
        {
            self.asked.push(command);
            if let (HidCommand::Cancel, Some(answer)) = (command, self.ends) {
                self.answer(answer);
            }
        }
        let event = self
            .device
            .handle_report(Millis(self.now), report, &mut self.request);
        if let HidEvent::Reply(reply) | HidEvent::Abort(reply) = event {
            self.reports.push_back(reply);
        }
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Never> {
        if self.reports.is_empty()
            && let Some((channel, _)) = self.device.executing()
        {
            match self.touch.take_if(|(when, _)| *when <= self.now) {
                Some((_, answer)) => self.answer(answer),
                None if self.speaks && self.now + 100 <= until.0 => {
                    self.now += 100;
                    let status = [Keepalive::UserPresenceNeeded.into()];
                    let keepalive = Fragments::new(channel, HidCommand::Keepalive, &status);
                    self.reports.extend(keepalive.unwrap());
                }
                None => {}
            }
        }
        let report = self.reports.pop_front();
        if report.is_none() {
            self.now = self.now.max(until.0);
        }
        Ok(report)
    }
}

type Refusal = Error<MsgError<Never>>;

/// Does `act` with such a key, and breaks off at the third keep-alive where `breaks` says so.
fn meet<R>(
    key: AtWork,
    breaks: bool,
    act: impl FnOnce(&mut U2fSession<'_, HidTransport<AtWork>>) -> Result<R, Refusal>,
) -> (Result<R, Refusal>, AtWork) {
    let mut transport = HidTransport::open(key, *b"a nonce.", DEADLINE).unwrap();
    let mut heard = 0;
    let mut listen = |status| {
        assert_eq!(status, Keepalive::UserPresenceNeeded);
        heard += 1;
        match breaks && heard == 3 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let mut buffers = Box::<U2fBuffers>::default();
    let mut session = U2fSession::new(&mut transport, &mut buffers, DEADLINE, &mut listen);
    let result = act(&mut session);
    (result, transport.into_link())
}

fn key() -> AtWork {
    AtWork {
        device: Device::new(DeviceVersion::default(), Capabilities(0)),
        request: std::vec![0; MAX_MESSAGE],
        reports: VecDeque::new(),
        now: 0,
        asked: Vec::new(),
        touch: None,
        ends: None,
        speaks: true,
    }
}

const NOT_TOUCHED: &[u8] = &[0x69, 0x85];
const UNKNOWN: &[u8] = &[0x6A, 0x80];
const TOLD_ONCE: [HidCommand; 2] = [HidCommand::Msg, HidCommand::Cancel];

#[test]
fn a_key_that_is_touched_meanwhile_answers() {
    let touched = AtWork {
        touch: Some((700, b"U2F_V2\x90\x00")),
        ..key()
    };
    let (outcome, key) = meet(touched, false, |session| session.version());
    assert_eq!(outcome, Ok(()));
    assert_eq!(key.asked, [HidCommand::Msg]);
}

#[test]
fn whoever_breaks_off_tells_the_key_to_end_and_is_answered() {
    for answer in [NOT_TOUCHED, UNKNOWN, &[0x6F, 0x00]] {
        let key = AtWork {
            ends: Some(answer),
            ..key()
        };
        let (outcome, key) = meet(key, true, |session| session.select());
        assert_eq!(outcome, Err(Error::Cancelled), "SW {answer:02X?}");
        assert_eq!(key.asked, TOLD_ONCE, "SW {answer:02X?}");
        assert_eq!(key.now, 300, "SW {answer:02X?}");
    }
}

#[test]
fn what_a_key_says_of_its_ending_is_nothing_about_a_key_handle() {
    // Either status would tell whether the key handle is this key's.
    for answer in [NOT_TOUCHED, UNKNOWN] {
        let key = AtWork {
            ends: Some(answer),
            ..key()
        };
        let (outcome, _) = meet(key, true, |session| session.check(&HASH, b"key handle"));
        assert_eq!(outcome, Err(Error::Cancelled), "SW {answer:02X?}");
    }
}

#[test]
fn what_a_key_did_before_it_heard_counts() {
    let key = AtWork {
        ends: Some(b"U2F_V2\x90\x00"),
        ..key()
    };
    let (outcome, key) = meet(key, true, |session| session.version());
    assert_eq!(outcome, Ok(()));
    assert_eq!(key.asked, TOLD_ONCE);
}

#[test]
fn a_key_that_goes_on_or_falls_silent_ends_at_the_deadline_with_one_cancel() {
    for (breaks, speaks) in [(true, true), (false, true), (false, false)] {
        let key = AtWork { speaks, ..key() };
        let (outcome, key) = meet(key, breaks, |session| session.select());
        let late = Error::Transport(MsgError::Transport(TransportError::Deadline));
        assert_eq!(outcome, Err(late), "{breaks}, {speaks}");
        assert_eq!(key.asked, TOLD_ONCE, "{breaks}, {speaks}");
        assert_eq!(key.now, DEADLINE.0, "{breaks}, {speaks}");
    }
}
