//! The array of large blobs, in fragments.

use super::*;
use crate::crypto::RustCrypto;
use crate::ctap2::LargeBlobKey;
use crate::ctap2::large_blobs::array::{LargeBlobArray, LargeBlobMap};
use crate::ctap2::large_blobs::{Request, authenticated_message};
use core::cell::RefCell;
use std::rc::Rc;

const SMALL: Info = Info {
    max_msg_size: Some(FRAGMENT + 64),
    max_serialized_large_blob_array: Some(4000),
    ..CTAP_2_3
};

/// Bytes at once.
const FRAGMENT: u32 = 960;

const ALICE: LargeBlobKey<'_> = LargeBlobKey(&[0xA1; 32]);
const BOB: LargeBlobKey<'_> = LargeBlobKey(&[0xB0; 32]);

/// What a token stores, and what is being written to it.
#[derive(Default)]
struct Store {
    array: Vec<u8>,
    pending: Vec<u8>,
    due: usize,
    fragments: usize,
    authenticated: usize,
}

/// A token that stores large blobs as the specification has it.
fn storing(info: Info, array: &[u8]) -> (Fake, Rc<RefCell<Store>>) {
    let store = Rc::new(RefCell::new(Store {
        array: array.to_vec(),
        ..Store::default()
    }));
    let inside = Rc::clone(&store);
    let capacity = info.max_serialized_large_blob_array.unwrap() as usize;
    let fragment = info.max_msg_size.unwrap() as usize - 64;
    let fake = Fake::new(info).on(Command::LargeBlobs, move |parameters| {
        let request = Request::parse(parameters).unwrap();
        let mut store = inside.borrow_mut();
        let offset = request.offset as usize;
        if let Some(count) = request.get {
            assert!(request.pin_uv_auth_param.is_none());
            assert!(count as usize <= fragment);
            let end = (offset + count as usize).min(store.array.len());
            return Some(ok(&crate::ctap2::large_blobs::Response {
                config: Some(&store.array[offset..end]),
            }));
        }
        Some(answer(store.set(&request, capacity, fragment)))
    });
    (fake, store)
}

impl Store {
    fn set(&mut self, request: &Request<'_>, capacity: usize, fragment: usize) -> Status {
        let set = request.set.unwrap();
        assert!(set.len() <= fragment);
        let mut crypto = RustCrypto(rand_core::OsRng);
        if let Some(mac) = request.pin_uv_auth_param {
            let message = authenticated_message(&crypto, request.offset, set);
            let _proof = given(PinProtocol::Two)
                .verify(&mut crypto, &[&message], mac)
                .unwrap();
            self.authenticated += 1;
        }
        if request.offset == 0 {
            self.due = request.length.unwrap() as usize;
            self.pending.clear();
        }
        if self.due > capacity {
            return Status::LargeBlobStorageFull;
        }
        if request.offset as usize != self.pending.len() {
            return Status::InvalidSeq;
        }
        self.fragments += 1;
        self.pending.extend_from_slice(set);
        if self.pending.len() == self.due {
            self.array = core::mem::take(&mut self.pending);
        }
        Status::Ok
    }
}

