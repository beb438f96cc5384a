//! Large blobs that succeed, beside those of other programs, and those that have no room.

use std::ops::ControlFlow;

use keysteward_core::{
    cbor::{Encode as _, Writer},
    crypto::{Crypto as _, RustCrypto},
    ctap2::{LargeBlobKey, large_blobs::array::LargeBlobMap},
    session::{Buffers, Millis, Session},
};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{
    in_process::InProcess,
    manufacture::Profile,
    storage::{Capacity, MemoryStorage, Storage as _},
};
use proto::{outcome::State, step::Verb, step_error::Code, step_result::Result as Answer};
use rand_core::{OsRng, RngCore as _};

use crate::harness::{Host, Key, Lease, PIN, delete, made, make_credential};

const LARGE_BLOBS: u8 = 0x0C;

/// What the core does with a key in the same process, on a storage.
type Talk<'s> = Session<'s, InProcess<MemoryStorage, RustCrypto<OsRng>>, RustCrypto<OsRng>>;

fn talk<R>(storage: &MemoryStorage, does: impl FnOnce(&mut Talk<'_>) -> R) -> R {
    let mut key = InProcess::plug_in(storage.clone(), RustCrypto(OsRng)).unwrap();
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::<Buffers>::default());
    let mut go_on = |_| ControlFlow::Continue(());
    let end = Millis(u64::MAX);
    does(&mut Session::new(
        &mut key,
        &mut crypto,
        &mut buffers,
        end,
        &mut go_on,
    ))
}

/// A new key with room for an array of so many bytes, and its storage.
fn key_with_room(host: &Host, bytes: u16, entries: &[Vec<u8>]) -> (Key, MemoryStorage) {
    let capacity = Capacity {
        large_blobs: bytes,
        ..MemoryStorage::new().capacity()
    };
    let storage = MemoryStorage::with_capacity(capacity);
    let storage = made(Some("KS-1"), Profile::Ctap23, storage);
    if !entries.is_empty() {
        talk(&storage, |session| {
            session.write_large_blobs(None, &array_of(entries)).unwrap();
        });
    }
    let key = Key::of_storage(host.folder.path(), Some("KS-1"), storage.clone());
    (key, storage)
}

/// The serialized array of fewer than 24 entries. CTAP 2.3 §6.10.
fn array_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let head = 0x80 | u8::try_from(entries.len()).unwrap();
    let array = [vec![head], entries.concat()].concat();
    let hash = RustCrypto(OsRng).sha256(&[&array]);
    [&array[..], &hash[..16]].concat()
}

/// The entries of the array as they are on the key.
fn entries(storage: &MemoryStorage) -> Vec<Vec<u8>> {
    talk(storage, |session| {
        let mut room = vec![0; usize::from(u16::MAX)];
        let array = session.large_blobs(&mut room).unwrap();
        let entries = array.entries().map(|entry| entry.bytes().to_vec());
        entries.collect()
    })
}

/// What other programs have left: a blob under a key that nobody here has, and something that is
/// no blob at all.
fn of_others() -> Vec<Vec<u8>> {
    let mut crypto = RustCrypto(OsRng);
    let mut sealed = [0; 300];
    let key = LargeBlobKey(&[9; 32]);
    let map = LargeBlobMap::seal(&mut crypto, key, &[7; 200], 200, &mut sealed).unwrap();
    let mut room = [0; 400];
    let mut writer = Writer::new(&mut room);
    map.encode(&mut writer).unwrap();
    vec![writer.written().to_vec(), b"\x67unknown".to_vec()]
}

/// A discoverable credential of this user, with a key for a large blob or without.
async fn credential(lease: &mut Lease, user: &str, large_blob_key: bool) -> Vec<u8> {
    let Verb::MakeCredential(make) = make_credential() else {
        panic!("no makeCredential");
    };
    let verb = Verb::MakeCredential(proto::MakeCredential {
        user_id: user.as_bytes().to_vec(),
        user_name: user.to_owned(),
        large_blob_key,
        ..make
    });
    match lease.step(&format!("make-{user}"), verb).await.unwrap() {
        Answer::CredentialMade(made) => made.credential_id,
        other => panic!("{other:?}"),
    }
}

