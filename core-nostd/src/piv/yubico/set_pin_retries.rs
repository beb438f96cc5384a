//! SET PIN RETRIES.

use super::super::{command, ins};
use crate::iso7816::{Command, Status};

/// SET PIN RETRIES request; wants the admin key and the PIN. PIN and PUK are those of the factory
/// afterwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// P1: tries of the PIN, 1 at least.
    pub pin: u8,
    /// P2: tries of the PUK, 1 at least.
    pub puk: u8,
}

impl Request {
    /// The command.
    #[must_use]
    pub const fn command(&self) -> Command<'static> {
        command(ins::SET_PIN_RETRIES, self.pin, self.puk, &[])
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        match (command.p1, command.p2, command.data) {
            (pin @ 1.., puk @ 1.., []) => Ok(Self { pin, puk }),
            _ => Err(Status::IncorrectP1P2),
        }
    }
}
