//! The key of a card's administrator: who has it sets PINs, makes keys and writes certificates.
//! PIV calls it the card management key (SP 800-73-5 part 1 §5, key reference 9B), GIDS the admin
//! key (generic identity device specification 2.0, GENERAL AUTHENTICATE; key reference 80).
//!
//! The flows that use it know no more than [`AdminKey`]: the key lies here ([`LocalAdminKey`]), in
//! an HSM, or at a server that the host is not to learn it from.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use keysteward_core::admin_key::{AdminKey, Cipher, LocalAdminKey, key_check_value};
//!
//! // What many cards leave the factory with. Its three thirds are one, and that is taken.
//! let factory = b"\x01\x02\x03\x04\x05\x06\x07\x08".repeat(3);
//! let check = key_check_value(Cipher::TripleDes, &factory)?;
//! assert_eq!(check, [0xB0, 0x73, 0xDC]);
//!
//! let mut key = LocalAdminKey::new(Cipher::TripleDes, &factory)?;
//! let answer = key.answer(Cipher::TripleDes, &[], &[0; 8])?;
//! assert_eq!(answer.challenge[..3], check);
//! assert!(answer.witness.is_empty());
//! # }
//! # Ok::<(), keysteward_core::admin_key::KeyError>(())
//! ```

#[cfg(feature = "rust-crypto")]
mod rust_crypto;
#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

#[cfg(feature = "rust-crypto")]
pub use rust_crypto::{LocalAdminKey, key_check_value};

use core::fmt;
use heapless::Vec;

/// How blocks are enciphered under an admin key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Cipher {
    /// Three keys, encrypt-decrypt-encrypt.
    TripleDes,
    /// FIPS 197.
    Aes128,
    /// FIPS 197.
    Aes192,
    /// FIPS 197.
    Aes256,
}

/// Longest block, in bytes.
pub const MAX_BLOCK: usize = 16;

/// Longest key, in bytes.
pub const MAX_KEY: usize = 32;

/// One block, or none.
pub type Block = Vec<u8, MAX_BLOCK>;

impl Cipher {
    /// Every one of them; those that cards leave the factory with come first.
    pub const ALL: [Self; 4] = [Self::Aes192, Self::TripleDes, Self::Aes256, Self::Aes128];

    /// Bytes of a block, and of a challenge.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::TripleDes => 8,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
        }
    }

    /// Bytes of a key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::TripleDes | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// What people and interfaces call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TripleDes => "3des",
            Self::Aes128 => "aes128",
            Self::Aes192 => "aes192",
            Self::Aes256 => "aes256",
        }
    }

    /// The one of this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.name() == name)
    }

    /// Its algorithm identifier. SP 800-78-5 table 9.
    #[must_use]
    pub const fn piv_id(self) -> u8 {
        match self {
            Self::TripleDes => 0x03,
            Self::Aes128 => 0x08,
            Self::Aes192 => 0x0A,
            Self::Aes256 => 0x0C,
        }
    }

    /// The one of this algorithm identifier.
    #[must_use]
    pub const fn from_piv_id(id: u8) -> Option<Self> {
        match id {
            // Of 3DES it was 00 first.
            0x00 | 0x03 => Some(Self::TripleDes),
            0x08 => Some(Self::Aes128),
            0x0A => Some(Self::Aes192),
            0x0C => Some(Self::Aes256),
            _ => None,
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An admin key, wherever it lies.
pub trait AdminKey {
    /// Why there is no answer.
    type Error;

    /// The cipher that the key is for; `None`: what the card tells.
    fn cipher(&self) -> Option<Cipher>;

    /// Proves the key: the card's `witness` deciphered, and the `challenge` enciphered, in ECB. Each
    /// is one block of the cipher, or empty, and then so is what is answered to it.
    fn answer(
        &mut self,
        cipher: Cipher,
        witness: &[u8],
        challenge: &[u8],
    ) -> Result<Answer, Self::Error>;
}

impl<K: AdminKey + ?Sized> AdminKey for &mut K {
    type Error = K::Error;

    fn cipher(&self) -> Option<Cipher> {
        (**self).cipher()
    }

    fn answer(
        &mut self,
        cipher: Cipher,
        witness: &[u8],
        challenge: &[u8],
    ) -> Result<Answer, Self::Error> {
        (**self).answer(cipher, witness, challenge)
    }
}

/// What proves an admin key.
#[derive(Clone, Eq, PartialEq)]
#[expect(
    missing_debug_implementations,
    reason = "opens the card while it waits"
)]
pub struct Answer {
    /// The witness, deciphered.
    pub witness: Block,
    /// The challenge, enciphered.
    pub challenge: Block,
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// The cipher has keys of another length.
    WrongKeyLength {
        /// The cipher.
        cipher: Cipher,
        /// Bytes of the key.
        len: usize,
    },
    /// Neither empty nor one block of the cipher.
    WrongBlockLength {
        /// The cipher.
        cipher: Cipher,
        /// Bytes.
        len: usize,
    },
    /// The key is for another cipher.
    OtherCipher {
        /// What the key is for.
        key: Cipher,
        /// What the card wants.
        card: Cipher,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::WrongKeyLength { cipher, len } => {
                let expected = cipher.key_len();
                write!(f, "a key of {cipher} has {expected} bytes, this one {len}")
            }
            Self::WrongBlockLength { cipher, len } => {
                let expected = cipher.block_len();
                write!(f, "a block of {cipher} has {expected} bytes, not {len}")
            }
            Self::OtherCipher { key, card } => {
                write!(f, "the key is one of {key}, and the card wants {card}")
            }
        }
    }
}

impl core::error::Error for KeyError {}