fn write(credential_id: &[u8], data: &[u8]) -> Verb {
    Verb::WriteLargeBlob(proto::WriteLargeBlob {
        pin: PIN.to_owned(),
        credential_id: credential_id.to_vec(),
        data: data.to_vec(),
    })
}

fn delete_blob(credential_id: &[u8]) -> Verb {
    Verb::DeleteLargeBlob(proto::DeleteLargeBlob {
        pin: PIN.to_owned(),
        credential_id: credential_id.to_vec(),
    })
}

async fn read(lease: &mut Lease, credential_id: &[u8]) -> Result<Vec<u8>, proto::StepError> {
    let read = Verb::ReadLargeBlob(proto::ReadLargeBlob {
        pin: PIN.to_owned(),
        credential_id: credential_id.to_vec(),
    });
    match lease.step("", read).await? {
        Answer::LargeBlobRead(read) => Ok(read.data),
        other => panic!("{other:?}"),
    }
}

async fn blobs(lease: &mut Lease) -> proto::LargeBlobList {
    let list = Verb::ListLargeBlobs(proto::ListLargeBlobs {
        pin: PIN.to_owned(),
    });
    match lease.step("", list).await.unwrap() {
        Answer::LargeBlobList(list) => list,
        other => panic!("{other:?}"),
    }
}

/// Bytes that no compression makes fewer.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

#[tokio::test]
async fn blobs_are_written_listed_read_replaced_and_deleted_and_those_of_others_stay_as_they_were()
{
    let host = Host::new().await;
    let others = of_others();
    let (_key, storage) = key_with_room(&host, 4096, &others);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let alice = credential(&mut lease, "alice", true).await;
    let bob = credential(&mut lease, "bob", true).await;

    let long = b"a certificate that repeats itself ".repeat(100);
    lease.step("alice", write(&alice, &long)).await.unwrap();
    lease.step("bob", write(&bob, b"")).await.unwrap();
    assert_eq!(read(&mut lease, &alice).await.unwrap(), long);
    assert_eq!(read(&mut lease, &bob).await.unwrap(), b"");

    let list = blobs(&mut lease).await;
    assert_eq!((list.others, list.capacity), (2, 4096));
    let stored = entries(&storage);
    assert_eq!(list.used as usize, array_of(&stored).len());
    // A key lists its credentials in an order of its own.
    let mut listed = list.large_blobs;
    listed.sort_by(|one, other| one.user_name.cmp(&other.user_name));
    let told: Vec<_> = listed
        .iter()
        .map(|blob| (&blob.credential_id, blob.user_name.as_str(), blob.size))
        .collect();
    assert_eq!(
        told,
        [(&alice, "alice", long.len() as u32), (&bob, "bob", 0)]
    );
    // It is compressed for the key.
    let stored_size = listed[0].stored_size as usize;
    assert!(stored_size < long.len() / 4, "{stored_size}");
    assert_eq!(stored_size, stored[2].len());
    assert_eq!(stored[..2], others);

    let bobs = stored[3].clone();
    lease.step("again", write(&alice, b"short")).await.unwrap();
    assert_eq!(read(&mut lease, &alice).await.unwrap(), b"short");
    let stored = entries(&storage);
    assert_eq!(stored.len(), 4);
    assert_eq!(stored[..2], others);
    assert!(stored[2..].contains(&bobs));

    lease.step("delete", delete_blob(&alice)).await.unwrap();
    let [first, second] = &others[..] else {
        panic!("two of others");
    };
    assert_eq!(
        entries(&storage),
        [first.clone(), second.clone(), bobs.clone()]
    );
    let absent = read(&mut lease, &alice).await.unwrap_err();
    assert_eq!(absent.code(), Code::CredentialNotFound);
    let absent = lease.step("delete-again", delete_blob(&alice)).await;
    let absent = absent.unwrap_err();
    assert_eq!(absent.code(), Code::CredentialNotFound, "{absent:?}");
    assert!(!absent.changed);
}

