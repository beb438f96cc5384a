//! The primitives that CTAP needs, behind one trait.
//!
//! The layer below everything that keeps a secret. The default implementation,
//! [`RustCrypto`], computes in software; a secure element or an HSM implements
//! [`Crypto`] to keep private keys where they are. CTAP 2.3 §6.5.6, §6.5.7 and
//! §8.2 say which primitives there are; what they are made into stands in
//! [`crate::pin_protocol`] and [`crate::webauthn`].
//!
//! Messages come in parts, because what CTAP hashes and signs is always a
//! concatenation and nobody should need a buffer for it.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use keysteward_core::crypto::{Crypto, RustCrypto};
//!
//! let mut crypto = RustCrypto(rand_core::OsRng);
//! let key = crypto.p256_generate()?;
//! let signature = crypto.es256_sign(&key, &[b"authData", b"clientDataHash"])?;
//! let public = crypto.p256_public(&key)?;
//! let _proof = crypto.es256_verify(&public, &[b"authDataclientDataHash"], &signature)?;
//! # }
//! # Ok::<(), keysteward_core::crypto::Error>(())
//! ```

#[cfg(feature = "rust-crypto")]
mod rust_crypto;
#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

#[cfg(feature = "rust-crypto")]
pub use rust_crypto::RustCrypto;

use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Why an operation failed: not said, since the reason can be an oracle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Error;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cryptographic operation failed")
    }
}

impl core::error::Error for Error {}

/// A point on P-256, not yet known to lie on the curve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicPoint {
    /// Big-endian.
    pub x: [u8; 32],
    /// Big-endian.
    pub y: [u8; 32],
}

/// What an implementation needs to find a private key again: the scalar or
/// seed itself in software, a wrapped key or a slot in a secure element.
#[derive(Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct PrivateKey([u8; 32]);

impl PrivateKey {
    /// Takes bytes that [`as_bytes`](Self::as_bytes) gave, or a scalar to import.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For storage under the owner's own protection.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Bytes that are wiped when dropped: a shared secret, a digest of a PIN, a
/// derived key.
#[derive(Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Secret<const N: usize>(pub [u8; N]);

/// Longest DER form of a P-256 signature.
pub const MAX_DER_SIGNATURE: usize = 72;

/// An ES256 signature in DER.
pub type DerSignature = heapless::Vec<u8, MAX_DER_SIGNATURE>;

/// Proof that a signature, checked by [`Crypto`], is right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "what needs a verified signature takes this"]
pub struct SignatureVerified(());

/// Takes the next piece of what is hashed.
pub type Take<'t> = &'t mut (dyn FnMut(&[u8]) + 't);

/// Primitives of CTAP. Public computations take `&self`; those that touch a
/// secret or draw randomness take `&mut self`, since they may talk to a chip.
pub trait Crypto {
    /// Fills `bytes` from a generator fit for keys.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Error>;

    /// SHA-256 over the concatenated parts.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];

    /// SHA-256 over what `feed` gives piece by piece: for data that are never in memory as a
    /// whole, such as a large-blob array that a key keeps in flash.
    fn sha256_fed(&self, feed: &mut dyn FnMut(Take<'_>)) -> [u8; 32];

    /// HMAC-SHA-256 over the concatenated parts.
    fn hmac_sha256(&mut self, key: &[u8], parts: &[&[u8]]) -> Secret<32>;

    /// HKDF-SHA-256 (RFC 5869): extract, then expand into `okm`, at most
    /// 8,160 bytes.
    fn hkdf_sha256(
        &mut self,
        salt: &[u8],
        ikm: &[u8],
        info: &[u8],
        okm: &mut [u8],
    ) -> Result<(), Error>;

    /// AES-256-CBC in place, without padding. `data` is whole blocks.
    fn aes256_cbc_encrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error>;

    /// Undoes [`aes256_cbc_encrypt`](Self::aes256_cbc_encrypt).
    fn aes256_cbc_decrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error>;

    /// AES-256-GCM (SP 800-38D) in place, for large blobs (CTAP 2.3 §6.10.3); answers the tag.
    /// A nonce serves once under a key.
    fn aes256_gcm_seal(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; 16], Error>;

    /// Undoes [`aes256_gcm_seal`](Self::aes256_gcm_seal). Where the tag is wrong, nothing of the
    /// plaintext is in `data`.
    fn aes256_gcm_open(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error>;

    /// One block of AES-128, for encIdentifier and encCredStoreState (CTAP 2.3
    /// §6.4), whose plaintext is a single block.
    fn aes128_encrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]);

    /// Undoes [`aes128_encrypt_block`](Self::aes128_encrypt_block).
    fn aes128_decrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]);

    /// Makes a P-256 key, for key agreement or for ES256.
    fn p256_generate(&mut self) -> Result<PrivateKey, Error>;

    /// The public half of a P-256 key.
    fn p256_public(&mut self, key: &PrivateKey) -> Result<PublicPoint, Error>;

    /// The x coordinate of the shared point (SP 800-56A §5.7.1.2). Fails for a
    /// peer that is not on the curve.
    fn p256_agree(&mut self, key: &PrivateKey, peer: &PublicPoint) -> Result<Secret<32>, Error>;

    /// ECDSA with P-256 and SHA-256 over the concatenated parts.
    fn es256_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<DerSignature, Error>;

    /// Checks a DER signature of [`es256_sign`](Self::es256_sign).
    fn es256_verify(
        &self,
        key: &PublicPoint,
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error>;

    /// Makes an Ed25519 key.
    fn ed25519_generate(&mut self) -> Result<PrivateKey, Error>;

    /// The public half of an Ed25519 key.
    fn ed25519_public(&mut self, key: &PrivateKey) -> Result<[u8; 32], Error>;

    /// Ed25519 (RFC 8032) over the concatenated parts.
    fn ed25519_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<[u8; 64], Error>;

    /// Checks a signature of [`ed25519_sign`](Self::ed25519_sign).
    fn ed25519_verify(
        &self,
        key: &[u8; 32],
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error>;
}
