use super::*;
use crate::ctaphid::device::{Device, Event as DeviceEvent};
use crate::ctaphid::{ChannelId, DeviceVersion, Packet, packet};
use std::collections::VecDeque;
use std::vec::Vec;

mod busy;

const NONCE: [u8; 8] = *b"atransp.";
const START: Millis = Millis(5000);

/// A token in software, told how to misbehave.
struct Token {
    device: Device,
    buffer: [u8; 1024],
    now: Millis,
    /// Reports on their way to the client.
    out: VecDeque<Report>,
    sent: Vec<Report>,
    behaviour: Behaviour,
}

#[derive(Clone, Copy, PartialEq)]
enum Behaviour {
    Prompt,
    /// Busy with others until this moment.
    BusyUntil(Millis),
    /// Never answers requests; INIT it does.
    Silent,
    /// Sends keep-alives, and the answer to CANCEL.
    WaitsForTouch,
    /// Sends reports of others, without end.
    Floods,
    /// Answers nothing at all.
    Dead,
    /// Sends the second packet of an answer twice.
    Stutters,
    /// Does not know any channel that it gave out.
    Forgets,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Unplugged;

impl fmt::Display for Unplugged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unplugged")
    }
}

impl core::error::Error for Unplugged {}

impl Token {
    fn new(behaviour: Behaviour) -> Self {
        Self {
            device: Device::new(
                DeviceVersion::default(),
                Capabilities(Capabilities::WINK | Capabilities::CBOR),
            ),
            buffer: [0; 1024],
            now: START,
            out: VecDeque::new(),
            sent: Vec::new(),
            behaviour,
        }
    }

    fn commands(&self) -> Vec<Command> {
        let command = |report| match Packet::parse(report) {
            Packet::Init { command, .. } => Some(command),
            Packet::Cont { .. } => None,
        };
        self.sent.iter().filter_map(command).collect()
    }

    fn execute(&mut self, len: usize) {
        let mut answer = self.buffer[..len].to_vec();
        // Recognisable, and long enough for two packets.
        answer.resize(len.max(80), 0xEE);
        match self.behaviour {
            Behaviour::Prompt | Behaviour::BusyUntil(_) => {
                let answer: Vec<_> = self.device.respond(&answer).unwrap().unwrap().collect();
                self.out.extend(answer);
            }
            Behaviour::Stutters => {
                let answer: Vec<_> = self.device.respond(&answer).unwrap().unwrap().collect();
                self.out.extend([answer[0], answer[1], answer[1]]);
                self.out[1][4] = 1;
            }
            Behaviour::WaitsForTouch
            | Behaviour::Silent
            | Behaviour::Floods
            | Behaviour::Dead
            | Behaviour::Forgets => {}
        }
    }
}

