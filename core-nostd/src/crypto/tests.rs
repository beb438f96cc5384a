use super::*;
use rand_core::OsRng;

fn crypto() -> RustCrypto<OsRng> {
    RustCrypto(OsRng)
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// FIPS 180-4 example "abc".
#[test]
fn sha256_hashes_the_concatenation_of_its_parts() {
    let digest: [u8; 32] =
        array("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for parts in [&[b"abc".as_slice()][..], &[b"a", b"", b"bc"]] {
        assert_eq!(crypto().sha256(parts), digest);
    }
}

/// RFC 4231 test cases 2 and 6.
#[test]
fn hmac_matches_rfc_4231_for_short_and_long_keys() {
    let long_key = [0xAA; 131];
    for (key, message, mac) in [
        (
            b"Jefe".as_slice(),
            b"what do ya want for nothing?".as_slice(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &long_key,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ] {
        let (head, tail) = message.split_at(7);
        assert_eq!(crypto().hmac_sha256(key, &[head, tail]).0, array(mac));
    }
}

/// RFC 5869 test case 1.
#[test]
fn hkdf_matches_rfc_5869() {
    let mut okm = [0; 42];
    let salt: [u8; 13] = array("000102030405060708090a0b0c");
    let info: [u8; 10] = array("f0f1f2f3f4f5f6f7f8f9");
    crypto()
        .hkdf_sha256(&salt, &[0x0B; 22], &info, &mut okm)
        .unwrap();
    assert_eq!(
        hex::encode(okm),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    );
    assert_eq!(
        crypto().hkdf_sha256(&salt, &[0x0B; 22], &info, &mut [0; 8161]),
        Err(Error)
    );
}

/// NIST SP 800-38A F.2.5, first two blocks.
#[test]
fn aes_256_cbc_matches_sp_800_38a_both_ways() {
    let key = array("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    let iv = array("000102030405060708090a0b0c0d0e0f");
    let plain: [u8; 32] = array("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    let mut data = plain;
    crypto().aes256_cbc_encrypt(&key, &iv, &mut data).unwrap();
    assert_eq!(
        hex::encode(data),
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
    );
    crypto().aes256_cbc_decrypt(&key, &iv, &mut data).unwrap();
    assert_eq!(data, plain);
}

#[test]
fn cbc_refuses_a_broken_block() {
    let mut data = [0; 17];
    assert_eq!(
        crypto().aes256_cbc_encrypt(&[0; 32], &[0; 16], &mut data),
        Err(Error)
    );
    assert_eq!(
        crypto().aes256_cbc_decrypt(&[0; 32], &[0; 16], &mut data),
        Err(Error)
    );
    assert_eq!(data, [0; 17], "nothing was touched");
}

/// "The Galois/Counter Mode of Operation" (McGrew, Viega), appendix B, test case 16.
#[test]
fn aes_256_gcm_matches_its_test_case_both_ways() {
    let key = array("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let nonce = array("cafebabefacedbaddecaf888");
    let associated: [u8; 20] = array("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain: [u8; 60] = array(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    let sealed: [u8; 60] = array(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
    );
    let mut crypto = crypto();
    let mut data = plain;
    let tag = crypto
        .aes256_gcm_seal(&key, &nonce, &associated, &mut data)
        .unwrap();
    assert_eq!(data, sealed);
    assert_eq!(hex::encode(tag), "76fc6ece0f4e1768cddf8853bb2d551b");

    let mut wrong = tag;
    wrong[15] ^= 1;
    for (associated, tag) in [(&associated[..19], &tag), (&associated, &wrong)] {
        let opened = crypto.aes256_gcm_open(&key, &nonce, associated, &mut data, tag);
        assert_eq!(opened, Err(Error));
        assert_ne!(data[..8], plain[..8], "no plaintext without a tag");
    }
    crypto
        .aes256_gcm_open(&key, &nonce, &associated, &mut data, &tag)
        .unwrap();
    assert_eq!(data, plain);
}

#[test]
fn sha_256_is_the_same_piece_by_piece() {
    let crypto = crypto();
    let pieces = [&b"a"[..], &[], b"bc"];
    let fed = crypto.sha256_fed(&mut |take| pieces.iter().for_each(|piece| take(piece)));
    assert_eq!(fed, crypto.sha256(&[b"abc"]));
    assert_eq!(crypto.sha256_fed(&mut |_| {}), crypto.sha256(&[]));
}

/// FIPS 197 appendix C.1.
#[test]
fn aes_128_matches_fips_197_both_ways() {
    let key = array("000102030405060708090a0b0c0d0e0f");
    let plain = array("00112233445566778899aabbccddeeff");
    let mut block = plain;
    crypto().aes128_encrypt_block(&key, &mut block);
    assert_eq!(hex::encode(block), "69c4e0d86a7b0430d8cdb78070b4c55a");
    crypto().aes128_decrypt_block(&key, &mut block);
    assert_eq!(block, plain);
}

/// NIST CAVP "ECC CDH primitive", P-256, COUNT = 0.
#[test]
fn key_agreement_matches_the_cavp_vector() {
    let key = PrivateKey::from_bytes(array(
        "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
    ));
    assert_eq!(
        crypto().p256_public(&key).unwrap(),
        PublicPoint {
            x: array("ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b230"),
            y: array("28af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141"),
        }
    );
    let peer = PublicPoint {
        x: array("700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"),
        y: array("db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"),
    };
    assert_eq!(
        crypto().p256_agree(&key, &peer).unwrap().0,
        array("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b")
    );
}

#[test]
fn key_agreement_refuses_a_point_off_the_curve() {
    let mut crypto = crypto();
    let key = crypto.p256_generate().unwrap();
    let mut peer = crypto.p256_public(&key).unwrap();
    peer.y[31] ^= 1;
    assert!(crypto.p256_agree(&key, &peer).is_err());
    let zero = PublicPoint {
        x: [0; 32],
        y: [0; 32],
    };
    assert!(crypto.p256_agree(&key, &zero).is_err());
}

/// RFC 6979 appendix A.2.5, SHA-256, message "sample".
#[test]
fn es256_signs_as_rfc_6979_says() {
    let key = PrivateKey::from_bytes(array(
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
    ));
    let mut crypto = crypto();
    let signature = crypto.es256_sign(&key, &[b"sam", b"ple"]).unwrap();
    let (r, s) = (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    );
    let expected: [u8; 72] = array(&std::format!("3046022100{r}022100{s}"));
    assert_eq!(signature.as_slice(), expected);

    let public = crypto.p256_public(&key).unwrap();
    assert!(
        crypto
            .es256_verify(&public, &[b"sample"], &signature)
            .is_ok()
    );
    assert!(
        crypto
            .es256_verify(&public, &[b"simple"], &signature)
            .is_err()
    );
    assert!(
        crypto
            .es256_verify(&public, &[b"sample"], &signature[..70])
            .is_err()
    );
}

/// RFC 8032 section 7.1, TEST 3.
#[test]
fn ed25519_signs_as_rfc_8032_says() {
    let key = PrivateKey::from_bytes(array(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    ));
    let mut crypto = crypto();
    let public = crypto.ed25519_public(&key).unwrap();
    assert_eq!(
        hex::encode(public),
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    );
    let signature = crypto.ed25519_sign(&key, &[&[0xAF], &[0x82]]).unwrap();
    assert_eq!(
        hex::encode(signature),
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    );
    assert!(
        crypto
            .ed25519_verify(&public, &[&[0xAF, 0x82]], &signature)
            .is_ok()
    );
    assert!(
        crypto
            .ed25519_verify(&public, &[&[0xAF, 0x83]], &signature)
            .is_err()
    );
}

#[test]
fn generated_keys_differ_and_agree_with_each_other() {
    let mut crypto = crypto();
    let (a, b) = (
        crypto.p256_generate().unwrap(),
        crypto.p256_generate().unwrap(),
    );
    let (a_public, b_public) = (
        crypto.p256_public(&a).unwrap(),
        crypto.p256_public(&b).unwrap(),
    );
    assert_ne!(a_public, b_public);
    assert_eq!(
        crypto.p256_agree(&a, &b_public).unwrap().0,
        crypto.p256_agree(&b, &a_public).unwrap().0
    );
}
