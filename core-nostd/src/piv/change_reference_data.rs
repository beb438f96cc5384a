//! CHANGE REFERENCE DATA. SP 800-73-5 part 2 §3.2.2.

use super::{PADDED_PIN, PinReference, command, ins};
use crate::iso7816::{Command, Status};

/// CHANGE REFERENCE DATA request: the PIN or PUK of who knows the current one.
#[expect(missing_debug_implementations, reason = "holds PINs")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Request<'a> {
    /// Which.
    pub reference: PinReference,
    /// Costs a try if it is wrong.
    pub current: &'a [u8; PADDED_PIN],
    /// The one from now on.
    pub new: &'a [u8; PADDED_PIN],
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8; 16]) -> Command<'b> {
        pair(self.current, self.new, data);
        command(ins::CHANGE_REFERENCE_DATA, 0x00, self.reference.id(), data)
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        if command.p1 != 0x00 {
            return Err(Status::IncorrectP1P2);
        }
        let reference = PinReference::from_id(command.p2).ok_or(Status::ReferenceNotFound)?;
        let (current, new) = split(command.data)?;
        Ok(Self {
            reference,
            current,
            new,
        })
    }
}

pub(super) fn pair(first: &[u8; PADDED_PIN], second: &[u8; PADDED_PIN], data: &mut [u8; 16]) {
    for (to, from) in data.iter_mut().zip(first.iter().chain(second)) {
        *to = *from;
    }
}

pub(super) fn split(data: &[u8]) -> Result<(&[u8; PADDED_PIN], &[u8; PADDED_PIN]), Status> {
    match data.as_chunks() {
        ([first, second], []) => Ok((first, second)),
        _ => Err(Status::IncorrectData),
    }
}
