//! HID packets and the messages in them. CTAP 2.3 §11.2.

use std::collections::BTreeMap;

use keysteward_core::ctap2;
use keysteward_core::ctaphid::{
    Capabilities, ChannelId, Command as Cmd, DeviceVersion, ErrorCode, InitResponse, Keepalive,
    MAX_MESSAGE, Packet, Report,
};
use keysteward_core::iso7816::Command as Apdu;

use super::node::{Decoded, Fault, Node, hexadecimal, moved};
use super::{Command, apdu, ctap, u2f};

/// Explains reports of 64 bytes, or of 65 with the report id 0 that host interfaces put in front,
/// of one direction or of both. A message that follows a request on its channel and looks like an
/// answer is the answer to it; `command` is what answers belong to whose request is not there.
pub(super) fn packets(bytes: &[u8], command: Option<Command>) -> Decoded {
    let mut decoded = Decoded::new("CTAPHID packets", bytes.len());
    let (stride, skip) = match bytes.len() {
        0 => {
            decoded.wrong(Fault::at(0, "no bytes: a packet has 64"));
            return decoded;
        }
        length if length % REPORT == 0 => (REPORT, 0),
        length if length % WITH_ID == 0 => (WITH_ID, 1),
        length => {
            let message = format!("{length} bytes are no whole number of packets, which have 64");
            decoded.wrong(Fault::at(length - length % REPORT, message));
            (REPORT, 0)
        }
    };
    let mut channels: BTreeMap<u32, Channel> = BTreeMap::new();
    for (index, chunk) in bytes.chunks_exact(stride).enumerate() {
        let offset = index.saturating_mul(stride).saturating_add(skip);
        let Some(report) = chunk.get(skip..).and_then(|report| report.first_chunk()) else {
            continue;
        };
        decoded.fields.push(packet(index, offset, report));
        let (Packet::Init { channel, .. } | Packet::Cont { channel, .. }) = Packet::parse(report);
        let channel = channels.entry(channel.0).or_default();
        channel.follow(offset, report, &mut decoded, command);
    }
    for message in channels.into_values().filter_map(|channel| channel.running) {
        let text = format!(
            "the message ends early: {} of {} bytes came",
            message.bytes.len(),
            message.bcnt
        );
        decoded.wrong(Fault::at(bytes.len(), text));
    }
    decoded
}

/// One channel, as its packets go by.
#[derive(Default)]
struct Channel {
    running: Option<Message>,
    /// The request that was not answered yet.
    asked: Option<Question>,
}

#[derive(Clone, Copy)]
enum Question {
    Ctap(ctap2::Command),
    U2f(Command),
}

/// A message of which packets are due.
struct Message {
    command: Cmd,
    bcnt: usize,
    seq: u8,
    bytes: Vec<u8>,
    /// Where the data of each packet begin: in the message, in the input.
    places: Vec<(usize, usize)>,
}

impl Message {
    /// Where a byte of the message stands in the input.
    fn place(&self, at: usize) -> usize {
        let packet = self.places.iter().rev().find(|(first, _)| *first <= at);
        packet.map_or(at, |(first, input)| {
            input.saturating_add(at.saturating_sub(*first))
        })
    }
}

fn packet(index: usize, offset: usize, report: &Report) -> Node {
    let mut fields = Vec::new();
    let mut field = |at: usize, length: usize, name: &str, value: String| {
        fields.push(Node::new(offset.saturating_add(at), length, name, value));
    };
    let value = match Packet::parse(report) {
        Packet::Init {
            channel,
            command,
            bcnt,
            data,
        } => {
            field(0, 4, "CID", channel_name(channel));
            field(4, 1, "CMD", command_name(command));
            field(5, 2, "BCNT", bcnt.to_string());
            field(7, 57, "DATA", hexadecimal(data));
            format!("init, {}, {bcnt} bytes", command_name(command))
        }
        Packet::Cont { channel, seq, data } => {
            field(0, 4, "CID", channel_name(channel));
            field(4, 1, "SEQ", seq.to_string());
            field(5, 59, "DATA", hexadecimal(data));
            format!("continuation {seq}")
        }
    };
    Node::new(offset, REPORT, format!("packet {index}"), value).with(fields)
}

