//! The persistent token: kept, and opening what is sealed to it. The sealed
//! members were computed with OpenSSL's primitives (Python `cryptography`),
//! token 60 61 .. 7f, plaintext a0 a1 .. af, IV 00 01 .. 0f.

use super::*;
use crate::crypto::Secret;
use std::vec::Vec;

const IDENTIFIER: &str = "000102030405060708090a0b0c0d0e0fee183cf8f3aee03160d193def85ef23d";
const STORE_STATE: &str = "000102030405060708090a0b0c0d0e0f085953445977b86be4442430f255e19d";

fn counted(from: u8) -> [u8; 32] {
    core::array::from_fn(|i| from + i as u8)
}

fn plaintext() -> [u8; 16] {
    core::array::from_fn(|i| 0xA0 + i as u8)
}

fn token() -> PersistentToken {
    let token = PinUvAuthToken::restore(PinProtocol::Two, Secret(counted(0x60)));
    PersistentToken::new(token).unwrap()
}

#[test]
fn sealed_members_open_as_known() {
    for (member, sealed) in [
        (EncryptedMember::Identifier, IDENTIFIER),
        (EncryptedMember::CredStoreState, STORE_STATE),
    ] {
        let sealed = hex::decode(sealed).unwrap();
        let opened = token().open(&mut crypto(), member, &sealed);
        assert_eq!(opened, Ok(plaintext()), "{member:?}");
        let again = token().seal(&mut crypto(), member, &plaintext());
        assert_eq!(again.unwrap().to_vec(), sealed, "{member:?}");
    }
}

#[test]
fn another_token_or_another_member_opens_to_something_else() {
    let sealed = hex::decode(IDENTIFIER).unwrap();
    let other = PinUvAuthToken::restore(PinProtocol::Two, Secret(counted(0x61)));
    let other = PersistentToken::new(other).unwrap();
    let opened = other.open(&mut crypto(), EncryptedMember::Identifier, &sealed);
    assert_ne!(opened, Ok(plaintext()));
    let opened = token().open(&mut crypto(), EncryptedMember::CredStoreState, &sealed);
    assert_ne!(opened, Ok(plaintext()));
}

#[test]
fn a_member_of_another_length_is_refused() {
    for len in [0, 16, 31, 33, 48] {
        let sealed = std::vec![0; len];
        let opened = token().open(&mut crypto(), EncryptedMember::Identifier, &sealed);
        assert_eq!(opened, Err(Error), "{len} bytes");
    }
}

#[test]
fn a_token_survives_storage_with_its_protocol() {
    for protocol in [PinProtocol::One, PinProtocol::Two] {
        let token = PinUvAuthToken::restore(protocol, Secret(counted(7)));
        let bytes = PersistentToken::new(token).unwrap().to_bytes();
        let again = PersistentToken::from_bytes(&bytes.0).unwrap();
        assert_eq!(again.read_only().protocol(), protocol);
        let mac = |token: &PinUvAuthToken| token.authenticate(&mut crypto(), &[b"message"]);
        let token = PinUvAuthToken::restore(protocol, Secret(counted(7)));
        assert_eq!(mac(again.read_only()), mac(&token));
    }
}

#[test]
fn bytes_of_an_unknown_protocol_are_no_token() {
    let mut bytes = token().to_bytes();
    bytes.0[0] = 3;
    assert!(PersistentToken::from_bytes(&bytes.0).is_none());
}

#[test]
fn a_short_token_is_not_persistent() {
    let secret = secret(PinProtocol::One);
    let ciphertext = secret.encrypt(&mut crypto(), &[7; 16]).unwrap();
    let short = PinUvAuthToken::decrypt(&mut crypto(), &secret, &ciphertext);
    assert!(PersistentToken::new(short.ok().unwrap()).is_none());
}

#[test]
fn every_seal_differs() {
    let mut crypto = crypto();
    let mut seal = || {
        let sealed = token().seal(&mut crypto, EncryptedMember::Identifier, &plaintext());
        Vec::from(sealed.unwrap())
    };
    assert_ne!(seal(), seal());
}
