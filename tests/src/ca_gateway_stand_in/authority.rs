//! The CA behind the gateway: an issuing CA under a root.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use rand::{RngCore, rngs::OsRng};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
    SubjectPublicKeyInfo,
};
use std::time::SystemTime;
use x509_parser::{
    asn1_rs::{Any, FromDer as _, TaggedExplicit},
    extensions::GeneralName,
    prelude::X509CertificationRequest,
};

/// Signs.
pub(super) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
}

/// What goes into a certificate.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// DER.
    pub(super) public_key: Vec<u8>,
    /// Type and value.
    pub(super) subject: Vec<(String, String)>,
    pub(super) alternative_names: Vec<SanType>,
    pub(super) days: u32,
}

/// A certificate, with its number in hexadecimal digits.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) serial: String,
    pub(super) der: Vec<u8>,
}

impl Authority {
    pub(super) fn new() -> Result<Self> {
        let params = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Stand-in");
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            params
        };
        let root = CertifiedIssuer::self_signed(params("Root"), KeyPair::generate()?)?;
        let mut below = params("Issuing CA");
        below.use_authority_key_identifier_extension = true;
        let issuing = CertifiedIssuer::signed_by(below, KeyPair::generate()?, &root)?;
        Ok(Self { root, issuing })
    }

    pub(super) fn certificate(&self) -> &[u8] {
        self.issuing.der()
    }

    pub(super) fn root(&self) -> &[u8] {
        self.root.der()
    }

    pub(super) fn sign(&self, order: &Order, now: Timestamp) -> Result<Signed> {
        let mut serial = [0; 8];
        OsRng.fill_bytes(&mut serial);
        serial[0] = serial[0] & 0x7F | 0x40;
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.distinguished_name = subject(&order.subject)?;
        params
            .subject_alt_names
            .clone_from(&order.alternative_names);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::EmailProtection,
        ];
        let days = SignedDuration::from_hours(24 * i64::from(order.days));
        params.not_before = SystemTime::from(now - SignedDuration::from_mins(1)).into();
        params.not_after = SystemTime::from(now + days).into();
        let key = SubjectPublicKeyInfo::from_der(&order.public_key)?;
        let certificate = params.signed_by(&key, &self.issuing)?;
        Ok(Signed {
            serial: hex::encode(serial),
            der: certificate.der().to_vec(),
        })
    }
}

/// The public key of a PKCS#10 in DER. Possession is always proven.
pub(super) fn public_key(request: &[u8]) -> Result<Vec<u8>> {
    let (rest, request) = X509CertificationRequest::from_der(request)
        .ok()
        .context("no PKCS#10")?;
    ensure!(rest.is_empty(), "bytes behind the PKCS#10");
    request
        .verify_signature()
        .ok()
        .context("a wrong signature")?;
    Ok(request.certification_request_info.subject_pki.raw.to_vec())
}

/// An alternative name by its type; one of type `otherName` comes in DER.
pub(super) fn alternative_name(kind: &str, value: &str, der: Option<&[u8]>) -> Result<SanType> {
    Ok(match kind {
        "rfc822Name" => SanType::Rfc822Name(value.try_into()?),
        "dNSName" => SanType::DnsName(value.try_into()?),
        "uniformResourceIdentifier" => SanType::URI(value.try_into()?),
        "otherName" => {
            let der = der.context("an otherName without its der")?;
            let (rest, name) = GeneralName::from_der(der).ok().context("no GeneralName")?;
            ensure!(rest.is_empty(), "bytes behind the GeneralName");
            let GeneralName::OtherName(oid, value) = name else {
                anyhow::bail!("another kind of name");
            };
            let (_, value) =
                TaggedExplicit::<Any<'_>, x509_parser::asn1_rs::Error, 0>::from_der(value)
                    .ok()
                    .context("no value")?;
            let text = std::str::from_utf8(value.into_inner().data)?.to_owned();
            let oid = oid.iter().context("a long object identifier")?.collect();
            SanType::OtherName((oid, text.into()))
        }
        other => anyhow::bail!("alternative names of type {other} are not known"),
    })
}

fn subject(variables: &[(String, String)]) -> Result<DistinguishedName> {
    let mut name = DistinguishedName::new();
    for (given, value) in variables {
        let kind = match given.to_ascii_lowercase().as_str() {
            "cn" => DnType::CommonName,
            "o" => DnType::OrganizationName,
            "ou" => DnType::OrganizationalUnitName,
            "c" => DnType::CountryName,
            "givenname" => DnType::CustomDnType(vec![2, 5, 4, 42]),
            "sn" => DnType::CustomDnType(vec![2, 5, 4, 4]),
            "emailaddress" => DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]),
            _ => anyhow::bail!("subject variables of type {given} are not known"),
        };
        name.push(kind, value.as_str());
    }
    Ok(name)
}
