//! hmac-secret: secrets that a credential derives from salts, for the holder of
//! the credential alone. CTAP 2.3 §12.7.

use super::pin::{cose, crypto};
use super::{CtapTransport, Error, Session};
use crate::crypto::{Crypto, PublicPoint, Secret};
use crate::ctap2::extension::HmacSecretInput;
use crate::pin_protocol::{Ciphertext, PinProtocol, PinUvAuthParam, SharedSecret};

/// What secrets are derived from, one for each salt.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "salts may be secret")]
pub struct Salts<'a> {
    /// The first.
    pub first: &'a [u8; 32],
    /// The second, for a change from one secret to the next.
    pub second: Option<&'a [u8; 32]>,
}

/// Secrets that a credential derived. With user verification they are others
/// than without.
#[expect(missing_debug_implementations, reason = "secrets")]
pub struct HmacSecrets {
    /// From the first salt.
    pub first: Secret<32>,
    /// From the second, where there was one.
    pub second: Option<Secret<32>>,
}

/// The salt that a browser makes of an input of WebAuthn's extension `prf`.
/// WebAuthn Level 3 §10.1.4.
#[must_use]
pub fn prf_salt(crypto: &impl Crypto, input: &[u8]) -> [u8; 32] {
    crypto.sha256(&[b"WebAuthn PRF\0", input])
}

/// Salts on their way to the token, and the key that their secrets come back
/// under.
pub(super) struct SealedSalts {
    secret: SharedSecret,
    platform: PublicPoint,
    salt_enc: Ciphertext,
    salt_auth: PinUvAuthParam,
    two: bool,
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Agrees on a key and encrypts the salts under it.
    pub(super) fn seal_salts(&mut self, salts: Salts<'_>) -> Result<SealedSalts, Error<T::Error>> {
        let (platform, secret) = self.encapsulate()?;
        let mut both = Secret([0; 64]);
        let salts_given = [Some(salts.first), salts.second];
        for (room, salt) in both.0.as_chunks_mut::<32>().0.iter_mut().zip(salts_given) {
            *room = *salt.unwrap_or(&[0; 32]);
        }
        let two = salts.second.is_some();
        let plain = both.0.get(..if two { 64 } else { 32 }).unwrap_or_default();
        let salt_enc = secret.encrypt(self.crypto, plain).map_err(crypto)?;
        let salt_auth = secret.authenticate(self.crypto, &[&salt_enc]);
        Ok(SealedSalts {
            secret,
            platform,
            salt_enc,
            salt_auth,
            two,
        })
    }
}

impl SealedSalts {
    pub(super) fn input(&self) -> HmacSecretInput<'_> {
        HmacSecretInput {
            key_agreement: cose(&self.platform),
            salt_enc: &self.salt_enc,
            salt_auth: &self.salt_auth,
            // Tokens of CTAP 2.0 do not know the member.
            pin_uv_auth_protocol: match self.secret.protocol() {
                PinProtocol::One => None,
                PinProtocol::Two => Some(PinProtocol::Two.id()),
            },
        }
    }

    /// Decrypts what came back; `None` for what does not answer these salts.
    pub(super) fn open(&self, crypto: &mut impl Crypto, output: &[u8]) -> Option<HmacSecrets> {
        let plain = self.secret.decrypt(crypto, output).ok()?;
        let (first, rest) = plain.as_slice().split_first_chunk::<32>()?;
        let second = match (self.two, rest.len()) {
            (true, 32) => Some(Secret(*rest.first_chunk::<32>()?)),
            (false, 0) => None,
            _ => return None,
        };
        Some(HmacSecrets {
            first: Secret(*first),
            second,
        })
    }
}
