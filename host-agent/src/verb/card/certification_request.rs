//! What may be signed for others: a CertificationRequestInfo for the container's own key, and
//! nothing else. RFC 2986 §4.1.
//!
//! A card's key signs whatever block it is given. So the agent looks first: whoever asks gets no
//! signature of a message, a challenge or another's certificate under a request's name.

use sha2::{Digest as _, Sha256, Sha384};
use x509_parser::{
    certification_request::{X509CertificationRequest, X509CertificationRequestInfo},
    prelude::FromDer as _,
};

use super::{KeyAlgorithm, SignatureAlgorithm, public_key};
use crate::verb::{Code, Failure};

/// Bytes that were found to be a CertificationRequestInfo.
#[derive(Debug)]
pub(super) struct Checked<'i> {
    info: &'i [u8],
    spki: &'i [u8],
}

/// Proves that `info` is one, and for the key of `spki`.
pub(super) fn check<'i>(info: &'i [u8], spki: &[u8]) -> Result<Checked<'i>, Failure> {
    let checked = check_shape(info)?;
    if checked.spki != spki {
        return Err(Failure::new(
            Code::KeyMismatch,
            "the certification request is for another key than the container's; build it anew \
             with the public key that the card tells now",
        ));
    }
    Ok(checked)
}

/// Proves that `info` is one. Whether it is for the container's key, its
/// [signature](Checked::is_signed_by) has to show.
pub(super) fn check_shape(info: &[u8]) -> Result<Checked<'_>, Failure> {
    let spki = subject_public_key_info(info).ok_or_else(|| {
        Failure::invalid(
            "certification_request_info",
            "something else",
            "a CertificationRequestInfo of PKCS #10 in DER, and nothing behind it",
        )
    })?;
    Ok(Checked { info, spki })
}

/// A CertificationRequestInfo without a name, for a key to show itself by. It is of no use to
/// anybody else.
pub(super) fn nameless(spki: &[u8]) -> Vec<u8> {
    let parts = [b"\x02\x01\x00\x30\x00", spki, b"\xa0\x00"].concat();
    tlv(SEQUENCE, &parts)
}

/// The key that it is for; `None`: it is no CertificationRequestInfo.
fn subject_public_key_info(info: &[u8]) -> Option<&[u8]> {
    let content = only(SEQUENCE, info)?;
    let (version, rest) = element(content)?;
    let (subject, rest) = element(rest)?;
    let (spki, rest) = element(rest)?;
    let (attributes, rest) = element(rest)?;
    let tags = [subject, spki, attributes].map(|one| one.first().copied());
    let shape = version == b"\x02\x01\x00"
        && tags == [Some(SEQUENCE), Some(SEQUENCE), Some(ATTRIBUTES)]
        && rest.is_empty();
    // The shape is right; is the inside, too?
    let (after, _) = X509CertificationRequestInfo::from_der(info).ok()?;
    (shape && after.is_empty()).then_some(spki)
}

/// The first element of some DER, tag and length included, and what is behind it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let &[_, first, ..] = der else {
        return None;
    };
    let (header, len) = match first {
        0..=0x7f => (2, usize::from(first)),
        0x81 => (3, usize::from(*der.get(2)?)),
        0x82 => (
            4,
            usize::from(u16::from_be_bytes([*der.get(2)?, *der.get(3)?])),
        ),
        _ => return None,
    };
    let least = match header {
        3 => 0x80,
        4 => 0x100,
        _ => 0,
    };
    (len >= least).then(|| der.split_at_checked(header + len))?
}

/// The content of the only element that there is.
fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let (element, rest) = element(der)?;
    let header = match element.get(1)? {
        0..=0x7f => 2,
        0x81 => 3,
        _ => 4,
    };
    (element.first() == Some(&tag) && rest.is_empty()).then(|| element.get(header..))?
}

/// What the card is to sign.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum ToSign {
    /// SHA-256: RSA, still to be padded. RFC 8017 §9.2.
    Sha256ForRsa(Vec<u8>),
    /// The hash itself: ECDSA.
    Hash(Vec<u8>),
    /// The message: Ed25519 hashes it itself.
    Message(Vec<u8>),
}

