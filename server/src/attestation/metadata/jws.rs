//! The envelope of the metadata: a JSON Web Signature in compact form, with its
//! certificates in the header. RFC 7515, and RFC 7518 §3.3 and §3.4.

use super::{MetadataFault, Signer};
use crate::attestation::{
    certificate::{Certificate, Chain, Stated},
    key::{Curve, Hash, Key, Scheme},
    path,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use serde::Deserialize;
use x509_parser::extensions::GeneralName;

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    x5c: Vec<String>,
    x5u: Option<String>,
    #[serde(default)]
    crit: Vec<String>,
}

/// The payload, once it is known who signed it.
pub(super) fn verify(
    blob: &[u8],
    signer: Signer<'_>,
    now: Timestamp,
) -> Result<Vec<u8>, MetadataFault> {
    let blob = blob.trim_ascii();
    let parts: Vec<&[u8]> = blob.split(|byte| *byte == b'.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err(MetadataFault::NotJws { found: parts.len() });
    };
    let header: Header = serde_json::from_slice(&decode("header", header)?).map_err(|error| {
        MetadataFault::Header {
            why: error.to_string(),
        }
    })?;
    if !header.crit.is_empty() {
        return Err(MetadataFault::Critical { found: header.crit });
    }
    if let Some(url) = header.x5u.filter(|_| header.x5c.is_empty()) {
        return Err(MetadataFault::RemoteCertificates { url });
    }
    let mut certificates = Vec::with_capacity(header.x5c.len());
    for (index, text) in header.x5c.iter().enumerate() {
        certificates.push(STANDARD.decode(text).map_err(|error| {
            MetadataFault::CertificateBase64 {
                number: index + 1,
                why: error.to_string(),
            }
        })?);
    }
    let der: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let chain = Chain::parse(&der).map_err(MetadataFault::Path)?;
    path::check(&chain, signer.roots.iter(), now).map_err(MetadataFault::Path)?;
    let leaf = &chain.leaf;
    leaf.check_no_ca(Stated::Assumed)
        .map_err(MetadataFault::Path)?;
    let names = names(leaf);
    if !names.iter().any(|name| name == signer.name) {
        return Err(MetadataFault::Signer {
            found: names,
            allowed: signer.name.to_owned(),
        });
    }
    let key = leaf.key().map_err(MetadataFault::Path)?;
    let signature = decode("signature", signature)?;
    let (scheme, signature) = read_signature(&header.alg, &key, signature)?;
    // Both parts, with the dot between them.
    let signed = blob.rsplitn(2, |byte| *byte == b'.').last();
    key.verify(scheme, signed.unwrap_or_default(), &signature)
        .map_err(|_| MetadataFault::WrongSignature)?;
    decode("payload", payload)
}

/// In JWS an ECDSA signature is two integers of fixed size; elsewhere it is DER.
fn read_signature(
    algorithm: &str,
    key: &Key,
    signature: Vec<u8>,
) -> Result<(Scheme, Vec<u8>), MetadataFault> {
    match (algorithm, key) {
        (
            "ES256",
            Key::Ec {
                curve: Curve::P256, ..
            },
        ) => {
            let signature = p256::ecdsa::Signature::from_slice(&signature)
                .map_err(|_| MetadataFault::WrongSignature)?;
            let der = signature.to_der().as_bytes().to_vec();
            Ok((Scheme::Ecdsa(Hash::Sha256), der))
        }
        ("RS256", Key::Rsa { .. }) => Ok((Scheme::Rsa(Hash::Sha256), signature)),
        ("ES256" | "RS256", key) => Err(MetadataFault::Algorithm {
            found: format!("{algorithm} by a key of type {key}"),
        }),
        (other, _) => Err(MetadataFault::Algorithm {
            found: other.to_owned(),
        }),
    }
}

/// DNS names; the common names of a certificate that has none.
fn names(certificate: &Certificate<'_>) -> Vec<String> {
    let alternative = certificate.x509.subject_alternative_name().ok().flatten();
    let dns: Vec<String> = alternative
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect();
    if !dns.is_empty() {
        return dns;
    }
    let subject = certificate.x509.subject();
    subject
        .iter_common_name()
        .filter_map(|name| name.as_str().ok().map(str::to_owned))
        .collect()
}

fn decode(part: &'static str, text: &[u8]) -> Result<Vec<u8>, MetadataFault> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| MetadataFault::Base64 {
            part,
            why: error.to_string(),
        })
}
