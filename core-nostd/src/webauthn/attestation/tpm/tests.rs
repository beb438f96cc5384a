use std::vec::Vec;

use proptest::prelude::*;
use rand_core::OsRng;

use super::*;
use crate::cbor::List;
use crate::crypto::{Crypto, PrivateKey, PublicPoint, RustCrypto};
use crate::webauthn::attestation::{AttestationObject, Statement, VerifyError};
use crate::webauthn::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use crate::webauthn::cose::{self, Ec2Key, RsaKey};

mod statement;

const HASH: [u8; 32] = [0x5a; 32];

/// WebAuthn Level 3 §16.1, "TPM Attestation with ES256 Credential".
fn vector() -> Vec<u8> {
    hex::decode(include_str!("../../../../tests/vectors/webauthn/tpm_es256.hex").trim()).unwrap()
}

fn sha256(algorithm: HashAlgorithm, parts: &[&[u8]]) -> Option<Digest> {
    let digest = RustCrypto(OsRng).sha256(parts);
    (algorithm == HashAlgorithm::Sha256).then(|| Digest::from_slice(&digest).unwrap())
}

/// A public area of these parts: type, attributes and policy are those of a key that signs.
fn public_area(kind: u16, parameters: &[u8]) -> Vec<u8> {
    let mut area = Vec::new();
    area.extend(kind.to_be_bytes());
    area.extend(*b"\x00\x0b\x00\x06\x00\x72\x00\x02po");
    area.extend(parameters);
    area
}

fn p256_area(x: &[u8], y: &[u8]) -> Vec<u8> {
    let mut parameters = Vec::from(*b"\x00\x10\x00\x18\x00\x0b\x00\x03\x00\x10");
    for coordinate in [x, y] {
        parameters.extend(u16::try_from(coordinate.len()).unwrap().to_be_bytes());
        parameters.extend(coordinate);
    }
    public_area(0x0023, &parameters)
}

fn cert_info(extra_data: &[u8], area: &[u8]) -> Vec<u8> {
    let crypto = RustCrypto(OsRng);
    let mut info = Vec::from(*b"\xff\x54\x43\x47\x80\x17\x00\x01q\x00\x20");
    info.extend(extra_data);
    info.extend([0x11; 17]);
    info.extend([0x22; 8]);
    info.extend(*b"\x00\x22\x00\x0b");
    info.extend(crypto.sha256(&[area]));
    info.extend(*b"\x00\x00");
    info
}

#[test]
fn the_webauthn_vector_is_read_to_its_last_member() {
    let object = vector();
    let object = AttestationObject::parse(&object).unwrap();
    let statement = object.statement().unwrap();
    let Statement::Tpm {
        ver,
        alg,
        sig,
        cert_info,
        pub_area,
        ..
    } = statement
    else {
        panic!("{statement:?}");
    };
    assert_eq!((ver, alg), (VERSION, Algorithm::Es256));

    let info = CertInfo::parse(cert_info).unwrap();
    assert_eq!(info.qualified_signer, b"");
    assert_eq!(info.extra_data[..4], [0x27, 0x7d, 0x0e, 0x05]);
    assert_eq!(
        info.clock_info,
        ClockInfo {
            clock: 0,
            reset_count: 0x1111_1111,
            restart_count: 0x2222_2222,
            safe: 0x33,
        }
    );
    assert_eq!((info.firmware_version, info.qualified_name), (0, &b""[..]));
    let area = PublicArea::parse(pub_area).unwrap();
    assert_eq!(area.object_attributes, 0x0004_0000);
    assert_eq!(area.auth_policy, b"");

    // The key in the TPM's certificate.
    let x = hex::decode("c54e3f109094f60d7699b7db5d838569ffd1f3e1c9e897cd9eb40063f9402e3e");
    let y = hex::decode("9937e936cf1fcd5eb743ff443c97ab2edcd7c8e0e6cf6cfd413b8ab19fffa769");
    let (x, y) = (x.unwrap(), y.unwrap());
    let attestation_key = PublicKey::Es256 {
        x: x[..].try_into().unwrap(),
        y: y[..].try_into().unwrap(),
    };
    let crypto = RustCrypto(OsRng);
    assert!(attestation_key.verify(&crypto, &[cert_info], sig).is_ok());

    // Key and name are right; the vector's client data are not at hand.
    let data = AuthenticatorData::parse(object.auth_data).unwrap();
    let key = data.attested_credential.unwrap().public_key;
    assert_eq!(
        check(
            &info,
            &area,
            alg,
            &key,
            [object.auth_data, &HASH],
            &mut sha256
        ),
        Err(TpmError::OtherCeremony)
    );
    assert_eq!(
        check(&info, &area, alg, &attestation_key, [b"", b""], &mut sha256),
        Err(TpmError::OtherKey)
    );
}

#[test]
fn every_cut_and_every_byte_more_is_refused() {
    let area = p256_area(&[1; 32], &[2; 32]);
    let info = cert_info(&[3; 32], &area);
    CertInfo::parse(&info).unwrap();
    PublicArea::parse(&area).unwrap();
    for length in 0..info.len() {
        assert!(
            matches!(
                CertInfo::parse(&info[..length]),
                Err(TpmError::EndOfInput { .. })
            ),
            "{length}"
        );
    }
    for length in 0..area.len() {
        assert!(
            matches!(
                PublicArea::parse(&area[..length]),
                Err(TpmError::EndOfInput { .. })
            ),
            "{length}"
        );
    }
    let more = |bytes: &[u8]| [bytes, &[0]].concat();
    assert_eq!(
        CertInfo::parse(&more(&info)),
        Err(TpmError::TrailingBytes {
            structure: "certInfo"
        })
    );
    assert_eq!(
        PublicArea::parse(&more(&area)),
        Err(TpmError::TrailingBytes {
            structure: "pubArea"
        })
    );
}

