//! PIN/UV auth protocol two. CTAP 2.3 §6.5.7.

use super::shared_secret::{Ciphertext, Plaintext};
use crate::crypto::{Crypto, Error, Secret};

/// A key for the MAC and one for encryption.
pub(super) struct Keys {
    pub(super) hmac: Secret<32>,
    pub(super) aes: Secret<32>,
}

pub(super) fn kdf(crypto: &mut impl Crypto, z: &Secret<32>) -> Result<Keys, Error> {
    let mut keys = Keys {
        hmac: Secret([0; 32]),
        aes: Secret([0; 32]),
    };
    let salt = [0; 32];
    crypto.hkdf_sha256(&salt, &z.0, b"CTAP2 HMAC key", &mut keys.hmac.0)?;
    crypto.hkdf_sha256(&salt, &z.0, b"CTAP2 AES key", &mut keys.aes.0)?;
    Ok(keys)
}

pub(super) fn encrypt(
    crypto: &mut impl Crypto,
    keys: &Keys,
    plaintext: &[u8],
) -> Result<Ciphertext, Error> {
    let mut iv = [0; IV];
    crypto.random(&mut iv)?;
    let mut out = Ciphertext::from_slice(&iv).map_err(|_| Error)?;
    out.extend_from_slice(plaintext).map_err(|_| Error)?;
    let blocks = out.get_mut(IV..).ok_or(Error)?;
    crypto.aes256_cbc_encrypt(&keys.aes.0, &iv, blocks)?;
    Ok(out)
}

pub(super) fn decrypt(
    crypto: &mut impl Crypto,
    keys: &Keys,
    ciphertext: &[u8],
) -> Result<Plaintext, Error> {
    let (iv, blocks) = ciphertext.split_first_chunk::<IV>().ok_or(Error)?;
    let mut out = Plaintext::copy(blocks)?;
    crypto.aes256_cbc_decrypt(&keys.aes.0, iv, out.as_mut_slice())?;
    Ok(out)
}

/// Bytes of a MAC.
pub(super) const MAC: usize = 32;

const IV: usize = 16;
