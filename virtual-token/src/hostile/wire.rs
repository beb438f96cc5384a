//! CTAPHID packets by hand: what a lie sends need not be what a key may send. CTAP 2.3 §11.2.4.

use keysteward_core::ctaphid::{ChannelId, Command, Fragments, Report};

/// What an honest key would send now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub(super) channel: ChannelId,
    pub(super) command: Command,
    pub(super) message: &'a [u8],
}

impl Answer<'_> {
    /// Its packets.
    pub(super) fn reports(&self) -> Vec<Report> {
        self.reports_on(self.channel)
    }

    pub(super) fn reports_on(&self, channel: ChannelId) -> Vec<Report> {
        let fragments = Fragments::new(channel, self.command, self.message);
        fragments.into_iter().flatten().collect()
    }

    /// Its packets, six at least: short answers get zeros behind them.
    pub(super) fn long(&self) -> Vec<Report> {
        let mut message = self.message.to_vec();
        message.resize(message.len().max(6 * CONT_DATA), 0);
        let answer = Answer {
            message: &message,
            ..*self
        };
        answer.reports()
    }

    /// Its first packet, with another length.
    pub(super) fn announcing(&self, bcnt: u16) -> Report {
        init(self.channel, self.command.into(), bcnt, self.message)
    }

    pub(super) fn error(&self, code: u8) -> Report {
        init(self.channel, ERROR, 1, &[code])
    }

    pub(super) fn keepalive(&self, status: u8) -> Report {
        init(self.channel, KEEPALIVE, 1, &[status])
    }
}

/// Any init packet at all: of `data`, what fits.
pub(super) fn init(channel: ChannelId, command: u8, bcnt: u16, data: &[u8]) -> Report {
    let [high, low] = bcnt.to_be_bytes();
    packet(channel, &[command | INIT_BIT, high, low], data)
}

/// A continuation full of noise.
pub(super) fn cont(channel: ChannelId, seq: u8) -> Report {
    packet(channel, &[seq], &[0x5A; CONT_DATA])
}

fn packet(channel: ChannelId, head: &[u8], data: &[u8]) -> Report {
    let mut report = [0; 64];
    let id = channel.0.to_be_bytes();
    let bytes = id.iter().chain(head).chain(data);
    for (to, from) in report.iter_mut().zip(bytes) {
        *to = *from;
    }
    report
}

pub(super) const INIT_BIT: u8 = 0x80;
pub(super) const INIT: u8 = 0x06;
pub(super) const KEEPALIVE: u8 = 0x3B;
pub(super) const ERROR: u8 = 0x3F;
pub(super) const PROCESSING: u8 = 1;
pub(super) const UP_NEEDED: u8 = 2;
/// Payload of a continuation packet.
pub(super) const CONT_DATA: usize = 59;
