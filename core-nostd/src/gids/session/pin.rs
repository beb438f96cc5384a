//! The PIN: verified, changed, blocked; set by the administrator.

use super::{AdminAuthenticated, Error, Outcome, Session};
use crate::crypto::Crypto;
use crate::gids::minidriver::cardcf::Change;
use crate::gids::pin::{self, Pin, Reference};
use crate::iso7816::{CardTransport, Status};
use zeroize::Zeroize;

/// Proof that the card took the PIN. It holds until the card is reset or told to forget it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "what needs the PIN takes this"]
pub struct PinVerified(());

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Verifies the PIN. A wrong one costs a try.
    pub fn verify_pin(&mut self, pin: &Pin) -> Result<PinVerified, Error<T::Error>> {
        let outcome = self.send(pin::verify(pin))?;
        self.counted(outcome)?;
        Ok(PinVerified(()))
    }

    /// Replaces the PIN, by who knows it. A wrong one costs a try. Afterwards it counts as verified.
    pub fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<PinVerified, Error<T::Error>> {
        let mut both = [0; 254];
        let outcome = self.send(pin::Change::exchange(old, new, &mut both));
        both.zeroize();
        let outcome = outcome?;
        match outcome.status {
            // The old one was right, and the rest is not of a length that the card takes.
            Status::WrongLength | Status::IncorrectData | Status::ConditionsNotSatisfied => {
                Err(not_taken(outcome))
            }
            _ => self.counted(outcome),
        }?;
        let verified = PinVerified(());
        self.count_pin()?;
        Ok(verified)
    }

    /// Sets a PIN by authority, and gives it all its tries. The card wants the admin key anew for
    /// anything else. Done twice, it is as done once.
    pub fn set_pin(&mut self, _by: AdminAuthenticated, pin: &Pin) -> Result<(), Error<T::Error>> {
        // Before, since the administrator is forgotten afterwards.
        self.count_pin()?;
        let outcome = self.send(pin::reset(pin))?;
        match outcome.status {
            Status::WrongLength | Status::IncorrectData => Err(not_taken(outcome)),
            _ => outcome.done().map(drop),
        }
    }

    /// Uses up the tries of the PIN, with PINs that have its form and are wrong.
    pub fn block_pin(&mut self) -> Result<(), Error<T::Error>> {
        let mut before = None;
        // More tries than a card can count.
        for _ in 0..=u8::MAX {
            let mut digits = [0; 8];
            self.crypto.random(&mut digits)?;
            for digit in &mut digits {
                *digit = b'0'.saturating_add(*digit % 10);
            }
            let wrong = Pin::new(&digits).map_err(|_| Error::TooLong)?;
            match self.verify_pin(&wrong) {
                Err(Error::PinBlocked) => return Ok(()),
                Err(Error::PinWrong { tries: 0 }) => return Ok(()),
                Err(Error::PinWrong { tries }) if before.is_none_or(|before| tries < before) => {
                    before = Some(tries);
                }
                Err(Error::PinWrong { .. }) => return Err(Error::PinNotCounted),
                Err(error) => return Err(error),
                // The right one, by chance.
                Ok(PinVerified(())) => before = None,
            }
        }
        Err(Error::PinNotCounted)
    }

    /// Has the card forget what was verified and authenticated.
    pub fn deauthenticate(&mut self) -> Result<(), Error<T::Error>> {
        self.send(pin::deauthenticate())?.done().map(drop)
    }

    /// Whether the card lets everybody do everything: it is being initialised.
    pub(super) fn is_open(&mut self) -> Result<bool, Error<T::Error>> {
        self.deauthenticate()?;
        let outcome = self.send(pin::is_verified(Reference::Pin))?;
        Ok(outcome.status == Status::Success)
    }

    /// Where the card permits it: an administrator's or user's authority may not reach so far.
    fn count_pin(&mut self) -> Result<(), Error<T::Error>> {
        match self.count(Change::Pin) {
            Err(Error::NotPermitted { .. }) => Ok(()),
            counted => counted,
        }
    }

    fn counted(&mut self, outcome: Outcome) -> Result<(), Error<T::Error>> {
        match outcome.status {
            Status::VerifyFailed { retries } => Err(Error::PinWrong { tries: retries }),
            Status::AuthenticationBlocked => Err(Error::PinBlocked),
            Status::ReferenceNotFound => Err(Error::NotInitialised),
            // Cards of old, which do not say how many are left.
            Status::Other(0x6300) => match self.tries(Reference::Pin)? {
                Some(tries) if tries.left == 0 => Err(Error::PinBlocked),
                Some(tries) => Err(Error::PinWrong { tries: tries.left }),
                None => Err(outcome.refused(outcome.status)),
            },
            _ => outcome.done().map(drop),
        }
    }
}

const fn not_taken<E>(outcome: Outcome) -> Error<E> {
    Error::PinNotTaken {
        status: outcome.status,
    }
}