#[test]
fn only_a_tpm_that_certifies_is_believed() {
    let info = cert_info(&[3; 32], b"");
    let mut other = info.clone();
    other[3] = 0x48;
    assert_eq!(
        CertInfo::parse(&other),
        Err(TpmError::NotGeneratedByTpm { magic: 0xff54_4348 })
    );
    // TPM_ST_ATTEST_QUOTE
    let mut other = info;
    other[5] = 0x18;
    assert_eq!(
        CertInfo::parse(&other),
        Err(TpmError::NotCertify { kind: 0x8018 })
    );
    // TPM_ALG_KEYEDHASH
    assert_eq!(
        PublicArea::parse(&public_area(0x0008, &[0; 64])),
        Err(TpmError::UnknownKeyType { kind: 0x0008 })
    );
}

#[test]
fn keys_are_compared_as_numbers() {
    let short = p256_area(&[1; 31], &[2; 32]);
    let short = PublicArea::parse(&short).unwrap();
    let mut x = [1; 32];
    x[0] = 0;
    let key = PublicKey::Es256 { x: &x, y: &[2; 32] };
    assert!(short.key.is(&key));
    let named = Ec2Key::new(Algorithm::Esp256, &x, &[2; 32]).unwrap();
    assert!(short.key.is(&PublicKey::Ec2(named)));
    let other = PublicKey::Es256 {
        x: &[1; 32],
        y: &[2; 32],
    };
    assert!(!short.key.is(&other));
    assert!(!short.key.is(&PublicKey::Ed25519 { x: &x }));
    let longer = [[0; 16].as_slice(), &x].concat();
    let p384 = Ec2Key::new(Algorithm::Es384, &longer, &longer).unwrap();
    assert!(!short.key.is(&PublicKey::Ec2(p384)), "another curve");
}

#[test]
fn an_rsa_key_of_a_tpm_leaves_out_the_usual_exponent() {
    // AES-128-CFB, RSASSA with SHA-256, 2048 bits.
    let area = |exponent: [u8; 4]| {
        let mut parameters = Vec::from(*b"\x00\x06\x00\x80\x00\x43\x00\x14\x00\x0b\x08\x00");
        parameters.extend(exponent);
        parameters.extend(*b"\x00\x04\x00mod");
        public_area(0x0001, &parameters)
    };
    let usual = area([0; 4]);
    let area_3 = area([0, 0, 0, 3]);
    let key = |e: &'static [u8]| PublicKey::Rsa(RsaKey::new(Algorithm::Rs256, b"mod", e).unwrap());
    let usual = PublicArea::parse(&usual).unwrap();
    assert!(matches!(usual.key, TpmKey::Rsa { key_bits: 2048, .. }));
    assert!(usual.key.is(&key(&[1, 0, 1])));
    assert!(!usual.key.is(&key(&[3])));
    let three = PublicArea::parse(&area_3).unwrap();
    assert!(three.key.is(&key(&[3])));
    assert!(!three.key.is(&key(&[1, 0, 1])));
}

#[test]
fn schemes_of_other_lengths_are_stepped_over() {
    for scheme in [&b"\x00\x10"[..], b"\x00\x1a\x00\x0b\x00\x00", b"\x00\x15"] {
        let parameters = [
            b"\x00\x10",
            scheme,
            b"\x00\x03\x00\x20\x00\x0b\x00\x01x\x00\x01y",
        ];
        let area = public_area(0x0023, &parameters.concat());
        assert_eq!(
            PublicArea::parse(&area).unwrap().key,
            TpmKey::Ecc {
                curve_id: 3,
                x: b"x",
                y: b"y"
            }
        );
    }
}

#[test]
fn hashes_survive_a_round_trip_and_follow_from_signatures() {
    for id in 0..=0x30 {
        assert_eq!(u16::from(HashAlgorithm::from(id)), id);
    }
    for (algorithm, hash) in [
        (Algorithm::Rs1, Some(HashAlgorithm::Sha1)),
        (Algorithm::Rs256, Some(HashAlgorithm::Sha256)),
        (Algorithm::Es384, Some(HashAlgorithm::Sha384)),
        (Algorithm::Esp512, Some(HashAlgorithm::Sha512)),
        (Algorithm::EdDsa, None),
    ] {
        assert_eq!(HashAlgorithm::of(algorithm), hash);
    }
}

#[test]
fn errors_name_what_is_wrong() {
    for (error, text) in [
        (
            TpmError::EndOfInput {
                member: "extraData of certInfo",
            },
            "the bytes of the TPM end inside extraData of certInfo",
        ),
        (
            TpmError::NotGeneratedByTpm { magic: 0x7f },
            "certInfo begins with 0x0000007f, so it was not made by a TPM",
        ),
        (
            TpmError::UnsupportedHash(HashAlgorithm::Sha1),
            "the TPM used the hash 0x0004, which is not computed here",
        ),
        (
            TpmError::UnknownHashOf(Algorithm::EdDsa),
            "no hash goes with COSE algorithm -8 in a tpm attestation",
        ),
    ] {
        assert_eq!(std::string::ToString::to_string(&error), text);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = CertInfo::parse(&bytes);
        let _ = PublicArea::parse(&bytes);
        let certify = [b"\xff\x54\x43\x47\x80\x17", &bytes[..]].concat();
        if let Ok(info) = CertInfo::parse(&certify) {
            prop_assert!(info.extra_data.len() <= bytes.len());
        }
        for kind in [0x0001, 0x0023] {
            let area = public_area(kind, &bytes);
            if let Ok(area) = PublicArea::parse(&area) {
                prop_assert_eq!(area.auth_policy, b"po");
            }
        }
    }
}
