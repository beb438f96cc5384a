//! What a CA answered, checked against what was asked. RFC 5280 sections 4 and
//! 6.1, as far as one certificate under a known CA needs them.

#[cfg(test)]
mod tests;

use super::{AlternativeName, AlternativeNameKind, Enrolment, Serial, SubjectAttribute};
use jiff::Timestamp;
use x509_cert::{der::Decode as _, name::Name};
use x509_parser::{
    asn1_rs::{Any, FromDer as _, Tag, TaggedExplicit},
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    x509::X509Name,
};

/// A certificate that is the one that was asked for: for the public key of the
/// request, with the names of the request, signed by the CA of the connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issued {
    certificate: Vec<u8>,
    chain: Vec<Vec<u8>>,
    serial: Serial,
    subject: String,
    issuer: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a certificate is not the one that was asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongCertificate {
    #[error("it is no X.509 certificate in DER")]
    Malformed,
    /// A CA's answer to somebody else's request.
    #[error("it is for another public key than the request")]
    OtherKey,
    #[error("its subject is {found:?}, without {wanted}")]
    Subject { wanted: String, found: String },
    #[error(
        "it does not hold the name {wanted}: let the profile take alternative names from the \
         request, or leave the field out of the template"
    )]
    AlternativeName { wanted: String },
    #[error("its issuer is {found:?}, and not the certification authority {expected:?}")]
    Issuer { expected: String, found: String },
    #[error("its signature is not by the key of {issuer:?}")]
    Signature { issuer: String },
    #[error("it says of itself that it is a certification authority")]
    Authority,
    #[error("it ended on {not_after}, before it was asked for")]
    Ended { not_after: Timestamp },
    /// Of the CA's own certificates.
    #[error("the certification authority shows no certificate of its own")]
    NoAuthority,
    #[error("the certificate of the certification authority {subject:?} cannot be used: {why}")]
    BadAuthority { subject: String, why: &'static str },
}

impl Issued {
    /// Checks a certificate. `chain` is what the CA says of itself: its own
    /// certificate first, then those above it, the root last where it is shown.
    ///
    /// # Errors
    /// See [`WrongCertificate`].
    pub fn verify(
        certificate: &[u8],
        chain: &[Vec<u8>],
        enrolment: &Enrolment,
    ) -> Result<Self, WrongCertificate> {
        let parsed = parse(certificate)?;
        if parsed.public_key().raw != enrolment.request.public_key() {
            return Err(WrongCertificate::OtherKey);
        }
        if parsed.is_ca() {
            return Err(WrongCertificate::Authority);
        }
        check_subject(&parsed, &enrolment.subject)?;
        check_alternative_names(&parsed, &enrolment.alternative_names)?;
        check_chain(&parsed, chain, enrolment.asked_at)?;
        let not_after = time(parsed.validity().not_after.timestamp())?;
        if not_after <= enrolment.asked_at {
            return Err(WrongCertificate::Ended { not_after });
        }
        Ok(Self {
            serial: Serial::from_bytes(parsed.raw_serial()),
            subject: distinguished_name(parsed.subject()),
            issuer: distinguished_name(parsed.issuer()),
            not_before: time(parsed.validity().not_before.timestamp())?,
            not_after,
            certificate: certificate.to_vec(),
            chain: chain.to_vec(),
        })
    }

    /// DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// DER: the CA's own certificate first.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// As RFC 4514 writes it.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// As RFC 4514 writes it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// The certificate's `SubjectPublicKeyInfo` in DER, and its serial number.
///
/// # Errors
/// It is none.
pub(crate) fn key_and_serial(certificate: &[u8]) -> Result<(Vec<u8>, Serial), WrongCertificate> {
    let parsed = parse(certificate)?;
    Ok((
        parsed.public_key().raw.to_vec(),
        Serial::from_bytes(parsed.raw_serial()),
    ))
}

/// A certificate's subject, for people to read; empty where there is none.
pub(crate) fn subject_of(certificate: &[u8]) -> String {
    parse(certificate).map_or_else(|_| String::new(), |parsed| parsed.subject().to_string())
}

/// RFC 5280 section 4.2.1.2.
pub(crate) fn subject_key_identifier(certificate: &[u8]) -> Option<Vec<u8>> {
    let parsed = parse(certificate).ok()?;
    parsed
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        })
}

fn parse(certificate: &[u8]) -> Result<X509Certificate<'_>, WrongCertificate> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(WrongCertificate::Malformed),
    }
}

/// The last part first, separators in values escaped: directories and CAs take
/// it as it is.
fn distinguished_name(name: &X509Name<'_>) -> String {
    Name::from_der(name.as_raw()).map_or_else(|_| name.to_string(), |name| name.to_string())
}

