//! reset. CTAP 2.3 §6.6.

use super::{CtapTransport, Error, Session};
use crate::crypto::Crypto;
use crate::ctap2::{Command, Status};

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Erases the token: credentials, PIN, settings. Wants a touch.
    ///
    /// Tokens without a display take it only within 10 seconds after power-up,
    /// and some only before any other command, so nothing is asked before. The
    /// 10 seconds begin when the token is plugged in, not when somebody is
    /// asked to touch it.
    pub fn reset(&mut self) -> Result<(), Error<T::Error>> {
        let outcome = self.exchange(Command::Reset, None);
        self.forget_facts();
        match outcome {
            Ok(_) => Ok(()),
            Err(Error::Refused {
                status: Status::NotAllowed,
                ..
            }) => Err(Error::ResetTooLate),
            Err(Error::Denied) => Err(Error::ResetDenied),
            Err(error) => Err(error),
        }
    }
}
