//! The applet as it left the factory. Yubico's extension.

use super::{Error, Instruction, PivSession};
use crate::crypto::Crypto;
use crate::iso7816::{CardTransport, Status};
use crate::piv::{PinReference, yubico};

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// Deletes keys, certificates and data; PIN, PUK and admin key are those of the factory. PIN
    /// and PUK are blocked for it, once it is known that the card has this command.
    ///
    /// When it ends early behind that, the card is as it was but for PIN and PUK, which may be
    /// blocked; done again, it goes on.
    pub fn reset(&mut self) -> Result<(), Error<T::Error>> {
        match self.say(Instruction::Reset, yubico::reset())?.0 {
            // Both were blocked before.
            Status::Success => return self.select_again(),
            Status::ConditionsNotSatisfied | Status::SecurityStatusNotSatisfied => {}
            status => return Err(Error::refused(Instruction::Reset, status)),
        }
        self.block(PinReference::Pin)?;
        match self.block(PinReference::Puk) {
            // Whether it is enough is for the card to say.
            Ok(()) | Err(Error::NeverBlocks { .. }) => {}
            Err(error) => return Err(error),
        }
        match self.say(Instruction::Reset, yubico::reset())?.0 {
            Status::Success => self.select_again(),
            Status::ConditionsNotSatisfied | Status::SecurityStatusNotSatisfied => {
                Err(Error::NotBlocked)
            }
            status => Err(Error::refused(Instruction::Reset, status)),
        }
    }
}
