//! What the card computes with its keys, behind one trait: in software ([`RustCrypto`], feature
//! `std`), or in a secure element.
//!
//! [`RustCrypto`]: keysteward_core::crypto::RustCrypto

use keysteward_core::admin_key::{Block, Cipher};
use keysteward_core::crypto::Crypto;
use keysteward_core::piv::yubico::import_key::Secret;
use keysteward_core::piv::{Algorithm, PublicKey};

/// Primitives of PIV, beside those of CTAP. A private key is bytes that only the implementation
/// understands: at most [`MAX_PRIVATE`].
pub trait Primitives: Crypto {
    /// Kinds of keys that it knows.
    fn algorithms(&self) -> &[Algorithm];

    /// One block in ECB, under an admin key.
    fn encipher(&mut self, cipher: Cipher, key: &[u8], block: &[u8]) -> Result<Block, Refused>;

    /// Makes a key; how many bytes of `private` it takes.
    fn generate(&mut self, algorithm: Algorithm, private: &mut [u8]) -> Result<usize, Refused>;

    /// Takes a key from elsewhere; how many bytes of `private` it takes.
    fn import(&mut self, secret: &Secret<'_>, private: &mut [u8]) -> Result<usize, Refused>;

    /// The public half, written to `room`.
    fn public<'b>(
        &mut self,
        algorithm: Algorithm,
        private: &[u8],
        room: &'b mut [u8],
    ) -> Result<PublicKey<'b>, Refused>;

    /// Of RSA the raw private operation, of ECDSA the signature of a digest in DER, of Ed25519
    /// that of a message.
    fn sign<'b>(
        &mut self,
        algorithm: Algorithm,
        private: &[u8],
        block: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], Refused>;

    /// What two agree on: the x coordinate.
    fn agree<'b>(
        &mut self,
        algorithm: Algorithm,
        private: &[u8],
        point: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], Refused>;
}

/// Why nothing was computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// The algorithm does not do this, or is not known.
    Unsupported,
    /// The block, the point or the key is none of this algorithm.
    WrongInput,
    /// The primitive failed.
    Failed,
}

/// Longest private key, in bytes: both primes of RSA with 4096 bits.
pub const MAX_PRIVATE: usize = 512;
