//! HID packets and the messages in them. CTAP 2.3 §11.2.

use keysteward_core::ctaphid::{
    Capabilities, ChannelId, Command as Cmd, DeviceVersion, ErrorCode, InitResponse, Keepalive,
    MAX_MESSAGE, Packet, Report,
};

use super::node::{Decoded, Fault, Node, hexadecimal};
use super::{Command, apdu, ctap};

/// Explains reports of 64 bytes, or of 65 with the report id 0 that host interfaces put in front.
/// `command`: the messages answer this CTAP2 command; without it they are requests.
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
    let mut message = None;
    for (index, chunk) in bytes.chunks_exact(stride).enumerate() {
        let offset = index.saturating_mul(stride).saturating_add(skip);
        let Some(report) = chunk.get(skip..).and_then(|report| report.first_chunk()) else {
            continue;
        };
        decoded.fields.push(packet(index, offset, report));
        message = follow(message, offset, report, &mut decoded, command);
    }
    if let Some(message) = message {
        let text = format!(
            "the message ends early: {} of {} bytes came",
            message.bytes.len(),
            message.bcnt
        );
        decoded.wrong(Fault::at(bytes.len(), text));
    }
    decoded
}

/// A message of which packets are due.
struct Message {
    channel: ChannelId,
    command: Cmd,
    bcnt: usize,
    seq: u8,
    bytes: Vec<u8>,
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

/// Takes one packet into the message that runs; shows the message when it is whole.
fn follow(
    running: Option<Message>,
    offset: usize,
    report: &Report,
    decoded: &mut Decoded,
    asked: Option<Command>,
) -> Option<Message> {
    let message = match (running, Packet::parse(report)) {
        (
            running,
            Packet::Init {
                channel,
                command,
                bcnt,
                data,
            },
        ) => {
            if running.is_some_and(|running| running.channel == channel) {
                decoded.wrong(Fault::at(offset, "a message begins inside another one"));
            }
            let bcnt = usize::from(bcnt);
            if bcnt > MAX_MESSAGE {
                let text =
                    format!("BCNT {bcnt}, and no message is longer than {MAX_MESSAGE} bytes");
                decoded.wrong(Fault::at(offset.saturating_add(5), text));
            }
            Message {
                channel,
                command,
                bcnt,
                seq: 0,
                bytes: data.iter().copied().take(bcnt).collect(),
            }
        }
        (Some(mut message), Packet::Cont { channel, seq, data }) if channel == message.channel => {
            if seq != message.seq {
                let text = format!("packet {seq} came, {} was due", message.seq);
                decoded.wrong(Fault::at(offset.saturating_add(4), text));
            }
            message.seq = seq.wrapping_add(1);
            let left = message.bcnt.saturating_sub(message.bytes.len());
            message.bytes.extend(data.iter().take(left));
            message
        }
        (running, Packet::Cont { .. }) => {
            decoded.wrong(Fault::at(offset, "a continuation of no message"));
            return running;
        }
    };
    if message.bytes.len() < message.bcnt {
        return Some(message);
    }
    show(&message, offset, decoded, asked);
    None
}

/// What a whole message says. Its offsets count from its own first byte.
fn show(message: &Message, offset: usize, decoded: &mut Decoded, asked: Option<Command>) {
    let bytes = message.bytes.as_slice();
    let (value, inside) = match (message.command, bytes) {
        (Cmd::Cbor, _) => {
            let inner = match asked {
                Some(command) => ctap::response(bytes, Some(command)),
                None => ctap::request(bytes),
            };
            nested(inner, decoded)
        }
        (Cmd::Msg, _) => nested(apdu::apdu(bytes), decoded),
        (Cmd::Keepalive, [status]) => (keepalive(*status).into(), Vec::new()),
        (Cmd::Error, [code]) => (error(*code), Vec::new()),
        (Cmd::Init, _) => match InitResponse::parse(bytes) {
            Some(response) => ("a channel is given".into(), init_response(&response)),
            None => {
                let nonce = Node::new(0, bytes.len(), "nonce", hexadecimal(bytes));
                ("a channel is asked for".into(), vec![nonce])
            }
        },
        (Cmd::Lock, [seconds]) => (format!("for {seconds} s"), Vec::new()),
        _ => (hexadecimal(bytes), Vec::new()),
    };
    let name = format!("{} message", command_name(message.command));
    decoded
        .fields
        .push(Node::new(offset, bytes.len(), name, value).with(inside));
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

/// A message of another layer inside this one.
fn nested(inner: Decoded, decoded: &mut Decoded) -> (String, Vec<Node>) {
    for fault in inner.errors {
        let place = match fault.offset {
            Some(offset) => format!(" (byte {offset} of the message)"),
            None => String::new(),
        };
        decoded.wrong(Fault::somewhere(format!("{}{place}", fault.message)));
    }
    (inner.what, inner.fields)
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

fn keepalive(status: u8) -> &'static str {
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

const REPORT: usize = 64;
const WITH_ID: usize = 65;
