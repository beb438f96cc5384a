//! PKCS#10 of a key on a token: the proof that the token has the key. RFC 2986.

use x509_parser::prelude::{FromDer as _, X509CertificationRequest};

/// A certification request whose signature was checked: whoever made it has the
/// private key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificationRequest {
    der: Vec<u8>,
    public_key: Vec<u8>,
}

/// Why a certification request is not sent to a CA.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    #[error("the certification request is {0} bytes long; allowed are {LONGEST}")]
    TooLong(usize),
    #[error("the certification request is no PKCS#10 in DER")]
    Malformed,
    /// Signed by another key than the one inside, changed since, or signed in a
    /// way that cannot be verified here.
    #[error("the signature of the certification request does not fit its key")]
    Signature,
}

impl CertificationRequest {
    /// Checks `der`.
    ///
    /// # Errors
    /// See [`InvalidRequest`].
    pub fn verify(der: &[u8]) -> Result<Self, InvalidRequest> {
        if der.len() > LONGEST {
            return Err(InvalidRequest::TooLong(der.len()));
        }
        let (rest, request) =
            X509CertificationRequest::from_der(der).map_err(|_| InvalidRequest::Malformed)?;
        if !rest.is_empty() {
            return Err(InvalidRequest::Malformed);
        }
        request
            .verify_signature()
            .map_err(|_| InvalidRequest::Signature)?;
        Ok(Self {
            der: der.to_vec(),
            public_key: request.certification_request_info.subject_pki.raw.to_vec(),
        })
    }

    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

const LONGEST: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn request() -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        request.der().to_vec()
    }

    #[test]
    fn a_request_gives_its_public_key() {
        use rcgen::PublicKeyData as _;
        let key = KeyPair::generate().unwrap();
        let der = CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        let request = CertificationRequest::verify(der.der()).unwrap();
        assert_eq!(request.public_key(), key.subject_public_key_info());
    }

    #[test]
    fn a_request_that_was_changed_cut_or_lengthened_is_refused() {
        let good = request();
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        let error = CertificationRequest::verify(&changed).unwrap_err();
        assert_eq!(error, InvalidRequest::Signature);
        let longer = [good.as_slice(), &[0]].concat();
        for der in [&good[..good.len() - 1], &longer, b"", b"hello"] {
            let error = CertificationRequest::verify(der).unwrap_err();
            assert_eq!(error, InvalidRequest::Malformed);
        }
        let error = CertificationRequest::verify(&vec![0x30; LONGEST + 1]).unwrap_err();
        assert_eq!(error, InvalidRequest::TooLong(LONGEST + 1));
    }
}
