//! Paths from an attestation certificate to a root. RFC 5280 §6.
//!
//! Our own, because the path check of a TLS library refuses what attestation
//! certificates have (critical certificate policies of TPMs, P-521), and looks at
//! no key usage. Names, signatures, validity, basic constraints, path length, key
//! usage and critical extensions are checked; policies and names are not
//! constrained, and a certificate that constrains them critically is refused.
//! Nothing is fetched, so nothing is known of revocation but what the metadata say.

use super::{
    Refusal,
    certificate::{Certificate, Chain},
    key::Scheme,
    trust::Root,
};
use jiff::Timestamp;
use x509_parser::prelude::X509Version;

/// The root that the chain leads to.
pub(super) fn check<'r>(
    chain: &Chain<'_>,
    roots: impl Iterator<Item = &'r Root> + Clone,
    now: Timestamp,
) -> Result<&'r Root, Refusal> {
    let mut refused = Refusal::UnknownRoot;
    let certificates: Vec<&Certificate<'_>> = chain.iter().collect();
    // CAs met that are not self-issued.
    let mut below = 0;
    for (at, certificate) in certificates.iter().enumerate() {
        if let Some(root) = roots.clone().find(|root| root.is(certificate)) {
            root.check_validity(now)?;
            if at > 0 {
                check_root(certificate, below)?;
            }
            return Ok(root);
        }
        check_itself(certificate, now)?;
        if at > 0 {
            check_issuer(certificate, below)?;
            if !certificate.is_self_issued() {
                below += 1;
            }
        }
        for root in roots.clone().filter(|root| root.issued(certificate)) {
            match by_root(certificate, root, below, now) {
                Ok(()) => return Ok(root),
                // Another one may have the same name.
                Err(refusal) => refused = refusal,
            }
        }
        if let Some(issuer) = certificates.get(at + 1) {
            check_issued(certificate, issuer)?;
        }
    }
    Err(refused)
}

fn check_itself(certificate: &Certificate<'_>, now: Timestamp) -> Result<(), Refusal> {
    if now < certificate.not_before() {
        return Err(Refusal::NotValidYet {
            subject: certificate.subject(),
            not_before: certificate.not_before(),
        });
    }
    if now > certificate.not_after() {
        return Err(Refusal::Expired {
            subject: certificate.subject(),
            not_after: certificate.not_after(),
        });
    }
    match certificate.not_understood() {
        None => Ok(()),
        Some(extension) => Err(Refusal::CriticalExtension {
            subject: certificate.subject(),
            oid: extension.oid.to_string(),
        }),
    }
}

/// What whoever issues others must be; `below` CAs came before it.
fn check_issuer(certificate: &Certificate<'_>, below: usize) -> Result<(), Refusal> {
    let subject = || certificate.subject();
    let constraints = certificate
        .basic_constraints()?
        .filter(|constraints| constraints.ca)
        .ok_or_else(|| Refusal::IssuerIsNoCa { subject: subject() })?;
    if let Some(allowed) = constraints.path_len_constraint
        && below > usize::try_from(allowed).unwrap_or(usize::MAX)
    {
        return Err(Refusal::PathTooLong {
            subject: subject(),
            allowed,
            found: below,
        });
    }
    match certificate.key_usage()? {
        Some(usage) if !usage.key_cert_sign() => {
            Err(Refusal::IssuerKeyUsage { subject: subject() })
        }
        _ => Ok(()),
    }
}

fn check_issued(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<(), Refusal> {
    if certificate.x509.issuer().as_raw() != issuer.x509.subject().as_raw() {
        return Err(Refusal::ChainOrder {
            subject: certificate.subject(),
            issuer: certificate.x509.issuer().to_string(),
            found: issuer.subject(),
        });
    }
    check_signature(certificate, issuer)
}

fn by_root(
    certificate: &Certificate<'_>,
    root: &Root,
    below: usize,
    now: Timestamp,
) -> Result<(), Refusal> {
    let issuer = root.certificate()?;
    check_signature(certificate, &issuer)?;
    root.check_validity(now)?;
    check_root(&issuer, below)
}

/// A root may be a certificate that stands for itself alone, and then issues nothing.
fn check_root(root: &Certificate<'_>, below: usize) -> Result<(), Refusal> {
    // Before version 3 a CA had no place to say that it is one.
    if root.x509.version() != X509Version::V3 && root.is_self_issued() {
        return Ok(());
    }
    check_issuer(root, below)
}

fn check_signature(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<(), Refusal> {
    let signed = &certificate.x509;
    let subject = certificate.subject();
    let scheme = Scheme::of_certificate(&signed.signature_algorithm)
        .filter(|_| signed.signature_algorithm == signed.tbs_certificate.signature);
    let Some(scheme) = scheme else {
        return Err(Refusal::PathAlgorithm {
            subject,
            algorithm: signed.signature_algorithm.algorithm.to_string(),
        });
    };
    // Whole bytes: what else it says in its first would not be signed.
    if signed.signature_value.unused_bits != 0 {
        return Err(Refusal::PathSignature { subject });
    }
    issuer
        .key()?
        .verify(
            scheme,
            signed.tbs_certificate.as_ref(),
            &signed.signature_value.data,
        )
        .map(drop)
        .map_err(|_| Refusal::PathSignature { subject })
}
