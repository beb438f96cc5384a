use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    key_store::{FactorySecrets, KeyStore},
    store::{Micros, card::Applet, card_master_key::CardMasterKey},
};

const CARD: [u8; 16] = [7; 16];

fn open() -> (tempfile::TempDir, KeyStore, Vec<CardMasterKey>) {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyStore::create(&folder.path().join("key")).unwrap();
    let generations = [1, 2]
        .map(|n| keys.new_card_master(n, "first", "test", Micros(1)).unwrap())
        .into();
    (folder, keys, generations)
}

/// Counts instead of hashing: what went in stands in what comes out.
struct Fixed;

impl Prf for Fixed {
    fn hmac_sha256(&self, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        Ok(Zeroizing::new(Sha256::digest(message).into()))
    }
}

#[test]
fn every_part_of_the_derivation_counts() {
    let (_folder, keys, generations) = open();
    let key = |generation, cipher, card: [u8; 16]| {
        let which = Which { generation, cipher };
        let key = keys.admin_key(&generations, which, &card).unwrap();
        key.bytes().to_vec()
    };
    let one = key(1, Cipher::Aes192, CARD);
    assert_eq!(one, key(1, Cipher::Aes192, CARD), "it is the same again");
    assert_eq!(one.len(), 24);
    for other in [
        key(2, Cipher::Aes192, CARD),
        key(1, Cipher::Aes192, [8; 16]),
        key(1, Cipher::TripleDes, CARD),
    ] {
        assert_eq!(other.len(), 24);
        assert_ne!(one, other);
    }
    assert_eq!(key(1, Cipher::Aes128, CARD).len(), 16);
    assert_eq!(key(1, Cipher::Aes256, CARD).len(), 32);
}

#[test]
fn the_input_of_the_derivation_is_as_sp_800_108_has_it() {
    let which = Which {
        generation: 3,
        cipher: Cipher::Aes256,
    };
    let key = AdminKey::derive(&Fixed, which, &CARD).unwrap();
    let mut input = vec![0, 0, 0, 1];
    input.extend_from_slice(b"keysteward card admin key\0");
    input.extend_from_slice(&[0, 0, 0, 3]);
    input.extend_from_slice(&CARD);
    input.extend_from_slice(b"aes256");
    input.extend_from_slice(&[0, 0, 0, 1, 0]);
    assert_eq!(key.bytes(), Sha256::digest(&input).as_slice());
}

#[test]
fn keys_of_3des_have_odd_parity_and_no_two_equal_parts() {
    let (_folder, keys, generations) = open();
    let which = Which {
        generation: 1,
        cipher: Cipher::TripleDes,
    };
    for card in 0..50 {
        let key = keys.admin_key(&generations, which, &[card; 16]).unwrap();
        assert!(key.bytes().iter().all(|byte| byte.count_ones() % 2 == 1));
        assert!(!is_degenerate(key.bytes()));
    }
    assert!(is_degenerate(&[1, 2, 3, 4, 5, 6, 7, 8].repeat(3)));
}

#[test]
fn a_degenerate_key_is_derived_again() {
    /// Gives three equal parts to the first attempt.
    struct Unlucky;
    impl Prf for Unlucky {
        fn hmac_sha256(&self, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
            let attempt = message[message.len() - 5];
            match attempt {
                0 => Ok(Zeroizing::new([2; 32])),
                _ => Fixed.hmac_sha256(message),
            }
        }
    }
    let which = Which {
        generation: 1,
        cipher: Cipher::TripleDes,
    };
    let key = AdminKey::derive(&Unlucky, which, &CARD).unwrap();
    assert!(!is_degenerate(key.bytes()));
}

#[test]
fn a_challenge_is_answered_as_cards_do() {
    // Measured at a card: 3DES of 8 bytes under 0102..18.
    let key: Vec<u8> = (1..=24).collect();
    let key = AdminKey::given(&key);
    let challenge = hex::decode("0557897F8D84407B").unwrap();
    let answered = key.answer(Cipher::TripleDes, &[], &challenge).unwrap();
    assert_eq!(hex::encode_upper(&answered.challenge), "F61E826BC1F2ACE5");
    assert!(answered.witness.is_empty());
    let back = key
        .answer(Cipher::TripleDes, &answered.challenge, &[])
        .unwrap();
    assert_eq!(back.witness, challenge);
    // FIPS 197 appendix C.1.
    let aes = AdminKey::given(&(0..16).collect::<Vec<u8>>());
    let plain = hex::decode("00112233445566778899aabbccddeeff").unwrap();
    let answered = aes.answer(Cipher::Aes128, &[], &plain).unwrap();
    assert_eq!(
        hex::encode(&answered.challenge),
        "69c4e0d86a7b0430d8cdb78070b4c55a"
    );
}

#[test]
fn nothing_but_one_block_of_the_right_cipher_is_answered() {
    let (_folder, keys, generations) = open();
    let which = Which {
        generation: 1,
        cipher: Cipher::Aes192,
    };
    let key = keys.admin_key(&generations, which, &CARD).unwrap();
    assert!(key.answer(Cipher::Aes192, &[0; 16], &[0; 16]).is_some());
    // 24 bytes too, and yet no key of 3DES.
    assert!(key.answer(Cipher::TripleDes, &[], &[0; 8]).is_none());
    assert!(key.answer(Cipher::Aes256, &[], &[0; 16]).is_none());
    assert!(key.answer(Cipher::Aes192, &[0; 8], &[]).is_none());
    assert!(key.answer(Cipher::Aes192, &[], &[0; 32]).is_none());
    let factory = AdminKey::given(&[1; 24]);
    assert!(factory.answer(Cipher::TripleDes, &[], &[0; 8]).is_some());
    assert!(factory.answer(Cipher::Aes192, &[], &[0; 16]).is_some());
    assert!(factory.answer(Cipher::Aes128, &[], &[0; 16]).is_none());
}

#[test]
fn a_generation_that_is_lost_or_of_another_server_opens_nothing() {
    let (_folder, keys, generations) = open();
    let which = |generation| Which {
        generation,
        cipher: Cipher::Aes128,
    };
    let lost = keys.admin_key(&generations, which(3), &CARD).unwrap_err();
    assert!(matches!(lost, Error::NoCardMaster { generation: 3 }));
    let (_other_folder, other, _) = open();
    let refused = other.admin_key(&generations, which(1), &CARD).unwrap_err();
    assert!(matches!(refused, Error::Sealed { .. }), "{refused}");
    // Sealed for its own row alone.
    let mut moved = generations.clone();
    moved[0].generation = 2;
    moved.remove(1);
    assert!(keys.admin_key(&moved, which(2), &CARD).is_err());
}

#[test]
fn factory_secrets_open_for_their_own_type_alone_and_never_print() {
    let (_folder, keys, _) = open();
    let secrets = FactorySecrets::usual(Applet::Piv);
    let sealed = keys.seal_factory("one", &secrets);
    let opened = keys.open_factory("one", &sealed).unwrap();
    assert_eq!(opened.admin_key, secrets.admin_key);
    assert_eq!(
        (opened.pin.as_str(), opened.puk.as_str()),
        ("123456", "12345678")
    );
    assert!(keys.open_factory("two", &sealed).is_err());
    assert_eq!(format!("{secrets:?}"), "FactorySecrets");
    assert!(!format!("{:?}", AdminKey::given(&[0xAB; 24])).contains("171"));
}
