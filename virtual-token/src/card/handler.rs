//! Who executes the messages of a card.

use crate::authenticator::{Authenticator, Environment};
#[cfg(feature = "std")]
use crate::firmware::Contents;
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::iso7816::{Command, Status};
use keysteward_core::nfcctap::Version;
use keysteward_core::time::Millis;

/// Executes the messages of a card: an authenticator, ours or other people's.
pub trait Handler {
    /// What SELECT answers.
    fn version(&self) -> Version;

    /// The card enters the field.
    fn power_up(&mut self, now: Millis);

    /// Executes one CTAP2 message; the answer lies at the front of `response`.
    fn ctap2<'r>(
        &mut self,
        request: &[u8],
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> &'r [u8];

    /// Executes one U2F message, of a card whose version is [`Version::U2fV2`].
    fn ctap1<'r>(
        &mut self,
        _command: &Command<'_>,
        _environment: &mut dyn Environment,
        _response: &'r mut [u8],
    ) -> (&'r [u8], Status) {
        (&[], Status::InsNotSupported)
    }

    /// What is stored, for the control socket's `state`.
    #[cfg(feature = "std")]
    fn contents(&self) -> Contents {
        Contents::default()
    }
}

impl<S: Storage, C: Crypto> Handler for Authenticator<S, C> {
    fn version(&self) -> Version {
        if self.offers_ctap1() {
            Version::U2fV2
        } else {
            Version::Fido2_0
        }
    }

    fn power_up(&mut self, now: Millis) {
        self.power_up(now);
    }

    fn ctap2<'r>(
        &mut self,
        request: &[u8],
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> &'r [u8] {
        self.process(request, environment, response)
    }

    fn ctap1<'r>(
        &mut self,
        command: &Command<'_>,
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> (&'r [u8], Status) {
        self.execute_ctap1(command, environment, response)
    }

    #[cfg(feature = "std")]
    fn contents(&self) -> Contents {
        self.contents()
    }
}
