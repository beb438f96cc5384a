use super::platform::Platform;
use super::*;
use crate::storage::FORMAT;
use crate::storage::MemoryStorage;
use keysteward_core::crypto::RustCrypto;
use rand_core::OsRng;

#[test]
fn what_is_no_request_gets_its_status() {
    let mut platform = Platform::with_pin();
    for (request, status) in [
        (&[][..], Status::InvalidLength),
        (&[0x03, 0xA0], Status::InvalidCommand),
        (&[0x09, 0xA0], Status::InvalidCommand),
        (&[0x0C, 0xA0], Status::MissingParameter),
        (&[0x40, 0xA0], Status::InvalidCommand),
        (&[0x77], Status::InvalidCommand),
        (&[0x04, 0xA0], Status::InvalidLength),
        (&[0x07, 0x00], Status::InvalidLength),
        (&[0x08, 0x00], Status::InvalidLength),
        (&[0x0B, 0x00], Status::InvalidLength),
        (&[0x06], Status::InvalidCbor),
        (&[0x06, 0xA1, 0x02], Status::InvalidCbor),
        (&[0x06, 0xA1, 0x02, 0x01, 0x00], Status::InvalidCbor),
        (&[0x06, 0xA2, 0x02, 0x01, 0x02, 0x01], Status::InvalidCbor),
        (&[0x06, 0xA1, 0x02, 0x61, b'1'], Status::CborUnexpectedType),
        (&[0x06, 0x01], Status::CborUnexpectedType),
        (&[0x06, 0xA0], Status::MissingParameter),
        (&[0x01, 0xA1, 0x01, 0x41, 0x00], Status::InvalidLength),
        (&[0x0A, 0xA0], Status::MissingParameter),
        (&[0x0D, 0xA0], Status::MissingParameter),
    ] {
        assert_eq!(
            platform.send_bytes(request),
            [u8::from(status)],
            "{request:02x?}"
        );
    }
}

#[test]
fn members_that_nobody_knows_are_passed_over() {
    let mut platform = Platform::new();
    let request = [0x06, 0xA2, 0x02, 0x01, 0x18, 0x63, 0xF5];
    assert_eq!(
        platform.send_bytes(&request),
        [0x00, 0xA2, 0x03, 0x08, 0x04, 0xF4]
    );
}

#[test]
fn a_blank_key_does_not_start() {
    let blank = Authenticator::new(MemoryStorage::new(), RustCrypto(OsRng));
    assert!(matches!(blank.err(), Some(Error::Blank)));
}

#[test]
fn a_key_whose_records_are_not_what_was_written_does_not_start() {
    for (record, bytes) in [
        (Record::Factory, &[][..]),
        (Record::Factory, &[FORMAT + 1, 0xA0]),
        (Record::Factory, &[FORMAT, 0xA1]),
        (Record::Owner, &[FORMAT, 0xA1, 0x01, 0x01]),
    ] {
        let mut storage = Platform::new().storage;
        let change = Change::replace(record, bytes);
        storage.commit(&[change]).unwrap();
        let key = Authenticator::new(storage.clone(), RustCrypto(OsRng));
        assert_eq!(key.err(), Some(Error::Damaged(record)), "{bytes:02x?}");
    }
}
