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

/// The encodings of `{1: 3, 3: alg, -1: 256 bytes, -2: 65537}`.
fn rsa(alg: &[u8]) -> Vec<u8> {
    let mut key = Vec::from([0xa4, 0x01, 0x03, 0x03]);
    key.extend(alg);
    key.extend([0x20, 0x59, 0x01, 0x00]);
    key.extend([0xcc; 256]);
    key.extend([0x21, 0x43, 0x01, 0x00, 0x01]);
    key
}

/// The encodings of `{1: 7, 3: alg, -1: bytes}`.
fn ml_dsa(alg: u8, length: u16) -> Vec<u8> {
    let mut key = Vec::from([0xa3, 0x01, 0x07, 0x03, 0x38, alg, 0x20, 0x59]);
    key.extend(length.to_be_bytes());
    key.resize(key.len() + usize::from(length), 0xdd);
    key
}

/// The COSE keys of the test vectors of WebAuthn Level 3 (§16.1) that are not ES256: packed
/// attestation with ES384, ES512, Ed25519 and Ed448 credentials.
const WEBAUTHN_VECTORS: [(&str, Algorithm, Curve); 4] = [
    (
        "a5010203382220022158304866bd8b01da789e9eb806e5eab05ae5a638542296ab057a2f1bbce9b58f8a08b9\
         171390b58a37ac7fffc2c5f45857da2258302a0b024c7f4b72072a1f96bd30a7261aae9571dd39870eb29e55\
         c0941c6b08e89629a1ea1216aa64ce57c2807bf3901a",
        Algorithm::Es384,
        Curve::P384,
    ),
    (
        "a5010203382320032158420083240a2c3ad21a3dc0a6daa3d8bc05a46d7cd9825ba010ae2a22686c2d6d663d\
         7d5f678987fb1e767542e63dc197ae915e25f8ee284651af29066910a2cc083f50225842017337df47ab5cce\
         5d716ef8caffa97a3012689b1f326ea6c43a1ba9596c72f71f0122390143552b42be772b4c35ffb961220c74\
         3b486a601ea4cb6d5412f5b078d3",
        Algorithm::Es512,
        Curve::P521,
    ),
    (
        "a401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832",
        Algorithm::EdDsa,
        Curve::Ed25519,
    ),
    (
        "a4010103383420072158398051ef4f94670b5abf17da2e9558ba6eba94eb8704363915b4d666de287ad329de\
         9f1f075211aba602dc6e7a5e52b15a8ee1c984a9f8887380",
        Algorithm::Ed448,
        Curve::Ed448,
    ),
];

#[test]
fn the_keys_of_the_webauthn_vectors_are_read_and_written() {
    for (key, algorithm, curve) in WEBAUTHN_VECTORS {
        let bytes = hex::decode(key).unwrap();
        let key = PublicKey::parse(&bytes).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        match key {
            PublicKey::Ec2(key) => {
                assert_eq!(key.curve(), curve);
                assert_eq!([key.x().len(), key.y().len()], [curve.length(); 2]);
            }
            PublicKey::Okp(key) => assert_eq!((key.curve(), key.x().len()), (curve, 57)),
            PublicKey::Ed25519 { .. } => assert_eq!(curve, Curve::Ed25519),
            other => panic!("{other:?}"),
        }
        assert_round_trip(&key, &bytes);
    }
}

#[test]
fn keys_of_each_shape_are_read_and_written() {
    let mut ed25519 = okp();
    // -19 for -8
    ed25519.splice(4..5, [0x32]);
    for (bytes, algorithm) in [
        (rsa(&[0x39, 0x01, 0x00]), Algorithm::Rs256),
        (rsa(&[0x39, 0xff, 0xfe]), Algorithm::Rs1),
        (ml_dsa(0x2f, 1312), Algorithm::MlDsa44),
        (ml_dsa(0x30, 1952), Algorithm::MlDsa65),
        (ml_dsa(0x31, 2592), Algorithm::MlDsa87),
        (ec2(2, &[0x28], 1), Algorithm::Esp256),
        (ed25519, Algorithm::Ed25519),
    ] {
        let key = PublicKey::parse(&bytes).unwrap();
        assert!(!matches!(key, PublicKey::Other { .. }), "{key:?}");
        assert_eq!(key.algorithm(), algorithm);
        match key {
            PublicKey::Rsa(key) => {
                assert_eq!((key.n(), key.e()), (&[0xcc; 256][..], &[1, 0, 1][..]))
            }
            PublicKey::MlDsa(key) => assert!(key.public().iter().all(|byte| *byte == 0xdd)),
            _ => {}
        }
        assert_eq!(encode(&key, &mut [0; 3000]).unwrap(), bytes);
    }
}

