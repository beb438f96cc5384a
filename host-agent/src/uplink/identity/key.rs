//! The private key of a host.

use std::fmt;

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use super::IdentityError;

/// A private key, PKCS#8.
#[derive(Clone)]
pub struct Key {
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A new P-256 key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, IdentityError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Self {
            pkcs8: Zeroizing::new(pair.serialize_der()),
        })
    }

    /// PKCS#10, DER: a proof that we have the key, and nothing else; the server
    /// decides what stands in the certificate.
    ///
    /// # Errors
    /// When the key on disk is damaged.
    pub fn certificate_request(&self) -> Result<Vec<u8>, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&self.pair()?)?.der().to_vec())
    }

    pub(super) fn pair(&self) -> Result<KeyPair, IdentityError> {
        Ok(KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(self.pkcs8.as_slice()),
            &PKCS_ECDSA_P256_SHA256,
        )?)
    }
}

/// Without the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<hidden>)")
    }
}
