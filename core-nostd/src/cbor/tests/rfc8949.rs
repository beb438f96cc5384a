//! The examples of RFC 8949, appendix A.

use std::vec::Vec;

use crate::cbor::{Encode, Entries, Error, Key, List, Parse, Raw, Reader, encode};

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

#[test]
fn integers_read_and_write_as_in_the_examples() {
    for (value, encoding) in [
        (0, "00"),
        (1, "01"),
        (10, "0a"),
        (23, "17"),
        (24, "1818"),
        (25, "1819"),
        (100, "1864"),
        (1000, "1903e8"),
        (1_000_000, "1a000f4240"),
        (1_000_000_000_000, "1b000000e8d4a51000"),
        (-1, "20"),
        (-10, "29"),
        (-100, "3863"),
        (-1000, "3903e7"),
        (i64::MAX, "1b7fffffffffffffff"),
        (i64::MIN, "3b7fffffffffffffff"),
    ] {
        assert_eq!(i64::parse(&bytes(encoding)), Ok(value));
        assert_eq!(encode(&value, &mut [0; 9]).unwrap(), bytes(encoding));
    }
}

#[test]
fn integers_of_more_than_64_bits_are_out_of_range() {
    let largest = bytes("1bffffffffffffffff");
    assert_eq!(u64::parse(&largest), Ok(u64::MAX));
    assert_eq!(encode(&u64::MAX, &mut [0; 9]).unwrap(), largest);
    for encoding in ["1bffffffffffffffff", "3bffffffffffffffff"] {
        assert_eq!(
            i64::parse(&bytes(encoding)),
            Err(Error::OutOfRange {
                position: 0,
                expected: "an integer of 64 bits"
            })
        );
    }
}

#[test]
fn strings_read_and_write_as_in_the_examples() {
    for (value, encoding) in [(&[][..], "40"), (&[1, 2, 3, 4], "4401020304")] {
        assert_eq!(<&[u8]>::parse(&bytes(encoding)), Ok(value));
        assert_eq!(encode(&value, &mut [0; 9]).unwrap(), bytes(encoding));
    }
    for (value, encoding) in [
        ("", "60"),
        ("a", "6161"),
        ("IETF", "6449455446"),
        ("\"\\", "62225c"),
        ("\u{fc}", "62c3bc"),
        ("\u{6c34}", "63e6b0b4"),
        ("\u{10151}", "64f0908591"),
    ] {
        assert_eq!(<&str>::parse(&bytes(encoding)), Ok(value));
        assert_eq!(encode(&value, &mut [0; 9]).unwrap(), bytes(encoding));
    }
}

#[test]
fn booleans_read_and_write_as_in_the_examples() {
    for (value, encoding) in [(false, "f4"), (true, "f5")] {
        assert_eq!(bool::parse(&bytes(encoding)), Ok(value));
        assert_eq!(encode(&value, &mut [0; 1]).unwrap(), bytes(encoding));
    }
}

#[test]
fn arrays_read_and_write_as_in_the_examples() {
    let twenty_five: Vec<u64> = (1..=25).collect();
    for (items, encoding) in [
        (&[][..], "80"),
        (&[1, 2, 3], "83010203"),
        (
            &twenty_five,
            "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
        ),
    ] {
        let encoded = bytes(encoding);
        assert!(
            List::<u64>::parse(&encoded)
                .unwrap()
                .iter()
                .eq(items.iter().copied())
        );
        assert_eq!(encode(&List::new(items), &mut [0; 64]).unwrap(), encoded);
    }
}

