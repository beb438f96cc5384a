//! [`Crypto`] in software, on the RustCrypto crates and ed25519-dalek.

#[cfg(target_pointer_width = "64")]
mod generator;

use super::{
    Crypto, DerSignature, Error, PrivateKey, PublicPoint, Secret, SignatureVerified, Take,
};
use aes::{Aes128, Aes256};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::AeadInPlace;
use cbc::cipher::{
    BlockDecrypt, BlockDecryptMut, BlockEncrypt, BlockEncryptMut, KeyInit, KeyIvInit,
};
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign_byupdate};
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::{DigestSigner, DigestVerifier};
use p256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use p256::{EncodedPoint, SecretKey};
use rand_core::CryptoRngCore;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroize;

/// Computes in software, with randomness from `R`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto<R>(pub R);

impl<R: CryptoRngCore> Crypto for RustCrypto<R> {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.try_fill_bytes(bytes).map_err(|_| Error)
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        hash(parts).finalize().into()
    }

    fn sha256_fed(&self, feed: &mut dyn FnMut(Take<'_>)) -> [u8; 32] {
        let mut hasher = Sha256::new();
        feed(&mut |piece| hasher.update(piece));
        hasher.finalize().into()
    }

    fn hmac_sha256(&mut self, key: &[u8], parts: &[&[u8]]) -> Secret<32> {
        // HMAC takes keys of every length; the crate's error cannot occur.
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else {
            return Secret([0; 32]);
        };
        for part in parts {
            mac.update(part);
        }
        Secret(mac.finalize().into_bytes().into())
    }

    fn hkdf_sha256(
        &mut self,
        salt: &[u8],
        ikm: &[u8],
        info: &[u8],
        okm: &mut [u8],
    ) -> Result<(), Error> {
        hkdf::Hkdf::<Sha256>::new(Some(salt), ikm)
            .expand(info, okm)
            .map_err(|_| Error)
    }

    fn aes256_cbc_encrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error> {
        let mut cipher = cbc::Encryptor::<Aes256>::new(key.into(), iv.into());
        for block in whole_blocks(data)? {
            cipher.encrypt_block_mut(block.into());
        }
        Ok(())
    }

    fn aes256_cbc_decrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error> {
        let mut cipher = cbc::Decryptor::<Aes256>::new(key.into(), iv.into());
        for block in whole_blocks(data)? {
            cipher.decrypt_block_mut(block.into());
        }
        Ok(())
    }

    fn aes256_gcm_seal(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; 16], Error> {
        Aes256Gcm::new(key.into())
            .encrypt_in_place_detached(nonce.into(), associated, data)
            .map(Into::into)
            .map_err(|_| Error)
    }

    fn aes256_gcm_open(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error> {
        Aes256Gcm::new(key.into())
            .decrypt_in_place_detached(nonce.into(), associated, data, tag.into())
            .map_err(|_| Error)
    }

    fn aes128_encrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        Aes128::new(key.into()).encrypt_block(block.into());
    }

    fn aes128_decrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        Aes128::new(key.into()).decrypt_block(block.into());
    }

    fn p256_generate(&mut self) -> Result<PrivateKey, Error> {
        // Rejection sampling: a candidate fails with probability 2^-32.
        for _ in 0..8 {
            let mut candidate = Secret([0; 32]);
            self.random(&mut candidate.0)?;
            let key = PrivateKey::from_bytes(candidate.0);
            if scalar(&key).is_ok() {
                return Ok(key);
            }
        }
        Err(Error)
    }

    fn p256_public(&mut self, key: &PrivateKey) -> Result<PublicPoint, Error> {
        let key = scalar(key)?;
        #[cfg(target_pointer_width = "64")]
        let point = generator::multiply(&key.to_nonzero_scalar()).to_affine();
        #[cfg(not(target_pointer_width = "64"))]
        let point = key.public_key();
        let encoded = point.to_encoded_point(false);
        // SEC 1 §2.3.3: 04, then both coordinates.
        let coordinates = encoded.as_bytes().get(1..).unwrap_or_default();
        let [x, y] = coordinates.as_chunks().0 else {
            return Err(Error);
        };
        Ok(PublicPoint { x: *x, y: *y })
    }

    fn p256_agree(&mut self, key: &PrivateKey, peer: &PublicPoint) -> Result<Secret<32>, Error> {
        let peer = point(peer)?;
        let shared = p256::ecdh::diffie_hellman(scalar(key)?.to_nonzero_scalar(), peer.as_affine());
        Ok(Secret((*shared.raw_secret_bytes()).into()))
    }

    // Its frame is large, and the caller's is not to hold it for everything else that it does.
    #[inline(never)]
    fn es256_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<DerSignature, Error> {
        let key = p256::ecdsa::SigningKey::from(scalar(key)?);
        let signature: p256::ecdsa::Signature =
            key.try_sign_digest(hash(parts)).map_err(|_| Error)?;
        DerSignature::from_slice(signature.to_der().as_bytes()).map_err(|_| Error)
    }

    fn es256_verify(
        &self,
        key: &PublicPoint,
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error> {
        let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| Error)?;
        p256::ecdsa::VerifyingKey::from(point(key)?)
            .verify_digest(hash(parts), &signature)
            .map(|()| SignatureVerified(()))
            .map_err(|_| Error)
    }

    fn ed25519_generate(&mut self) -> Result<PrivateKey, Error> {
        let mut seed = Secret([0; 32]);
        self.random(&mut seed.0)?;
        Ok(PrivateKey::from_bytes(seed.0))
    }

    fn ed25519_public(&mut self, key: &PrivateKey) -> Result<[u8; 32], Error> {
        Ok(ed25519_dalek::SigningKey::from_bytes(key.as_bytes())
            .verifying_key()
            .to_bytes())
    }

    // Its frame is large, and the caller's is not to hold it for everything else that it does.
    #[inline(never)]
    fn ed25519_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<[u8; 64], Error> {
        let public = ed25519_dalek::SigningKey::from_bytes(key.as_bytes()).verifying_key();
        let expanded = ExpandedSecretKey::from(key.as_bytes());
        let feed = |hasher: &mut Sha512| {
            for part in parts {
                hasher.update(part);
            }
            Ok(())
        };
        raw_sign_byupdate::<Sha512, _>(&expanded, feed, &public)
            .map(|signature| signature.to_bytes())
            .map_err(|_| Error)
    }

    fn ed25519_verify(
        &self,
        key: &[u8; 32],
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| Error)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| Error)?;
        let mut stream = key.verify_stream(&signature).map_err(|_| Error)?;
        for part in parts {
            stream.update(part);
        }
        stream
            .finalize_and_verify()
            .map(|()| SignatureVerified(()))
            .map_err(|_| Error)
    }
}

fn hash(parts: &[&[u8]]) -> Sha256 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher
}

fn whole_blocks(data: &mut [u8]) -> Result<&mut [[u8; 16]], Error> {
    match data.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(Error),
    }
}

fn scalar(key: &PrivateKey) -> Result<SecretKey, Error> {
    let mut bytes = (*key.as_bytes()).into();
    let scalar = SecretKey::from_bytes(&bytes).map_err(|_| Error);
    bytes.zeroize();
    scalar
}

fn point(point: &PublicPoint) -> Result<p256::PublicKey, Error> {
    let encoded =
        EncodedPoint::from_affine_coordinates((&point.x).into(), (&point.y).into(), false);
    Option::from(p256::PublicKey::from_encoded_point(&encoded)).ok_or(Error)
}
