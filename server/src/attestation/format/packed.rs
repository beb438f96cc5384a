//! Format `packed`. WebAuthn Level 3 §8.2.

use super::{Evidence, MAKER, Signed, verify};
use crate::attestation::{
    Refusal,
    certificate::{Certificate, Chain, Stated},
    refusal::CertificateFault,
};
use keysteward_core::{
    cbor::Raw,
    webauthn::attestation::{PACKED, Statement},
};
use uuid::Uuid;
use x509_parser::{
    asn1_rs::{FromDer as _, OctetString, Oid, oid},
    prelude::X509Version,
    x509::AttributeTypeAndValue,
};

pub(super) fn evidence<'a>(
    att_stmt: Raw<'a>,
    signed: &Signed<'_>,
) -> Result<Evidence<'a>, Refusal> {
    let statement = Statement::parse(PACKED, att_stmt).map_err(Refusal::Statement)?;
    let Statement::Packed { alg, sig, x5c } = statement else {
        return Err(Refusal::Withdrawn {
            what: "ECDAA (format packed with ecdaaKeyId)",
        });
    };
    let Some(x5c) = x5c else {
        return by_itself(alg, sig, signed);
    };
    let chain = Chain::read(x5c)?;
    verify(&chain.leaf.key()?, alg, &signed.message(), sig)?;
    check_certificate(&chain.leaf)?;
    check_aaguid(&chain.leaf, signed.credential.aaguid)?;
    let serial = serial(&chain.leaf)?;
    Ok(Evidence::Certified {
        chain,
        types: MAKER,
        serial,
    })
}

fn by_itself<'a>(
    alg: keysteward_core::webauthn::cose::Algorithm,
    sig: &[u8],
    signed: &Signed<'_>,
) -> Result<Evidence<'a>, Refusal> {
    let credential = signed.credential.public_key.algorithm();
    if alg != credential {
        return Err(Refusal::SelfAlgorithm {
            statement: alg.into(),
            credential: credential.into(),
        });
    }
    let key = signed.credential_key.ok_or(Refusal::UnusablePublicKey {
        algorithm: credential.into(),
    })?;
    verify(key, alg, &signed.message(), sig).map(Evidence::Itself)
}

/// §8.2.1, but for the AAGUID.
fn check_certificate(certificate: &Certificate<'_>) -> Result<(), Refusal> {
    let fault = |fault| Err(Refusal::Profile(fault));
    if certificate.x509.version() != X509Version::V3 {
        return fault(CertificateFault::NotVersion3);
    }
    let subject = certificate.x509.subject();
    let country = text(subject.iter_country().next());
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return fault(CertificateFault::NoCountry);
    }
    if text(subject.iter_organization().next()).is_empty() {
        return fault(CertificateFault::NoOrganization);
    }
    let unit = text(subject.iter_organizational_unit().next());
    if unit != ORGANIZATIONAL_UNIT {
        return fault(CertificateFault::OrganizationalUnit {
            found: unit.to_owned(),
        });
    }
    if text(subject.iter_common_name().next()).is_empty() {
        return fault(CertificateFault::NoCommonName);
    }
    certificate.check_no_ca(Stated::Needed)
}

/// That the certificate is for the credential's model; a root of one model needs
/// no AAGUID in its certificates.
pub(super) fn check_aaguid(
    certificate: &Certificate<'_>,
    aaguid: &[u8; 16],
) -> Result<(), Refusal> {
    let fault = |fault| Err(Refusal::Profile(fault));
    let Some(extension) = certificate.extension(&FIDO_GEN_CE_AAGUID)? else {
        return Ok(());
    };
    if extension.critical {
        return fault(CertificateFault::AaguidCritical);
    }
    match nested(extension.value).and_then(|found| <[u8; 16]>::try_from(found).ok()) {
        None => fault(CertificateFault::AaguidUnreadable),
        Some(found) if found != *aaguid => fault(CertificateFault::OtherAaguid {
            certificate: Uuid::from_bytes(found),
            credential: Uuid::from_bytes(*aaguid),
        }),
        Some(_) => Ok(()),
    }
}

/// §8.2.2: which device it is, where enterprise attestation was asked for.
fn serial(certificate: &Certificate<'_>) -> Result<Option<Vec<u8>>, Refusal> {
    let Some(extension) = certificate.extension(&FIDO_GEN_CE_SERNUM)? else {
        return Ok(None);
    };
    if extension.critical {
        return Err(Refusal::Profile(CertificateFault::SerialCritical));
    }
    match nested(extension.value) {
        Some(serial) if !serial.is_empty() => Ok(Some(serial.to_vec())),
        _ => Err(Refusal::Profile(CertificateFault::SerialUnreadable)),
    }
}

/// The OCTET STRING in the OCTET STRING that every extension is.
fn nested(value: &[u8]) -> Option<&[u8]> {
    match OctetString::from_der(value) {
        Ok(([], inner)) => value.get(value.len() - inner.as_ref().len()..),
        _ => None,
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
const FIDO_GEN_CE_SERNUM: Oid<'_> = oid!(1.3.6.1.4.1.45724.1.1.2);
