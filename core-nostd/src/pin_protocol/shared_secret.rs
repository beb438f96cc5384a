//! What platform and token share for one exchange. CTAP 2.3 §6.5.4.

use super::{PADDED_PIN, PinProtocol, one, two};
use crate::crypto::{Crypto, Error};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An encrypted message: a padded PIN, or two salts, and an IV before it.
pub type Ciphertext = heapless::Vec<u8, 80>;

/// A MAC: 16 bytes under protocol one, 32 under two.
pub type PinUvAuthParam = heapless::Vec<u8, 32>;

/// Keys of one exchange, under one of the protocols.
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct SharedSecret(pub(super) Keys);

/// Each protocol derives its own.
pub(super) enum Keys {
    One(one::Key),
    Two(two::Keys),
}

impl SharedSecret {
    /// Which protocol this belongs to.
    #[must_use]
    pub const fn protocol(&self) -> PinProtocol {
        match self.0 {
            Keys::One(_) => PinProtocol::One,
            Keys::Two(_) => PinProtocol::Two,
        }
    }

    /// Encrypts whole blocks, at most 64 bytes.
    pub fn encrypt(&self, crypto: &mut impl Crypto, plaintext: &[u8]) -> Result<Ciphertext, Error> {
        match &self.0 {
            Keys::One(key) => one::encrypt(crypto, key, plaintext),
            Keys::Two(keys) => two::encrypt(crypto, keys, plaintext),
        }
    }

    /// Undoes [`encrypt`](Self::encrypt).
    pub fn decrypt(&self, crypto: &mut impl Crypto, ciphertext: &[u8]) -> Result<Plaintext, Error> {
        match &self.0 {
            Keys::One(key) => one::decrypt(crypto, key, ciphertext),
            Keys::Two(keys) => two::decrypt(crypto, keys, ciphertext),
        }
    }

    /// The MAC over the concatenated parts.
    pub fn authenticate(&self, crypto: &mut impl Crypto, parts: &[&[u8]]) -> PinUvAuthParam {
        authenticate(crypto, self.protocol(), self.mac_key(), parts)
    }

    /// Checks a MAC over the concatenated parts.
    pub fn verify(
        &self,
        crypto: &mut impl Crypto,
        parts: &[&[u8]],
        mac: &[u8],
    ) -> Result<MacVerified, Error> {
        verify(crypto, self.protocol(), self.mac_key(), parts, mac)
    }

    const fn mac_key(&self) -> &[u8] {
        match &self.0 {
            Keys::One(key) => &key.0,
            Keys::Two(keys) => &keys.hmac.0,
        }
    }
}

/// Proof that a MAC was right.
#[derive(Debug)]
#[must_use = "what needs an authenticated request takes this"]
pub struct MacVerified(());

/// A decrypted message, wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Plaintext {
    bytes: [u8; PADDED_PIN],
    len: usize,
}

impl Plaintext {
    /// The message.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn copy(message: &[u8]) -> Result<Self, Error> {
        let mut plaintext = Self {
            bytes: [0; PADDED_PIN],
            len: message.len(),
        };
        let room = plaintext.bytes.get_mut(..message.len()).ok_or(Error)?;
        room.copy_from_slice(message);
        Ok(plaintext)
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }
}

pub(super) fn authenticate(
    crypto: &mut impl Crypto,
    protocol: PinProtocol,
    key: &[u8],
    parts: &[&[u8]],
) -> PinUvAuthParam {
    let mac = crypto.hmac_sha256(key, parts);
    mac.0.iter().copied().take(mac_len(protocol)).collect()
}

pub(super) fn verify(
    crypto: &mut impl Crypto,
    protocol: PinProtocol,
    key: &[u8],
    parts: &[&[u8]],
    mac: &[u8],
) -> Result<MacVerified, Error> {
    let due = authenticate(crypto, protocol, key, parts);
    // Slices of different lengths are not equal.
    if bool::from(due.as_slice().ct_eq(mac)) {
        Ok(MacVerified(()))
    } else {
        Err(Error)
    }
}

const fn mac_len(protocol: PinProtocol) -> usize {
    match protocol {
        PinProtocol::One => one::MAC,
        PinProtocol::Two => two::MAC,
    }
}
