//! Whatever a link and the other programs on it do, a call ends by its
//! deadline, and an answer is the answer to what was asked.

use super::*;
use crate::ctaphid::device::{Device, Event as DeviceEvent};
use crate::ctaphid::{ChannelId, DeviceVersion, Fragments, packet};
use core::convert::Infallible;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::vec::Vec;

/// What becomes of one request.
#[derive(Clone, Copy, Debug)]
enum Mood {
    /// Answers after so many milliseconds.
    Answers(u64),
    /// Says that it is busy.
    Busy,
    /// Answers somebody else first, so many times.
    Chatters(u8),
    /// Sends keep-alives for so many milliseconds, then answers.
    Thinks(u64),
    /// Sends only the first packet of an answer.
    Stops,
    Silent,
}

struct Moody {
    device: Device,
    buffer: [u8; 512],
    now: Millis,
    /// What is on its way, and when it arrives.
    out: VecDeque<(Millis, Report)>,
    moods: Vec<Mood>,
}

impl Moody {
    fn later(&mut self, delay: u64, reports: impl IntoIterator<Item = Report>) {
        let at = self.now.after(delay);
        self.out
            .extend(reports.into_iter().map(|report| (at, report)));
    }

    /// Echoes.
    fn execute(&mut self, channel: ChannelId, len: usize) {
        let message = self.buffer[..len].to_vec();
        let answer: Vec<_> = Fragments::new(channel, Command::Cbor, &message)
            .unwrap()
            .collect();
        match self.moods.pop().unwrap_or(Mood::Answers(0)) {
            Mood::Answers(delay) => self.later(delay, answer),
            Mood::Busy => self.later(0, [packet::error(channel, ErrorCode::ChannelBusy)]),
            Mood::Chatters(times) => {
                let stranger = ChannelId(channel.0 ^ 0xFF);
                for time in 0..times {
                    let other = [time; 64];
                    let strange = Fragments::new(stranger, Command::Cbor, &other).unwrap();
                    self.later(0, strange);
                }
                self.later(0, answer);
            }
            Mood::Thinks(time) => {
                for at in (0..time).step_by(100) {
                    let status = Keepalive::Processing;
                    self.later(at, [packet::keepalive(channel, status)]);
                }
                self.later(time, answer);
            }
            Mood::Stops => self.later(0, answer.into_iter().take(1)),
            Mood::Silent => return,
        }
        // Whatever comes is on its way: the token itself is free again.
        let _ = self.device.refuse(ErrorCode::Other(0x7F));
    }
}

impl Link for Moody {
    type Error = Infallible;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Infallible> {
        match self
            .device
            .handle_report(self.now, report, &mut self.buffer)
        {
            DeviceEvent::None | DeviceEvent::Cancel => {}
            DeviceEvent::Reply(reply) | DeviceEvent::Abort(reply) => self.later(0, [reply]),
            DeviceEvent::Request { channel, len, .. } => self.execute(channel, len),
        }
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Infallible> {
        match self.out.front() {
            // In order, as over USB: what is late holds up what follows.
            Some((at, report)) if *at < until => {
                let report = *report;
                self.now = self.now.max(*at);
                self.out.pop_front();
                Ok(Some(report))
            }
            _ => {
                self.now = until;
                Ok(None)
            }
        }
    }
}

fn moods() -> impl Strategy<Value = Vec<Mood>> {
    let mood = prop_oneof![
        (0..3000_u64).prop_map(Mood::Answers),
        Just(Mood::Busy),
        (0..9_u8).prop_map(Mood::Chatters),
        (0..3000_u64).prop_map(Mood::Thinks),
        Just(Mood::Stops),
        Just(Mood::Silent),
    ];
    proptest::collection::vec(mood, 0..8)
}

proptest! {
    #[test]
    fn an_answer_is_never_taken_for_another(moods in moods(), lengths in prop::collection::vec(1..300_usize, 1..6)) {
        let link = Moody {
            device: Device::new(DeviceVersion::default(), Capabilities(Capabilities::CBOR)),
            buffer: [0; 512],
            now: Millis(0),
            out: VecDeque::new(),
            moods,
        };
        let mut transport = HidTransport::open(link, *b"anything", Millis(1000)).unwrap();
        for (number, length) in lengths.into_iter().enumerate() {
            let request = std::vec![u8::try_from(number).unwrap(); length];
            let deadline = transport.link_mut().now().after(1000);
            let mut buffer = [0; 512];
            let outcome = transport.cbor(&request, &mut buffer, deadline, &mut silent);
            match outcome {
                Ok(answer) => prop_assert_eq!(answer, &request),
                Err(error) => prop_assert_eq!(error, TransportError::Deadline),
            }
            let now = transport.link_mut().now();
            prop_assert!(now <= deadline, "{:?} is past {:?}", now, deadline);
        }
    }
}
