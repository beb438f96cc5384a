//! Use of keys. SP 800-73-5 part 2 appendix A.3, A.5.

use super::{Error, Instruction, PivSession};
use crate::crypto::Crypto;
use crate::iso7816::{CardTransport, Status};
use crate::piv::general_authenticate::{Request, Template};
use crate::piv::{Algorithm, KeyReference, Pin};

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// Signs `block`: of RSA as long as the modulus and [padded](crate::piv::pkcs1), of ECDSA a
    /// digest, of Ed25519 the message itself. The signature is as long as the modulus, a DER
    /// sequence of two numbers, or 64 bytes.
    ///
    /// The PIN is shown to the card immediately before, as the key 9C wants it: one try if it is
    /// wrong. `None` for keys that want none.
    pub fn sign(
        &mut self,
        pin: Option<&Pin>,
        key: KeyReference,
        algorithm: Algorithm,
        block: &[u8],
    ) -> Result<&[u8], Error<T::Error>> {
        let template = Template {
            response: Some(&[]),
            challenge: Some(block),
            ..Template::default()
        };
        self.use_key(pin, key, algorithm, template)
    }

    /// Agrees on a key with the owner of `point`: uncompressed, or the 32 bytes of X25519. The
    /// shared secret is the x coordinate.
    pub fn agree(
        &mut self,
        pin: Option<&Pin>,
        key: KeyReference,
        algorithm: Algorithm,
        point: &[u8],
    ) -> Result<&[u8], Error<T::Error>> {
        let template = Template {
            response: Some(&[]),
            exponentiation: Some(point),
            ..Template::default()
        };
        self.use_key(pin, key, algorithm, template)
    }

    fn use_key(
        &mut self,
        pin: Option<&Pin>,
        key: KeyReference,
        algorithm: Algorithm,
        template: Template<'_>,
    ) -> Result<&[u8], Error<T::Error>> {
        let instruction = Instruction::UseKey(key);
        let request = Request {
            algorithm: algorithm.id(),
            key: key.id(),
            template,
        };
        if let Some(pin) = pin {
            let _ = self.verify(pin)?;
        }
        let (status, len) = self.build_and_say(instruction, |data| request.command(data))?;
        match status {
            Status::Success => {}
            Status::ReferenceNotFound | Status::NotFound => return Err(Error::NoKey { key }),
            status => return Err(Error::refused(instruction, status)),
        }
        let malformed = || Error::Malformed(instruction);
        let template = Template::parse(self.buffers.answer(len)).map_err(|_| malformed())?;
        template.response.ok_or_else(malformed)
    }
}
