//! A card that answers as laid out.

use std::{collections::VecDeque, fmt};

use keysteward_core::{iso7816::CardTransport, time::Millis};

/// Answers one APDU after the other; `None`: the link fails.
pub(super) struct Script {
    answers: VecDeque<Option<Vec<u8>>>,
    sent: usize,
}

impl Script {
    pub(super) fn new(answers: &[Option<&[u8]>]) -> Self {
        Self {
            answers: answers.iter().map(|one| one.map(<[u8]>::to_vec)).collect(),
            sent: 0,
        }
    }

    /// APDUs that came.
    pub(super) const fn sent(&self) -> usize {
        self.sent
    }
}

#[derive(Debug)]
pub(super) struct Torn;

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the link is torn")
    }
}

impl std::error::Error for Torn {}

impl CardTransport for Script {
    type Error = Torn;

    fn now(&mut self) -> Millis {
        Millis(0)
    }

    fn pause(&mut self, _: Millis) {}

    fn transmit<'r>(&mut self, _: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Torn> {
        self.sent += 1;
        let answer = self.answers.pop_front().flatten().ok_or(Torn)?;
        let room = &mut response[..answer.len()];
        room.copy_from_slice(&answer);
        Ok(room)
    }
}