#[test]
fn maps_read_and_write_as_in_the_examples() {
    let letters = bytes("a56161614161626142616361436164614461656145");
    let entries = [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D"), ("e", "E")];
    let map = Entries::<&str>::parse(&letters).unwrap();
    assert_eq!(map, Entries::new(&entries));
    assert_eq!(map.get("d"), Some("D"));
    assert_eq!(map.get("f"), None);
    assert_eq!(
        encode(&Entries::new(&entries), &mut [0; 64]).unwrap(),
        letters
    );

    assert!(Entries::<&str>::parse(&bytes("a0")).unwrap().is_empty());
    let none = Entries::<&str>::default();
    assert_eq!(encode(&none, &mut [0; 1]).unwrap(), bytes("a0"));

    let numbers = bytes("a201020304");
    let mut seen = Vec::new();
    Reader::new(&numbers)
        .map(|key, r| {
            seen.push((key, r.unsigned::<u8>("a digit")?));
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, [(Key::Int(1), 2), (Key::Int(3), 4)]);
}

/// Floats, null, undefined, other simple values and tags: CTAP 2.3 §8 allows none of them.
const FORBIDDEN: [&str; 34] = [
    "f90000",
    "f98000",
    "f93c00",
    "fb3ff199999999999a",
    "f93e00",
    "f97bff",
    "fa47c35000",
    "fa7f7fffff",
    "fb7e37e43c8800759c",
    "f90001",
    "f90400",
    "f9c400",
    "fbc010666666666666",
    "f97c00",
    "f97e00",
    "f9fc00",
    "fa7f800000",
    "fa7fc00000",
    "faff800000",
    "fb7ff0000000000000",
    "fb7ff8000000000000",
    "fbfff0000000000000",
    "f6",
    "f7",
    "f0",
    "f8ff",
    "c074323031332d30332d32315432303a30343a30305a",
    "c11a514b67b0",
    "c1fb41d452d9e8200000",
    "d74401020304",
    "d818456449455446",
    "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
    "c249010000000000000000",
    "c349010000000000000000",
];

#[test]
fn what_no_message_holds_is_passed_over_where_nobody_reads_it() {
    for encoding in FORBIDDEN {
        let encoded = bytes(encoding);
        assert_eq!(
            Raw::parse(&encoded).map(Raw::bytes),
            Ok(&*encoded),
            "{encoding}"
        );
    }
}

#[test]
fn what_no_message_holds_is_refused_where_a_value_is_due() {
    fn refused<T>(outcome: Result<T, Error>) -> bool {
        matches!(outcome, Err(Error::Unexpected { position: 0, .. }))
    }
    for encoding in FORBIDDEN {
        let value = bytes(encoding);
        assert!(refused(u64::parse(&value)), "{encoding}");
        assert!(refused(i64::parse(&value)), "{encoding}");
        assert!(refused(bool::parse(&value)), "{encoding}");
        assert!(refused(<&str>::parse(&value)), "{encoding}");
        assert!(refused(<&[u8]>::parse(&value)), "{encoding}");
        assert!(refused(List::<Raw<'_>>::parse(&value)), "{encoding}");
        assert!(refused(Entries::<Raw<'_>>::parse(&value)), "{encoding}");
        assert!(refused(Key::parse(&value)), "{encoding}");
        let under_a_key = [&[0xa1], &*value, &[0x01]].concat();
        assert!(
            matches!(
                Raw::parse(&under_a_key),
                Err(Error::Unexpected { position: 1, .. })
            ),
            "{encoding}"
        );
    }
}

#[test]
fn nested_examples_are_kept_as_they_came() {
    for encoding in ["8301820203820405", "a26161016162820203", "826161a161626163"] {
        let encoded = bytes(encoding);
        assert_eq!(
            Raw::parse(&encoded).map(Raw::bytes),
            Ok(&*encoded),
            "{encoding}"
        );
    }
}

#[test]
fn indefinite_lengths_are_refused() {
    for (encoding, position) in [
        ("5f42010243030405ff", 0),
        ("7f657374726561646d696e67ff", 0),
        ("9fff", 0),
        ("9f018202039f0405ffff", 0),
        ("9f01820203820405ff", 0),
        (
            "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
            0,
        ),
        ("83018202039f0405ff", 5),
        ("83019f0203ff820405", 2),
        ("bf61610161629f0203ffff", 0),
        ("826161bf61626163ff", 3),
        ("bf6346756ef563416d7421ff", 0),
    ] {
        assert_eq!(
            Raw::parse(&bytes(encoding)),
            Err(Error::Malformed { position }),
            "{encoding}"
        );
    }
}

#[test]
fn integers_longer_than_need_be_are_understood() {
    for encoding in ["07", "1807", "190007", "1a00000007", "1b0000000000000007"] {
        assert_eq!(u8::parse(&bytes(encoding)), Ok(7));
    }
}

#[test]
fn raw_items_write_as_they_came() {
    let odd = bytes("a2190002f419000101");
    let raw = Raw::parse(&odd).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(
        Raw::encode_in(&raw as &dyn Encode, &mut buffer).unwrap(),
        raw
    );
}