#[tokio::test]
async fn a_blob_that_outlives_its_credential_counts_as_anothers() {
    let host = Host::new().await;
    let (_key, storage) = key_with_room(&host, 4096, &[]);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let alice = credential(&mut lease, "alice", true).await;
    lease.step("write", write(&alice, b"blob")).await.unwrap();
    lease.step("delete", delete(&alice)).await.unwrap();
    let list = blobs(&mut lease).await;
    assert_eq!((list.large_blobs.len(), list.others), (0, 1));
    let gone = read(&mut lease, &alice).await.unwrap_err();
    assert_eq!(gone.code(), Code::CredentialNotFound);
    assert_eq!(entries(&storage).len(), 1);
}

#[tokio::test]
async fn a_credential_without_a_key_for_it_owns_no_blob() {
    let host = Host::new().await;
    let (_key, storage) = key_with_room(&host, 4096, &[]);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let plain = credential(&mut lease, "plain", false).await;
    for (step, verb) in [
        ("write", write(&plain, b"blob")),
        ("delete", delete_blob(&plain)),
        ("write-absent", write(&[9; 32], b"blob")),
    ] {
        let refused = lease.step(step, verb).await.unwrap_err();
        assert_eq!(refused.code(), Code::CredentialNotFound, "{refused:?}");
        assert!(refused.message.contains("made with a large blob key"));
        assert!(!refused.changed);
    }
    assert!(entries(&storage).is_empty());
}

#[tokio::test]
async fn a_blob_that_does_not_fit_leaves_the_array_as_it_was() {
    let host = Host::new().await;
    let (_key, storage) = key_with_room(&host, 2048, &of_others());
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let alice = credential(&mut lease, "alice", true).await;
    let fits = noise(1_000);
    lease.step("fits", write(&alice, &fits)).await.unwrap();
    let before = entries(&storage);
    let full = lease
        .step("too-long", write(&alice, &noise(2_048)))
        .await
        .unwrap_err();
    assert_eq!(full.code(), Code::NoRoom, "{full:?}");
    let outcome = host.caller().await.outcome("too-long").await;
    assert_eq!(outcome.state(), State::Failed);
    assert_eq!(entries(&storage), before);
    assert_eq!(read(&mut lease, &alice).await.unwrap(), fits);
}

#[tokio::test]
async fn an_array_that_is_longer_than_a_message_goes_in_fragments() {
    let host = Host::new().await;
    let others = of_others();
    let (key, storage) = key_with_room(&host, 30_000, &others);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let alice = credential(&mut lease, "alice", true).await;
    let long = noise(20_000);
    let fragments = || {
        let seen = key.device.take_seen();
        seen.iter()
            .filter(|seen| seen.command == LARGE_BLOBS)
            .count()
    };
    fragments();
    lease.step("write", write(&alice, &long)).await.unwrap();
    // Messages of 7,609 bytes: one to read what is there, three to write.
    assert_eq!(fragments(), 4);
    assert_eq!(read(&mut lease, &alice).await.unwrap(), long);
    assert_eq!(fragments(), 3);
    lease.step("delete", delete_blob(&alice)).await.unwrap();
    assert_eq!(entries(&storage), others);
}

#[tokio::test]
async fn a_wrong_pin_reads_and_writes_no_blob() {
    let host = Host::new().await;
    let (_key, storage) = key_with_room(&host, 4096, &[]);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let alice = credential(&mut lease, "alice", true).await;
    let wrong = Verb::WriteLargeBlob(proto::WriteLargeBlob {
        pin: "000000".to_owned(),
        credential_id: alice,
        data: b"blob".to_vec(),
    });
    let refused = lease.step("write", wrong).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.pin_retries),
        (Code::PinInvalid, Some(7))
    );
    assert!(entries(&storage).is_empty());
}
