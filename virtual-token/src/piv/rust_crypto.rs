//! The primitives in software. RSA needs an allocator, and time: keys of 3072 bits take seconds.

use super::primitives::{Primitives, Refused};
use keysteward_core::admin_key::{AdminKey, Block, Cipher, LocalAdminKey};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::piv::yubico::import_key::Secret;
use keysteward_core::piv::{Algorithm, PublicKey};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use rand_core::CryptoRngCore;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, RsaPrivateKey};
use zeroize::Zeroizing;

impl<R: CryptoRngCore> Primitives for RustCrypto<R> {
    fn algorithms(&self) -> &[Algorithm] {
        &Algorithm::ALL
    }

    fn encipher(&mut self, cipher: Cipher, key: &[u8], block: &[u8]) -> Result<Block, Refused> {
        LocalAdminKey::new(cipher, key)
            .and_then(|mut key| key.answer(cipher, &[], block))
            .map(|answer| answer.challenge)
            .map_err(|_| Refused::WrongInput)
    }

    fn generate(&mut self, algorithm: Algorithm, private: &mut [u8]) -> Result<usize, Refused> {
        match algorithm {
            Algorithm::P256 => {
                let key = p256::SecretKey::random(&mut self.0);
                put(&Zeroizing::new(key.to_bytes()), private)
            }
            Algorithm::P384 => {
                let key = p384::SecretKey::random(&mut self.0);
                put(&Zeroizing::new(key.to_bytes()), private)
            }
            Algorithm::Ed25519 | Algorithm::X25519 => {
                let mut key = Zeroizing::new([0; 32]);
                self.0
                    .try_fill_bytes(&mut *key)
                    .map_err(|_| Refused::Failed)?;
                put(&*key, private)
            }
            Algorithm::Rsa1024 | Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => {
                let bits = usize::from(algorithm.bits());
                let key = RsaPrivateKey::new(&mut self.0, bits).map_err(|_| Refused::Failed)?;
                put_primes(&key, algorithm, private)
            }
        }
    }

    fn import(&mut self, secret: &Secret<'_>, private: &mut [u8]) -> Result<usize, Refused> {
        match *secret {
            Secret::Rsa { p, q, .. } => {
                let len = put(p, private)?;
                let rest = private.get_mut(len..).ok_or(Refused::Failed)?;
                let len = len.saturating_add(put(q, rest)?);
                let primes = private.get(..len).ok_or(Refused::Failed)?;
                rsa_key(primes).map(|_| len)
            }
            Secret::Ec(scalar) => {
                let known = match scalar.len() {
                    32 => p256::SecretKey::from_slice(scalar).is_ok(),
                    _ => p384::SecretKey::from_slice(scalar).is_ok(),
                };
                if !known {
                    return Err(Refused::WrongInput);
                }
                put(scalar, private)
            }
            Secret::Ed25519(seed) => put(seed, private),
            Secret::X25519(scalar) => put(scalar, private),
        }
    }

