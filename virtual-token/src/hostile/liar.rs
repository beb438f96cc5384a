//! An honest key whose answers pass through a lie. Sans-IO.

use super::answers::{Exchange, Memory};
use super::script::Script;
use super::wire::Answer;
use super::{Honest, Hostile, Lie};
use keysteward_core::ctaphid::device::{Device as Channels, Event};
use keysteward_core::ctaphid::{
    Capabilities, ChannelId, Command, DeviceVersion, ErrorCode, Fragments, MAX_MESSAGE, Packet,
    Report,
};
use keysteward_core::session::Millis;

/// The machine of a hostile key. Reports go in; what it sends comes out when it is due.
#[expect(missing_debug_implementations, reason = "requests may hold secrets")]
pub struct Liar<H> {
    hostile: &'static Hostile,
    honest: H,
    channels: Channels,
    buffer: Box<[u8]>,
    script: Script,
    memory: Memory,
    told: u64,
}

/// What a hostile key does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Output {
    /// It sends a report.
    Report(Report),
    /// It drops off the bus.
    Unplug,
}

impl<H: Honest> Liar<H> {
    /// A key without power.
    pub fn new(hostile: &'static Hostile, honest: H) -> Self {
        Self {
            hostile,
            honest,
            channels: channels(),
            buffer: vec![0; MAX_MESSAGE].into(),
            script: Script::default(),
            memory: Memory::default(),
            told: 0,
        }
    }

    /// The power comes: channels and what was on its way are gone.
    pub fn power_up(&mut self, now: Millis) {
        self.honest.power_up(now);
        self.channels = channels();
        self.script = Script::default();
        self.memory = Memory::default();
    }

    /// How often it has lied so far.
    #[must_use]
    pub const fn told(&self) -> u64 {
        self.told
    }

    /// Its honest half.
    pub const fn honest(&self) -> &H {
        &self.honest
    }

    /// When [`poll`](Self::poll) has something, unless a report changes that.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        self.script.due()
    }

    /// The next thing that is due.
    pub fn poll(&mut self, now: Millis) -> Option<Output> {
        self.script.poll(now)
    }

    /// Takes one report in.
    pub fn handle_report(&mut self, now: Millis, report: &Report) {
        if let Some(reply) = self.channels.poll_timeout(now) {
            self.script.send([reply]);
        }
        match self.channels.handle_report(now, report, &mut self.buffer) {
            // Everything is executed at once, so there is nothing to cancel.
            Event::None | Event::Cancel => {}
            Event::Reply(reply) | Event::Abort(reply) => {
                self.script.begin(now);
                self.reply(reply);
            }
            Event::Request {
                channel,
                command,
                len,
            } => {
                self.script.begin(now);
                let request = self.buffer.get(..len).unwrap_or_default().to_vec();
                self.execute(now, channel, command, &request);
            }
        }
    }

    fn reply(&mut self, reply: Report) {
        match (self.hostile.lie, Packet::parse(&reply)) {
            (
                Lie::Init(lie),
                Packet::Init {
                    channel,
                    command: Command::Init,
                    bcnt,
                    data,
                },
            ) => {
                self.told += 1;
                let answer = Answer {
                    channel,
                    command: Command::Init,
                    message: data.get(..bcnt.into()).unwrap_or_default(),
                };
                lie(&answer, &mut self.script);
            }
            _ => self.script.send([reply]),
        }
    }

    fn execute(&mut self, now: Millis, channel: ChannelId, command: Command, request: &[u8]) {
        let message = match command {
            Command::Ping => request.to_vec(),
            Command::Wink => Vec::new(),
            Command::Cbor => self.words(now, request),
            _ => {
                self.script
                    .send(self.channels.refuse(ErrorCode::InvalidCommand));
                return;
            }
        };
        // Ends the transaction; what is sent instead of this is cut below.
        let _ = self.channels.refuse(ErrorCode::Other(0));
        let answer = Answer {
            channel,
            command,
            message: &message,
        };
        match self.hostile.lie {
            Lie::Packets(lie) if command == Command::Cbor => {
                self.told += 1;
                lie(&answer, &mut self.script);
            }
            Lie::Refusal(code) if command == Command::Cbor => {
                self.told += 1;
                self.script.send([answer.error(code)]);
            }
            _ => self.script.send(
                Fragments::new(channel, command, &message)
                    .into_iter()
                    .flatten(),
            ),
        }
    }

    /// The answer to a CTAP2 request.
    fn words(&mut self, now: Millis, request: &[u8]) -> Vec<u8> {
        let honest = self.honest.answer(now, request);
        let mut exchange = Exchange {
            request,
            answer: honest.clone(),
            memory: &mut self.memory,
        };
        match self.hostile.lie {
            Lie::Words(lie) => lie(&mut exchange),
            Lie::Info(lie) => exchange.edit_info(lie),
            Lie::Init(_) | Lie::Packets(_) | Lie::Refusal(_) => {}
        }
        let mut answer = exchange.answer;
        // More does not get across.
        answer.truncate(MAX_MESSAGE);
        self.told += u64::from(answer != honest);
        answer
    }
}

fn channels() -> Channels {
    Channels::new(
        DeviceVersion::default(),
        Capabilities(Capabilities::WINK | Capabilities::CBOR | Capabilities::NMSG),
    )
}
