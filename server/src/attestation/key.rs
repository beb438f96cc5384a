//! Public keys and their signatures. RFC 9053 §2 (COSE), RFC 5480 and RFC 8017 (certificates).
//!
//! ECDSA and EdDSA go through the RustCrypto crates that the core uses, RSA
//! through ring.

use keysteward_core::webauthn::cose::{self, Algorithm};
use ring::signature as ring_signature;
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::fmt;
use x509_parser::{
    asn1_rs::{Oid, oid},
    public_key::PublicKey as CertificateKey,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

#[cfg(test)]
mod tests;

/// A public key, comparable wherever it came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Key {
    /// SEC 1, uncompressed.
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519([u8; 32]),
    /// Big-endian, without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hash {
    /// Where TPMs sign, and nowhere else.
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// How a signature was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scheme {
    /// DER.
    Ecdsa(Hash),
    Ed25519,
    /// PKCS #1 v1.5.
    Rsa(Hash),
}

/// A signature was checked and holds.
#[derive(Debug)]
pub(super) struct Verified(());

/// It is not this key's over these bytes, or the key cannot sign like this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wrong;

impl Key {
    /// The key of a certificate; else its type, for the refusal.
    pub(super) fn of_certificate(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, String> {
        let kind = &spki.algorithm.algorithm;
        if spki.subject_public_key.unused_bits != 0 {
            return Err(format!("{kind}, cut off within a byte"));
        }
        let bits: &[u8] = &spki.subject_public_key.data;
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|parameters| parameters.as_oid().ok());
        let key = if *kind == EC_PUBLIC_KEY {
            curve
                .as_ref()
                .and_then(Curve::of_oid)
                .and_then(|curve| Self::ec(curve, bits.to_vec()))
        } else if *kind == ED25519 {
            bits.try_into().ok().map(Self::Ed25519)
        } else {
            match spki.parsed() {
                Ok(CertificateKey::RSA(rsa)) => Some(Self::rsa(rsa.modulus, rsa.exponent)),
                _ => None,
            }
        };
        key.ok_or_else(|| {
            let curve = curve.map(|curve| format!(" {curve}")).unwrap_or_default();
            format!("{kind}{curve}")
        })
    }

    /// The key of a credential; none where its members are not those of its algorithm.
    pub(super) fn of_credential(key: &cose::PublicKey<'_>) -> Option<Self> {
        match key {
            cose::PublicKey::Es256 { x, y } => Self::from_coordinates(Curve::P256, *x, *y),
            cose::PublicKey::Ed25519 { x } => Some(Self::Ed25519(**x)),
            cose::PublicKey::Ec2(key) => {
                let curve = Curve::of_cose(key.curve())?;
                Self::from_coordinates(curve, key.x(), key.y())
            }
            cose::PublicKey::Okp(key) if key.curve() == cose::Curve::Ed25519 => {
                key.x().try_into().ok().map(Self::Ed25519)
            }
            cose::PublicKey::Rsa(key) => Some(Self::rsa(key.n(), key.e())),
            _ => None,
        }
    }

    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self::Rsa {
            n: unpadded(n),
            e: unpadded(e),
        }
    }

    /// None where the point is not on the curve.
    pub(super) fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let size = curve.size();
        if x.len() > size || y.len() > size {
            return None;
        }
        let mut point = vec![0; 1 + 2 * size];
        let (tag, coordinates) = point.split_first_mut()?;
        *tag = 0x04;
        let (left, right) = coordinates.split_at_mut_checked(size)?;
        left.get_mut(size - x.len()..)?.copy_from_slice(x);
        right.get_mut(size - y.len()..)?.copy_from_slice(y);
        Self::ec(curve, point)
    }

    fn ec(curve: Curve, point: Vec<u8>) -> Option<Self> {
        let uncompressed = point.first() == Some(&0x04);
        let on_curve = match curve {
            Curve::P256 => p256::PublicKey::from_sec1_bytes(&point).is_ok(),
            Curve::P384 => p384::PublicKey::from_sec1_bytes(&point).is_ok(),
            Curve::P521 => p521::PublicKey::from_sec1_bytes(&point).is_ok(),
        };
        (uncompressed && on_curve).then_some(Self::Ec { curve, point })
    }

    /// Whether it is a key for the algorithm.
    pub(super) fn signs(&self, algorithm: Algorithm) -> bool {
        match (self, Scheme::of_cose(algorithm)) {
            (Self::Ec { curve: found, .. }, Some((Scheme::Ecdsa(_), Some(curve)))) => {
                *found == curve
            }
            (Self::Ed25519(_), Some((Scheme::Ed25519, _)))
            | (Self::Rsa { .. }, Some((Scheme::Rsa(_), _))) => true,
            _ => false,
        }
    }

    pub(super) fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<Verified, Wrong> {
        let holds = match (self, scheme) {
            (Self::Ec { curve, point }, Scheme::Ecdsa(hash)) => {
                curve.verify(point, &hash.of(message), signature)
            }
            (Self::Ed25519(key), Scheme::Ed25519) => ed25519_dalek::VerifyingKey::from_bytes(key)
                .and_then(|key| {
                    let signature = ed25519_dalek::Signature::from_slice(signature)?;
                    key.verify_strict(message, &signature)
                })
                .is_ok(),
            (Self::Rsa { n, e }, Scheme::Rsa(hash)) => {
                ring_signature::RsaPublicKeyComponents { n, e }
                    .verify(hash.pkcs1(), message, signature)
                    .is_ok()
            }
            _ => false,
        };
        if holds { Ok(Verified(())) } else { Err(Wrong) }
    }
}

