//! RESET RETRY COUNTER. SP 800-73-5 part 2 §3.2.3.

use super::change_reference_data::{pair, split};
use super::{PADDED_PIN, PinReference, command, ins};
use crate::iso7816::{Command, Status};

/// RESET RETRY COUNTER request: a new PIN by who knows the PUK.
#[expect(missing_debug_implementations, reason = "holds PINs")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Request<'a> {
    /// Costs a try of its own if it is wrong.
    pub puk: &'a [u8; PADDED_PIN],
    /// The PIN from now on, with all its tries.
    pub new_pin: &'a [u8; PADDED_PIN],
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8; 16]) -> Command<'b> {
        pair(self.puk, self.new_pin, data);
        command(ins::RESET_RETRY_COUNTER, 0x00, PinReference::Pin.id(), data)
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        if command.p1 != 0x00 {
            return Err(Status::IncorrectP1P2);
        }
        if command.p2 != PinReference::Pin.id() {
            return Err(Status::ReferenceNotFound);
        }
        let (puk, new_pin) = split(command.data)?;
        Ok(Self { puk, new_pin })
    }
}