impl Checked<'_> {
    /// The key that it is for, as SubjectPublicKeyInfo.
    pub(super) const fn spki(&self) -> &[u8] {
        self.spki
    }

    /// Whether the key that it is for made this signature of it.
    pub(super) fn is_signed_by(&self, algorithm: SignatureAlgorithm, signature: &[u8]) -> bool {
        let bits = tlv(BIT_STRING, &[&[0], signature].concat());
        let parts = [self.info, identifier(algorithm), &bits].concat();
        let request = tlv(SEQUENCE, &parts);
        X509CertificationRequest::from_der(&request)
            .is_ok_and(|(rest, request)| rest.is_empty() && request.verify_signature().is_ok())
    }

    /// Hashes it, if the container's key signs so.
    pub(super) fn to_sign(
        &self,
        algorithm: SignatureAlgorithm,
        key: KeyAlgorithm,
    ) -> Result<ToSign, Failure> {
        use KeyAlgorithm as Key;
        use SignatureAlgorithm as Signature;
        Ok(match (algorithm, key) {
            (Signature::RsaPkcs1Sha256, Key::Rsa2048 | Key::Rsa3072 | Key::Rsa4096) => {
                ToSign::Sha256ForRsa(Sha256::digest(self.info).to_vec())
            }
            (Signature::EcdsaSha256, Key::P256) => ToSign::Hash(Sha256::digest(self.info).to_vec()),
            (Signature::EcdsaSha384, Key::P384) => ToSign::Hash(Sha384::digest(self.info).to_vec()),
            (Signature::Ed25519, Key::Ed25519) => ToSign::Message(self.info.to_vec()),
            _ => {
                return Err(Failure::invalid(
                    "signature_algorithm",
                    format_args!("{} for a key of {}", algorithm.as_str(), key.as_str()),
                    "rsa-pkcs1-sha256 for RSA, ecdsa-sha256 for P-256, ecdsa-sha384 for P-384, \
                     ed25519 for Ed25519",
                ));
            }
        })
    }
}

/// The SubjectPublicKeyInfo of a certificate, which must be one and nothing more.
pub(super) fn key_of_certificate(certificate: &[u8]) -> Result<Vec<u8>, Failure> {
    let parsed = x509_parser::certificate::X509Certificate::from_der(certificate);
    match parsed {
        Ok(([], certificate)) => Ok(certificate.public_key().raw.to_vec()),
        _ => Err(Failure::invalid(
            "certificate",
            "something else",
            "one X.509 certificate in DER",
        )),
    }
}

/// Refuses a certificate for another key than the container's.
pub(super) fn check_certificate(certified: &[u8], spki: &[u8]) -> Result<(), Failure> {
    if certified == spki {
        Ok(())
    } else {
        Err(other_certificate())
    }
}

pub(super) fn other_certificate() -> Failure {
    Failure::new(
        Code::KeyMismatch,
        "the certificate is for another key than the container's; write the one that was issued \
         for this key",
    )
}

/// How a key signs requests; `None`: it does not sign.
pub(super) fn signature_algorithm(spki: &[u8]) -> Option<SignatureAlgorithm> {
    Some(match public_key::algorithm(spki)? {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            SignatureAlgorithm::RsaPkcs1Sha256
        }
        KeyAlgorithm::P256 => SignatureAlgorithm::EcdsaSha256,
        KeyAlgorithm::P384 => SignatureAlgorithm::EcdsaSha384,
        KeyAlgorithm::Ed25519 => SignatureAlgorithm::Ed25519,
        KeyAlgorithm::X25519 => return None,
    })
}

/// AlgorithmIdentifier. RFC 8017 appendix A.2.4, RFC 5758 §3.2, RFC 8410 §3.
const fn identifier(algorithm: SignatureAlgorithm) -> &'static [u8] {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => {
            b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
        }
        SignatureAlgorithm::EcdsaSha256 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
        SignatureAlgorithm::EcdsaSha384 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
        SignatureAlgorithm::Ed25519 => b"\x30\x05\x06\x03\x2b\x65\x70",
    }
}

/// Tag, length in as few bytes as it takes, content. X.690 §10.1.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match (u8::try_from(content.len()), u8::try_from(digits.len())) {
        (Ok(short @ ..0x80), _) => out.push(short),
        (_, Ok(count)) => {
            out.push(0x80 | count);
            out.extend(&digits);
        }
        (_, Err(_)) => {}
    }
    out.extend_from_slice(content);
    out
}