    fn public<'b>(
        &mut self,
        algorithm: Algorithm,
        private: &[u8],
        room: &'b mut [u8],
    ) -> Result<PublicKey<'b>, Refused> {
        match algorithm {
            Algorithm::P256 => {
                let point = p256_key(private)?.public_key().to_encoded_point(false);
                put(point.as_bytes(), room)?;
                Ok(PublicKey::P256(chunk(room)?))
            }
            Algorithm::P384 => {
                let point = p384_key(private)?.public_key().to_encoded_point(false);
                put(point.as_bytes(), room)?;
                Ok(PublicKey::P384(chunk(room)?))
            }
            Algorithm::Ed25519 => {
                let key = ed25519_dalek::SigningKey::from_bytes(chunk(private)?);
                put(key.verifying_key().as_bytes(), room)?;
                Ok(PublicKey::Ed25519(chunk(room)?))
            }
            Algorithm::X25519 => {
                let key = x25519_dalek::StaticSecret::from(*chunk::<32>(private)?);
                put(x25519_dalek::PublicKey::from(&key).as_bytes(), room)?;
                Ok(PublicKey::X25519(chunk(room)?))
            }
            Algorithm::Rsa1024 | Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => {
                let key = rsa_key(private)?;
                let len = put(&key.n().to_bytes_be(), room)?;
                let (modulus, rest) = room.split_at_mut(len);
                let exponent = put(&EXPONENT, rest)?;
                Ok(PublicKey::Rsa {
                    modulus,
                    exponent: rest.get(..exponent).unwrap_or_default(),
                })
            }
        }
    }

    fn sign<'b>(
        &mut self,
        algorithm: Algorithm,
        private: &[u8],
        block: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], Refused> {
        let len = match algorithm {
            Algorithm::P256 => {
                let key = p256::ecdsa::SigningKey::from(p256_key(private)?);
                let signature: p256::ecdsa::Signature =
                    key.sign_prehash(block).map_err(|_| Refused::WrongInput)?;
                put(signature.to_der().as_bytes(), room)?
            }
            Algorithm::P384 => {
                let key = p384::ecdsa::SigningKey::from(p384_key(private)?);
                let signature: p384::ecdsa::Signature =
                    key.sign_prehash(block).map_err(|_| Refused::WrongInput)?;
                put(signature.to_der().as_bytes(), room)?
            }
            Algorithm::Ed25519 => {
                let key = ed25519_dalek::SigningKey::from_bytes(chunk(private)?);
                let signature = ed25519_dalek::Signer::sign(&key, block);
                put(&signature.to_bytes(), room)?
            }
            Algorithm::X25519 => return Err(Refused::Unsupported),
            Algorithm::Rsa1024 | Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => {
                let key = rsa_key(private)?;
                let number = BigUint::from_bytes_be(block);
                if block.len() != key.size() || number >= *key.n() {
                    return Err(Refused::WrongInput);
                }
                let signed = rsa::hazmat::rsa_decrypt_and_check(&key, Some(&mut self.0), &number)
                    .map_err(|_| Refused::Failed)?;
                let signed = Zeroizing::new(signed.to_bytes_be());
                let room = room.get_mut(..block.len()).ok_or(Refused::Failed)?;
                let zeros = block.len().saturating_sub(signed.len());
                room.fill(0);
                put(&signed, room.get_mut(zeros..).unwrap_or_default())?;
                block.len()
            }
        };
        room.get(..len).ok_or(Refused::Failed)
    }

    fn agree<'b>(
        &mut self,
        algorithm: Algorithm,
        private: &[u8],
        point: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], Refused> {
        let len = match algorithm {
            Algorithm::P256 => {
                let peer =
                    p256::PublicKey::from_sec1_bytes(point).map_err(|_| Refused::WrongInput)?;
                let scalar = p256_key(private)?.to_nonzero_scalar();
                let shared = p256::ecdh::diffie_hellman(scalar, peer.as_affine());
                put(shared.raw_secret_bytes(), room)?
            }
            Algorithm::P384 => {
                let peer =
                    p384::PublicKey::from_sec1_bytes(point).map_err(|_| Refused::WrongInput)?;
                let scalar = p384_key(private)?.to_nonzero_scalar();
                let shared = p384::ecdh::diffie_hellman(scalar, peer.as_affine());
                put(shared.raw_secret_bytes(), room)?
            }
            Algorithm::X25519 => {
                let key = x25519_dalek::StaticSecret::from(*chunk::<32>(private)?);
                let point = <[u8; 32]>::try_from(point).map_err(|_| Refused::WrongInput)?;
                let shared = key.diffie_hellman(&x25519_dalek::PublicKey::from(point));
                if !shared.was_contributory() {
                    return Err(Refused::WrongInput);
                }
                put(shared.as_bytes(), room)?
            }
            _ => return Err(Refused::Unsupported),
        };
        room.get(..len).ok_or(Refused::Failed)
    }
}

fn p256_key(private: &[u8]) -> Result<p256::SecretKey, Refused> {
    p256::SecretKey::from_slice(private).map_err(|_| Refused::WrongInput)
}

fn p384_key(private: &[u8]) -> Result<p384::SecretKey, Refused> {
    p384::SecretKey::from_slice(private).map_err(|_| Refused::WrongInput)
}

/// A key of two primes of the same length, as it is stored.
fn rsa_key(primes: &[u8]) -> Result<RsaPrivateKey, Refused> {
    let (p, q) = primes.split_at(primes.len() / 2);
    let [p, q] = [p, q].map(BigUint::from_bytes_be);
    RsaPrivateKey::from_p_q(p, q, BigUint::from_bytes_be(&EXPONENT))
        .map_err(|_| Refused::WrongInput)
}

fn put_primes(
    key: &RsaPrivateKey,
    algorithm: Algorithm,
    private: &mut [u8],
) -> Result<usize, Refused> {
    let half = algorithm.modulus_len().ok_or(Refused::Unsupported)? / 2;
    let [p, q] = key.primes() else {
        return Err(Refused::Failed);
    };
    let mut len = 0;
    for prime in [p, q] {
        let prime = Zeroizing::new(prime.to_bytes_be());
        // Of two primes, each has half the bits of the modulus.
        if prime.len() != half {
            return Err(Refused::Failed);
        }
        let room = private.get_mut(len..).ok_or(Refused::Failed)?;
        len = len.saturating_add(put(&prime, room)?);
    }
    Ok(len)
}

fn put(bytes: &[u8], room: &mut [u8]) -> Result<usize, Refused> {
    let room = room.get_mut(..bytes.len()).ok_or(Refused::Failed)?;
    room.copy_from_slice(bytes);
    Ok(bytes.len())
}

fn chunk<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], Refused> {
    bytes.first_chunk().ok_or(Refused::WrongInput)
}

/// The public exponent of every key, as import leaves it to be known.
const EXPONENT: [u8; 3] = [0x01, 0x00, 0x01];
