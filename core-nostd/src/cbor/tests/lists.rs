use std::format;
use std::vec::Vec;

use crate::cbor::{Entries, Key, List, Parse, Raw, Reader, encode};

/// `["a", 7, "b", [], "c"]`
const MIXED: [u8; 9] = [0x85, 0x61, b'a', 0x07, 0x61, b'b', 0x80, 0x61, b'c'];

#[test]
fn a_strict_list_refuses_items_of_another_type() {
    assert!(List::<&str>::parse(&MIXED).is_err());
}

#[test]
fn a_lenient_list_passes_them_over() {
    let list = List::<&str>::read_lenient(&mut Reader::new(&MIXED)).unwrap();
    assert_eq!(list, List::new(&["a", "b", "c"]));
    assert_eq!(list.len(), 3);
    assert!(list.contains(&"b"));
    assert!(!list.contains(&"d"));
    assert_eq!(format!("{list:?}"), r#"["a", "b", "c"]"#);
}

#[test]
fn a_lenient_list_is_still_an_array() {
    assert!(List::<&str>::read_lenient(&mut Reader::new(&[0xa0])).is_err());
    assert!(List::<&str>::read_lenient(&mut Reader::new(&[0x82, 0x60])).is_err());
}

#[test]
fn a_list_that_came_is_sent_on_unchanged() {
    let list = List::<&str>::read_lenient(&mut Reader::new(&MIXED)).unwrap();
    assert_eq!(encode(&list, &mut [0; 16]).unwrap(), MIXED);
}

#[test]
fn lists_have_no_capacity() {
    let numbers: Vec<u64> = (0..5000).collect();
    let mut buffer = std::vec![0; 20_000];
    let bytes = encode(&List::new(&numbers), &mut buffer).unwrap();
    let list = List::<u64>::parse(bytes).unwrap();
    assert_eq!(list.len(), 5000);
    assert!(list.iter().eq(0..5000));
}

/// `{"rk": true, "up": 1, 5: true, "uv": false}`
const OPTIONS: [u8; 15] = [
    0xa4, 0x62, b'r', b'k', 0xf5, 0x62, b'u', b'p', 0x01, 0x05, 0xf5, 0x62, b'u', b'v', 0xf4,
];

#[test]
fn strict_entries_refuse_values_and_keys_of_another_type() {
    assert!(Entries::<bool>::parse(&OPTIONS).is_err());
    assert!(Entries::<bool>::parse(&[0xa1, 0x05, 0xf5]).is_err());
}

#[test]
fn lenient_entries_pass_them_over() {
    let entries = Entries::<bool>::read_lenient(&mut Reader::new(&OPTIONS)).unwrap();
    assert_eq!(entries, Entries::new(&[("rk", true), ("uv", false)]));
    assert_eq!(entries.get("uv"), Some(false));
    assert_eq!(entries.get("up"), None);
    assert!(!entries.is_empty());
    assert!(Entries::<bool>::default().is_empty());
}

#[test]
fn a_raw_map_gives_its_entries_and_another_item_none() {
    let map = Raw::parse(&OPTIONS).unwrap();
    let values: Vec<_> = map.entries().map(|(key, one)| (key, one.bytes())).collect();
    assert_eq!(values[1], (Key::from("up"), &b"\x01"[..]));
    assert_eq!(values[2], (Key::Int(5), &b"\xf5"[..]));
    assert_eq!(values.len(), 4);
    for other in [&b"\x82\x01\x02"[..], b"\x01", b"\x41\xa1"] {
        assert_eq!(Raw::parse(other).unwrap().entries().count(), 0);
    }
}

#[test]
fn texts_are_read_alike_whatever_stands_between_them() {
    // Of the bytes behind the first, the first two are UTF-8 as a whole.
    for (array, texts) in [
        (&b"\x83\x61a\x62bc\x60"[..], &["a", "bc", ""][..]),
        (b"\x83\x61a\x07\x63b\xc3\xa9", &["a", "b\u{e9}"]),
        (b"\x83\x61a\x61\xc3\x61b", &["a", "b"]),
        (b"\x83\x61a\x78\x01b\x61c", &["a", "b", "c"]),
        (b"\x98\x02\x61a\x61b", &["a", "b"]),
    ] {
        let list = List::<&str>::read_lenient(&mut Reader::new(array)).unwrap();
        assert!(list.iter().eq(texts.iter().copied()), "{array:02x?}");
    }
}
