//! Values that the optimiser knows nothing of, and a place where results go.
//!
//! Both ends are assembly, which no optimiser reads. The program is linked and never run: what the
//! stubs really return does not matter.

#![allow(unsafe_code)]

use core::arch::global_asm;
use core::fmt;

use keysteward_core::crypto::{
    Crypto, DerSignature, Error, PrivateKey, PublicPoint, Secret, SignatureVerified,
};

#[cfg(target_arch = "arm")]
global_asm!(
    ".global unknown_pointer",
    ".thumb_func",
    "unknown_pointer: bx lr",
    ".global unknown_user",
    ".thumb_func",
    "unknown_user: bx lr",
    ".global unknown_writer",
    ".thumb_func",
    "unknown_writer: bx lr",
);

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".global unknown_pointer",
    "unknown_pointer: ret",
    ".global unknown_user",
    "unknown_user: ret",
    ".global unknown_writer",
    "unknown_writer: ret",
);

unsafe extern "C" {
    fn unknown_pointer() -> *const u8;
    fn unknown_user(value: *const u8);
    fn unknown_writer(bytes: *mut u8, length: usize);
}

/// Any value of the type whatever.
#[must_use]
pub(crate) fn any<T>() -> T {
    // SAFETY: never run. The optimiser may assume that there is a valid value, of which it knows
    // nothing else.
    unsafe { unknown_pointer().cast::<T>().read() }
}

/// Uses a result, so that computing it is not in vain.
pub(crate) fn see<T>(value: T) {
    // SAFETY: never run; the callee is handed an address to look at.
    unsafe { unknown_user((&raw const value).cast()) }
}

/// Leaves bytes of which nothing is known.
pub(crate) fn overwrite(bytes: &mut [u8]) {
    // SAFETY: never run; the callee may write where we may.
    unsafe { unknown_writer(bytes.as_mut_ptr(), bytes.len()) }
}

/// An error of a link: a type of its own, so that it can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost(#[expect(dead_code, reason = "keeps the type from being empty")] u8);

impl fmt::Display for Lost {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl core::error::Error for Lost {}

/// Primitives of which nothing is known but their types.
pub(crate) struct Primitives;

impl Crypto for Primitives {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        overwrite(bytes);
        any()
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        see(parts);
        any()
    }

    fn sha256_fed(&self, feed: &mut dyn FnMut(&mut dyn FnMut(&[u8]))) -> [u8; 32] {
        feed(&mut |piece| see(piece));
        any()
    }

    fn hmac_sha256(&mut self, key: &[u8], parts: &[&[u8]]) -> Secret<32> {
        see((key, parts));
        any()
    }

    fn hkdf_sha256(
        &mut self,
        salt: &[u8],
        ikm: &[u8],
        info: &[u8],
        okm: &mut [u8],
    ) -> Result<(), Error> {
        see((salt, ikm, info));
        overwrite(okm);
        any()
    }

    fn aes256_cbc_encrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error> {
        see((key, iv));
        overwrite(data);
        any()
    }

    fn aes256_cbc_decrypt(
        &mut self,
        key: &[u8; 32],
        iv: &[u8; 16],
        data: &mut [u8],
    ) -> Result<(), Error> {
        see((key, iv));
        overwrite(data);
        any()
    }

    fn aes256_gcm_seal(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; 16], Error> {
        see((key, nonce, associated));
        overwrite(data);
        any()
    }

    fn aes256_gcm_open(
        &mut self,
        key: &[u8; 32],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), Error> {
        see((key, nonce, associated, tag));
        overwrite(data);
        any()
    }

    fn aes128_encrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        see(key);
        overwrite(block);
    }

    fn aes128_decrypt_block(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        see(key);
        overwrite(block);
    }

    fn p256_generate(&mut self) -> Result<PrivateKey, Error> {
        any()
    }

    fn p256_public(&mut self, key: &PrivateKey) -> Result<PublicPoint, Error> {
        see(key);
        any()
    }

    fn p256_agree(&mut self, key: &PrivateKey, peer: &PublicPoint) -> Result<Secret<32>, Error> {
        see((key, peer));
        any()
    }

    fn es256_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<DerSignature, Error> {
        see((key, parts));
        any()
    }

    fn es256_verify(
        &self,
        key: &PublicPoint,
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error> {
        see((key, parts, signature));
        any()
    }

    fn ed25519_generate(&mut self) -> Result<PrivateKey, Error> {
        any()
    }

    fn ed25519_public(&mut self, key: &PrivateKey) -> Result<[u8; 32], Error> {
        see(key);
        any()
    }

    fn ed25519_sign(&mut self, key: &PrivateKey, parts: &[&[u8]]) -> Result<[u8; 64], Error> {
        see((key, parts));
        any()
    }

    fn ed25519_verify(
        &self,
        key: &[u8; 32],
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, Error> {
        see((key, parts, signature));
        any()
    }
}
