//! An admin key in memory, on the RustCrypto ciphers. They take every key: the degenerate one that
//! cards leave the factory with, too.

use super::{AdminKey, Answer, Block, Cipher, KeyError, MAX_KEY};
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use des::TdesEde3;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An admin key that lies here, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct LocalAdminKey {
    #[zeroize(skip)]
    cipher: Cipher,
    bytes: [u8; MAX_KEY],
}

impl LocalAdminKey {
    /// Takes a key of the cipher's length.
    pub fn new(cipher: Cipher, key: &[u8]) -> Result<Self, KeyError> {
        let len = key.len();
        if len != cipher.key_len() {
            return Err(KeyError::WrongKeyLength { cipher, len });
        }
        let mut bytes = [0; MAX_KEY];
        for (to, from) in bytes.iter_mut().zip(key) {
            *to = *from;
        }
        Ok(Self { cipher, bytes })
    }

    /// The key itself, to write it to a card.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.cipher.key_len()).unwrap_or_default()
    }

    fn converted(&self, way: Way, bytes: &[u8]) -> Result<Block, KeyError> {
        let wrong = KeyError::WrongBlockLength {
            cipher: self.cipher,
            len: bytes.len(),
        };
        let mut block = Block::from_slice(bytes).map_err(|_| wrong)?;
        if block.is_empty() {
            return Ok(block);
        }
        match self.cipher {
            Cipher::TripleDes => convert::<TdesEde3>(self.bytes(), way, &mut block),
            Cipher::Aes128 => convert::<Aes128>(self.bytes(), way, &mut block),
            Cipher::Aes192 => convert::<Aes192>(self.bytes(), way, &mut block),
            Cipher::Aes256 => convert::<Aes256>(self.bytes(), way, &mut block),
        }
        .ok_or(wrong)?;
        Ok(block)
    }
}

impl AdminKey for LocalAdminKey {
    type Error = KeyError;

    fn cipher(&self) -> Option<Cipher> {
        Some(self.cipher)
    }

    fn answer(
        &mut self,
        cipher: Cipher,
        witness: &[u8],
        challenge: &[u8],
    ) -> Result<Answer, KeyError> {
        if cipher != self.cipher {
            let (key, card) = (self.cipher, cipher);
            return Err(KeyError::OtherCipher { key, card });
        }
        Ok(Answer {
            witness: self.converted(Way::Decipher, witness)?,
            challenge: self.converted(Way::Encipher, challenge)?,
        })
    }
}

/// The key check value of a key: the first bytes of a block of zeros, enciphered.
pub fn key_check_value(cipher: Cipher, key: &[u8]) -> Result<[u8; 3], KeyError> {
    let zeros = [0; super::MAX_BLOCK];
    let zeros = zeros.get(..cipher.block_len()).unwrap_or_default();
    let block = LocalAdminKey::new(cipher, key)?.converted(Way::Encipher, zeros)?;
    match block.first_chunk() {
        Some(check) => Ok(*check),
        None => Err(KeyError::WrongBlockLength { cipher, len: 0 }),
    }
}

#[derive(Clone, Copy)]
enum Way {
    Encipher,
    Decipher,
}

/// `None` where a length is not the cipher's.
fn convert<C: KeyInit + BlockSizeUser + BlockEncrypt + BlockDecrypt>(
    key: &[u8],
    way: Way,
    block: &mut [u8],
) -> Option<()> {
    let cipher = C::new_from_slice(key).ok()?;
    if block.len() != C::block_size() {
        return None;
    }
    let block = GenericArray::from_mut_slice(block);
    match way {
        Way::Encipher => cipher.encrypt_block(block),
        Way::Decipher => cipher.decrypt_block(block),
    }
    Some(())
}
