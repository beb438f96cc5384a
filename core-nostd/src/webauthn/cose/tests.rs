use std::vec::Vec;

use super::*;
use crate::cbor::{Encode, Error, Parse, encode};

/// Encodings of `{1: kty, 3: alg, -1: crv, -2: 32 bytes, -3: 32 bytes}`.
fn ec2(kty: u8, alg: &[u8], crv: u8) -> Vec<u8> {
    let mut key = Vec::from([0xa5, 0x01, kty, 0x03]);
    key.extend(alg);
    key.extend([0x20, crv, 0x21, 0x58, 0x20]);
    key.extend([0x11; 32]);
    key.extend([0x22, 0x58, 0x20]);
    key.extend([0x22; 32]);
    key
}

fn okp() -> Vec<u8> {
    let mut key = Vec::from([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20]);
    key.extend([0x33; 32]);
    key
}

fn assert_round_trip<'b>(value: &(impl Encode + Parse<'b>), bytes: &[u8]) {
    assert_eq!(encode(value, &mut [0; 2000]).unwrap(), bytes);
}

#[test]
fn algorithms_survive_a_round_trip() {
    for identifier in (-70_000..1000).chain([i64::MIN, i64::MAX]) {
        assert_eq!(i64::from(Algorithm::from(identifier)), identifier);
    }
}

#[test]
fn an_es256_key_is_read_and_written() {
    let bytes = ec2(2, &[0x26], 1);
    let key = PublicKey::parse(&bytes).unwrap();
    assert_eq!(
        key,
        PublicKey::Es256 {
            x: &[0x11; 32],
            y: &[0x22; 32]
        }
    );
    assert_round_trip(&key, &bytes);
}

#[test]
fn an_ed25519_key_is_read_and_written() {
    let bytes = okp();
    let key = PublicKey::parse(&bytes).unwrap();
    assert_eq!(key, PublicKey::Ed25519 { x: &[0x33; 32] });
    assert_eq!(key.algorithm(), Algorithm::EdDsa);
    assert_round_trip(&key, &bytes);
}

#[test]
fn keys_of_other_algorithms_are_carried_through() {
    // RS256: {1: 3, 3: -257, -1: 256 bytes, -2: 65537}
    let mut rsa = Vec::from([
        0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59, 0x01, 0x00,
    ]);
    rsa.extend([0xcc; 256]);
    rsa.extend([0x21, 0x43, 0x01, 0x00, 0x01]);
    // ML-DSA-44: {1: 7, 3: -48, -1: 1312 bytes}
    let mut ml_dsa = Vec::from([0xa3, 0x01, 0x07, 0x03, 0x38, 0x2f, 0x20, 0x59, 0x05, 0x20]);
    ml_dsa.extend([0xdd; 1312]);
    for (bytes, algorithm) in [
        (rsa, Algorithm::Rs256),
        (ml_dsa, Algorithm::MlDsa44),
        (ec2(2, &[0x28], 1), Algorithm::Esp256),
        (ec2(2, &[0x38, 0x63], 1), Algorithm::Other(-100)),
    ] {
        let key = PublicKey::parse(&bytes).unwrap();
        assert!(matches!(key, PublicKey::Other { .. }), "{key:?}");
        assert_eq!(key.algorithm(), algorithm);
        assert_round_trip(&key, &bytes);
    }
}

#[test]
fn a_key_whose_members_disagree_is_not_taken_for_es256() {
    for bytes in [ec2(2, &[0x26], 2), ec2(1, &[0x26], 1), ec2(2, &[0x27], 6)] {
        let key = PublicKey::parse(&bytes).unwrap();
        assert!(matches!(key, PublicKey::Other { .. }), "{key:?}");
    }
    let mut compressed = ec2(2, &[0x26], 1);
    compressed.truncate(42);
    compressed.extend([0x22, 0xf5]);
    let key = PublicKey::parse(&compressed).unwrap();
    assert!(matches!(key, PublicKey::Other { .. }), "{key:?}");
}

#[test]
fn a_key_without_an_algorithm_is_refused() {
    assert!(matches!(
        PublicKey::parse(&[0xa1, 0x01, 0x02]),
        Err(Error::Missing { .. })
    ));
    assert!(PublicKey::parse(&[0xa1, 0x03, 0x60]).is_err());
}

#[test]
fn a_key_agreement_key_is_read_and_written() {
    let bytes = ec2(2, &[0x38, 0x18], 1);
    let key = KeyAgreementKey::parse(&bytes).unwrap();
    assert_eq!((key.x, key.y), (&[0x11; 32], &[0x22; 32]));
    assert_round_trip(&key, &bytes);
}

#[test]
fn the_algorithm_of_a_key_agreement_key_is_a_label_only() {
    assert!(KeyAgreementKey::parse(&ec2(2, &[0x26], 1)).is_ok());
}

#[test]
fn a_key_agreement_key_on_another_curve_or_without_a_coordinate_is_refused() {
    for bytes in [ec2(2, &[0x38, 0x18], 2), ec2(1, &[0x38, 0x18], 1)] {
        assert!(matches!(
            KeyAgreementKey::parse(&bytes),
            Err(Error::OutOfRange { .. })
        ));
    }
    let mut one_coordinate = ec2(2, &[0x26], 1);
    one_coordinate.truncate(42);
    one_coordinate[0] = 0xa4;
    assert!(matches!(
        KeyAgreementKey::parse(&one_coordinate),
        Err(Error::Missing { .. })
    ));
}

#[cfg(feature = "rust-crypto")]
mod signatures {
    use rand_core::OsRng;

    use super::*;
    use crate::crypto::{Crypto, RustCrypto};

    #[test]
    fn an_es256_signature_is_proven_or_refused() {
        let mut crypto = RustCrypto(OsRng);
        let key = crypto.p256_generate().unwrap();
        let point = crypto.p256_public(&key).unwrap();
        let signature = crypto.es256_sign(&key, &[b"ab", b"c"]).unwrap();
        let key = PublicKey::Es256 {
            x: &point.x,
            y: &point.y,
        };
        assert!(key.verify(&crypto, &[b"a", b"bc"], &signature).is_ok());
        let refused = Err(VerifyError::WrongSignature);
        assert_eq!(key.verify(&crypto, &[b"abd"], &signature), refused);
        assert_eq!(key.verify(&crypto, &[b"abc"], &[]), refused);
        let off_the_curve = PublicKey::Es256 {
            x: &point.x,
            y: &point.x,
        };
        assert_eq!(
            off_the_curve.verify(&crypto, &[b"abc"], &signature),
            refused
        );
    }

    #[test]
    fn an_ed25519_signature_is_proven_or_refused() {
        let mut crypto = RustCrypto(OsRng);
        let key = crypto.ed25519_generate().unwrap();
        let x = crypto.ed25519_public(&key).unwrap();
        let signature = crypto.ed25519_sign(&key, &[b"abc"]).unwrap();
        let key = PublicKey::Ed25519 { x: &x };
        assert!(key.verify(&crypto, &[b"abc"], &signature).is_ok());
        let refused = Err(VerifyError::WrongSignature);
        assert_eq!(key.verify(&crypto, &[b"abd"], &signature), refused);
    }

    #[test]
    fn other_algorithms_are_named_as_not_verified_here() {
        let bytes = ec2(2, &[0x38, 0x22], 2);
        let key = PublicKey::parse(&bytes).unwrap();
        assert_eq!(
            key.verify(&RustCrypto(OsRng), &[b"abc"], &[]),
            Err(VerifyError::UnsupportedAlgorithm(Algorithm::Es384))
        );
    }
}
