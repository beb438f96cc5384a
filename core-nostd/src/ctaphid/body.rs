//! Reassembly of one message in a buffer of the caller. CTAP 2.3 §11.2.4.

use super::MAX_MESSAGE;
use core::fmt;

/// How far a message has come. Its bytes lie in the buffer that every call
/// is given, always the same one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Body {
    bcnt: usize,
    received: usize,
    seq: u8,
}

impl Body {
    /// Starts with the data of an init packet.
    pub(super) fn start(bcnt: u16, data: &[u8], buffer: &mut [u8]) -> Result<Self, ReceiveError> {
        let mut body = Self {
            bcnt: bcnt.into(),
            received: 0,
            seq: 0,
        };
        if body.bcnt > buffer.len().min(MAX_MESSAGE) {
            return Err(ReceiveError::MessageTooLong { bcnt });
        }
        body.copy(data, buffer);
        Ok(body)
    }

    /// Goes on with the data of a continuation packet.
    pub(super) fn append(
        &mut self,
        seq: u8,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Result<(), ReceiveError> {
        if seq != self.seq {
            return Err(ReceiveError::InvalidSeq {
                expected: self.seq,
                got: seq,
            });
        }
        self.seq = self.seq.wrapping_add(1);
        self.copy(data, buffer);
        Ok(())
    }

    /// The message's length, once all of it is there.
    pub(super) fn complete(&self) -> Option<usize> {
        (self.received == self.bcnt).then_some(self.bcnt)
    }

    fn copy(&mut self, data: &[u8], buffer: &mut [u8]) {
        let due = buffer.get_mut(self.received..self.bcnt).unwrap_or_default();
        let mut copied = 0_usize;
        for (to, from) in due.iter_mut().zip(data) {
            *to = *from;
            copied = copied.saturating_add(1);
        }
        self.received = self.received.saturating_add(copied);
    }
}

/// Why a message was lost. The machine is idle again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReceiveError {
    /// A new message began before the last had ended.
    Interrupted,
    /// A packet was lost or doubled.
    InvalidSeq {
        /// What was due.
        expected: u8,
        /// What came.
        got: u8,
    },
    /// The message does not fit the buffer, or not CTAPHID. Nothing was copied.
    MessageTooLong {
        /// Its length as announced.
        bcnt: u16,
    },
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("a new message began before the last had ended"),
            Self::InvalidSeq { expected, got } => {
                write!(f, "packet {got} came, {expected} was due")
            }
            Self::MessageTooLong { bcnt } => {
                write!(f, "a message of {bcnt} bytes was announced, more than fits")
            }
        }
    }
}

impl core::error::Error for ReceiveError {}
