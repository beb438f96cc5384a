//! Certification requests for keys that only a card can use: the part that is
//! signed, and the whole. RFC 2986 section 4, X.690 section 8.

use crate::{connector::ca::SubjectAttribute, store::certificate::KeyAlgorithm};

/// CertificationRequestInfo, DER: what the card signs.
///
/// A certification authority makes the subject of the certificate of its own; the
/// one here says whose request it is.
#[must_use]
pub(super) fn info(subject: &[SubjectAttribute], public_key: &[u8]) -> Vec<u8> {
    let names: Vec<u8> = subject
        .iter()
        .filter_map(|attribute| Some((attribute.oid()?, attribute.value.as_str())))
        .flat_map(|(oid, value)| {
            let text = element(UTF8_STRING, value.as_bytes());
            let pair = [element(OID, &oid_bytes(oid)), text].concat();
            element(SET, &element(SEQUENCE, &pair))
        })
        .collect();
    let version = element(INTEGER, &[0]);
    let parts = [
        version,
        element(SEQUENCE, &names),
        public_key.to_vec(),
        element(ATTRIBUTES, &[]),
    ];
    element(SEQUENCE, &parts.concat())
}

/// CertificationRequest, DER.
#[must_use]
pub(super) fn assemble(info: &[u8], algorithm: KeyAlgorithm, signature: &[u8]) -> Vec<u8> {
    let oid: &[u64] = match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            &[1, 2, 840, 113_549, 1, 1, 11]
        }
        KeyAlgorithm::P256 => &[1, 2, 840, 10_045, 4, 3, 2],
        KeyAlgorithm::P384 => &[1, 2, 840, 10_045, 4, 3, 3],
        KeyAlgorithm::Ed25519 => &[1, 3, 101, 112],
    };
    let mut identifier = element(OID, &oid_bytes(oid));
    if algorithm.signature() == "rsa-pkcs1-sha256" {
        // RFC 4055 section 5 wants the NULL.
        identifier.extend_from_slice(&element(NULL, &[]));
    }
    let bits = [&[0], signature].concat();
    let parts = [
        info.to_vec(),
        element(SEQUENCE, &identifier),
        element(BIT_STRING, &bits),
    ];
    element(SEQUENCE, &parts.concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let digits = length.get(zeros..).unwrap_or_default();
    if content.len() >= 0x80 {
        bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(u8::MAX));
    }
    match digits {
        [] => bytes.push(0),
        digits => bytes.extend_from_slice(digits),
    }
    bytes.extend_from_slice(content);
    bytes
}

/// X.690 section 8.19.
fn oid_bytes(oid: &[u64]) -> Vec<u8> {
    let mut arcs = oid.iter().copied();
    let first = arcs.next().unwrap_or(0).saturating_mul(40);
    let second = arcs.next().unwrap_or(0);
    let mut bytes = Vec::new();
    for arc in core::iter::once(first.saturating_add(second)).chain(arcs) {
        let mut groups = vec![u8::try_from(arc & 0x7F).unwrap_or(0)];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push(0x80 | u8::try_from(rest & 0x7F).unwrap_or(0));
            rest >>= 7;
        }
        bytes.extend(groups.iter().rev());
    }
    bytes
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0C;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]`, constructed: always there, and empty.
const ATTRIBUTES: u8 = 0xA0;

#[cfg(test)]
mod tests {
    use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
    use rand::rngs::OsRng;
    use x509_parser::prelude::{FromDer as _, X509CertificationRequest};

    use super::*;
    use crate::connector::ca::{CertificationRequest, InvalidRequest};

    fn named(name: &str, value: &str) -> SubjectAttribute {
        SubjectAttribute {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn a_request_that_a_card_signed_is_one_to_others() {
        let key = SigningKey::random(&mut OsRng);
        let public = crate::operation::tests::card::spki(&key);
        let long = "x".repeat(200);
        let subject = [
            named("cn", "Ælice"),
            named("emailAddress", &long),
            named("profile-defined", "left out"),
        ];
        let info = info(&subject, &public);
        let signature: Signature = key.sign(&info);
        let whole = assemble(&info, KeyAlgorithm::P256, signature.to_der().as_bytes());
        let checked = CertificationRequest::verify(&whole).unwrap();
        assert_eq!(checked.public_key(), public);
        let (_, parsed) = X509CertificationRequest::from_der(&whole).unwrap();
        let name = parsed.certification_request_info.subject.to_string();
        assert!(name.contains("CN=Ælice"), "{name}");
        assert!(name.contains(&long), "{name}");
        let other = assemble(&info, KeyAlgorithm::P256, &[0; 8]);
        assert_eq!(
            CertificationRequest::verify(&other),
            Err(InvalidRequest::Signature)
        );
    }

    #[test]
    fn lengths_and_object_identifiers_are_as_der_has_them() {
        assert_eq!(element(NULL, &[]), [5, 0]);
        assert_eq!(element(SET, &[7; 0x7F])[..2], [0x31, 0x7F]);
        assert_eq!(element(SET, &[7; 0x80])[..3], [0x31, 0x81, 0x80]);
        assert_eq!(element(SET, &[7; 0x100])[..4], [0x31, 0x82, 1, 0]);
        assert_eq!(
            oid_bytes(&[1, 2, 840, 113_549, 1, 1, 11]),
            [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11]
        );
        assert_eq!(oid_bytes(&[1, 3, 101, 112]), [0x2B, 0x65, 0x70]);
    }
}
