//! PIN/UV auth protocol one. CTAP 2.3 §6.5.6.

use super::shared_secret::{Ciphertext, Plaintext};
use crate::crypto::{Crypto, Error, Secret};

/// One key for encryption and MAC.
pub(super) type Key = Secret<32>;

pub(super) fn kdf(crypto: &mut impl Crypto, z: &Secret<32>) -> Key {
    Secret(crypto.sha256(&[&z.0]))
}

pub(super) fn encrypt(
    crypto: &mut impl Crypto,
    key: &Key,
    plaintext: &[u8],
) -> Result<Ciphertext, Error> {
    let mut out = Ciphertext::from_slice(plaintext).map_err(|_| Error)?;
    crypto.aes256_cbc_encrypt(&key.0, &ZERO_IV, &mut out)?;
    Ok(out)
}

pub(super) fn decrypt(
    crypto: &mut impl Crypto,
    key: &Key,
    ciphertext: &[u8],
) -> Result<Plaintext, Error> {
    let mut out = Plaintext::copy(ciphertext)?;
    crypto.aes256_cbc_decrypt(&key.0, &ZERO_IV, out.as_mut_slice())?;
    Ok(out)
}

/// Bytes of a MAC.
pub(super) const MAC: usize = 16;

const ZERO_IV: [u8; 16] = [0; 16];
