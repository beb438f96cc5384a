//! Public keys and blocks to sign.

use super::bytes;
use crate::iso7816::tlv::{Objects, Tag};
use crate::piv::pkcs1::{Digest, pad};
use crate::piv::{Algorithm, Malformed, PublicKey};
use std::vec;
use std::vec::Vec;

fn key(algorithm: Algorithm) -> Vec<u8> {
    let (tag, len, first) = match algorithm {
        Algorithm::P256 => (0x86, 65, 0x04),
        Algorithm::P384 => (0x86, 97, 0x04),
        _ => (0x86, 32, 0x77),
    };
    let mut value = vec![0x11; len];
    value[0] = first;
    [&[0x7F, 0x49, len as u8 + 2, tag, len as u8][..], &value].concat()
}

#[test]
fn public_keys_go_both_ways() {
    for algorithm in [
        Algorithm::P256,
        Algorithm::P384,
        Algorithm::Ed25519,
        Algorithm::X25519,
    ] {
        let answer = key(algorithm);
        let parsed = PublicKey::parse(&answer, algorithm).unwrap();
        assert_eq!(parsed.algorithm(), Some(algorithm));
        let mut room = [0; 128];
        assert_eq!(parsed.encode(&mut room).unwrap(), answer);
        let members = parsed.encode_members(&mut room).unwrap();
        assert_eq!(PublicKey::parse_members(members, algorithm), Ok(parsed));
    }
}

#[test]
fn a_key_of_another_length_or_form_is_refused() {
    let mut answer = key(Algorithm::P256);
    assert_eq!(PublicKey::parse(&answer, Algorithm::P384), Err(Malformed));
    assert_eq!(
        PublicKey::parse(&answer, Algorithm::Ed25519),
        Err(Malformed)
    );
    assert_eq!(
        PublicKey::parse(&answer, Algorithm::Rsa2048),
        Err(Malformed)
    );
    answer[5] = 0x02;
    assert_eq!(PublicKey::parse(&answer, Algorithm::P256), Err(Malformed));
    assert_eq!(
        PublicKey::parse(b"\x86\x00", Algorithm::P256),
        Err(Malformed)
    );
    let short = PublicKey::Rsa {
        modulus: &[0x80; 255],
        exponent: &[1, 0, 1],
    };
    let mut room = [0; 300];
    let answer = short.encode(&mut room).unwrap();
    assert_eq!(PublicKey::parse(answer, Algorithm::Rsa2048), Err(Malformed));
    assert_eq!(short.algorithm(), None);
}

#[test]
fn a_modulus_may_have_a_zero_in_front() {
    let mut modulus = vec![0; 257];
    modulus[1] = 0x80;
    let padded = PublicKey::Rsa {
        modulus: &modulus,
        exponent: &[0, 1, 0, 1],
    };
    let mut room = [0; 300];
    let answer = padded.encode(&mut room).unwrap();
    let parsed = PublicKey::parse(answer, Algorithm::Rsa2048).unwrap();
    let expected = PublicKey::Rsa {
        modulus: &modulus[1..],
        exponent: &[1, 0, 1],
    };
    assert_eq!(parsed, expected);
}

/// RFC 8410 §10.1 and RFC 8410 §10.2 have the first two; those of the curves begin as every one
/// does.
#[test]
fn subject_public_key_info_is_that_of_the_standards() {
    let ed25519 = bytes("19BF44096984CDFE8541BAC167DC3B96C85086AA30B6B6CB0C5C38AD703166E1");
    let ed25519: [u8; 32] = ed25519.try_into().unwrap();
    let mut room = [0; PublicKey::MAX_SPKI];
    let spki = PublicKey::Ed25519(&ed25519).spki(&mut room).unwrap();
    let expected = "302A300506032B6570032100\
                    19BF44096984CDFE8541BAC167DC3B96C85086AA30B6B6CB0C5C38AD703166E1";
    assert_eq!(spki, bytes(expected));
    let spki = PublicKey::X25519(&ed25519).spki(&mut room).unwrap();
    assert_eq!(spki[..12], bytes("302A300506032B656E032100"));
    let spki = PublicKey::P256(&[4; 65]).spki(&mut room).unwrap();
    assert_eq!((spki.len(), spki[1], spki[24]), (91, 89, 66));
    let spki = PublicKey::P384(&[4; 97]).spki(&mut room).unwrap();
    assert_eq!((spki.len(), spki[1], spki[21]), (120, 118, 98));
}

#[test]
fn rsa_keys_of_all_lengths_fit() {
    for algorithm in Algorithm::ALL {
        let Some(len) = algorithm.modulus_len() else {
            continue;
        };
        let modulus = vec![0xC3; len];
        let key = PublicKey::Rsa {
            modulus: &modulus,
            exponent: &[1, 0, 1],
        };
        assert_eq!(key.algorithm(), Some(algorithm));
        let mut room = [0; PublicKey::MAX_SPKI];
        let spki = key.spki(&mut room).unwrap();
        assert!(spki.ends_with(b"\xC3\xC3\x02\x03\x01\x00\x01"));
        let outer = Objects::new(spki).next().unwrap().unwrap();
        let [algorithm, bits] = Objects::new(outer.value)
            .map(Result::unwrap)
            .collect::<Vec<_>>()[..]
        else {
            panic!("{spki:02X?}");
        };
        assert_eq!((algorithm.tag, bits.tag), (Tag(0x30), Tag(0x03)));
        let numbers = Objects::new(&bits.value[1..]).next().unwrap().unwrap();
        let modulus = Objects::new(numbers.value).next().unwrap().unwrap();
        assert_eq!((modulus.value.len(), modulus.value[0]), (len + 1, 0x00));
    }
}

#[test]
fn digests_are_padded_to_the_modulus() {
    let mut block = [0; 128];
    assert_eq!(pad(Digest::Sha256, &[0xAA; 32], &mut block), Some(()));
    let head = [&[0x00, 0x01][..], &[0xFF; 128 - 3 - 19 - 32], &[0x00]].concat();
    assert!(block.starts_with(&head));
    let info = bytes("3031300D060960864801650304020105000420");
    assert_eq!(block[head.len()..][..19], info[..]);
    assert!(block.ends_with(&[0xAA; 32]));

    assert_eq!(pad(Digest::Sha384, &[0; 32], &mut block), None);
    assert_eq!(pad(Digest::Sha512, &[0; 64], &mut [0; 93]), None);
    assert_eq!(pad(Digest::Sha512, &[0; 64], &mut [0; 94]), Some(()));
}
