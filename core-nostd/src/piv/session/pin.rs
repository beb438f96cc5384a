//! PIN and PUK. SP 800-73-5 part 2 §3.2.1 to §3.2.3.

use super::{AdminVerified, Error, Instruction, PivSession};
use crate::crypto::{Crypto, Secret};
use crate::iso7816::{CardTransport, Status};
use crate::piv::yubico::{metadata, set_pin_retries};
use crate::piv::{
    PADDED_PIN, Pin, PinReference, change_reference_data, reset_retry_counter, verify,
};

/// Proof that the card took the PIN, in this session.
#[derive(Debug)]
#[must_use = "what needs the PIN takes this"]
pub struct PinVerified(());

/// Whether a PIN or PUK is right, as far as a status says.
pub(super) enum Tried {
    Right,
    Wrong(Option<u8>),
    Blocked,
    Other(Status),
}

impl From<Status> for Tried {
    fn from(status: Status) -> Self {
        match status {
            Status::Success => Self::Right,
            Status::VerifyFailed { retries: 0 } | Status::AuthenticationBlocked => Self::Blocked,
            Status::VerifyFailed { retries } => Self::Wrong(Some(retries)),
            // Of cards that do not count aloud.
            Status::Other(0x6300) => Self::Wrong(None),
            status => Self::Other(status),
        }
    }
}

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// Shows the card its PIN: one try.
    pub fn verify(&mut self, pin: &Pin) -> Result<PinVerified, Error<T::Error>> {
        self.verify_as(PinReference::Pin, pin)
    }

    /// Shows the card the PIN of the applet, or the global one: one try.
    pub fn verify_as(
        &mut self,
        reference: PinReference,
        pin: &Pin,
    ) -> Result<PinVerified, Error<T::Error>> {
        let request = verify::Request::of(reference, pin);
        let (status, _) = self.say(Instruction::Verify, request.command())?;
        judge(reference, Instruction::Verify, status).map(PinVerified)
    }

    /// Has the card forget that it was shown its PIN. Cards that cannot do that forget when the
    /// applet is selected again, which is done then.
    pub fn forget_pin(&mut self) -> Result<(), Error<T::Error>> {
        let request = verify::Request::Forget(PinReference::Pin);
        match self.say(Instruction::Verify, request.command())?.0 {
            Status::Success => Ok(()),
            _ => self.select_again(),
        }
    }

    /// Tries left, without using one up; `None` where the card does not say: of the PUK only
    /// metadata tell.
    pub fn tries_left(&mut self, reference: PinReference) -> Result<Option<u8>, Error<T::Error>> {
        let request = metadata::Request { of: reference.id() };
        if let Some(tries) = self.metadata(request)?.and_then(|known| known.tries) {
            return Ok(Some(tries.left));
        }
        match reference {
            PinReference::Puk => Ok(None),
            PinReference::Pin | PinReference::Global => self.told_by_verify(reference),
        }
    }

    /// Changes the PIN or the PUK, by who knows it: one try if the current one is wrong.
    pub fn change_pin(
        &mut self,
        reference: PinReference,
        current: &Pin,
        new: &Pin,
    ) -> Result<(), Error<T::Error>> {
        let status = self.change(reference, current.padded(), new.padded())?;
        if status == Status::IncorrectData {
            return Err(Error::NewPinRefused { reference });
        }
        judge(reference, Instruction::ChangePin, status)
    }

    /// Sets the PIN anew, with the PUK: one try of the PUK if it is wrong. The PIN has all its
    /// tries afterwards.
    pub fn set_pin(&mut self, puk: &Pin, new: &Pin) -> Result<(), Error<T::Error>> {
        let status = self.reset_counter(puk.padded(), new.padded())?;
        if status == Status::IncorrectData {
            let reference = PinReference::Pin;
            return Err(Error::NewPinRefused { reference });
        }
        judge(PinReference::Puk, Instruction::SetPin, status)
    }

    /// Uses up all tries with PINs that are well-formed and wrong: some cards do not count others.
    pub fn block(&mut self, reference: PinReference) -> Result<(), Error<T::Error>> {
        let mut counts_changes = true;
        // As many as a counter of one byte has, and one: it is full again where a guess was right.
        for _ in 0..=u8::MAX {
            let guess = self.guess()?;
            let (instruction, status) = match reference {
                // With both the same, a guess that is right changes nothing.
                PinReference::Puk if counts_changes => {
                    let status = self.change(reference, &guess.0, &guess.0)?;
                    (Instruction::ChangePin, status)
                }
                PinReference::Puk => {
                    let status = self.reset_counter(&guess.0, &guess.0)?;
                    (Instruction::SetPin, status)
                }
                PinReference::Pin | PinReference::Global => {
                    let request = verify::Request::Verify(reference, &guess.0);
                    let (status, _) = self.say(Instruction::Verify, request.command())?;
                    (Instruction::Verify, status)
                }
            };
            match Tried::from(status) {
                Tried::Blocked => return Ok(()),
                // Of the PUK some cards count aloud only where it sets the PIN.
                Tried::Wrong(None) => counts_changes = false,
                Tried::Right | Tried::Wrong(_) => {}
                Tried::Other(status) => return Err(Error::refused(instruction, status)),
            }
        }
        Err(Error::NeverBlocks { reference })
    }

    /// Sets how many tries there are. PIN and PUK are those of the factory afterwards.
    pub fn set_retries(
        &mut self,
        _: &AdminVerified,
        _: &PinVerified,
        pin: u8,
        puk: u8,
    ) -> Result<(), Error<T::Error>> {
        let request = set_pin_retries::Request { pin, puk };
        match self.say(Instruction::SetRetries, request.command())?.0 {
            Status::Success => Ok(()),
            status => Err(Error::refused(Instruction::SetRetries, status)),
        }
    }

    /// Tries left, as VERIFY without a PIN tells them.
    pub(super) fn told_by_verify(
        &mut self,
        reference: PinReference,
    ) -> Result<Option<u8>, Error<T::Error>> {
        let request = verify::Request::Status(reference);
        let (status, _) = self.say(Instruction::Verify, request.command())?;
        Ok(match Tried::from(status) {
            Tried::Wrong(left) => left,
            Tried::Blocked => Some(0),
            // Verified already, or not told.
            Tried::Right | Tried::Other(_) => None,
        })
    }

    fn change(
        &mut self,
        reference: PinReference,
        current: &[u8; PADDED_PIN],
        new: &[u8; PADDED_PIN],
    ) -> Result<Status, Error<T::Error>> {
        let mut data = Secret([0; 16]);
        let request = change_reference_data::Request {
            reference,
            current,
            new,
        };
        let (status, _) = self.say(Instruction::ChangePin, request.command(&mut data.0))?;
        Ok(status)
    }

    fn reset_counter(
        &mut self,
        puk: &[u8; PADDED_PIN],
        new_pin: &[u8; PADDED_PIN],
    ) -> Result<Status, Error<T::Error>> {
        let mut data = Secret([0; 16]);
        let request = reset_retry_counter::Request { puk, new_pin };
        let (status, _) = self.say(Instruction::SetPin, request.command(&mut data.0))?;
        Ok(status)
    }

    /// Eight digits that are most likely not the PIN.
    fn guess(&mut self) -> Result<Secret<PADDED_PIN>, Error<T::Error>> {
        let mut guess = Secret([0; PADDED_PIN]);
        self.crypto
            .random(&mut guess.0)
            .map_err(|_| Error::Crypto)?;
        for byte in &mut guess.0 {
            *byte = b'0'.saturating_add(*byte % 10);
        }
        Ok(guess)
    }
}

/// What a status means to somebody who tried a PIN or PUK.
pub(super) fn judge<E>(
    reference: PinReference,
    instruction: Instruction,
    status: Status,
) -> Result<(), Error<E>> {
    match Tried::from(status) {
        Tried::Right => Ok(()),
        Tried::Wrong(left) => Err(Error::PinWrong { reference, left }),
        // The last try is gone with this one, or was gone before.
        Tried::Blocked => Err(Error::PinBlocked { reference }),
        Tried::Other(status) => Err(Error::refused(instruction, status)),
    }
}
