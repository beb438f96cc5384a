//! From two P-256 keys to one shared secret. CTAP 2.3 §6.5.6.1 to §6.5.6.3.

use super::shared_secret::{Keys, SharedSecret};
use super::{PinProtocol, one, two};
use crate::crypto::{Crypto, Error, PrivateKey, PublicPoint, Secret};

/// The token's key of the other half: made at power-up, made anew after each
/// wrong PIN.
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct KeyAgreementKey(PrivateKey);

impl KeyAgreementKey {
    /// Makes a key.
    pub fn generate(crypto: &mut impl Crypto) -> Result<Self, Error> {
        crypto.p256_generate().map(Self)
    }

    /// Takes a key that a secure element or a test made.
    #[must_use]
    pub const fn from_private(key: PrivateKey) -> Self {
        Self(key)
    }

    /// What getKeyAgreement answers.
    pub fn public(&self, crypto: &mut impl Crypto) -> Result<PublicPoint, Error> {
        crypto.p256_public(&self.0)
    }

    /// The secret shared with the platform that sent `peer`.
    pub fn decapsulate(
        &self,
        crypto: &mut impl Crypto,
        protocol: PinProtocol,
        peer: &PublicPoint,
    ) -> Result<SharedSecret, Error> {
        let z = crypto.p256_agree(&self.0, peer)?;
        protocol.kdf(crypto, &z)
    }
}

impl PinProtocol {
    /// The platform's half: a fresh key for this exchange, whose public point
    /// goes to the token, and the secret shared with the token that sent
    /// `peer`.
    pub fn encapsulate(
        self,
        crypto: &mut impl Crypto,
        peer: &PublicPoint,
    ) -> Result<(PublicPoint, SharedSecret), Error> {
        let key = KeyAgreementKey::generate(crypto)?;
        Ok((key.public(crypto)?, key.decapsulate(crypto, self, peer)?))
    }

    pub(super) fn kdf(
        self,
        crypto: &mut impl Crypto,
        z: &Secret<32>,
    ) -> Result<SharedSecret, Error> {
        match self {
            Self::One => Ok(SharedSecret(Keys::One(one::kdf(crypto, z)))),
            Self::Two => Ok(SharedSecret(Keys::Two(two::kdf(crypto, z)?))),
        }
    }
}
