//! reset. CTAP 2.3 §6.6.

use super::{CtapTransport, Error, Session};
use crate::crypto::Crypto;
use crate::ctap2::{Command, Status};

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Erases the token: credentials, PIN, fingers, blobs, settings. Wants a
    /// touch.
    ///
    /// Tokens without a display take it only within 10 seconds after power-up,
    /// and some only before any other command, so nothing is asked before. The
    /// 10 seconds begin when the token is plugged in, not when somebody is
    /// asked to touch it. Over NFC, laying the card on the reader is plugging
    /// it in.
    ///
    /// What to tell the person is in [`Facts`](super::Facts), asked before the
    /// token is replugged: whether it takes a reset on this transport
    /// ([`takes_reset_over`](super::Facts::takes_reset_over)), and whether it
    /// wants the touch to last five seconds (`long_touch_for_reset`). While the
    /// touch lasts, and while the token erases itself, the keep-alive callback
    /// goes on hearing of it; its `Break` cancels.
    pub fn reset(&mut self) -> Result<(), Error<T::Error>> {
        let outcome = self.exchange(Command::Reset, None);
        let long_touch = self
            .known_facts()
            .is_some_and(|facts| facts.long_touch_for_reset == Some(true));
        self.forget_facts();
        match outcome {
            Ok(_) => Ok(()),
            Err(Error::Refused {
                status: Status::NotAllowed,
                ..
            }) => Err(Error::ResetTooLate),
            Err(Error::NotTouched | Error::Denied) if long_touch => Err(Error::ResetTouchTooShort),
            Err(Error::Denied) => Err(Error::ResetDenied),
            Err(error) => Err(error),
        }
    }
}
