//! Which kind of key a SubjectPublicKeyInfo holds. RFC 5280 §4.1.2.7, RFC 3279 §2.3.1, RFC 5480 §2,
//! RFC 8410 §4.

use x509_parser::{prelude::FromDer as _, public_key::PublicKey, x509::SubjectPublicKeyInfo};

use super::KeyAlgorithm;

/// `None` where it is none that cards make.
pub(super) fn algorithm(spki: &[u8]) -> Option<KeyAlgorithm> {
    let (_, spki) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    match spki.algorithm.algorithm.as_bytes() {
        ED25519 => return Some(KeyAlgorithm::Ed25519),
        X25519 => return Some(KeyAlgorithm::X25519),
        _ => {}
    }
    match spki.parsed().ok()? {
        PublicKey::RSA(key) => match key.key_size() {
            2048 => Some(KeyAlgorithm::Rsa2048),
            3072 => Some(KeyAlgorithm::Rsa3072),
            4096 => Some(KeyAlgorithm::Rsa4096),
            _ => None,
        },
        PublicKey::EC(point) => match point.data().len() {
            65 => Some(KeyAlgorithm::P256),
            97 => Some(KeyAlgorithm::P384),
            _ => None,
        },
        _ => None,
    }
}

/// 1.3.101.112
const ED25519: &[u8] = b"\x2b\x65\x70";
/// 1.3.101.110
const X25519: &[u8] = b"\x2b\x65\x6e";

#[cfg(test)]
mod tests {
    use keysteward_core::piv::PublicKey;

    use super::*;

    #[test]
    fn each_kind_of_key_is_known_again() {
        let (mut p256, mut p384) = ([7; 65], [7; 97]);
        (p256[0], p384[0]) = (4, 4);
        let (x, modulus) = ([9; 32], [[0xc1; 256], [3; 256]].concat());
        for (key, expected) in [
            (PublicKey::P256(&p256), KeyAlgorithm::P256),
            (PublicKey::P384(&p384), KeyAlgorithm::P384),
            (PublicKey::Ed25519(&x), KeyAlgorithm::Ed25519),
            (PublicKey::X25519(&x), KeyAlgorithm::X25519),
            (
                PublicKey::Rsa {
                    modulus: &modulus[..256],
                    exponent: &[1, 0, 1],
                },
                KeyAlgorithm::Rsa2048,
            ),
            (
                PublicKey::Rsa {
                    modulus: &modulus,
                    exponent: &[1, 0, 1],
                },
                KeyAlgorithm::Rsa4096,
            ),
        ] {
            let mut room = [0; PublicKey::MAX_SPKI];
            let spki = key.spki(&mut room).unwrap();
            assert_eq!(algorithm(spki), Some(expected), "{key:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_of_no_kind() {
        assert_eq!(algorithm(b"\x30\x00"), None);
        assert_eq!(algorithm(&[]), None);
    }
}
