//! Project Wycheproof's vectors for every primitive that CTAP is made of here: what must pass
//! passes, what must fail fails.

#![allow(clippy::unwrap_used)]

use keysteward_core::crypto::{Crypto, PrivateKey, PublicPoint, RustCrypto};
use rand_core::OsRng;
use wycheproof::{TestResult, aead, cipher, ecdh, ecdsa, eddsa, hkdf, mac};

fn crypto() -> RustCrypto<OsRng> {
    RustCrypto(OsRng)
}

/// Counts what was judged, so that an empty file of vectors is no success.
struct Tally {
    valid: usize,
    invalid: usize,
}

impl Tally {
    const NONE: Self = Self {
        valid: 0,
        invalid: 0,
    };

    fn judge(&mut self, id: usize, comment: &str, expected: TestResult, passed: bool) {
        match expected {
            TestResult::Valid => {
                assert!(passed, "vector {id} should pass: {comment}");
                self.valid += 1;
            }
            TestResult::Invalid => {
                assert!(!passed, "vector {id} should fail: {comment}");
                self.invalid += 1;
            }
            // Either is right.
            TestResult::Acceptable => {}
        }
    }

    fn at_least(&self, valid: usize, invalid: usize) {
        assert!(self.valid >= valid, "{} valid vectors", self.valid);
        assert!(self.invalid >= invalid, "{} invalid vectors", self.invalid);
    }
}

/// An uncompressed point; other forms do not exist in COSE.
fn point(bytes: &[u8]) -> Option<PublicPoint> {
    let (x, y) = bytes.strip_prefix(&[4])?.split_at_checked(32)?;
    Some(PublicPoint {
        x: x.try_into().ok()?,
        y: y.try_into().ok()?,
    })
}

/// A scalar without or with leading zeros, as 32 bytes.
fn scalar(bytes: &[u8]) -> [u8; 32] {
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(0);
    let significant = &bytes[start..];
    let mut scalar = [0; 32];
    scalar[32 - significant.len()..].copy_from_slice(significant);
    scalar
}

#[test]
fn key_agreement_on_p256() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    let mut tally = Tally::NONE;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let key = PrivateKey::from_bytes(scalar(&test.private_key));
        let agreed = point(&test.public_key)
            .and_then(|peer| crypto().p256_agree(&key, &peer).ok())
            .is_some_and(|secret| secret.0 == **test.shared_secret);
        tally.judge(test.tc_id, &test.comment, test.result, agreed);
    }
    tally.at_least(200, 1);
}

#[test]
fn es256_signatures() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    let mut tally = Tally::NONE;
    for group in &set.test_groups {
        let key = point(&group.key.key).unwrap();
        for test in &group.tests {
            let (head, tail) = test.msg.split_at(test.msg.len() / 2);
            let verified = crypto().es256_verify(&key, &[head, tail], &test.sig);
            tally.judge(test.tc_id, &test.comment, test.result, verified.is_ok());
        }
    }
    tally.at_least(150, 200);
}

#[test]
fn ed25519_signatures() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut tally = Tally::NONE;
    for group in &set.test_groups {
        let key: &[u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        for test in &group.tests {
            let (head, tail) = test.msg.split_at(test.msg.len() / 2);
            let verified = crypto().ed25519_verify(key, &[head, tail], &test.sig);
            tally.judge(test.tc_id, &test.comment, test.result, verified.is_ok());
        }
    }
    tally.at_least(50, 50);
}

#[test]
fn hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut tally = Tally::NONE;
    for group in &set.test_groups {
        // Truncated tags are the first bytes, as in PIN/UV auth protocol one.
        let length = group.tag_size / 8;
        for test in &group.tests {
            let tag = crypto().hmac_sha256(&test.key, &[&test.msg]);
            let same = tag.0[..length] == **test.tag;
            tally.judge(test.tc_id, &test.comment, test.result, same);
        }
    }
    tally.at_least(50, 50);
}

#[test]
fn hkdf_sha256() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut tally = Tally::NONE;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let derived = crypto()
            .hkdf_sha256(&test.salt, &test.ikm, &test.info, &mut okm)
            .is_ok();
        let same = derived && okm == **test.okm;
        tally.judge(test.tc_id, &test.comment, test.result, same);
    }
    tally.at_least(50, 1);
}

/// The vectors pad as PKCS #7 says, and PIN/UV auth protocols not at all: the padding is the
/// test's own.
#[test]
fn aes_256_cbc() {
    let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
    let mut tally = Tally::NONE;
    let groups = set.test_groups.iter().filter(|group| group.key_size == 256);
    for test in groups.flat_map(|group| &group.tests) {
        let key: &[u8; 32] = test.key.as_slice().try_into().unwrap();
        let iv: &[u8; 16] = test.nonce.as_slice().try_into().unwrap();
        let mut data = test.ct.to_vec();
        let decrypted = crypto().aes256_cbc_decrypt(key, iv, &mut data).is_ok();
        let same = decrypted && unpadded(&data) == Some(&test.pt);
        tally.judge(test.tc_id, &test.comment, test.result, same);
        if same {
            crypto().aes256_cbc_encrypt(key, iv, &mut data).unwrap();
            assert_eq!(data, **test.ct, "vector {}", test.tc_id);
        }
    }
    tally.at_least(20, 20);
}

fn unpadded(data: &[u8]) -> Option<&[u8]> {
    let &count = data.last()?;
    let length = data.len().checked_sub(count.into())?;
    let (text, padding) = data.split_at(length);
    let right = (1..=16).contains(&count) && padding.iter().all(|&byte| byte == count);
    right.then_some(text)
}

#[test]
fn aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut tally = Tally::NONE;
    // CTAP has no other lengths.
    let groups = set
        .test_groups
        .iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128));
    for test in groups.flat_map(|group| &group.tests) {
        let key: &[u8; 32] = test.key.as_slice().try_into().unwrap();
        let nonce: &[u8; 12] = test.nonce.as_slice().try_into().unwrap();
        let tag: &[u8; 16] = test.tag.as_slice().try_into().unwrap();
        let mut data = test.ct.to_vec();
        let opened = crypto().aes256_gcm_open(key, nonce, &test.aad, &mut data, tag);
        let same = opened.is_ok() && data == **test.pt;
        tally.judge(test.tc_id, &test.comment, test.result, same);
        if same {
            let sealed = crypto().aes256_gcm_seal(key, nonce, &test.aad, &mut data);
            assert_eq!(sealed.ok().as_ref(), Some(tag), "vector {}", test.tc_id);
            assert_eq!(data, **test.ct, "vector {}", test.tc_id);
        }
    }
    tally.at_least(30, 15);
}
