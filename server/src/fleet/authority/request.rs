//! PKCS#10 from an agent: the proof that it has the key, and nothing else.

use rcgen::SubjectPublicKeyInfo;
use x509_parser::{
    oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY},
    prelude::{FromDer as _, X509CertificationRequest},
};

/// A request whose signature was checked: whoever made it has the private key.
#[derive(Clone, Debug)]
pub struct CertificateRequest {
    spki: Vec<u8>,
    public_key: SubjectPublicKeyInfo,
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// Far more than such a request needs.
    #[error("{0} bytes; allowed are {MAX_LEN}")]
    TooLong(usize),
    /// Something else.
    #[error("no PKCS#10 in DER")]
    Malformed,
    /// Another kind of key.
    #[error("a key that is not P-256; allowed is P-256")]
    KeyType,
    /// Signed by another key than the one inside, or changed since.
    #[error("a signature that does not fit its key")]
    Signature,
}

impl CertificateRequest {
    /// Checks `der`.
    ///
    /// # Errors
    /// See [`InvalidRequest`].
    pub fn verify(der: &[u8]) -> Result<Self, InvalidRequest> {
        if der.len() > MAX_LEN {
            return Err(InvalidRequest::TooLong(der.len()));
        }
        let (rest, request) =
            X509CertificationRequest::from_der(der).map_err(|_| InvalidRequest::Malformed)?;
        if !rest.is_empty() {
            return Err(InvalidRequest::Malformed);
        }
        let spki = &request.certification_request_info.subject_pki;
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.as_oid().ok());
        if spki.algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY || curve != Some(OID_EC_P256) {
            return Err(InvalidRequest::KeyType);
        }
        request
            .verify_signature()
            .map_err(|_| InvalidRequest::Signature)?;
        let public_key =
            SubjectPublicKeyInfo::from_der(spki.raw).map_err(|_| InvalidRequest::KeyType)?;
        Ok(Self {
            spki: spki.raw.to_vec(),
            public_key,
        })
    }

    /// DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(super) fn public_key(&self) -> &SubjectPublicKeyInfo {
        &self.public_key
    }
}

const MAX_LEN: usize = 4096;
