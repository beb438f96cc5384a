//! Admin keys of cards: derived for each card from a card master key, so that one
//! card's secret opens no other card.
//!
//! ```text
//!  card master key, generation n ──PRF──> K(1) ‖ K(2) ... ──> admin key of one card
//!  (sealed, or in a PKCS #11 token)       HMAC-SHA-256
//! ```
//! NIST SP 800-108 rev. 1 section 4.1: counter mode, HMAC-SHA-256, a 32-bit counter
//! before the fixed input, which is label, 00, context, length of the key in bits.

use core::fmt;

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{BlockDecrypt as _, BlockEncrypt as _, KeyInit as _, generic_array::GenericArray},
};
use des::TdesEde3;
use zeroize::Zeroizing;

use super::{Error, card_master::Prf};
use crate::store::card::{AdminKey as Which, Cipher};

/// The admin key of a card. Not printed, wiped when dropped.
pub struct AdminKey {
    key: Zeroizing<Vec<u8>>,
    /// None: what the card asks for, where the length fits. Keys of factories are
    /// told without.
    cipher: Option<Cipher>,
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminKey")
            .field("cipher", &self.cipher)
            .finish_non_exhaustive()
    }
}

/// Two blocks under an admin key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answered {
    /// The card's witness, deciphered; empty where there was none.
    pub witness: Vec<u8>,
    /// The challenge, enciphered; empty where there was none.
    pub challenge: Vec<u8>,
}

impl AdminKey {
    /// One that somebody gave: a factory's.
    #[must_use]
    pub fn given(key: &[u8]) -> Self {
        Self {
            key: Zeroizing::new(key.to_vec()),
            cipher: None,
        }
    }

    /// The key for one card.
    ///
    /// # Errors
    /// When the card master key is not to be had.
    pub fn derive(master: &dyn Prf, which: Which, card_id: &[u8; 16]) -> Result<Self, Error> {
        let length = which.cipher.key_length();
        // Only 3DES can ask for another one: two of its three keys were alike.
        for attempt in 0..=u8::MAX {
            let mut key = expand(master, which, card_id, attempt, length)?;
            if which.cipher == Cipher::TripleDes {
                set_parity(&mut key);
                if is_degenerate(&key) {
                    continue;
                }
            }
            return Ok(Self {
                key,
                cipher: Some(which.cipher),
            });
        }
        Err(Error::Degenerate)
    }

    /// The bytes, for the one step that gives them to the card.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.key
    }

    /// What it is a key of, where that is fixed.
    #[must_use]
    pub const fn cipher(&self) -> Option<Cipher> {
        self.cipher
    }

    /// Deciphers a witness and enciphers a challenge, a block each, in ECB.
    /// None where this key is none of `algorithm`, or a block has another length:
    /// nothing else is ever answered.
    #[must_use]
    pub fn answer(&self, algorithm: Cipher, witness: &[u8], challenge: &[u8]) -> Option<Answered> {
        let fits = self.cipher.is_none_or(|own| own == algorithm)
            && self.key.len() == algorithm.key_length();
        let block = |bytes: &[u8]| bytes.is_empty() || bytes.len() == algorithm.block_length();
        if !fits || !block(witness) || !block(challenge) {
            return None;
        }
        Some(Answered {
            witness: self.block(algorithm, witness, Direction::Decipher),
            challenge: self.block(algorithm, challenge, Direction::Encipher),
        })
    }

    fn block(&self, algorithm: Cipher, bytes: &[u8], direction: Direction) -> Vec<u8> {
        if bytes.is_empty() {
            return Vec::new();
        }
        macro_rules! run {
            ($cipher:ty) => {{
                let cipher = <$cipher>::new(GenericArray::from_slice(&self.key));
                let mut block = GenericArray::clone_from_slice(bytes);
                match direction {
                    Direction::Encipher => cipher.encrypt_block(&mut block),
                    Direction::Decipher => cipher.decrypt_block(&mut block),
                }
                block.to_vec()
            }};
        }
        match algorithm {
            Cipher::TripleDes => run!(TdesEde3),
            Cipher::Aes128 => run!(Aes128),
            Cipher::Aes192 => run!(Aes192),
            Cipher::Aes256 => run!(Aes256),
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Encipher,
    Decipher,
}

fn expand(
    master: &dyn Prf,
    which: Which,
    card_id: &[u8; 16],
    attempt: u8,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut key = Zeroizing::new(Vec::with_capacity(2 * HASH));
    let mut counter = 0_u32;
    while key.len() < length {
        counter = counter.saturating_add(1);
        let mut input = counter.to_be_bytes().to_vec();
        input.extend_from_slice(LABEL);
        input.push(0);
        input.extend_from_slice(&which.generation.to_be_bytes());
        input.extend_from_slice(card_id);
        input.extend_from_slice(which.cipher.as_str().as_bytes());
        input.push(attempt);
        let bits = u32::try_from(length.saturating_mul(8)).unwrap_or(u32::MAX);
        input.extend_from_slice(&bits.to_be_bytes());
        key.extend_from_slice(master.hmac_sha256(&input)?.as_slice());
    }
    key.truncate(length);
    Ok(key)
}

/// The last bit of each byte makes the number of ones odd. FIPS 46-3.
fn set_parity(key: &mut [u8]) {
    for byte in key {
        *byte = (*byte & 0xFE) | u8::from((*byte >> 1).count_ones().is_multiple_of(2));
    }
}

/// Two of the three keys are one: single DES in all but name. SP 800-67 section 3.2.
fn is_degenerate(key: &[u8]) -> bool {
    let mut parts = key.chunks(8);
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    first == second || second == third || first == third
}

const LABEL: &[u8] = b"keysteward card admin key";
const HASH: usize = 32;

#[cfg(test)]
mod tests;