impl Link for Token {
    type Error = Unplugged;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Unplugged> {
        self.sent.push(*report);
        let channel = Packet::parse(report).channel();
        let is_init = matches!(
            Packet::parse(report),
            Packet::Init {
                command: Command::Init,
                ..
            }
        );
        match self.behaviour {
            Behaviour::Dead => return Ok(()),
            Behaviour::BusyUntil(end) if self.now < end => {
                self.out
                    .push_back(packet::error(channel, ErrorCode::ChannelBusy));
                return Ok(());
            }
            Behaviour::Forgets if !is_init => {
                self.out
                    .push_back(packet::error(channel, ErrorCode::InvalidChannel));
                return Ok(());
            }
            _ => {}
        }
        match self
            .device
            .handle_report(self.now, report, &mut self.buffer)
        {
            DeviceEvent::None => {}
            DeviceEvent::Reply(reply) => self.out.push_back(reply),
            DeviceEvent::Abort(reply) => {
                assert!(is_init);
                self.out.push_back(reply);
            }
            DeviceEvent::Request { len, .. } => self.execute(len),
            DeviceEvent::Cancel if self.behaviour == Behaviour::WaitsForTouch => {
                let ended: Vec<_> = self.device.respond(&[0x2D]).unwrap().unwrap().collect();
                self.out.extend(ended);
            }
            DeviceEvent::Cancel => {}
        }
        Ok(())
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Unplugged> {
        if let Some(report) = self.out.pop_front() {
            self.now = self.now.after(1);
            return Ok(Some(report));
        }
        if self.behaviour == Behaviour::Floods {
            self.now = self.now.after(1);
            return Ok(Some(packet::empty(ChannelId(99), Command::Cbor)));
        }
        let due = self.now.after(100);
        match self.device.keepalive(Keepalive::UserPresenceNeeded) {
            Some(report) if self.behaviour == Behaviour::WaitsForTouch && due <= until => {
                self.now = due;
                Ok(Some(report))
            }
            _ => {
                self.now = until;
                Ok(None)
            }
        }
    }
}

fn open(behaviour: Behaviour) -> HidTransport<Token> {
    let mut token = Token::new(Behaviour::Prompt);
    token.now = START;
    let mut transport = HidTransport::open(token, NONCE, START.after(1000)).unwrap();
    transport.link.behaviour = behaviour;
    transport.link.sent.clear();
    transport
}

#[test]
fn a_message_goes_there_and_back() {
    let mut transport = open(Behaviour::Prompt);
    let request: Vec<u8> = (0..200).collect();
    let mut buffer = [0; 256];
    let response = transport
        .cbor(&request, &mut buffer, START.after(1000), &mut silent)
        .unwrap();
    assert_eq!(response, request);
    assert_eq!(transport.capabilities().0, 0x05);
}

#[test]
fn ping_and_wink_and_lock_work() {
    let mut transport = open(Behaviour::Prompt);
    let deadline = START.after(1000);
    let payload = [0x5A; 90];
    assert_eq!(
        transport.ping(&payload, &mut [0; 128], deadline),
        Ok(&payload[..])
    );
    transport.lock(3, deadline).unwrap();
    transport.link.behaviour = Behaviour::Silent;
    assert_eq!(
        transport.wink(deadline),
        Err(TransportError::Deadline),
        "silent tokens do not wink"
    );
}

#[test]
fn what_a_token_does_not_know_is_refused_and_the_next_request_works() {
    let mut transport = open(Behaviour::Prompt);
    let deadline = START.after(1000);
    let mut buffer = [0; 128];
    for length in [1, 100] {
        let message = [9; 100];
        let unknown = transport.transact(
            Command::Other(0x02),
            &message[..length],
            &mut buffer,
            deadline,
            &mut silent,
        );
        let refused = TransportError::Refused(ErrorCode::InvalidCommand);
        assert_eq!(unknown, Err(refused));
    }
    assert_eq!(
        transport.lock(11, deadline),
        Err(TransportError::Refused(ErrorCode::InvalidParameter))
    );
    let response = transport.cbor(&[4], &mut buffer, deadline, &mut silent);
    assert_eq!(response.unwrap()[0], 4);
    assert!(!transport.link.commands().contains(&Command::Init));
}

#[test]
fn silence_ends_at_the_deadline_with_a_cancel() {
    let mut transport = open(Behaviour::Silent);
    let deadline = START.after(1000);
    assert_eq!(
        transport.cbor(&[4], &mut [0; 128], deadline, &mut silent),
        Err(TransportError::Deadline)
    );
    assert_eq!(transport.link.now, deadline);
    assert_eq!(transport.link.commands(), [Command::Cbor, Command::Cancel]);
}

#[test]
fn a_flood_of_others_reports_ends_at_the_deadline() {
    let mut transport = open(Behaviour::Floods);
    let deadline = START.after(1000);
    assert_eq!(
        transport.cbor(&[4], &mut [0; 128], deadline, &mut silent),
        Err(TransportError::Deadline)
    );
    assert_eq!(transport.link.now, deadline);
}

#[test]
fn a_late_answer_is_not_taken_for_the_next() {
    let mut transport = open(Behaviour::Silent);
    let _ = transport.cbor(&[4], &mut [0; 128], START.after(100), &mut silent);
    let late = packet::init(transport.channel.id(), Command::Cbor, 1, &[0x99]);
    transport.link.out.push_back(late);
    transport.link.behaviour = Behaviour::Prompt;
    transport.link.sent.clear();

    let mut buffer = [0; 128];
    let response = transport.cbor(&[6], &mut buffer, START.after(1000), &mut silent);
    assert_eq!(response.unwrap()[0], 6);
    assert_eq!(transport.link.commands(), [Command::Init, Command::Cbor]);
}

#[test]
fn keepalives_are_reported_and_break_cancels_once() {
    let mut transport = open(Behaviour::WaitsForTouch);
    let mut seen = Vec::new();
    let mut buffer = [0; 128];
    let response = transport.cbor(&[1], &mut buffer, START.after(30_000), &mut |status| {
        seen.push(status);
        if seen.len() < 3 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert_eq!(response, Ok(&[0x2D][..]));
    assert_eq!(seen, [Keepalive::UserPresenceNeeded; 3]);
    assert_eq!(transport.link.commands(), [Command::Cbor, Command::Cancel]);
}

#[test]
fn keepalives_do_not_move_the_deadline() {
    let mut transport = open(Behaviour::WaitsForTouch);
    let deadline = START.after(2050);
    assert_eq!(
        transport.cbor(&[1], &mut [0; 128], deadline, &mut silent),
        Err(TransportError::Deadline)
    );
    assert_eq!(transport.link.now, deadline);
}

#[test]
fn a_doubled_packet_is_an_error_and_the_next_request_works() {
    let mut transport = open(Behaviour::Stutters);
    assert_eq!(
        transport.cbor(&[4], &mut [0; 128], START.after(1000), &mut silent),
        Err(TransportError::Receive(ReceiveError::InvalidSeq {
            expected: 0,
            got: 1
        }))
    );
    transport.link.behaviour = Behaviour::Prompt;
    let mut buffer = [0; 128];
    let response = transport.cbor(&[6], &mut buffer, START.after(1000), &mut silent);
    assert_eq!(response.unwrap()[0], 6);
}

#[test]
fn a_token_that_lost_power_gets_a_new_channel() {
    let mut transport = open(Behaviour::Prompt);
    transport.link.device = Device::new(DeviceVersion::default(), Capabilities(Capabilities::CBOR));
    let mut buffer = [0; 128];
    let response = transport.cbor(&[4], &mut buffer, START.after(1000), &mut silent);
    assert_eq!(response.unwrap()[0], 4);
    let commands = [Command::Cbor, Command::Init, Command::Cbor];
    assert_eq!(transport.link.commands(), commands);
    assert!(
        !transport.capabilities().wink(),
        "what INIT said was renewed"
    );
}

#[test]
fn a_token_that_forgets_its_new_channel_too_is_left_alone() {
    let mut transport = open(Behaviour::Forgets);
    assert_eq!(
        transport.cbor(&[4], &mut [0; 128], START.after(1000), &mut silent),
        Err(TransportError::Refused(ErrorCode::InvalidChannel))
    );
    let commands = [Command::Cbor, Command::Init, Command::Cbor];
    assert_eq!(transport.link.commands(), commands);
}

#[test]
fn what_lies_there_before_a_request_is_no_answer_to_it() {
    let mut transport = open(Behaviour::Prompt);
    let mut buffer = [0; 128];
    let first = transport.cbor(&[4], &mut buffer, START.after(1000), &mut silent);
    assert_eq!(first.unwrap()[0], 4);
    // The token says it twice.
    let again = packet::init(transport.channel.id(), Command::Cbor, 1, &[4]);
    transport.link.out.push_back(again);
    let second = transport.cbor(&[6], &mut buffer, START.after(1000), &mut silent);
    assert_eq!(second.unwrap()[0], 6);
}

#[test]
fn a_token_that_never_answers_init_ends_at_the_deadline() {
    let mut token = Token::new(Behaviour::Dead);
    let deadline = START.after(3500);
    let refused = HidTransport::open(&mut token, NONCE, deadline).err();
    assert_eq!(refused, Some(TransportError::Deadline));
    assert_eq!(token.now, deadline);
    assert_eq!(token.commands(), [Command::Init; 4], "asked once a second");
}

#[test]
fn a_refusal_says_why() {
    let mut transport = open(Behaviour::Prompt);
    transport.lock(10, START.after(1000)).unwrap();
    assert_eq!(
        transport.lock(11, START.after(1000)),
        Err(TransportError::Refused(ErrorCode::InvalidParameter))
    );
}
