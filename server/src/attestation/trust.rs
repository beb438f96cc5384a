//! Whom a token type believes: its own roots, the server's truststore, the FIDO
//! metadata, and what it accepts without a root.

use super::{
    Proof, Refusal,
    certificate::{Certificate, Chain},
    format::Evidence,
    metadata::{Entry, Listed, Metadata},
    path,
};
use jiff::Timestamp;
use keysteward_core::webauthn::attestation::{NONE, PACKED};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::sync::Arc;
use thiserror::Error;

/// What the attestation of a token type must lead to.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    roots: Vec<Root>,
    unrooted: Unrooted,
    metadata: Option<Arc<Metadata>>,
}

/// What is accepted without a path to a root.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Unrooted {
    /// Format `none`.
    pub none: bool,
    /// Self attestation.
    pub itself: bool,
}

/// A certificate that is believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Root {
    der: CertificateDer<'static>,
    /// As it stands in the certificate.
    name: Vec<u8>,
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
            let found = Root::read_pem(text.as_ref().as_bytes())
                .map_err(|why| RootError::Unreadable { number, why })?;
            if found.is_empty() {
                return Err(RootError::Empty { number });
            }
            read.extend(found);
        }
        Ok(Self {
            roots: read,
            unrooted,
            metadata: None,
        })
    }

    /// Believes these too.
    #[must_use]
    pub fn with_roots(mut self, roots: &[Root]) -> Self {
        self.roots.extend_from_slice(roots);
        self
    }

    /// Those that are believed whatever the model.
    #[must_use]
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Asks the metadata about each model: for roots, and whether it was broken.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Arc<Metadata>) -> Self {
        self.metadata = Some(metadata);
        self
    }

    pub(super) fn accept(
        &self,
        evidence: &Evidence<'_>,
        aaguid: &[u8; 16],
        now: Timestamp,
    ) -> Result<(Proof, Option<Listed>), Refusal> {
        let entry = match &self.metadata {
            None => None,
            Some(metadata) => {
                metadata.check_fresh(now)?;
                metadata.find(aaguid, evidence.chain().map(|chain| &chain.leaf))
            }
        };
        let root = match evidence {
            Evidence::Certified { chain, .. } => Some(self.root_of(chain, entry, aaguid, now)?),
            Evidence::Nothing | Evidence::Itself(_) => None,
        };
        let listed = entry
            .map(|entry| entry.check(evidence, root, now))
            .transpose()?;
        let unrooted = |format, found| Err(Refusal::NotRooted { format, found });
        let proof = match (evidence, root) {
            (_, Some(root)) => Proof::Root {
                subject: root.subject.clone(),
            },
            (Evidence::Itself(_), None) if self.unrooted.itself => Proof::Itself,
            (Evidence::Itself(_), None) => return unrooted(PACKED, "only itself"),
            (_, None) if self.unrooted.none => Proof::Nothing,
            (_, None) => return unrooted(NONE, "nothing"),
        };
        Ok((proof, listed))
    }

    fn root_of<'t>(
        &'t self,
        chain: &Chain<'_>,
        entry: Option<&'t Entry>,
        aaguid: &[u8; 16],
        now: Timestamp,
    ) -> Result<&'t Root, Refusal> {
        let of_model = entry.map_or(&[][..], |entry| &entry.roots);
        let roots = self.roots.iter().chain(of_model);
        path::check(chain, roots, now).map_err(|refusal| match refusal {
            Refusal::UnknownRoot if self.metadata.is_some() && entry.is_none() => {
                Refusal::NotInMetadata {
                    model: model(aaguid, chain),
                }
            }
            other => other,
        })
    }
}

fn model(aaguid: &[u8; 16], chain: &Chain<'_>) -> String {
    if *aaguid == [0; 16] {
        format!(
            "a key whose certificate has the key identifier {}",
            Metadata::key_identifier(&chain.leaf)
        )
    } else {
        format!("model {}", uuid::Uuid::from_bytes(*aaguid))
    }
}

impl Root {
    /// Every certificate of a PEM text.
    ///
    /// # Errors
    /// Says what is wrong with the first that does not parse.
    pub fn read_pem(text: &[u8]) -> Result<Vec<Self>, String> {
        CertificateDer::pem_slice_iter(text)
            .map(|der| {
                der.map_err(|error| error.to_string())
                    .and_then(|der| Self::read(der).map_err(|refusal| refusal.to_string()))
            })
            .collect()
    }

    pub(super) fn read(der: CertificateDer<'static>) -> Result<Self, Refusal> {
        let certificate = Certificate::parse(&der)?;
        let (name, subject) = (
            certificate.x509.subject().as_raw().to_vec(),
            certificate.subject(),
        );
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        Ok(Self {
            der,
            name,
            subject,
            not_before,
            not_after,
        })
    }

    /// As an administrator reads it.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn certificate(&self) -> Result<Certificate<'_>, Refusal> {
        Certificate::parse(&self.der)
    }

    /// Whether it is this very certificate.
    pub(super) fn is(&self, certificate: &Certificate<'_>) -> bool {
        self.der.as_ref() == certificate.der()
    }

    /// Whether the certificate names it as its issuer.
    pub(super) fn issued(&self, certificate: &Certificate<'_>) -> bool {
        certificate.x509.issuer().as_raw() == self.name
    }

    /// The RFC leaves the validity of roots open; we do not.
    pub(super) fn check_validity(&self, now: Timestamp) -> Result<(), Refusal> {
        if now < self.not_before {
            return Err(Refusal::NotValidYet {
                subject: self.subject.clone(),
                not_before: self.not_before,
            });
        }
        if now > self.not_after {
            return Err(Refusal::RootExpired {
                subject: self.subject.clone(),
                not_after: self.not_after,
            });
        }
        Ok(())
    }
}
