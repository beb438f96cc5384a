//! Keys of every kind, from where they come, and what they sign.

use super::*;
use keysteward_core::cbor::{Encode, Parse, Writer};
use p521::ecdsa::signature::hazmat::RandomizedPrehashSigner as _;

fn cose(members: &[(i64, &dyn Encode)]) -> Vec<u8> {
    let mut buffer = [0; 1024];
    let mut writer = Writer::new(&mut buffer);
    writer
        .map(|m| {
            for (label, value) in members {
                m.entry(*label, *value)?;
            }
            Ok(())
        })
        .unwrap();
    writer.finish().to_vec()
}

fn of_cose(bytes: &[u8]) -> Option<Key> {
    Key::of_credential(&Parse::parse(bytes).unwrap())
}

/// A P-521 key: the secret, and its point.
fn p521() -> (p521::ecdsa::SigningKey, Vec<u8>) {
    let mut scalar = [0x11; 66];
    scalar[0] = 0;
    let key = p521::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let point = p521::ecdsa::VerifyingKey::from(&key)
        .to_encoded_point(false)
        .as_bytes()
        .to_vec();
    (key, point)
}

#[test]
fn an_es512_key_is_read_from_cose_and_from_a_certificate_and_verifies() {
    let (secret, point) = p521();
    let (x, y) = point[1..].split_at(66);
    let key = of_cose(&cose(&[
        (1, &2_i64),
        (3, &-36_i64),
        (-1, &3_i64),
        (-2, &x),
        (-3, &y),
    ]))
    .unwrap();
    // SEQUENCE { SEQUENCE { id-ecPublicKey, secp521r1 }, BIT STRING }
    let head = hex::decode("30819b301006072a8648ce3d020106052b8104002303818600").unwrap();
    let spki = [head, point].concat();
    let (_, spki) = x509_parser::prelude::FromDer::from_der(&spki).unwrap();
    assert_eq!(Key::of_certificate(&spki), Ok(key.clone()));

    let hash = Sha512::digest(b"message");
    let signature: p521::ecdsa::Signature = secret
        .sign_prehash_with_rng(&mut rand::rngs::OsRng, &hash)
        .unwrap();
    let signature = signature.to_der();
    let scheme = Scheme::Ecdsa(Hash::Sha512);
    assert!(key.signs(Algorithm::Es512) && !key.signs(Algorithm::Es256));
    key.verify(scheme, b"message", signature.as_bytes())
        .unwrap();
    assert_eq!(
        key.verify(scheme, b"another", signature.as_bytes()).err(),
        Some(Wrong)
    );
    assert_eq!(
        key.verify(
            Scheme::Ecdsa(Hash::Sha384),
            b"message",
            signature.as_bytes()
        )
        .err(),
        Some(Wrong)
    );
}

#[test]
fn a_point_that_is_not_on_its_curve_is_no_key() {
    let (_, point) = p521();
    let (x, y) = point[1..].split_at(66);
    assert!(Key::from_coordinates(Curve::P521, x, y).is_some());
    assert_eq!(Key::from_coordinates(Curve::P521, y, x), None);
    assert_eq!(Key::from_coordinates(Curve::P256, x, y), None);
    for curve in [Curve::P256, Curve::P384] {
        assert_eq!(Key::from_coordinates(curve, &[5; 32], &[5; 32]), None);
    }
}

#[test]
fn a_cose_key_whose_members_are_not_those_of_its_algorithm_is_no_key() {
    let (_, point) = p521();
    let (x, y) = point[1..].split_at(66);
    let text = "text";
    for members in [
        // Another curve, another type, no curve, no y, text for x.
        cose(&[(1, &2_i64), (3, &-36_i64), (-1, &2_i64), (-2, &x), (-3, &y)]),
        cose(&[(1, &1_i64), (3, &-36_i64), (-1, &3_i64), (-2, &x), (-3, &y)]),
        cose(&[(1, &2_i64), (3, &-36_i64), (-2, &x), (-3, &y)]),
        cose(&[(1, &2_i64), (3, &-36_i64), (-1, &3_i64), (-2, &x)]),
        cose(&[
            (1, &2_i64),
            (3, &-36_i64),
            (-1, &3_i64),
            (-2, &text),
            (-3, &y),
        ]),
        cose(&[(1, &3_i64), (3, &-257_i64), (-1, &3_i64), (-2, &x)]),
        cose(&[(1, &1_i64), (3, &-19_i64), (-1, &7_i64), (-2, &x)]),
    ] {
        assert_eq!(of_cose(&members), None);
    }
}

#[test]
fn an_rsa_key_is_the_same_with_and_without_leading_zeros() {
    let (n, e): (&[u8], &[u8]) = (&[0x00, 0xC1, 0xC1], &[0x01, 0x00, 0x01]);
    let padded = cose(&[(1, &3_i64), (3, &-257_i64), (-1, &n), (-2, &e)]);
    assert_eq!(
        of_cose(&padded),
        Some(Key::rsa(&n[1..], &[0x00, 0x01, 0x00, 0x01]))
    );
}

#[test]
fn sha_1_signs_no_certificate() {
    let oid = |bytes: &[u8]| {
        let der = [&[0x30, 0x0D, 0x06, 0x09][..], bytes, &[0x05, 0x00]].concat();
        let (_, algorithm) =
            <AlgorithmIdentifier<'_> as x509_parser::prelude::FromDer<_>>::from_der(&der).unwrap();
        Scheme::of_certificate(&algorithm)
    };
    let rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];
    for (last, scheme) in [
        (4, None),
        (5, None),
        (11, Some(Scheme::Rsa(Hash::Sha256))),
        (12, Some(Scheme::Rsa(Hash::Sha384))),
        (13, Some(Scheme::Rsa(Hash::Sha512))),
    ] {
        assert_eq!(oid(&[&rsa[..], &[last]].concat()), scheme, "{last}");
    }
}

#[test]
fn an_ed25519_key_of_small_order_signs_nothing() {
    // The identity verifies many signatures where the check is not strict.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let key = Key::Ed25519(identity);
    assert_eq!(
        key.verify(Scheme::Ed25519, b"message", &signature).err(),
        Some(Wrong)
    );
}
