//! One report. CTAP 2.3 §11.2.4.

use super::{Command, ErrorCode, InitResponse, Keepalive};
use core::fmt;

/// One HID report, without a report id.
pub type Report = [u8; 64];

/// Payload of an init packet.
pub(super) const INIT_DATA: usize = 57;
/// Payload of a continuation packet.
pub(super) const CONT_DATA: usize = 59;

/// CID: one conversation between a program and the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChannelId(pub u32);

impl ChannelId {
    /// Never allocated.
    pub const RESERVED: Self = Self(0);
    /// Where INIT asks for a channel.
    pub const BROADCAST: Self = Self(0xFFFF_FFFF);
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A report, read. Every report is a packet of one kind or the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packet<'r> {
    /// Begins a message.
    Init {
        /// CID
        channel: ChannelId,
        /// CMD
        command: Command,
        /// Length of the whole message.
        bcnt: u16,
        /// The message's first bytes, padded.
        data: &'r [u8; INIT_DATA],
    },
    /// Continues a message.
    Cont {
        /// CID
        channel: ChannelId,
        /// 0 to 0x7F
        seq: u8,
        /// The message's next bytes, padded.
        data: &'r [u8; CONT_DATA],
    },
}

impl<'r> Packet<'r> {
    /// Reads a report.
    #[must_use]
    pub const fn parse(report: &'r Report) -> Self {
        let [c0, c1, c2, c3, kind, data @ ..] = report;
        let channel = ChannelId(u32::from_be_bytes([*c0, *c1, *c2, *c3]));
        if *kind & INIT_BIT == 0 {
            return Self::Cont {
                channel,
                seq: *kind,
                data,
            };
        }
        let [b0, b1, data @ ..] = data;
        Self::Init {
            channel,
            command: Command::from_code(*kind),
            bcnt: u16::from_be_bytes([*b0, *b1]),
            data,
        }
    }

    /// CID
    #[must_use]
    pub const fn channel(&self) -> ChannelId {
        match self {
            Self::Init { channel, .. } | Self::Cont { channel, .. } => *channel,
        }
    }
}

/// The packet that begins a message of `bcnt` bytes with `data`.
pub(super) fn init(channel: ChannelId, command: Command, bcnt: u16, data: &[u8]) -> Report {
    let [c0, c1, c2, c3] = channel.0.to_be_bytes();
    let [b0, b1] = bcnt.to_be_bytes();
    padded([c0, c1, c2, c3, u8::from(command) | INIT_BIT, b0, b1], data)
}

/// A packet that continues a message with `data`.
pub(super) fn cont(channel: ChannelId, seq: u8, data: &[u8]) -> Report {
    let [c0, c1, c2, c3] = channel.0.to_be_bytes();
    padded([c0, c1, c2, c3, seq], data)
}

/// A message without payload.
pub(super) fn empty(channel: ChannelId, command: Command) -> Report {
    init(channel, command, 0, &[])
}

/// KEEPALIVE. CTAP 2.3 §11.2.9.1.7.
pub(super) fn keepalive(channel: ChannelId, status: Keepalive) -> Report {
    init(channel, Command::Keepalive, 1, &[status.into()])
}

/// ERROR. CTAP 2.3 §11.2.9.1.6.
pub(super) fn error(channel: ChannelId, code: ErrorCode) -> Report {
    init(channel, Command::Error, 1, &[code.into()])
}

/// A request for a channel, or to synchronise one.
pub(super) fn init_request(channel: ChannelId, nonce: &[u8; 8]) -> Report {
    init(channel, Command::Init, 8, nonce)
}

/// The answer to INIT, sent on the channel that asked.
pub(super) fn init_response(channel: ChannelId, response: &InitResponse) -> Report {
    init(channel, Command::Init, 17, &response.encode())
}

fn padded(head: impl IntoIterator<Item = u8>, data: &[u8]) -> Report {
    let mut report = [0; 64];
    let bytes = head.into_iter().chain(data.iter().copied());
    for (to, from) in report.iter_mut().zip(bytes) {
        *to = from;
    }
    report
}

const INIT_BIT: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_init_packet_reads_as_it_was_written() {
        let report = init(ChannelId(0x0102_0304), Command::Cbor, 1, &[0x04]);
        assert_eq!(
            report.first_chunk(),
            Some(&[0x01, 0x02, 0x03, 0x04, 0x90, 0x00, 0x01, 0x04])
        );
        let mut data = [0; 57];
        data[0] = 0x04;
        assert_eq!(
            Packet::parse(&report),
            Packet::Init {
                channel: ChannelId(0x0102_0304),
                command: Command::Cbor,
                bcnt: 1,
                data: &data,
            }
        );
    }

    #[test]
    fn a_continuation_reads_as_it_was_written() {
        let report = cont(ChannelId(7), 0x7F, &[0xAB; 59]);
        assert_eq!(
            Packet::parse(&report),
            Packet::Cont {
                channel: ChannelId(7),
                seq: 0x7F,
                data: &[0xAB; 59],
            }
        );
    }
}