/// The algorithm of a key, or why nothing can be signed with it.
pub(super) fn known_algorithm(spki: &[u8]) -> Result<KeyAlgorithm, Failure> {
    public_key::algorithm(spki).ok_or_else(|| {
        Failure::new(
            Code::NotSupported,
            "the container's key is of a kind that this agent does not know; generate another",
        )
    })
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// [0] IMPLICIT SET OF Attribute
const ATTRIBUTES: u8 = 0xA0;

/// DigestInfo of SHA-256 up to the hash. RFC 8017 §9.2 note 1.
pub(super) const SHA256_DIGEST_INFO: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};

    use super::*;

    struct Example {
        key: KeyPair,
        /// CertificationRequest.
        request: Vec<u8>,
        certificate: Vec<u8>,
    }

    impl Example {
        fn new() -> Self {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
            let parameters = CertificateParams::new(vec!["card.example".to_owned()]).unwrap();
            let request = parameters.serialize_request(&key).unwrap().der().to_vec();
            let certificate = parameters.self_signed(&key).unwrap().der().to_vec();
            Self {
                key,
                request,
                certificate,
            }
        }

        fn info(&self) -> &[u8] {
            let content = only(SEQUENCE, &self.request).unwrap();
            element(content).unwrap().0
        }

        fn spki(&self) -> Vec<u8> {
            self.key.subject_public_key_info()
        }
    }

    #[test]
    fn a_request_for_the_containers_key_is_signed() {
        let example = Example::new();
        let checked = check(example.info(), &example.spki()).ok().unwrap();
        let hash = Sha256::digest(example.info()).to_vec();
        let to_sign = |algorithm, key| checked.to_sign(algorithm, key);
        assert_eq!(
            to_sign(SignatureAlgorithm::EcdsaSha256, KeyAlgorithm::P256),
            Ok(ToSign::Hash(hash.clone()))
        );
        assert_eq!(
            to_sign(SignatureAlgorithm::RsaPkcs1Sha256, KeyAlgorithm::Rsa2048),
            Ok(ToSign::Sha256ForRsa(hash))
        );
    }

    #[test]
    fn a_signature_that_the_key_cannot_make_is_refused() {
        let example = Example::new();
        let checked = check(example.info(), &example.spki()).ok().unwrap();
        for (algorithm, key) in [
            (SignatureAlgorithm::EcdsaSha256, KeyAlgorithm::P384),
            (SignatureAlgorithm::EcdsaSha384, KeyAlgorithm::P256),
            (SignatureAlgorithm::RsaPkcs1Sha256, KeyAlgorithm::P256),
            (SignatureAlgorithm::Ed25519, KeyAlgorithm::X25519),
        ] {
            let failure = checked.to_sign(algorithm, key).unwrap_err();
            assert_eq!(failure.field, "signature_algorithm");
        }
    }

    #[test]
    fn a_request_for_another_key_is_refused() {
        let (example, other) = (Example::new(), Example::new());
        let failure = check(example.info(), &other.spki()).err().unwrap();
        assert_eq!(failure.code, Code::KeyMismatch);
    }

    #[test]
    fn nothing_but_a_request_is_signed() {
        let example = Example::new();
        let (info, spki) = (example.info(), example.spki());
        let behind = [info, b"\x05\x00"].concat();
        let mut version = info.to_vec();
        let place = version
            .windows(3)
            .position(|three| three == b"\x02\x01\x00")
            .unwrap();
        version[place + 2] = 1;
        let content = only(SEQUENCE, info).unwrap();
        let inside = tlv(SEQUENCE, &[content, b"\x05\x00"].concat());
        for (what, bytes) in [
            ("nothing", Vec::new()),
            ("a message", b"I owe you a fortune".to_vec()),
            ("the whole request", example.request.clone()),
            ("a certificate", example.certificate.clone()),
            (
                "a certificate's inside",
                element(only(SEQUENCE, &example.certificate).unwrap())
                    .unwrap()
                    .0
                    .to_vec(),
            ),
            ("something behind it", behind),
            ("something behind it, inside", inside),
            ("another version", version),
            ("half of it", info[..info.len() / 2].to_vec()),
            ("the key alone", spki.clone()),
        ] {
            let failure = check(&bytes, &spki).err();
            let field = failure.map(|failure| failure.field);
            assert_eq!(
                field.as_deref(),
                Some("certification_request_info"),
                "{what}"
            );
        }
    }

    #[test]
    fn a_certificate_goes_to_its_own_key_alone() {
        let (example, other) = (Example::new(), Example::new());
        let certified = key_of_certificate(&example.certificate).unwrap();
        check_certificate(&certified, &example.spki()).unwrap();
        let failure = check_certificate(&certified, &other.spki()).unwrap_err();
        assert_eq!(failure.code, Code::KeyMismatch);
        let two = [&*example.certificate, &*example.certificate].concat();
        let failure = key_of_certificate(&two).unwrap_err();
        assert_eq!(failure.field, "certificate");
    }

    #[test]
    fn a_signature_shows_whose_it_is() {
        use rcgen::SigningKey as _;
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
        ] {
            let [key, other] = [(); 2].map(|()| KeyPair::generate_for(algorithm).unwrap());
            let spki = key.subject_public_key_info();
            let info = nameless(&spki);
            let checked = check(&info, &spki).unwrap();
            let how = signature_algorithm(&spki).unwrap();
            assert!(checked.is_signed_by(how, &key.sign(&info).unwrap()));
            assert!(!checked.is_signed_by(how, &other.sign(&info).unwrap()));
            assert!(!checked.is_signed_by(how, &[]));
        }
    }
}
