#![no_main]

use keysteward_core::iso7816::tlv::{Object, Objects, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| descend(bytes, 8));

/// Every object lies where it says, and is itself again when it is written again.
fn descend(bytes: &[u8], depth: u8) {
    let mut end = 0;
    for object in Objects::new(bytes) {
        let Ok(object) = object else {
            return;
        };
        assert!(object.offset >= end, "objects overlap");
        let value = object.offset + object.header;
        end = value + object.value.len();
        assert_eq!(&bytes[value..end], object.value);

        let mut buffer = vec![0; object.value.len() + 16];
        let again = encode(object.tag, &[object.value], &mut buffer).expect("the room");
        assert!(again.len() <= end - object.offset, "longer than it came");
        let mut all = Objects::new(again);
        let same = all.next().expect("one object").expect("our own");
        let moved = Object {
            offset: 0,
            header: same.header,
            ..object
        };
        assert_eq!(same, moved);
        assert!(all.next().is_none());
        assert_eq!(Objects::new(again).find(object.tag), Ok(Some(same)));
        if object.tag.is_constructed() && depth > 0 {
            descend(object.value, depth - 1);
        }
    }
}
