//! Whom a token type believes: roots, and what it accepts without one.

use super::{Proof, Refusal};
use jiff::Timestamp;
use keysteward_core::crypto::SignatureVerified;
use keysteward_core::webauthn::attestation::{NONE, PACKED};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject};
use std::time::Duration;
use thiserror::Error;
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter,
    anchor_from_trusted_cert,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

/// What the attestation of a token type must lead to.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Vec<Root>,
    unrooted: Unrooted,
}

/// What is accepted without a path to a root.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Unrooted {
    /// Format `none`.
    pub none: bool,
    /// Self attestation.
    pub itself: bool,
}

#[derive(Clone, Debug)]
struct Root {
    der: CertificateDer<'static>,
    subject: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a root certificate cannot be used. Numbers count from 1.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RootError {
    #[error("root {number} holds no PEM certificate")]
    Empty { number: usize },
    #[error("root {number} is not a readable certificate: {why}")]
    Unreadable { number: usize, why: String },
}

impl Trust {
    /// Reads the roots: each a text with one or more PEM certificates. A
    /// certificate that is no CA's stands for itself alone.
    ///
    /// # Errors
    /// Names the text by its number.
    pub fn new<S: AsRef<str>>(roots: &[S], unrooted: Unrooted) -> Result<Self, RootError> {
        let mut read = Vec::new();
        for (index, text) in roots.iter().enumerate() {
            let number = index + 1;
            let before = read.len();
            for der in CertificateDer::pem_slice_iter(text.as_ref().as_bytes()) {
                let root = der
                    .map_err(|error| error.to_string())
                    .and_then(Root::read)
                    .map_err(|why| RootError::Unreadable { number, why })?;
                read.push(root);
            }
            if read.len() == before {
                return Err(RootError::Empty { number });
            }
        }
        Ok(Self {
            roots: read,
            unrooted,
        })
    }

    pub(super) const fn accept_nothing(&self) -> Result<Proof, Refusal> {
        if self.unrooted.none {
            return Ok(Proof::Nothing);
        }
        Err(Refusal::NotRooted {
            format: NONE,
            found: "nothing",
        })
    }

    /// `_signature` is the credential's own.
    pub(super) const fn accept_itself(
        &self,
        _signature: SignatureVerified,
    ) -> Result<Proof, Refusal> {
        if self.unrooted.itself {
            return Ok(Proof::Itself);
        }
        Err(Refusal::NotRooted {
            format: PACKED,
            found: "only itself",
        })
    }

    /// `_signature` is that of the leaf's key.
    ///
    /// RFC 5280 section 6, to one of the roots. The roots' own validity, which
    /// the RFC leaves open, is checked too.
    pub(super) fn check_path(
        &self,
        _signature: SignatureVerified,
        leaf: &[u8],
        intermediates: &[&[u8]],
        now: Timestamp,
    ) -> Result<Proof, Refusal> {
        if let Some(root) = self.roots.iter().find(|root| root.der.as_ref() == leaf) {
            return root.check_validity(now);
        }
        let leaf = CertificateDer::from(leaf);
        let end_entity = EndEntityCert::try_from(&leaf).map_err(|error| refusal(&error))?;
        let intermediates: Vec<_> = intermediates
            .iter()
            .map(|der| CertificateDer::from(*der))
            .collect();
        let mut refused = Refusal::UnknownRoot;
        // One by one, so that it is known which root the path ends at, and a
        // fault on the way to the right one is not hidden by the others.
        for root in &self.roots {
            let Ok(anchor) = anchor_from_trusted_cert(&root.der) else {
                continue;
            };
            match path(&end_entity, &anchor, &intermediates, now) {
                Ok(()) => return root.check_validity(now),
                Err(Refusal::UnknownRoot) => {}
                Err(other) => refused = other,
            }
        }
        Err(refused)
    }
}

fn path(
    end_entity: &EndEntityCert<'_>,
    anchor: &TrustAnchor<'_>,
    intermediates: &[CertificateDer<'_>],
    now: Timestamp,
) -> Result<(), Refusal> {
    let since_1970 = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default());
    end_entity
        .verify_for_usage(
            ALL_VERIFICATION_ALGS,
            std::slice::from_ref(anchor),
            intermediates,
            UnixTime::since_unix_epoch(since_1970),
            AnyUsage,
            None,
            None,
        )
        .map(drop)
        .map_err(|error| refusal(&error))
}

/// WebAuthn asks nothing of the extended key usage.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

fn refusal(error: &webpki::Error) -> Refusal {
    let time = |time: &UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    };
    match error {
        webpki::Error::UnknownIssuer => Refusal::UnknownRoot,
        webpki::Error::CertExpired { not_after, .. } => Refusal::Expired {
            not_after: time(not_after),
        },
        webpki::Error::CertNotValidYet { not_before, .. } => Refusal::NotValidYet {
            not_before: time(not_before),
        },
        webpki::Error::EndEntityUsedAsCa => Refusal::IssuerIsNoCa,
        other => Refusal::Path(other.to_string()),
    }
}

impl Root {
    fn read(der: CertificateDer<'static>) -> Result<Self, String> {
        let (_, certificate) =
            X509Certificate::from_der(&der).map_err(|error| error.to_string())?;
        let time = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX)
        };
        Ok(Self {
            subject: certificate.subject().to_string(),
            not_before: time(certificate.validity().not_before),
            not_after: time(certificate.validity().not_after),
            der,
        })
    }

    fn check_validity(&self, now: Timestamp) -> Result<Proof, Refusal> {
        if now < self.not_before {
            return Err(Refusal::NotValidYet {
                not_before: self.not_before,
            });
        }
        if now > self.not_after {
            return Err(Refusal::RootExpired {
                subject: self.subject.clone(),
                not_after: self.not_after,
            });
        }
        Ok(Proof::Root {
            subject: self.subject.clone(),
        })
    }
}
