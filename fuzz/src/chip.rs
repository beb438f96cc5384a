//! What a PIV card of the fuzzers computes with: quick, the same in every run, and satisfied by what
//! a script can say.
//!
//! [`Primitives`] are a [`Crypto`] too, and the core's own would bring its own [`Primitives`] along:
//! the half that stays as it is has to be handed on, call by call.

use keysteward_core::admin_key::{Block, Cipher};
use keysteward_core::crypto::{
    Crypto, DerSignature, Error, PrivateKey, PublicPoint, RustCrypto, Secret, SignatureVerified,
    Take,
};
use keysteward_core::piv::yubico::import_key;
use keysteward_core::piv::{Algorithm, PublicKey};
use keysteward_virtual_token::piv::{Primitives, Refused};

use crate::Counter;

/// Enciphers everything to zeros, and has one key of each kind.
#[expect(missing_debug_implementations, reason = "holds secrets elsewhere")]
pub struct Chip(pub RustCrypto<Counter>);

impl Primitives for Chip {
    fn algorithms(&self) -> &[Algorithm] {
        &Algorithm::ALL
    }

    fn encipher(&mut self, _: Cipher, _: &[u8], block: &[u8]) -> Result<Block, Refused> {
        let zeros = [0; 16].get(..block.len()).map(Block::from_slice);
        zeros.and_then(Result::ok).ok_or(Refused::WrongInput)
    }

    fn generate(&mut self, _: Algorithm, private: &mut [u8]) -> Result<usize, Refused> {
        *private.first_mut().ok_or(Refused::Failed)? = 1;
        Ok(1)
    }

    fn import(&mut self, _: &import_key::Secret<'_>, private: &mut [u8]) -> Result<usize, Refused> {
        *private.first_mut().ok_or(Refused::Failed)? = 2;
        Ok(1)
    }

    fn public<'b>(
        &mut self,
        algorithm: Algorithm,
        _: &[u8],
        room: &'b mut [u8],
    ) -> Result<PublicKey<'b>, Refused> {
        room.fill(0xC1);
        *room.first_mut().ok_or(Refused::Failed)? = 0x04;
        let key = match algorithm {
            Algorithm::P256 => room.first_chunk().map(PublicKey::P256),
            Algorithm::P384 => room.first_chunk().map(PublicKey::P384),
            Algorithm::Ed25519 => room.first_chunk().map(PublicKey::Ed25519),
            Algorithm::X25519 => room.first_chunk().map(PublicKey::X25519),
            rsa => {
                let len = rsa.modulus_len().ok_or(Refused::Unsupported)?;
                let modulus = room.get(..len).ok_or(Refused::Failed)?;
                let exponent = &[0x01, 0x00, 0x01];
                Some(PublicKey::Rsa { modulus, exponent })
            }
        };
        key.ok_or(Refused::Failed)
    }

    fn sign<'b>(
        &mut self,
        algorithm: Algorithm,
        _: &[u8],
        block: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], Refused> {
        if algorithm
            .modulus_len()
            .is_some_and(|len| len != block.len())
        {
            return Err(Refused::WrongInput);
        }
        let signature = room.get_mut(..block.len()).ok_or(Refused::WrongInput)?;
        signature.copy_from_slice(block);
        Ok(signature)
    }

    fn agree<'b>(
        &mut self,
        algorithm: Algorithm,
        _: &[u8],
        point: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], Refused> {
        match (algorithm, point.len()) {
            (Algorithm::P256, 65) | (Algorithm::X25519, 32) => Ok(&room[..32]),
            (Algorithm::P384, 97) => Ok(&room[..48]),
            (Algorithm::P256 | Algorithm::P384 | Algorithm::X25519, _) => Err(Refused::WrongInput),
            _ => Err(Refused::Unsupported),
        }
    }
}

impl Crypto for Chip {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.random(bytes)
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.0.sha256(parts)
    }

    fn sha256_fed(&self, feed: &mut dyn FnMut(Take<'_>)) -> [u8; 32] {
        self.0.sha256_fed(feed)
    }

    fn hmac_sha256(&mut self, key: &[u8], parts: &[&[u8]]) -> Secret<32> {
        self.0.hmac_sha256(key, parts)
    }

    fn hkdf_sha256(
        &mut self,
        salt: &[u8],
        ikm: &[u8],
        info: &[u8],
        okm: &mut [u8],
    ) -> Result<(), Error> {
        self.0.hkdf_sha256(salt, ikm, info, okm)
    }

    fn aes256_cbc_encrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error> {
        self.0.aes256_cbc_encrypt(key, iv, data)
    }

    fn aes256_cbc_decrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error> {
        self.0.aes256_cbc_decrypt(key, iv, data)
    }

    fn aes256_gcm_seal(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; 16], Error> {
        self.0.aes256_gcm_seal(key, nonce, associated, data)
    }

    fn aes256_gcm_open(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error> {
        self.0.aes256_gcm_open(key, nonce, associated, data, tag)
    }

    fn aes128_encrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        self.0.aes128_encrypt_block(key, block)
    }

    fn aes128_decrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        self.0.aes128_decrypt_block(key, block)
    }

    fn p256_generate(&mut self) -> Result<PrivateKey, Error> {
        self.0.p256_generate()
    }

    fn p256_public(&mut self, key: &PrivateKey) -> Result<PublicPoint, Error> {
        self.0.p256_public(key)
    }

    fn p256_agree(&mut self, key: &PrivateKey, peer: &PublicPoint) -> Result<Secret<32>, Error> {
        self.0.p256_agree(key, peer)
    }

    fn es256_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<DerSignature, Error> {
        self.0.es256_sign(key, parts)
    }

    fn es256_verify(
        &self,
        key: &PublicPoint,
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error> {
        self.0.es256_verify(key, parts, signature)
    }

    fn ed25519_generate(&mut self) -> Result<PrivateKey, Error> {
        self.0.ed25519_generate()
    }

    fn ed25519_public(&mut self, key: &PrivateKey) -> Result<[u8; 32], Error> {
        self.0.ed25519_public(key)
    }

    fn ed25519_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<[u8; 64], Error> {
        self.0.ed25519_sign(key, parts)
    }

    fn ed25519_verify(
        &self,
        key: &[u8; 32],
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error> {
        self.0.ed25519_verify(key, parts, signature)
    }
}
