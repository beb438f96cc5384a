//! A certificate for a key on a token: pure. RFC 5280 section 4.

use super::profile::Kind;
use crate::connector::ca::{
    AlternativeName, AlternativeNameKind, Enrolment, Serial, SubjectAttribute, Why, issued::UPN,
};
use jiff::Timestamp;
use rcgen::{
    CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName, DnType, DnValue,
    IsCa, Issuer, KeyPair, PublicKeyData as _, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use std::time::SystemTime;
use x509_cert::{
    der::{Encode as _, asn1::Ia5String, oid::ObjectIdentifier},
    ext::pkix::{AccessDescription, AuthorityInfoAccessSyntax, name::GeneralName},
};

/// What is decided by the CA, and not by the request.
pub(super) struct Frame<'a> {
    pub(super) serial: &'a Serial,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// Where the revocation list, the responder and the CA's certificate are.
    pub(super) publish_url: &'a str,
}

/// Signs for the public key of the request, with the names of the enrolment.
pub(super) fn sign(
    kind: Kind,
    enrolment: &Enrolment,
    frame: &Frame<'_>,
    issuer: &Issuer<'static, KeyPair>,
) -> Result<Vec<u8>, Why> {
    let key = SubjectPublicKeyInfo::from_der(enrolment.request.public_key()).map_err(|_| {
        Why::Unusable {
            field: "public key",
            found: "a key of another kind".to_owned(),
            allowed: "RSA, P-256, P-384 or Ed25519".to_owned(),
        }
    })?;
    let rsa = key.algorithm() == &rcgen::PKCS_RSA_SHA256;
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(frame.serial.as_bytes()));
    params.not_before = SystemTime::from(frame.not_before).into();
    params.not_after = SystemTime::from(frame.not_after).into();
    params.distinguished_name = subject(&enrolment.subject)?;
    params.subject_alt_names = enrolment
        .alternative_names
        .iter()
        .map(alternative_name)
        .collect::<Result<_, _>>()?;
    // Brings the subject key identifier too.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = kind.key_usages(rsa);
    params.extended_key_usages = kind.extended_key_usages();
    params.use_authority_key_identifier_extension = true;
    params.crl_distribution_points = vec![CrlDistributionPoint {
        uris: vec![format!("{}/crl", frame.publish_url)],
    }];
    params.custom_extensions = vec![authority_information(frame.publish_url)?];
    let certificate = params.signed_by(&key, issuer).map_err(making)?;
    Ok(certificate.der().to_vec())
}

fn subject(attributes: &[SubjectAttribute]) -> Result<DistinguishedName, Why> {
    let mut name = DistinguishedName::new();
    for attribute in attributes {
        let unusable = |allowed: &str| Why::Unusable {
            field: "subject",
            found: attribute.to_string(),
            allowed: allowed.to_owned(),
        };
        let oid = attribute
            .oid()
            .ok_or_else(|| unusable("an attribute such as cn, o, ou, givenName, sn"))?;
        let kind = DnType::from_oid(oid);
        if name.get(&kind).is_some() {
            return Err(unusable("each attribute once"));
        }
        let text = attribute.value.as_str();
        let value = match oid {
            COUNTRY if text.len() == 2 => text.try_into().map(DnValue::PrintableString),
            COUNTRY => return Err(unusable("a country in two letters")),
            SERIAL_NUMBER => text.try_into().map(DnValue::PrintableString),
            EMAIL | DOMAIN_COMPONENT => text.try_into().map(DnValue::Ia5String),
            _ => Ok(DnValue::Utf8String(text.to_owned())),
        };
        name.push(kind, value.map_err(|_| unusable("plain ASCII text"))?);
    }
    Ok(name)
}

fn alternative_name(name: &AlternativeName) -> Result<SanType, Why> {
    let text = name.value.as_str();
    match name.kind {
        AlternativeNameKind::Upn => return Ok(SanType::OtherName((UPN.to_vec(), text.into()))),
        AlternativeNameKind::Mail => text.try_into().map(SanType::Rfc822Name),
        AlternativeNameKind::Dns => text.try_into().map(SanType::DnsName),
        AlternativeNameKind::Uri => text.try_into().map(SanType::URI),
    }
    .map_err(|_| Why::Unusable {
        field: "alternative name",
        found: name.to_string(),
        allowed: "plain ASCII text".to_owned(),
    })
}

/// RFC 5280 section 4.2.2.1.
fn authority_information(publish_url: &str) -> Result<CustomExtension, Why> {
    let access = |method: &str, path: &str| -> Result<_, x509_cert::der::Error> {
        Ok(AccessDescription {
            access_method: ObjectIdentifier::new(method)?,
            access_location: GeneralName::UniformResourceIdentifier(Ia5String::new(&format!(
                "{publish_url}/{path}"
            ))?),
        })
    };
    let encode = || -> Result<Vec<u8>, x509_cert::der::Error> {
        AuthorityInfoAccessSyntax(vec![access(OCSP, "ocsp")?, access(CA_ISSUERS, "ca.cer")?])
            .to_der()
    };
    let content = encode().map_err(|error| Why::Making(error.to_string()))?;
    Ok(CustomExtension::from_oid_content(
        &AUTHORITY_INFO_ACCESS,
        content,
    ))
}

pub(super) fn making(error: rcgen::Error) -> Why {
    Why::Making(error.to_string())
}

const COUNTRY: &[u64] = &[2, 5, 4, 6];
const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5];
const EMAIL: &[u64] = &[1, 2, 840, 113_549, 1, 9, 1];
const DOMAIN_COMPONENT: &[u64] = &[0, 9, 2342, 19_200_300, 100, 1, 25];
const AUTHORITY_INFO_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];
const OCSP: &str = "1.3.6.1.5.5.7.48.1";
const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
