//! Secrets in RAM, on their way between storage and the primitives.

use keysteward_core::crypto::{self, Crypto, PrivateKey};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of a secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Key<const N: usize>(pub [u8; N]);

impl<const N: usize> Key<N> {
    pub fn random(crypto: &mut impl Crypto) -> Result<Self, crypto::Error> {
        let mut key = Self([0; N]);
        crypto.random(&mut key.0)?;
        Ok(key)
    }
}

impl Key<32> {
    pub fn private(&self) -> PrivateKey {
        PrivateKey::from_bytes(self.0)
    }
}

impl From<&PrivateKey> for Key<32> {
    fn from(key: &PrivateKey) -> Self {
        Self(*key.as_bytes())
    }
}

/// Bytes that are no secret.
pub(super) fn random<const N: usize>(crypto: &mut impl Crypto) -> Result<[u8; N], crypto::Error> {
    let mut bytes = [0; N];
    crypto.random(&mut bytes)?;
    Ok(bytes)
}
