//! Format `tpm`: a Trusted Platform Module certifies the credential's key.
//! WebAuthn Level 3 §8.3.
//!
//! SHA-1 (RS1) is believed here and nowhere else: the modules on sale sign with
//! it. What they sign they lay out themselves, with a counter and a clock of their
//! own in it, so a pair of colliding texts cannot be brought to them; certificates
//! on the path need SHA-256 all the same.

use super::{Evidence, Signed, packed};
use crate::attestation::{
    Refusal,
    certificate::{Certificate, Chain, Stated},
    key::{Hash, Scheme},
    refusal::CertificateFault,
};
use keysteward_core::{
    cbor::Raw,
    webauthn::{
        attestation::{
            Statement, TPM,
            tpm::{self, CertInfo, HashAlgorithm, PublicArea, TpmError},
        },
        cose::Algorithm,
    },
};
use thiserror::Error;
use x509_parser::{
    asn1_rs::{Oid, oid},
    extensions::{GeneralName, ParsedExtension},
    prelude::X509Version,
};

/// Why a `tpm` attestation proves nothing.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TpmFault {
    #[error("is of version {found:?}; allowed is \"2.0\"")]
    Version { found: String },
    #[error("proves nothing: {0}")]
    Structure(TpmError),
}

pub(super) fn evidence<'a>(
    att_stmt: Raw<'a>,
    signed: &Signed<'_>,
) -> Result<Evidence<'a>, Refusal> {
    let statement = Statement::parse(TPM, att_stmt).map_err(Refusal::Statement)?;
    let Statement::Tpm {
        ver,
        alg,
        sig,
        x5c,
        cert_info,
        pub_area,
    } = statement
    else {
        return Err(Refusal::Withdrawn {
            what: "ECDAA (format tpm with ecdaaKeyId)",
        });
    };
    if ver != tpm::VERSION {
        return Err(Refusal::Tpm(TpmFault::Version {
            found: ver.to_owned(),
        }));
    }
    let chain = Chain::read(x5c)?;
    let key = chain.leaf.key()?;
    let scheme = Scheme::of_cose(alg).filter(|_| key.signs(alg));
    let Some((scheme, _)) = scheme else {
        return Err(Refusal::SignatureAlgorithm {
            algorithm: alg.into(),
            key: key.to_string(),
        });
    };
    key.verify(scheme, cert_info, sig)
        .map_err(|_| Refusal::WrongSignature)?;
    check_structures(cert_info, pub_area, alg, signed)
        .map_err(|error| Refusal::Tpm(TpmFault::Structure(error)))?;
    check_certificate(&chain.leaf)?;
    packed::check_aaguid(&chain.leaf, signed.credential.aaguid)?;
    Ok(Evidence::Certified {
        chain,
        types: &["attca"],
        serial: None,
    })
}

fn check_structures(
    cert_info: &[u8],
    pub_area: &[u8],
    alg: Algorithm,
    signed: &Signed<'_>,
) -> Result<(), TpmError> {
    let cert_info = CertInfo::parse(cert_info)?;
    let pub_area = PublicArea::parse(pub_area)?;
    let credential = &signed.credential.public_key;
    let message = [signed.auth_data, signed.client_data_hash.as_slice()];
    let mut hash = |algorithm, parts: &[&[u8]]| {
        let hash = match algorithm {
            HashAlgorithm::Sha1 => Hash::Sha1,
            HashAlgorithm::Sha256 => Hash::Sha256,
            HashAlgorithm::Sha384 => Hash::Sha384,
            HashAlgorithm::Sha512 => Hash::Sha512,
            HashAlgorithm::Other(_) => return None,
        };
        tpm::Digest::from_slice(&hash.of(&parts.concat())).ok()
    };
    tpm::check(&cert_info, &pub_area, alg, credential, message, &mut hash).map(drop)
}

/// §8.3.1, but for the AAGUID. Who made the TPM is named; whether such a maker
/// exists is for the root to vouch for.
fn check_certificate(certificate: &Certificate<'_>) -> Result<(), Refusal> {
    let fault = |fault| Err(Refusal::Profile(fault));
    let x509 = &certificate.x509;
    if x509.version() != X509Version::V3 {
        return fault(CertificateFault::NotVersion3);
    }
    if x509.subject().iter().next().is_some() {
        return fault(CertificateFault::SubjectNotEmpty {
            found: certificate.subject(),
        });
    }
    for (what, oid) in [
        ("manufacturer", MANUFACTURER),
        ("model", MODEL),
        ("version", VERSION),
    ] {
        if !names(certificate, &oid) {
            return fault(CertificateFault::NoTpmName(what));
        }
    }
    let usage = x509
        .extended_key_usage()
        .map_err(|error| Refusal::Certificate(error.to_string()))?;
    if !usage.is_some_and(|usage| usage.value.other.contains(&AIK_CERTIFICATE)) {
        return fault(CertificateFault::NoTpmUsage);
    }
    certificate.check_no_ca(Stated::Needed)
}

/// Whether a directory name among the alternative ones has the attribute, not empty.
fn names(certificate: &Certificate<'_>, attribute: &Oid<'_>) -> bool {
    certificate.x509.extensions().iter().any(|extension| {
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else {
            return false;
        };
        names.general_names.iter().any(|name| {
            matches!(name, GeneralName::DirectoryName(name)
                if name.iter_by_oid(attribute).any(|found| !found.as_slice().is_empty()))
        })
    })
}

/// tcg-at-tpmManufacturer, -Model, -Version. TPM 2.0 EK Credential Profile §3.2.9.
const MANUFACTURER: Oid<'_> = oid!(2.23.133.2.1);
const MODEL: Oid<'_> = oid!(2.23.133.2.2);
const VERSION: Oid<'_> = oid!(2.23.133.2.3);
/// tcg-kp-AIKCertificate
const AIK_CERTIFICATE: Oid<'_> = oid!(2.23.133.8.3);
