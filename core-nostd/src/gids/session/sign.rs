//! Signatures and decipherment with a container's key.

use super::containers::key_of;
use super::{Error, PinVerified, Session, unsent};
use crate::crypto::Crypto;
use crate::gids::key_file::Usage;
use crate::gids::security_operation::{Environment, Mechanism, Operation};
use crate::iso7816::CardTransport;

/// A cryptogram of the longest key, and the byte in front of it.
const MAX_CRYPTOGRAM: usize = 513;

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Signs a DigestInfo (RFC 8017 §9.2), which the card pads as PKCS #1 v1.5 has it.
    pub fn sign(
        &mut self,
        by: &PinVerified,
        number: u8,
        digest_info: &[u8],
    ) -> Result<&[u8], Error<T::Error>> {
        self.perform(by, number, Mechanism::SignPkcs1, digest_info)
    }

    /// Signs a block as long as the modulus, which the host has padded in whatever way.
    pub fn sign_block(
        &mut self,
        by: &PinVerified,
        number: u8,
        block: &[u8],
    ) -> Result<&[u8], Error<T::Error>> {
        self.perform(by, number, Mechanism::SignRaw, block)
    }

    /// Deciphers a cryptogram as long as the modulus; the mechanism says which padding the card
    /// takes away.
    pub fn decipher(
        &mut self,
        by: &PinVerified,
        number: u8,
        mechanism: Mechanism,
        cryptogram: &[u8],
    ) -> Result<&[u8], Error<T::Error>> {
        if mechanism.signs() {
            return Err(Error::WrongUsage);
        }
        self.perform(by, number, mechanism, cryptogram)
    }

    fn perform(
        &mut self,
        _by: &PinVerified,
        number: u8,
        mechanism: Mechanism,
        input: &[u8],
    ) -> Result<&[u8], Error<T::Error>> {
        let usage = self.container(number)?.usage;
        let usage = usage.filter(|usage| mechanism.signs() || usage.deciphers());
        let environment = Environment {
            mechanism,
            key: key_of(number)?,
            size: usage.and_then(Usage::size).ok_or(Error::WrongUsage)?,
        };
        self.send_built(|room| environment.command(room))?.done()?;
        let mut room = [0; MAX_CRYPTOGRAM];
        let operation = if mechanism.signs() {
            Operation::Sign(input)
        } else {
            Operation::Decipher(input)
        };
        let command = operation.command(&mut room).map_err(unsent)?;
        let len = self.send(command)?.done()?;
        Ok(self.answer(len))
    }
}