/// As an administrator reads it.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ec { curve, .. } => match curve {
                Curve::P256 => "P-256",
                Curve::P384 => "P-384",
                Curve::P521 => "P-521",
            },
            Self::Ed25519(_) => "Ed25519",
            Self::Rsa { .. } => "RSA",
        })
    }
}

impl Curve {
    fn of_oid(oid: &Oid<'_>) -> Option<Self> {
        [
            (PRIME256V1, Self::P256),
            (SECP384R1, Self::P384),
            (SECP521R1, Self::P521),
        ]
        .into_iter()
        .find_map(|(known, curve)| (known == *oid).then_some(curve))
    }

    const fn of_cose(curve: cose::Curve) -> Option<Self> {
        match curve {
            cose::Curve::P256 => Some(Self::P256),
            cose::Curve::P384 => Some(Self::P384),
            cose::Curve::P521 => Some(Self::P521),
            _ => None,
        }
    }

    const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn verify(self, point: &[u8], hash: &[u8], signature: &[u8]) -> bool {
        use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
        macro_rules! verify {
            ($curve:ident) => {{
                use $curve::ecdsa::{Signature, VerifyingKey};
                VerifyingKey::from_sec1_bytes(point)
                    .and_then(|key| key.verify_prehash(hash, &Signature::from_der(signature)?))
                    .is_ok()
            }};
        }
        match self {
            Self::P256 => verify!(p256),
            Self::P384 => verify!(p384),
            Self::P521 => verify!(p521),
        }
    }
}

impl Hash {
    pub(super) fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1(message).to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    const fn pkcs1(self) -> &'static ring_signature::RsaParameters {
        match self {
            Self::Sha1 => &ring_signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Sha384 => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Sha512 => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

/// For what is older than its successors: key identifiers, and hashes by TPMs.
pub(super) fn sha1(message: &[u8]) -> [u8; 20] {
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, message);
    let mut hash = [0; 20];
    hash.copy_from_slice(digest.as_ref());
    hash
}

impl Scheme {
    /// With the curve that the algorithm stands for in WebAuthn (Level 3 §5.8.5).
    pub(super) const fn of_cose(algorithm: Algorithm) -> Option<(Self, Option<Curve>)> {
        Some(match algorithm {
            Algorithm::Es256 | Algorithm::Esp256 => (Self::Ecdsa(Hash::Sha256), Some(Curve::P256)),
            Algorithm::Es384 | Algorithm::Esp384 => (Self::Ecdsa(Hash::Sha384), Some(Curve::P384)),
            Algorithm::Es512 | Algorithm::Esp512 => (Self::Ecdsa(Hash::Sha512), Some(Curve::P521)),
            Algorithm::EdDsa | Algorithm::Ed25519 => (Self::Ed25519, None),
            Algorithm::Rs256 => (Self::Rsa(Hash::Sha256), None),
            Algorithm::Rs1 => (Self::Rsa(Hash::Sha1), None),
            _ => return None,
        })
    }

    /// Of the signature of a certificate. SHA-1 and MD5 are none: who can collide
    /// them makes certificates.
    pub(super) fn of_certificate(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        [
            (ECDSA_WITH_SHA256, Self::Ecdsa(Hash::Sha256)),
            (ECDSA_WITH_SHA384, Self::Ecdsa(Hash::Sha384)),
            (ECDSA_WITH_SHA512, Self::Ecdsa(Hash::Sha512)),
            (ED25519, Self::Ed25519),
            (SHA256_WITH_RSA, Self::Rsa(Hash::Sha256)),
            (SHA384_WITH_RSA, Self::Rsa(Hash::Sha384)),
            (SHA512_WITH_RSA, Self::Rsa(Hash::Sha512)),
        ]
        .into_iter()
        .find_map(|(oid, scheme)| (oid == algorithm.algorithm).then_some(scheme))
    }
}

fn unpadded(integer: &[u8]) -> Vec<u8> {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.iter().skip(zeros).copied().collect()
}

const EC_PUBLIC_KEY: Oid<'_> = oid!(1.2.840.10045.2.1);
const PRIME256V1: Oid<'_> = oid!(1.2.840.10045.3.1.7);
const SECP384R1: Oid<'_> = oid!(1.3.132.0.34);
const SECP521R1: Oid<'_> = oid!(1.3.132.0.35);
const ED25519: Oid<'_> = oid!(1.3.101.112);
const ECDSA_WITH_SHA256: Oid<'_> = oid!(1.2.840.10045.4.3.2);
const ECDSA_WITH_SHA384: Oid<'_> = oid!(1.2.840.10045.4.3.3);
const ECDSA_WITH_SHA512: Oid<'_> = oid!(1.2.840.10045.4.3.4);
const SHA256_WITH_RSA: Oid<'_> = oid!(1.2.840.113549.1.1.11);
const SHA384_WITH_RSA: Oid<'_> = oid!(1.2.840.113549.1.1.12);
const SHA512_WITH_RSA: Oid<'_> = oid!(1.2.840.113549.1.1.13);
