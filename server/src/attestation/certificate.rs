//! X.509 certificates as attestations carry them. RFC 5280 §4.

use super::{Refusal, key::Key, refusal::CertificateFault};
use jiff::Timestamp;
use keysteward_core::cbor::List;
use x509_parser::{
    asn1_rs::Oid,
    certificate::X509Certificate,
    extensions::{BasicConstraints, KeyUsage, ParsedExtension, X509Extension},
    prelude::FromDer,
    time::ASN1Time,
};

/// A readable certificate. Nothing is believed of it yet.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    der: &'a [u8],
    pub(super) x509: X509Certificate<'a>,
}

/// The signer's first, each certified by the next.
#[derive(Clone, Debug)]
pub(super) struct Chain<'a> {
    pub(super) leaf: Certificate<'a>,
    pub(super) issuers: Vec<Certificate<'a>>,
}

impl<'a> Chain<'a> {
    pub(super) fn read(x5c: List<'a, &'a [u8]>) -> Result<Self, Refusal> {
        Self::parse(&x5c.iter().take(LONGEST_CHAIN + 1).collect::<Vec<_>>())
    }

    pub(super) fn parse(der: &[&'a [u8]]) -> Result<Self, Refusal> {
        if der.len() > LONGEST_CHAIN {
            return Err(Refusal::ChainTooLong {
                longest: LONGEST_CHAIN,
            });
        }
        let mut certificates = der.iter().map(|der| Certificate::parse(der));
        let leaf = certificates.next().ok_or(Refusal::NoCertificate)??;
        let issuers = certificates.collect::<Result<_, _>>()?;
        Ok(Self { leaf, issuers })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Certificate<'a>> {
        core::iter::once(&self.leaf).chain(&self.issuers)
    }
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, Refusal> {
        match X509Certificate::from_der(der) {
            Ok(([], x509)) => Ok(Self { der, x509 }),
            Ok((rest, _)) => Err(Refusal::Certificate(format!(
                "{} bytes follow it",
                rest.len()
            ))),
            Err(error) => Err(Refusal::Certificate(error.to_string())),
        }
    }

    pub(super) const fn der(&self) -> &'a [u8] {
        self.der
    }

    pub(super) fn key(&self) -> Result<Key, Refusal> {
        Key::of_certificate(self.x509.public_key()).map_err(Refusal::UnsupportedCertificateKey)
    }

    pub(super) fn subject(&self) -> String {
        self.x509.subject().to_string()
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.x509.subject().as_raw() == self.x509.issuer().as_raw()
    }

    pub(super) fn not_before(&self) -> Timestamp {
        timestamp(self.x509.validity().not_before)
    }

    pub(super) fn not_after(&self) -> Timestamp {
        timestamp(self.x509.validity().not_after)
    }

    pub(super) fn basic_constraints(&self) -> Result<Option<&BasicConstraints>, Refusal> {
        let found = self.x509.basic_constraints().map_err(unreadable)?;
        Ok(found.map(|extension| extension.value))
    }

    pub(super) fn key_usage(&self) -> Result<Option<&KeyUsage>, Refusal> {
        let found = self.x509.key_usage().map_err(unreadable)?;
        Ok(found.map(|extension| extension.value))
    }

    /// An extension that stands there once.
    pub(super) fn extension(&self, oid: &Oid<'_>) -> Result<Option<&X509Extension<'a>>, Refusal> {
        self.x509.get_extension_unique(oid).map_err(unreadable)
    }

    /// Those that are critical and that nobody here understands, or that do not parse.
    pub(super) fn not_understood(&self) -> Option<&X509Extension<'a>> {
        self.x509.extensions().iter().find(|extension| {
            extension.critical
                && !matches!(
                    extension.parsed_extension(),
                    ParsedExtension::BasicConstraints(_)
                        | ParsedExtension::KeyUsage(_)
                        | ParsedExtension::ExtendedKeyUsage(_)
                        | ParsedExtension::SubjectAlternativeName(_)
                        // Any policy will do; whoever constrains them is refused.
                        | ParsedExtension::CertificatePolicies(_)
                )
        })
    }

    /// Of an end entity: what every format demands.
    pub(super) fn check_no_ca(&self, stated: Stated) -> Result<(), Refusal> {
        let fault = |fault| Err(Refusal::Profile(fault));
        match self.basic_constraints()? {
            Some(constraints) if constraints.ca => fault(CertificateFault::IsCa),
            None if stated == Stated::Needed => fault(CertificateFault::NoBasicConstraints),
            _ => Ok(()),
        }
    }
}

/// Whether a certificate must say that it is no CA's, or may leave it out
/// (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stated {
    Needed,
    Assumed,
}

fn unreadable(error: x509_parser::error::X509Error) -> Refusal {
    Refusal::Certificate(error.to_string())
}

fn timestamp(time: ASN1Time) -> Timestamp {
    Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX)
}

/// Android's remotely provisioned keys come with five.
const LONGEST_CHAIN: usize = 8;
