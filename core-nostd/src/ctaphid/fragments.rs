//! The sender: one message becomes reports. CTAP 2.3 §11.2.4.

use super::packet::{self, CONT_DATA, INIT_DATA};
use super::{ChannelId, Command, MAX_MESSAGE, Report};
use core::fmt;

/// The reports of one message, in order: one init packet, then continuations.
#[derive(Clone, Debug)]
pub struct Fragments<'m> {
    channel: ChannelId,
    rest: &'m [u8],
    next: Next,
}

#[derive(Clone, Debug)]
enum Next {
    Init { command: Command, bcnt: u16 },
    Cont { seq: u8 },
}

impl<'m> Fragments<'m> {
    /// Cuts `message`, at most [`MAX_MESSAGE`] bytes, into reports.
    pub fn new(
        channel: ChannelId,
        command: Command,
        message: &'m [u8],
    ) -> Result<Self, MessageTooLong> {
        let len = message.len();
        match u16::try_from(len) {
            Ok(bcnt) if len <= MAX_MESSAGE => Ok(Self {
                channel,
                rest: message,
                next: Next::Init { command, bcnt },
            }),
            _ => Err(MessageTooLong { len }),
        }
    }
}

impl Iterator for Fragments<'_> {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        match self.next {
            Next::Init { command, bcnt } => {
                self.next = Next::Cont { seq: 0 };
                let data = take(&mut self.rest, INIT_DATA);
                Some(packet::init(self.channel, command, bcnt, data))
            }
            Next::Cont { .. } if self.rest.is_empty() => None,
            Next::Cont { seq } => {
                self.next = Next::Cont {
                    seq: seq.wrapping_add(1),
                };
                let data = take(&mut self.rest, CONT_DATA);
                Some(packet::cont(self.channel, seq, data))
            }
        }
    }
}

fn take<'m>(rest: &mut &'m [u8], len: usize) -> &'m [u8] {
    let (head, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
    *rest = tail;
    head
}

/// A message longer than CTAPHID carries. Nothing was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MessageTooLong {
    /// Its length in bytes.
    pub len: usize,
}

impl fmt::Display for MessageTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a message of {} bytes does not fit CTAPHID's {MAX_MESSAGE}",
            self.len
        )
    }
}

impl core::error::Error for MessageTooLong {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctaphid::Packet;
    use std::vec::Vec;

    fn count(len: usize) -> usize {
        let message = std::vec![0x5A; len];
        Fragments::new(ChannelId(1), Command::Cbor, &message)
            .unwrap()
            .count()
    }

    #[test]
    fn a_message_takes_as_many_reports_as_it_needs() {
        for (len, reports) in [(0, 1), (57, 1), (58, 2), (116, 2), (117, 3), (7609, 129)] {
            assert_eq!(count(len), reports, "{len} bytes");
        }
    }

    #[test]
    fn the_longest_message_ends_with_sequence_number_127() {
        let message = [0; MAX_MESSAGE];
        let last = Fragments::new(ChannelId(1), Command::Ping, &message)
            .unwrap()
            .last()
            .unwrap();
        assert!(matches!(
            Packet::parse(&last),
            Packet::Cont { seq: 0x7F, .. }
        ));
    }

    #[test]
    fn one_byte_more_is_refused() {
        let message: Vec<u8> = std::vec![0; MAX_MESSAGE + 1];
        let refused = Fragments::new(ChannelId(1), Command::Ping, &message).err();
        assert_eq!(refused, Some(MessageTooLong { len: 7610 }));
    }
}
