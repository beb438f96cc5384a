#![no_main]

use keysteward_core::crypto::{Crypto, RustCrypto};
use keysteward_core::ctap2::LargeBlobKey;
use keysteward_core::ctap2::large_blobs::array::{LargeBlobArray, LargeBlobMap};
use keysteward_fuzz::{Counter, ROOM};
use libfuzzer_sys::fuzz_target;

const KEY: LargeBlobKey<'_> = LargeBlobKey(&[7; 32]);

// The input is an array without its hash, which no fuzzer would guess.
fuzz_target!(|bytes: &[u8]| {
    let mut crypto = RustCrypto(Counter(0));
    let _wrong_hash = LargeBlobArray::parse(&crypto, bytes);
    let hash = crypto.sha256(&[bytes]);
    let serialized = [bytes, &hash[..16]].concat();
    let Ok(array) = LargeBlobArray::parse(&crypto, &serialized) else {
        return;
    };
    assert_eq!(array.entries().count(), array.len());
    let mut room = vec![0; ROOM];
    // Seeds may hold a blob of this key's.
    let before = array.find(&mut crypto, KEY, &mut room).expect("the room");
    let before = before.map(|found| found.index);

    let mut sealed = vec![0; ROOM];
    let blob = LargeBlobMap::seal(&mut crypto, KEY, bytes, 9, &mut sealed).expect("the room");
    let mut longer = vec![0; 2 * ROOM];
    let longer = array.append(&crypto, &blob, &mut longer).expect("the room");
    let longer = LargeBlobArray::parse(&crypto, longer).expect("what was written");
    assert_eq!(longer.len(), array.len() + 1);
    let kept = longer.entries().zip(array.entries());
    for (kept, entry) in kept {
        assert_eq!(kept.bytes(), entry.bytes(), "carried through");
    }
    let found = longer.find(&mut crypto, KEY, &mut room).expect("the room");
    let found = found.expect("it was appended");
    assert_eq!(found.index, before.unwrap_or(array.len()));
    if before.is_none() {
        assert_eq!((found.deflated, found.orig_size), (bytes, 9));
    }

    let mut shorter = vec![0; ROOM];
    let shorter = longer.remove(&crypto, array.len(), &mut shorter);
    let shorter = LargeBlobArray::parse(&crypto, shorter.expect("the room"));
    assert_eq!(shorter, Ok(array));
    for index in [array.len(), usize::MAX] {
        assert!(array.remove(&crypto, index, &mut room).is_err());
        assert!(array.replace(&crypto, index, &blob, &mut room).is_err());
    }
    if let Some(first) = array.entries().next() {
        let mut replaced = vec![0; 2 * ROOM];
        let replaced = array.replace(&crypto, 0, &blob, &mut replaced);
        let replaced = LargeBlobArray::parse(&crypto, replaced.expect("the room"));
        let replaced = replaced.expect("what was written");
        assert_eq!(replaced.len(), array.len());
        let entry = replaced.entries().next().expect("as many as before");
        assert_eq!(entry.map(), Some(blob), "instead of {:02x?}", first.bytes());
    }
});