impl Channel {
    /// Takes one packet into the message that runs; shows the message when it is whole.
    fn follow(
        &mut self,
        offset: usize,
        report: &Report,
        decoded: &mut Decoded,
        told: Option<Command>,
    ) {
        let message = match (self.running.take(), Packet::parse(report)) {
            (
                running,
                Packet::Init {
                    command,
                    bcnt,
                    data,
                    ..
                },
            ) => {
                if running.is_some() {
                    decoded.wrong(Fault::at(offset, "a message begins inside another one"));
                }
                let bcnt = usize::from(bcnt);
                if bcnt > MAX_MESSAGE {
                    let text =
                        format!("BCNT {bcnt}, and no message is longer than {MAX_MESSAGE} bytes");
                    decoded.wrong(Fault::at(offset.saturating_add(5), text));
                }
                Message {
                    command,
                    bcnt,
                    seq: 0,
                    bytes: data.iter().copied().take(bcnt).collect(),
                    places: vec![(0, offset.saturating_add(INIT_HEADER))],
                }
            }
            (Some(mut message), Packet::Cont { seq, data, .. }) => {
                if seq != message.seq {
                    let text = format!("packet {seq} came, {} was due", message.seq);
                    decoded.wrong(Fault::at(offset.saturating_add(4), text));
                }
                message.seq = seq.wrapping_add(1);
                let have = message.bytes.len();
                message
                    .places
                    .push((have, offset.saturating_add(CONT_HEADER)));
                let left = message.bcnt.saturating_sub(have);
                message.bytes.extend(data.iter().take(left));
                message
            }
            (None, Packet::Cont { .. }) => {
                decoded.wrong(Fault::at(offset, "a continuation of no message"));
                return;
            }
        };
        if message.bytes.len() < message.bcnt {
            self.running = Some(message);
        } else {
            self.show(&message, decoded, told);
        }
    }

    /// What a whole message says.
    fn show(&mut self, message: &Message, decoded: &mut Decoded, told: Option<Command>) {
        let bytes = message.bytes.as_slice();
        let place = |at| message.place(at);
        let (value, inside) = match (message.command, bytes) {
            (Cmd::Cbor, _) => {
                let inner = self.cbor(bytes, told.and_then(Command::ctap2));
                (inner.what.clone(), decoded.nested(inner, &place))
            }
            (Cmd::Msg, _) => {
                let inner = self.msg(bytes, told);
                (inner.what.clone(), decoded.nested(inner, &place))
            }
            (Cmd::Keepalive, [status]) => (keepalive(*status).into(), Vec::new()),
            (Cmd::Error, [code]) => {
                self.asked = None;
                (error(*code), Vec::new())
            }
            (Cmd::Init, _) => match InitResponse::parse(bytes) {
                Some(response) => {
                    let fields = moved(init_response(&response), &place);
                    ("a channel is given".into(), fields)
                }
                None => {
                    let nonce = Node::new(place(0), bytes.len(), "nonce", hexadecimal(bytes));
                    ("a channel is asked for".into(), vec![nonce])
                }
            },
            (Cmd::Lock, [seconds]) => (format!("for {seconds} s"), Vec::new()),
            _ => (hexadecimal(bytes), Vec::new()),
        };
        let name = format!("{} message", command_name(message.command));
        let node = Node::new(place(0), bytes.len(), name, value).with(inside);
        decoded.fields.push(node);
    }