fn time(seconds: i64) -> Result<Timestamp, WrongCertificate> {
    Timestamp::from_second(seconds).map_err(|_| WrongCertificate::Malformed)
}

fn check_subject(
    certificate: &X509Certificate<'_>,
    wanted: &[SubjectAttribute],
) -> Result<(), WrongCertificate> {
    let subject = certificate.subject();
    match wanted.iter().find(|attribute| !has(subject, attribute)) {
        None => Ok(()),
        Some(attribute) => Err(WrongCertificate::Subject {
            wanted: attribute.to_string(),
            found: subject.to_string(),
        }),
    }
}

/// Under a name that is not known here the value may stand anywhere.
fn has(subject: &X509Name<'_>, wanted: &SubjectAttribute) -> bool {
    subject.iter_attributes().any(|attribute| {
        let this = match wanted.oid() {
            Some(oid) => attribute
                .attr_type()
                .iter()
                .is_some_and(|found| found.eq(oid.iter().copied())),
            None => true,
        };
        let text = |value: &str| folded(value) == folded(&wanted.value);
        this && match attribute.as_str() {
            Ok(value) => text(value),
            Err(_) => attribute
                .attr_value()
                .as_string()
                .is_ok_and(|value| text(&value)),
        }
    })
}

/// Names are equal without regard to case and repeated spaces: RFC 4518.
fn folded(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

fn check_alternative_names(
    certificate: &X509Certificate<'_>,
    wanted: &[AlternativeName],
) -> Result<(), WrongCertificate> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|_| WrongCertificate::Malformed)?;
    let names = extension
        .as_ref()
        .map_or(&[][..], |extension| &extension.value.general_names);
    for wanted in wanted {
        let found = names.iter().any(|name| match (wanted.kind, name) {
            (AlternativeNameKind::Upn, GeneralName::OtherName(oid, value)) => {
                let is_upn = oid.iter().is_some_and(|oid| oid.eq(UPN.iter().copied()));
                is_upn && utf8_in(value).is_some_and(|upn| folded(upn) == folded(&wanted.value))
            }
            (AlternativeNameKind::Mail, GeneralName::RFC822Name(found))
            | (AlternativeNameKind::Dns, GeneralName::DNSName(found)) => {
                found.eq_ignore_ascii_case(&wanted.value)
            }
            (AlternativeNameKind::Uri, GeneralName::URI(found)) => *found == wanted.value,
            _ => false,
        });
        if !found {
            let wanted = wanted.to_string();
            return Err(WrongCertificate::AlternativeName { wanted });
        }
    }
    Ok(())
}

/// `[0] EXPLICIT UTF8String`.
fn utf8_in(value: &[u8]) -> Option<&str> {
    let (rest, tagged) =
        TaggedExplicit::<Any<'_>, x509_parser::asn1_rs::Error, 0>::from_der(value).ok()?;
    let inner = tagged.into_inner();
    if !rest.is_empty() || inner.tag() != Tag::Utf8String {
        return None;
    }
    std::str::from_utf8(inner.data).ok()
}

fn check_chain(
    certificate: &X509Certificate<'_>,
    chain: &[Vec<u8>],
    asked_at: Timestamp,
) -> Result<(), WrongCertificate> {
    let authorities = chain
        .iter()
        .map(|der| parse(der))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| WrongCertificate::BadAuthority {
            subject: String::new(),
            why: "it is no X.509 certificate in DER",
        })?;
    if authorities.is_empty() {
        return Err(WrongCertificate::NoAuthority);
    }
    let mut signed = certificate;
    for authority in &authorities {
        let subject = authority.subject().to_string();
        if signed.issuer().as_raw() != authority.subject().as_raw() {
            return Err(WrongCertificate::Issuer {
                expected: subject,
                found: signed.issuer().to_string(),
            });
        }
        if !authority.is_ca() {
            let why = "it is not marked as a certification authority";
            return Err(WrongCertificate::BadAuthority { subject, why });
        }
        let usage = authority.key_usage().ok().flatten();
        if usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
            let why = "its key is not for signing certificates";
            return Err(WrongCertificate::BadAuthority { subject, why });
        }
        if time(authority.validity().not_after.timestamp())? <= asked_at {
            let why = "it has ended";
            return Err(WrongCertificate::BadAuthority { subject, why });
        }
        signed
            .verify_signature(Some(authority.public_key()))
            .map_err(|_| WrongCertificate::Signature { issuer: subject })?;
        signed = authority;
    }
    Ok(())
}

/// `szOID_NT_PRINCIPAL_NAME`: the user principal name in an otherName.
pub(crate) const UPN: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];
