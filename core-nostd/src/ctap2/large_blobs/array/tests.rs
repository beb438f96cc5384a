use proptest::collection::vec;
use proptest::prelude::*;
use rand_core::OsRng;
use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::cbor::{Error, encode};
use crate::crypto::{RustCrypto, Secret};

const KEY: LargeBlobKey<'_> = LargeBlobKey(&[7; 32]);

fn crypto() -> RustCrypto<OsRng> {
    RustCrypto(OsRng)
}

/// An array of these items, with its hash.
fn serialized(items: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::from([0x80 | u8::try_from(items.len()).unwrap()]);
    for item in items {
        bytes.extend(*item);
    }
    let hash = crypto().sha256(&[&bytes]);
    bytes.extend(&hash[..16]);
    bytes
}

fn sealed(text: &'static [u8], room: &mut [u8]) -> Vec<u8> {
    let map = LargeBlobMap::seal(&mut crypto(), KEY, text, 9, room).unwrap();
    encode(&map, &mut [0; 256]).unwrap().to_vec()
}

#[test]
fn a_new_key_holds_an_empty_array() {
    assert_eq!(serialized(&[]), LargeBlobArray::INITIAL);
    let array = LargeBlobArray::parse(&crypto(), LargeBlobArray::INITIAL).unwrap();
    assert!(array.is_empty());
}

#[test]
fn a_short_or_damaged_array_is_refused() {
    for length in 0..17 {
        assert_eq!(
            LargeBlobArray::parse(&crypto(), &LargeBlobArray::INITIAL[..length]),
            Err(ArrayError::TooShort { length })
        );
    }
    let whole = serialized(&[b"\x01", b"\x02"]);
    for index in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[index] ^= 0x40;
        assert_eq!(
            LargeBlobArray::parse(&crypto(), &damaged),
            Err(ArrayError::WrongHash)
        );
        assert_eq!(checked(&crypto(), &damaged), Err(ArrayError::WrongHash));
    }
    assert_eq!(checked(&crypto(), &whole), Ok(&b"\x82\x01\x02"[..]));
}

#[test]
fn what_is_hashed_must_be_an_array_and_nothing_more() {
    for (item, error) in [
        (&b"\x01"[..], Error::TrailingBytes { position: 1 }),
        (b"\xff", Error::Malformed { position: 1 }),
    ] {
        // An item too many, and an item that is none.
        let mut bytes = Vec::from(if item == b"\x01" { [0x80] } else { [0x81] });
        bytes.extend(item);
        let hash = crypto().sha256(&[&bytes]);
        bytes.extend(&hash[..16]);
        assert_eq!(
            LargeBlobArray::parse(&crypto(), &bytes),
            Err(ArrayError::Malformed(error))
        );
    }
}

#[test]
fn a_blob_opens_with_its_key_only() {
    let mut room = [0; 64];
    let blob = LargeBlobMap::seal(&mut crypto(), KEY, b"deflated", 40, &mut room).unwrap();
    let mut clear = [0; 8];
    let opened = blob.open(&mut crypto(), KEY, &mut clear).unwrap();
    assert_eq!((opened.deflated, opened.orig_size), (&b"deflated"[..], 40));

    let refused = |blob: LargeBlobMap<'_>, key| {
        let mut clear = [0; 8];
        let outcome = blob.open(&mut crypto(), key, &mut clear);
        assert_eq!(outcome, Err(OpenError::NotThisKey));
    };
    refused(blob, LargeBlobKey(&[8; 32]));
    refused(
        LargeBlobMap {
            orig_size: 41,
            ..blob
        },
        KEY,
    );
    refused(
        LargeBlobMap {
            nonce: [0; 12],
            ..blob
        },
        KEY,
    );
    refused(
        LargeBlobMap {
            ciphertext: &blob.ciphertext[1..],
            ..blob
        },
        KEY,
    );
    refused(
        LargeBlobMap {
            ciphertext: &[0; 15],
            ..blob
        },
        KEY,
    );
}