    /// A request, or an answer: a status of 0 before CBOR, or a lone status.
    fn cbor(&mut self, bytes: &[u8], told: Option<ctap2::Command>) -> Decoded {
        let looks_answered = matches!(bytes, [0, ..] | [_]);
        let asked = match self.asked {
            Some(Question::Ctap(command)) if looks_answered => Some(command),
            Some(_) => None,
            None => told
                .filter(|told| looks_answered || bytes.first().copied() != Some(u8::from(*told))),
        };
        if asked.is_some() || matches!(bytes, [0, ..]) {
            self.asked = None;
            return ctap::response(bytes, asked);
        }
        let command = bytes.first().copied().map(ctap2::Command::from);
        self.asked = command.map(Question::Ctap);
        ctap::request(bytes)
    }

    fn msg(&mut self, bytes: &[u8], told: Option<Command>) -> Decoded {
        let request = Apdu::parse(bytes)
            .ok()
            .and_then(|(command, _)| u2f::command(&command));
        match (request, self.asked.take()) {
            (Some(command), _) => {
                self.asked = Some(Question::U2f(command));
                apdu::apdu(bytes, None)
            }
            (None, Some(Question::U2f(command))) => apdu::apdu(bytes, Some(command)),
            (None, _) => apdu::apdu(bytes, told),
        }
    }
}

fn init_response(response: &InitResponse) -> Vec<Node> {
    let DeviceVersion {
        major,
        minor,
        build,
    } = response.device_version;
    vec![
        Node::new(0, 8, "nonce", hexadecimal(&response.nonce)),
        Node::new(8, 4, "CID", channel_name(response.channel)),
        Node::new(
            12,
            1,
            "protocol version",
            response.protocol_version.to_string(),
        ),
        Node::new(13, 3, "device version", format!("{major}.{minor}.{build}")),
        Node::new(
            16,
            1,
            "capabilities",
            capability_names(response.capabilities),
        ),
    ]
}

fn channel_name(channel: ChannelId) -> String {
    match channel {
        ChannelId::BROADCAST => format!("{channel} (broadcast)"),
        ChannelId::RESERVED => format!("{channel} (reserved)"),
        _ => channel.to_string(),
    }
}

fn command_name(command: Cmd) -> String {
    let name = match command {
        Cmd::Ping => "PING",
        Cmd::Msg => "MSG",
        Cmd::Lock => "LOCK",
        Cmd::Init => "INIT",
        Cmd::Wink => "WINK",
        Cmd::Cbor => "CBOR",
        Cmd::Cancel => "CANCEL",
        Cmd::Keepalive => "KEEPALIVE",
        Cmd::Error => "ERROR",
        Cmd::Other(code @ 0x40..) => return format!("vendor 0x{code:02X}"),
        Cmd::Other(code) => return format!("unknown 0x{code:02X}"),
    };
    name.into()
}

pub(super) fn keepalive(status: u8) -> &'static str {
    match Keepalive::from(status) {
        Keepalive::Processing => "1 (processing)",
        Keepalive::UserPresenceNeeded => "2 (a touch is needed)",
        Keepalive::Other(_) => "unknown",
    }
}

fn error(code: u8) -> String {
    match ErrorCode::from(code) {
        ErrorCode::Other(code) => format!("0x{code:02X} (unknown)"),
        known => format!("0x{code:02X} ({known})"),
    }
}

fn capability_names(capabilities: Capabilities) -> String {
    let names = [
        (capabilities.wink(), "WINK"),
        (capabilities.cbor(), "CBOR"),
        (!capabilities.msg(), "NMSG"),
    ];
    let set: Vec<&str> = names
        .iter()
        .filter_map(|(set, name)| set.then_some(*name))
        .collect();
    format!("0x{:02X}: {}", capabilities.0, set.join(", "))
}

/// Bytes in front of the data: CID, CMD, BCNT.
const INIT_HEADER: usize = 7;

/// Bytes in front of the data: CID, SEQ.
const CONT_HEADER: usize = 5;

const REPORT: usize = 64;
const WITH_ID: usize = 65;
