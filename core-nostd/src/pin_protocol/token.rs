//! pinUvAuthToken: what stands in for the PIN. CTAP 2.3 §6.5.5.7.

use super::shared_secret::{self, MacVerified, PinUvAuthParam};
use super::{Ciphertext, PinProtocol, SharedSecret};
use crate::crypto::{Crypto, Error, Secret};

/// A pinUvAuthToken, in the hands of platform or token.
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct PinUvAuthToken {
    protocol: PinProtocol,
    bytes: Secret<32>,
    len: Length,
}

/// CTAP 2.0 allowed short tokens; they are met under protocol one.
#[derive(Clone, Copy)]
enum Length {
    Short,
    Full,
}

impl PinUvAuthToken {
    /// Draws a token of 32 bytes.
    pub fn generate(crypto: &mut impl Crypto, protocol: PinProtocol) -> Result<Self, Error> {
        let mut bytes = Secret([0; 32]);
        crypto.random(&mut bytes.0)?;
        Ok(Self {
            protocol,
            bytes,
            len: Length::Full,
        })
    }

    /// Takes a token that was kept across power loss: the persistent one (pcmr).
    #[must_use]
    pub const fn restore(protocol: PinProtocol, bytes: Secret<32>) -> Self {
        Self {
            protocol,
            bytes,
            len: Length::Full,
        }
    }

    /// Takes the token out of an answer of clientPIN.
    pub fn decrypt(
        crypto: &mut impl Crypto,
        secret: &SharedSecret,
        ciphertext: &[u8],
    ) -> Result<Self, Error> {
        let protocol = secret.protocol();
        let plaintext = secret.decrypt(crypto, ciphertext)?;
        let mut bytes = Secret([0; 32]);
        let len = match (protocol, plaintext.as_slice().len()) {
            (_, 32) => Length::Full,
            (PinProtocol::One, 16) => Length::Short,
            _ => return Err(Error),
        };
        for (to, from) in bytes.0.iter_mut().zip(plaintext.as_slice()) {
            *to = *from;
        }
        Ok(Self {
            protocol,
            bytes,
            len,
        })
    }

    /// Puts the token into an answer of clientPIN.
    pub fn encrypt(
        &self,
        crypto: &mut impl Crypto,
        secret: &SharedSecret,
    ) -> Result<Ciphertext, Error> {
        secret.encrypt(crypto, self.key())
    }

    /// The protocol that it was made under, and works under.
    #[must_use]
    pub const fn protocol(&self) -> PinProtocol {
        self.protocol
    }

    /// pinUvAuthParam over the concatenated parts.
    pub fn authenticate(&self, crypto: &mut impl Crypto, parts: &[&[u8]]) -> PinUvAuthParam {
        shared_secret::authenticate(crypto, self.protocol, self.key(), parts)
    }

    /// Checks a pinUvAuthParam over the concatenated parts.
    pub fn verify(
        &self,
        crypto: &mut impl Crypto,
        parts: &[&[u8]],
        mac: &[u8],
    ) -> Result<MacVerified, Error> {
        shared_secret::verify(crypto, self.protocol, self.key(), parts, mac)
    }

    /// All 32 bytes; `None` for a short token.
    pub(super) const fn full(&self) -> Option<&[u8; 32]> {
        match self.len {
            Length::Full => Some(&self.bytes.0),
            Length::Short => None,
        }
    }

    fn key(&self) -> &[u8] {
        match (self.len, self.bytes.0.first_chunk::<16>()) {
            (Length::Short, Some(half)) => half,
            _ => &self.bytes.0,
        }
    }
}
