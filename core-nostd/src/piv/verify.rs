//! VERIFY. SP 800-73-5 part 2 §3.2.1.

use super::{PADDED_PIN, Pin, PinReference, command, ins};
use crate::iso7816::{Command, Status};

/// VERIFY request.
#[expect(missing_debug_implementations, reason = "holds a PIN")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Request<'a> {
    /// Whether it was verified, and how many tries are left; uses up none.
    Status(PinReference),
    /// P1 FF: what was verified is forgotten.
    Forget(PinReference),
    /// One try.
    Verify(PinReference, &'a [u8; PADDED_PIN]),
}

impl<'a> Request<'a> {
    /// One try with this PIN.
    #[must_use]
    pub const fn of(reference: PinReference, pin: &'a Pin) -> Self {
        Self::Verify(reference, pin.padded())
    }

    /// The command.
    #[must_use]
    pub const fn command(&self) -> Command<'a> {
        match *self {
            Self::Status(reference) => command(ins::VERIFY, 0x00, reference.id(), &[]),
            Self::Forget(reference) => command(ins::VERIFY, FORGET, reference.id(), &[]),
            Self::Verify(reference, pin) => command(ins::VERIFY, 0x00, reference.id(), pin),
        }
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        let reference = PinReference::from_id(command.p2).ok_or(Status::ReferenceNotFound)?;
        match (command.p1, command.data) {
            (0x00, []) => Ok(Self::Status(reference)),
            (FORGET, []) => Ok(Self::Forget(reference)),
            (0x00, data) => match data.try_into() {
                Ok(pin) => Ok(Self::Verify(reference, pin)),
                Err(_) => Err(Status::IncorrectData),
            },
            _ => Err(Status::IncorrectP1P2),
        }
    }
}

const FORGET: u8 = 0xFF;