#[test]
fn a_blob_needs_room() {
    let mut room = [0; 24];
    let needed = SealError::RoomTooSmall { needed: 24 };
    for length in 0..24 {
        let outcome = LargeBlobMap::seal(&mut crypto(), KEY, b"deflated", 9, &mut room[..length]);
        assert_eq!(outcome, Err(needed));
    }
    let blob = LargeBlobMap::seal(&mut crypto(), KEY, b"deflated", 9, &mut room).unwrap();
    assert_eq!(
        blob.open(&mut crypto(), KEY, &mut [0; 7]),
        Err(OpenError::RoomTooSmall { needed: 8 })
    );
    let mut buffer = [0; 128];
    let array = LargeBlobArray::parse(&crypto(), LargeBlobArray::INITIAL).unwrap();
    let bytes = array.append(&crypto(), &blob, &mut buffer).unwrap();
    let array = LargeBlobArray::parse(&crypto(), bytes).unwrap();
    assert_eq!(
        array.find(&mut crypto(), KEY, &mut [0; 7]),
        Err(RoomTooSmall { needed: 8 })
    );
}

#[test]
fn no_two_blobs_share_a_nonce() {
    let (mut a, mut b) = ([0; 24], [0; 24]);
    let a = LargeBlobMap::seal(&mut crypto(), KEY, b"deflated", 9, &mut a).unwrap();
    let b = LargeBlobMap::seal(&mut crypto(), KEY, b"deflated", 9, &mut b).unwrap();
    assert_ne!(a.nonce, b.nonce);
    assert_ne!(a.ciphertext, b.ciphertext);
}

#[test]
fn entries_of_others_and_of_unknown_kinds_are_carried_through() {
    let mut room = [0; 64];
    let ours = sealed(b"ours", &mut room);
    // Another's map with a member more and its members out of order; then no map at all.
    let theirs = b"\xa4\x18\x20\xf5\x03\x01\x02\x4cnonce of 12b\x01\x50sixteen or more!";
    let odd = b"\x83\x01\xf6\x61x";
    let whole = serialized(&[theirs, &ours, odd]);
    let array = LargeBlobArray::parse(&crypto(), &whole).unwrap();
    assert_eq!(array.len(), 3);
    assert_eq!(
        array.entries().map(Entry::bytes).collect::<Vec<_>>(),
        [&theirs[..], &ours, odd]
    );
    let kinds: Vec<bool> = array.entries().map(|entry| entry.map().is_some()).collect();
    assert_eq!(kinds, [true, true, false]);

    let mut clear = [0; 64];
    let found = array.find(&mut crypto(), KEY, &mut clear).unwrap().unwrap();
    assert_eq!(
        (found.index, found.deflated, found.orig_size),
        (1, &b"ours"[..], 9)
    );
    let stranger = LargeBlobKey(&[9; 32]);
    assert_eq!(array.find(&mut crypto(), stranger, &mut clear), Ok(None));

    let mut buffer = [0; 256];
    let mut room = [0; 64];
    let new = LargeBlobMap::seal(&mut crypto(), KEY, b"new", 3, &mut room).unwrap();
    let new_bytes = encode(&new, &mut [0; 64]).unwrap().to_vec();
    assert_eq!(
        array.replace(&crypto(), 1, &new, &mut buffer).unwrap(),
        serialized(&[theirs, &new_bytes, odd])
    );
    assert_eq!(
        array.append(&crypto(), &new, &mut buffer).unwrap(),
        serialized(&[theirs, &ours, odd, &new_bytes])
    );
    assert_eq!(
        array.remove(&crypto(), 1, &mut buffer).unwrap(),
        serialized(&[theirs, odd])
    );
    for index in [3, usize::MAX] {
        let missing = EditError::NoSuchEntry { index, entries: 3 };
        assert_eq!(array.remove(&crypto(), index, &mut buffer), Err(missing));
        assert_eq!(
            array.replace(&crypto(), index, &new, &mut buffer),
            Err(missing)
        );
    }
}