/// An array of sealed blobs.
fn array(blobs: &[(LargeBlobKey<'_>, &[u8])]) -> Vec<u8> {
    let mut crypto = RustCrypto(rand_core::OsRng);
    let mut serialized = LargeBlobArray::INITIAL.to_vec();
    for (key, blob) in blobs {
        let mut room = [0; 4096];
        let blob = LargeBlobMap::seal(&mut crypto, *key, blob, 7, &mut room).unwrap();
        let mut buffer = [0; 8192];
        let array = LargeBlobArray::parse(&crypto, &serialized).unwrap();
        serialized = array.append(&crypto, &blob, &mut buffer).unwrap().to_vec();
    }
    serialized
}

fn read(fake: &mut Fake, key: LargeBlobKey<'_>) -> Outcome<Option<(Vec<u8>, u64)>> {
    fake.session(|session| {
        let mut room = [0; 12_000];
        let blob = session.large_blob(key, &mut room)?;
        Ok(blob.map(|blob| (blob.deflated.to_vec(), blob.orig_size)))
    })
}

fn store_in(fake: &mut Fake, key: LargeBlobKey<'_>, deflated: &[u8], room: usize) -> Outcome<()> {
    fake.session(|session| {
        let token = session.token(&pin("1234"), Permissions::LARGE_BLOB_WRITE, None)?;
        let blob = LargeBlob {
            deflated,
            orig_size: 99,
        };
        session.store_large_blob(Some(&token), key, blob, &mut std::vec![0; room])
    })
}

fn remove(fake: &mut Fake, key: LargeBlobKey<'_>) -> Outcome<bool> {
    fake.session(|session| {
        let token = session.token(&pin("1234"), Permissions::LARGE_BLOB_WRITE, None)?;
        session.remove_large_blob(Some(&token), key, &mut [0; 12_000])
    })
}

#[test]
fn an_array_is_read_fragment_by_fragment() {
    let stored = array(&[(ALICE, &[1; 1100]), (BOB, &[2; 5])]);
    let (mut fake, _) = storing(SMALL, &stored);
    let read_back = fake.session(|session| {
        let mut room = [0; 4000];
        let array = session.large_blobs(&mut room).unwrap();
        (
            array.len(),
            array.entries().map(|one| one.bytes().len()).sum::<usize>(),
        )
    });
    assert_eq!(read_back, (2, stored.len() - 17));
    let reads = fake.asked.iter().filter(|one| **one == Command::LargeBlobs);
    assert_eq!(reads.count(), stored.len() / FRAGMENT as usize + 1);
    assert!(!fake.asked.contains(&Command::ClientPin));
    assert_eq!(read(&mut fake, BOB), Ok(Some((std::vec![2; 5], 7))));
    assert_eq!(read(&mut fake, LargeBlobKey(&[0; 32])), Ok(None));
}

#[test]
fn an_array_of_whole_fragments_ends_with_an_empty_one() {
    let mut whole = (850..=FRAGMENT as usize).map(|n| array(&[(ALICE, &[1; 960][..n])]));
    let whole = whole
        .find(|one| one.len() % FRAGMENT as usize == 0)
        .unwrap();
    let (mut fake, _) = storing(SMALL, &whole);
    assert!(read(&mut fake, ALICE).unwrap().is_some());
}

#[test]
fn an_array_that_comes_in_shorter_fragments_is_still_whole() {
    let stored = array(&[(ALICE, &[1; 1100]), (BOB, b"bob's")]);
    for (end, damage) in [
        (Status::Ok, 0),
        (Status::Ok, 1),
        (Status::InvalidParameter, 1),
    ] {
        let mut stored = stored.clone();
        stored[9] ^= damage;
        let length = stored.len();
        let mut fake = Fake::new(SMALL).on(Command::LargeBlobs, move |parameters| {
            let offset = Request::parse(parameters).unwrap().offset as usize;
            let fragment = &stored[offset..stored.len().min(offset + 500)];
            Some(match fragment {
                [] => answer(end),
                fragment => ok(&crate::ctap2::large_blobs::Response {
                    config: Some(fragment),
                }),
            })
        });
        let found = read(&mut fake, BOB).unwrap();
        assert_eq!(found.is_some(), damage == 0);
        let reads = fake.asked.iter().filter(|one| **one == Command::LargeBlobs);
        // A damaged one is asked for until nothing more comes.
        assert_eq!(reads.count(), length.div_ceil(500) + usize::from(damage));
    }
}

#[test]
fn a_blob_is_stored_replaced_and_removed_beside_those_of_others() {
    let (mut fake, store) = storing(SMALL, &array(&[(BOB, b"bob's")]));
    let bobs = |fake: &mut Fake| read(fake, BOB).unwrap().unwrap();
    let before = bobs(&mut fake);
    store_in(&mut fake, ALICE, &[3; 1500], 12_000).unwrap();
    assert_eq!(read(&mut fake, ALICE), Ok(Some((std::vec![3; 1500], 99))));
    store_in(&mut fake, ALICE, &[4; 10], 12_000).unwrap();
    assert_eq!(read(&mut fake, ALICE), Ok(Some((std::vec![4; 10], 99))));
    assert_eq!(bobs(&mut fake), before);
    assert_eq!(remove(&mut fake, ALICE), Ok(true));
    assert_eq!(read(&mut fake, ALICE), Ok(None));
    assert_eq!(bobs(&mut fake), before);
    let store = store.borrow();
    assert!(store.fragments > 3 && store.authenticated == store.fragments);
}

#[test]
fn removing_what_is_not_there_writes_nothing() {
    let (mut fake, store) = storing(SMALL, &array(&[(BOB, b"bob's")]));
    assert_eq!(remove(&mut fake, ALICE), Ok(false));
    assert_eq!(store.borrow().fragments, 0);
}

#[test]
fn without_a_pin_nothing_is_authenticated() {
    let open = Info {
        options: &[("clientPin", false), ("largeBlobs", true)],
        ..SMALL
    };
    let (mut fake, store) = storing(open, &array(&[(BOB, b"bob's")]));
    fake.session(|session| session.erase_large_blobs(None))
        .unwrap();
    let store = store.borrow();
    assert_eq!((store.fragments, store.authenticated), (1, 0));
    assert_eq!(store.array, LargeBlobArray::INITIAL);
}

#[test]
fn an_array_that_was_cut_off_counts_as_empty_and_is_replaced() {
    let mut broken = array(&[(BOB, b"bob's")]);
    broken[20] ^= 1;
    for broken in [broken, Vec::new(), std::vec![0x80; 16]] {
        let (mut fake, _) = storing(SMALL, &broken);
        assert_eq!(read(&mut fake, BOB), Ok(None));
        store_in(&mut fake, ALICE, b"new", 12_000).unwrap();
        assert_eq!(read(&mut fake, ALICE), Ok(Some((b"new".to_vec(), 99))));
    }
}

#[test]
fn what_is_no_array_is_not_overwritten_unasked() {
    let crypto = RustCrypto(rand_core::OsRng);
    let mut text = b"\x63abc".to_vec();
    let hash = crate::crypto::Crypto::sha256(&crypto, &[&text]);
    text.extend_from_slice(&hash[..16]);
    let (mut fake, store) = storing(SMALL, &text);
    let refused = store_in(&mut fake, ALICE, b"new", 12_000);
    assert!(
        matches!(refused, Err(Error::LargeBlobsUnreadable(_))),
        "{refused:?}"
    );
    assert_eq!(store.borrow().fragments, 0);
}

#[test]
fn a_full_token_is_told_before_or_by_itself() {
    let (mut fake, store) = storing(SMALL, &array(&[]));
    let refused = store_in(&mut fake, ALICE, &[1; 3980], 24_000);
    assert!(
        matches!(
            refused,
            Err(Error::LargeBlobsFull {
                needed: 4020..,
                capacity: Some(4000)
            })
        ),
        "{refused:?}"
    );
    assert_eq!(store.borrow().fragments, 0);
    for status in [Status::LargeBlobStorageFull, Status::KeyStoreFull] {
        let refused = refusing_writes(status);
        assert!(
            matches!(refused, Err(Error::LargeBlobsFull { capacity: None, .. })),
            "{refused:?}"
        );
    }
}

/// What comes of a write that a token refuses with this status.
fn refusing_writes(status: Status) -> Outcome<()> {
    let (fake, _) = storing(SMALL, &array(&[(BOB, b"bob's")]));
    let mut fake = fake.on(Command::LargeBlobs, move |parameters| {
        let request = Request::parse(parameters).unwrap();
        (request.offset > 0 && request.set.is_some()).then(|| answer(status))
    });
    store_in(&mut fake, ALICE, &[1; 1500], 12_000)
}

#[test]
fn a_write_that_fails_says_what_is_left() {
    let interrupted = Err(Error::LargeBlobsInterrupted);
    assert_eq!(refusing_writes(Status::InvalidSeq), interrupted);
    let garbled = Err(Error::LargeBlobsGarbled);
    assert_eq!(refusing_writes(Status::IntegrityFailure), garbled);
    let command = Command::LargeBlobs;
    let rejected = Err(Error::TokenRejected { command });
    assert_eq!(refusing_writes(Status::PinAuthInvalid), rejected);
    let status = Status::OtherError;
    let refused = Err(Error::Refused { command, status });
    assert_eq!(refusing_writes(status), refused);
}

#[test]
fn too_small_a_room_is_told_and_nothing_is_written() {
    let stored = array(&[(BOB, &[2; 1000])]);
    for room in [0, 10, stored.len(), 2 * stored.len()] {
        let (mut fake, store) = storing(SMALL, &stored);
        let refused = store_in(&mut fake, BOB, &[1; 600], room);
        assert!(
            matches!(refused, Err(Error::LargeBlobBufferTooSmall { needed }) if needed > room),
            "{room}: {refused:?}"
        );
        assert_eq!(store.borrow().fragments, 0);
    }
    // Three times the capacity suffices for whatever fits the token.
    for len in (0..2200).step_by(49) {
        let (mut fake, _) = storing(SMALL, &stored);
        let stored = store_in(&mut fake, ALICE, &std::vec![1; len], 12_000);
        assert!(
            matches!(stored, Ok(()) | Err(Error::LargeBlobsFull { .. })),
            "{len}: {stored:?}"
        );
    }
}

#[test]
fn a_token_that_sends_for_ever_is_left_when_the_room_is_full() {
    let mut fake = Fake::new(SMALL).on(Command::LargeBlobs, |_| {
        Some(ok(&crate::ctap2::large_blobs::Response {
            config: Some(&[0x80; FRAGMENT as usize]),
        }))
    });
    let refused = read(&mut fake, ALICE);
    assert!(
        matches!(refused, Err(Error::LargeBlobBufferTooSmall { .. })),
        "{refused:?}"
    );
    let reads = fake.asked.iter().filter(|one| **one == Command::LargeBlobs);
    assert_eq!(reads.count(), 12_000 / FRAGMENT as usize + 1);
}

#[test]
fn a_fragment_longer_than_asked_for_is_refused() {
    let mut fake = Fake::new(SMALL).on(Command::LargeBlobs, |_| {
        Some(ok(&crate::ctap2::large_blobs::Response {
            config: Some(&[0x80; FRAGMENT as usize + 1]),
        }))
    });
    let refused = read(&mut fake, ALICE);
    assert!(
        matches!(refused, Err(Error::Malformed { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_token_without_large_blobs_is_told_so() {
    let mut fake = Fake::new(CTAP_2_1);
    let refused = read(&mut fake, ALICE);
    assert_eq!(refused, Err(Error::Unsupported(Feature::LargeBlobs)));
    assert_eq!(fake.asked, [Command::GetInfo]);
}