#[test]
fn one_key_is_the_same_under_each_of_its_algorithms() {
    let keys = [
        ec2(2, &[0x26], 1),
        ec2(2, &[0x28], 1),
        rsa(&[0x39, 0x01, 0x00]),
        rsa(&[0x39, 0xff, 0xfe]),
        ml_dsa(0x2f, 1312),
        okp(),
        ec2(2, &[0x38, 0x63], 1),
    ];
    let kinds = [0, 0, 1, 1, 2, 3, 4];
    for (a, kind_a) in keys.iter().zip(kinds) {
        for (b, kind_b) in keys.iter().zip(kinds) {
            let (a, b) = (PublicKey::parse(a).unwrap(), PublicKey::parse(b).unwrap());
            assert_eq!(a.is_same_key(&b), kind_a == kind_b, "{a:?} {b:?}");
        }
    }
    let mut other = rsa(&[0x39, 0x01, 0x00]);
    other[20] ^= 1;
    let (a, b) = (
        PublicKey::parse(&keys[2]).unwrap(),
        PublicKey::parse(&other).unwrap(),
    );
    assert!(!a.is_same_key(&b));
}

#[test]
fn keys_that_no_shape_fits_are_carried_through() {
    for (bytes, algorithm) in [
        (ec2(2, &[0x38, 0x63], 1), Algorithm::Other(-100)),
        // A coordinate of ESP256 where ESP384 is said, and the other way about.
        (ec2(2, &[0x38, 0x32], 2), Algorithm::Esp384),
        (ec2(2, &[0x28], 2), Algorithm::Esp256),
        (ec2(2, &[0x38, 0x32], 1), Algorithm::Esp384),
        // ML-DSA-65 of the length of ML-DSA-44; ES256 as RSA.
        (ml_dsa(0x30, 1312), Algorithm::MlDsa65),
        (rsa(&[0x26]), Algorithm::Es256),
        // Ed448 of 32 bytes.
        (
            [
                &[0xa4, 0x01, 0x01, 0x03, 0x38, 0x34, 0x20, 0x07],
                &okp()[7..],
            ]
            .concat(),
            Algorithm::Ed448,
        ),
    ] {
        let key = PublicKey::parse(&bytes).unwrap();
        assert!(matches!(key, PublicKey::Other { .. }), "{key:?}");
        assert_eq!(key.algorithm(), algorithm);
        assert_round_trip(&key, &bytes);
    }
}

#[test]
fn algorithms_that_leave_out_their_curve_have_one_that_names_it() {
    for (short, full) in [
        (-7, -9),
        (-8, -19),
        (-35, -51),
        (-36, -52),
        (-257, -257),
        (-53, -53),
    ] {
        let full = Algorithm::from(full);
        assert_eq!(Algorithm::from(short).fully_specified(), full);
        assert_eq!(full.fully_specified(), full);
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
        let named = Ec2Key::new(Algorithm::Esp256, &point.x, &point.y).unwrap();
        let named = PublicKey::Ec2(named);
        assert!(named.verify(&crypto, &[b"abc"], &signature).is_ok());
        assert_eq!(named.verify(&crypto, &[b"abd"], &signature), refused);
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
        let named = PublicKey::Okp(OkpKey::new(Algorithm::Ed25519, &x).unwrap());
        assert!(named.verify(&crypto, &[b"abc"], &signature).is_ok());
        assert_eq!(named.verify(&crypto, &[b"abd"], &signature), refused);
    }

    #[test]
    fn other_algorithms_are_named_as_not_verified_here() {
        let mut keys: Vec<_> = WEBAUTHN_VECTORS
            .iter()
            .map(|(key, algorithm, _)| (hex::decode(key).unwrap(), *algorithm))
            .collect();
        keys.remove(2);
        keys.push((rsa(&[0x39, 0x01, 0x00]), Algorithm::Rs256));
        keys.push((ml_dsa(0x2f, 1312), Algorithm::MlDsa44));
        keys.push((ec2(2, &[0x38, 0x63], 1), Algorithm::Other(-100)));
        for (bytes, algorithm) in keys {
            let key = PublicKey::parse(&bytes).unwrap();
            assert_eq!(
                key.verify(&RustCrypto(OsRng), &[b"abc"], &[]),
                Err(VerifyError::UnsupportedAlgorithm(algorithm))
            );
        }
    }
}