#[test]
fn an_array_needs_room_for_its_hash() {
    let array = serialized(&[b"\x01"]);
    let array = LargeBlobArray::parse(&crypto(), &array).unwrap();
    let mut buffer = [0; 17];
    assert_eq!(
        array.remove(&crypto(), 0, &mut buffer[..16]),
        Err(EditError::BufferFull)
    );
    assert_eq!(
        array.remove(&crypto(), 0, &mut buffer).unwrap(),
        LargeBlobArray::INITIAL
    );
}

#[test]
fn what_was_stored_does_not_show_in_debug_output() {
    let found = Found {
        index: 0,
        deflated: b"\xab\xab",
        orig_size: 2,
    };
    let opened = Opened {
        deflated: b"\xab\xab",
        orig_size: 2,
    };
    let shown = std::format!("{found:?} {opened:?}");
    assert!(
        !shown.contains("171") && shown.contains("orig_size: 2"),
        "{shown}"
    );
}

#[test]
fn errors_name_what_is_wrong() {
    let texts = [
        ArrayError::TooShort { length: 3 }.to_string(),
        ArrayError::WrongHash.to_string(),
        ArrayError::Malformed(Error::TrailingBytes { position: 1 }).to_string(),
        EditError::NoSuchEntry {
            index: 3,
            entries: 2,
        }
        .to_string(),
        SealError::RoomTooSmall { needed: 24 }.to_string(),
        OpenError::NotThisKey.to_string(),
        RoomTooSmall { needed: 8 }.to_string(),
    ];
    assert_eq!(
        texts,
        [
            "the large-blob array has 3 bytes, the shortest has 17",
            "the large-blob array does not fit its hash",
            "the large-blob array cannot be read: bytes follow the message from byte 1",
            "the large-blob array has 2 entries, and none at index 3",
            "a large blob needs 24 bytes to be sealed in",
            "the large blob does not open with this key",
            "a large blob needs 8 bytes to be opened in",
        ]
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_array_panic(bytes in vec(any::<u8>(), 0..200), index in 0_usize..4) {
        let mut hashed = bytes.clone();
        hashed.extend(&crypto().sha256(&[&bytes])[..16]);
        if let Ok(array) = LargeBlobArray::parse(&crypto(), &hashed) {
            let mut room = [0; 256];
            prop_assert_eq!(array.find(&mut crypto(), KEY, &mut room), Ok(None));
            if let Ok(shorter) = array.remove(&crypto(), index, &mut room) {
                let shorter = LargeBlobArray::parse(&crypto(), shorter).unwrap();
                prop_assert_eq!(shorter.len() + 1, array.len());
            }
        }
    }

    #[test]
    fn any_blob_is_found_again(
        texts in vec(vec(any::<u8>(), 0..60), 1..30),
        pick in any::<prop::sample::Index>(),
        orig_size: u64,
    ) {
        let mut crypto = crypto();
        let pick = pick.index(texts.len());
        let mut whole = LargeBlobArray::INITIAL.to_vec();
        for (index, text) in texts.iter().enumerate() {
            let key = Secret([u8::try_from(index).unwrap(); 32]);
            let mut room = [0; 80];
            let key = LargeBlobKey(&key.0);
            let blob = LargeBlobMap::seal(&mut crypto, key, text, orig_size, &mut room).unwrap();
            let mut buffer = [0; 4096];
            let array = LargeBlobArray::parse(&crypto, &whole).unwrap();
            whole = array.append(&crypto, &blob, &mut buffer).unwrap().to_vec();
        }
        let array = LargeBlobArray::parse(&crypto, &whole).unwrap();
        let key = [u8::try_from(pick).unwrap(); 32];
        let mut room = [0; 80];
        let found = array.find(&mut crypto, LargeBlobKey(&key), &mut room).unwrap().unwrap();
        prop_assert_eq!(found.index, pick);
        prop_assert_eq!(found.deflated, &texts[pick]);
        prop_assert_eq!(found.orig_size, orig_size);
    }
}
