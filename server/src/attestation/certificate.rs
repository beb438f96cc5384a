//! Attestation certificates. WebAuthn Level 3 §8.2.1 (packed) and §8.6 (U2F).

use super::{ProfileFault, Refusal};
use keysteward_core::webauthn::cose::PublicKey;
use uuid::Uuid;
use x509_parser::{
    asn1_rs::{Oid, oid},
    certificate::X509Certificate,
    prelude::{FromDer, X509Version},
    x509::AttributeTypeAndValue,
};

/// The key of an attestation certificate.
pub(super) enum Key {
    P256 { x: [u8; 32], y: [u8; 32] },
    Ed25519([u8; 32]),
}

impl Key {
    pub(super) const fn as_cose(&self) -> PublicKey<'_> {
        match self {
            Self::P256 { x, y } => PublicKey::Es256 { x, y },
            Self::Ed25519(x) => PublicKey::Ed25519 { x },
        }
    }
}

pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Refusal> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok((rest, _)) => Err(Refusal::Certificate(format!(
            "{} bytes follow it",
            rest.len()
        ))),
        Err(error) => Err(Refusal::Certificate(error.to_string())),
    }
}

pub(super) fn key(certificate: &X509Certificate<'_>) -> Result<Key, Refusal> {
    let spki = certificate.public_key();
    let bits: &[u8] = &spki.subject_public_key.data;
    let kind = &spki.algorithm.algorithm;
    let curve = spki
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.as_oid().ok());
    let key = if *kind == EC_PUBLIC_KEY && curve == Some(PRIME256V1) {
        uncompressed(bits).map(|(x, y)| Key::P256 { x, y })
    } else if *kind == ED25519 {
        bits.try_into().ok().map(Key::Ed25519)
    } else {
        None
    };
    key.ok_or_else(|| {
        let curve = curve.map(|curve| format!(" {curve}")).unwrap_or_default();
        Refusal::UnsupportedCertificateKey(format!("{kind}{curve}"))
    })
}

fn uncompressed(point: &[u8]) -> Option<([u8; 32], [u8; 32])> {
    let (&[tag], coordinates) = point.split_first_chunk()?;
    let (x, y) = coordinates.split_first_chunk()?;
    (tag == 0x04).then_some((*x, y.try_into().ok()?))
}

/// WebAuthn Level 3 §8.2.1, and that the AAGUID is the credential's (§8.2).
pub(super) fn check_packed(
    certificate: &X509Certificate<'_>,
    aaguid: &[u8; 16],
) -> Result<(), Refusal> {
    let fault = |fault| Err(Refusal::Profile(fault));
    if certificate.version() != X509Version::V3 {
        return fault(ProfileFault::NotVersion3);
    }
    let subject = certificate.subject();
    let country = text(subject.iter_country().next());
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return fault(ProfileFault::NoCountry);
    }
    if text(subject.iter_organization().next()).is_empty() {
        return fault(ProfileFault::NoOrganization);
    }
    let unit = text(subject.iter_organizational_unit().next());
    if unit != ORGANIZATIONAL_UNIT {
        return fault(ProfileFault::OrganizationalUnit {
            found: unit.to_owned(),
        });
    }
    if text(subject.iter_common_name().next()).is_empty() {
        return fault(ProfileFault::NoCommonName);
    }
    if check_end_entity(certificate)? == EndEntity::Assumed {
        return fault(ProfileFault::NoBasicConstraints);
    }
    check_aaguid(certificate, aaguid)
}

/// How it is known that a certificate is no CA's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum EndEntity {
    /// Its basic constraints say so.
    Stated,
    /// It has none (RFC 5280 section 4.2.1.9).
    Assumed,
}

pub(super) fn check_end_entity(certificate: &X509Certificate<'_>) -> Result<EndEntity, Refusal> {
    let constraints = certificate
        .basic_constraints()
        .map_err(|error| Refusal::Certificate(error.to_string()))?;
    match constraints {
        Some(constraints) if constraints.value.ca => Err(Refusal::Profile(ProfileFault::IsCa)),
        Some(_) => Ok(EndEntity::Stated),
        None => Ok(EndEntity::Assumed),
    }
}

fn check_aaguid(certificate: &X509Certificate<'_>, aaguid: &[u8; 16]) -> Result<(), Refusal> {
    let extension = certificate
        .get_extension_unique(&FIDO_GEN_CE_AAGUID)
        .map_err(|error| Refusal::Certificate(error.to_string()))?;
    // A root of one model needs no AAGUID in its certificates.
    let Some(extension) = extension else {
        return Ok(());
    };
    let fault = |fault| Err(Refusal::Profile(fault));
    if extension.critical {
        return fault(ProfileFault::AaguidCritical);
    }
    let Some((&OCTET_STRING_OF_16, found)) = extension.value.split_first_chunk() else {
        return fault(ProfileFault::AaguidUnreadable);
    };
    match <[u8; 16]>::try_from(found) {
        Err(_) => fault(ProfileFault::AaguidUnreadable),
        Ok(found) if found != *aaguid => fault(ProfileFault::OtherAaguid {
            certificate: Uuid::from_bytes(found),
            credential: Uuid::from_bytes(*aaguid),
        }),
        Ok(_) => Ok(()),
    }
}

/// Empty where there is none, or none in letters.
fn text<'a>(attribute: Option<&'a AttributeTypeAndValue<'a>>) -> &'a str {
    attribute
        .and_then(|attribute| attribute.as_str().ok())
        .unwrap_or_default()
}

const ORGANIZATIONAL_UNIT: &str = "Authenticator Attestation";
const FIDO_GEN_CE_AAGUID: Oid<'_> = oid!(1.3.6.1.4.1.45724.1.1.4);
const OCTET_STRING_OF_16: [u8; 2] = [0x04, 0x10];
const EC_PUBLIC_KEY: Oid<'_> = oid!(1.2.840.10045.2.1);
const PRIME256V1: Oid<'_> = oid!(1.2.840.10045.3.1.7);
const ED25519: Oid<'_> = oid!(1.3.101.112);
