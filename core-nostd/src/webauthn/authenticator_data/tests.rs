use std::vec::Vec;

use super::*;

const RP_ID_HASH: [u8; 32] = [0xaa; 32];

fn data(flags: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::from(RP_ID_HASH);
    bytes.push(flags);
    bytes.extend(7_u32.to_be_bytes());
    bytes.extend(rest);
    bytes
}

/// AAGUID, an id of `length` bytes, an Ed25519 key.
fn credential(length: u16) -> Vec<u8> {
    let mut bytes = Vec::from([0xbb; 16]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(std::iter::repeat_n(0xcc, length.into()));
    bytes.extend([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20]);
    bytes.extend([0x33; 32]);
    bytes
}

const EXTENSIONS: [u8; 13] = *b"\xa1\x6bcredProtect";

fn extensions() -> Vec<u8> {
    let mut bytes = Vec::from(EXTENSIONS);
    bytes.push(0x02);
    bytes
}

#[test]
fn every_combination_of_members_survives_a_round_trip() {
    for (flags, rest) in [
        (0x05, Vec::new()),
        (0x45, credential(16)),
        (0x85, extensions()),
        (0xc5, [credential(16), extensions()].concat()),
        (0x5d, credential(1023)),
        (0x23, Vec::new()),
    ] {
        let bytes = data(flags, &rest);
        let parsed = AuthenticatorData::parse(&bytes).unwrap();
        assert_eq!(parsed.flags_byte(), flags);
        assert_eq!(parsed.sign_count, 7);
        assert_eq!(parsed.attested_credential.is_some(), flags & 0x40 != 0);
        assert_eq!(parsed.extensions.is_some(), flags & 0x80 != 0);
        assert_eq!(parsed.encode(&mut [0; 2000]).unwrap(), bytes);
        for cut in 0..bytes.len() {
            assert!(AuthenticatorData::parse(&bytes[..cut]).is_err());
            assert_eq!(parsed.encode(&mut [0; 2000][..cut]), Err(BufferFull));
        }
    }
}

#[test]
fn the_members_of_a_credential_are_found() {
    let bytes = data(0x41, &credential(5));
    let parsed = AuthenticatorData::parse(&bytes).unwrap();
    let credential = parsed.attested_credential.unwrap();
    assert_eq!(credential.aaguid, &[0xbb; 16]);
    assert_eq!(credential.credential_id, [0xcc; 5]);
    assert_eq!(credential.public_key, PublicKey::Ed25519 { x: &[0x33; 32] });
}

#[test]
fn bytes_that_no_flag_announces_are_refused() {
    assert_eq!(
        AuthenticatorData::parse(&data(0x01, &[0])),
        Err(Error::TrailingBytes { position: 37 })
    );
    let unannounced = data(0x41, &[credential(5), extensions()].concat());
    assert!(matches!(
        AuthenticatorData::parse(&unannounced),
        Err(Error::TrailingBytes { .. })
    ));
}

#[test]
fn a_backup_of_what_cannot_be_backed_up_is_refused() {
    assert_eq!(
        AuthenticatorData::parse(&data(0x11, &[])),
        Err(Error::BackedUpButNotEligible)
    );
    assert!(AuthenticatorData::parse(&data(0x19, &[])).is_ok());
}

#[test]
fn a_credential_id_that_is_empty_or_too_long_is_refused() {
    for length in [0, 1024] {
        let bytes = data(0x41, &credential(length));
        let length = length.into();
        let refused = AuthenticatorData::parse(&bytes);
        assert_eq!(refused, Err(Error::CredentialIdLength { length }));
    }
    for length in [1, 1023] {
        assert!(AuthenticatorData::parse(&data(0x41, &credential(length))).is_ok());
    }
}

#[test]
fn extensions_are_a_map_and_a_fault_in_them_is_placed() {
    assert_eq!(
        AuthenticatorData::parse(&data(0x81, &[0x80])),
        Err(Error::ExtensionsNotAMap { position: 37 })
    );
    assert_eq!(
        AuthenticatorData::parse(&data(0x81, &[0xa2, 0x01, 0x00, 0x01, 0x00])),
        Err(Error::Cbor {
            offset: 37,
            source: cbor::Error::DuplicateKey { position: 3 }
        })
    );
}
