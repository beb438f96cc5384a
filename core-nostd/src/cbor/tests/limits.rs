//! What the reader refuses, and what each refusal says.

use std::string::ToString;
use std::vec;
use std::vec::Vec;

use crate::cbor::{Error, Key, List, MAX_UNSORTED_ENTRIES, Parse, Raw, Reader};

#[test]
fn the_end_inside_an_item_is_noticed_everywhere() {
    for whole in [
        &[0x18, 0x20][..],
        &[0x19, 1, 2],
        &[0x1a, 1, 2, 3, 4],
        &[0x1b, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0x43, 1, 2, 3],
        &[0x63, b'a', b'b', b'c'],
        &[0x82, 1, 2],
        &[0xa1, 1, 2],
        &[0xc1, 2],
    ] {
        assert!(Raw::parse(whole).is_ok(), "{whole:02x?}");
        for cut in 0..whole.len() {
            let error = Raw::parse(&whole[..cut]).unwrap_err();
            assert!(matches!(error, Error::EndOfInput { .. }), "{whole:02x?}");
        }
    }
}

#[test]
fn lengths_beyond_the_input_are_refused_before_anything_is_read() {
    for head in [0x5b, 0x7b, 0x9b, 0xbb] {
        let mut huge = vec![head];
        huge.extend([0xff; 8]);
        huge.extend([0; 32]);
        assert_eq!(Raw::parse(&huge), Err(Error::EndOfInput { position: 0 }));
    }
}

#[test]
fn reserved_initial_bytes_are_refused() {
    for initial in [0x1c, 0x3d, 0x5e, 0x7c, 0x9d, 0xbe, 0xdc, 0xfd, 0xff] {
        assert_eq!(
            Raw::parse(&[initial, 0, 0]),
            Err(Error::Malformed { position: 0 })
        );
    }
}

#[test]
fn two_byte_forms_of_small_simple_values_are_refused() {
    assert_eq!(
        Raw::parse(&[0xf8, 0x14]),
        Err(Error::Malformed { position: 0 })
    );
    assert!(bool::parse(&[0xf8, 0xff]).is_err());
}

#[test]
fn four_levels_are_read_and_a_fifth_is_refused() {
    assert!(Raw::parse(&[0x81, 0x81, 0x81, 0x81, 0x01]).is_ok());
    assert!(Raw::parse(&[0x81, 0xa1, 0x01, 0xc1, 0x80]).is_ok());
    for five in [
        &[0x81, 0x81, 0x81, 0x81, 0x80][..],
        &[0xa1, 0x01, 0xa1, 0x01, 0xa1, 0x01, 0xa1, 0x01, 0xa0],
        &[0xc1, 0xc1, 0xc1, 0xc1, 0xc1, 0x00],
    ] {
        assert!(matches!(Raw::parse(five), Err(Error::TooDeep { .. })));
    }
    let siblings = [0x83, 0x81, 0x81, 0x80, 0x81, 0x81, 0x80, 0x81, 0x81, 0x80];
    assert!(Raw::parse(&siblings).is_ok(), "levels are given back");
}

#[test]
fn deep_nesting_costs_no_stack() {
    let bottomless = vec![0x81; 7609];
    assert_eq!(Raw::parse(&bottomless), Err(Error::TooDeep { position: 5 }));
}

#[test]
fn trailing_bytes_are_refused() {
    assert_eq!(
        u8::parse(&[0x01, 0x02]),
        Err(Error::TrailingBytes { position: 1 })
    );
}

#[test]
fn a_key_that_comes_twice_is_refused_wherever_it_stands() {
    for (map, position) in [
        (&[0xa2, 0x01, 0x00, 0x01, 0x00][..], 3),
        (&[0xa3, 0x02, 0x00, 0x01, 0x00, 0x02, 0x00], 5),
        (&[0xa3, 0x02, 0x00, 0x01, 0x00, 0x01, 0x00], 5),
        // The same number in a longer form is the same key.
        (&[0xa2, 0x01, 0x00, 0x18, 0x01, 0x00], 3),
        (&[0xa2, 0x61, b'a', 0x00, 0x61, b'a', 0x00], 4),
        (&[0xa2, 0x41, 0x01, 0x00, 0x41, 0x01, 0x00], 4),
        // Inside what nobody asked for.
        (&[0x82, 0x00, 0xa2, 0x20, 0x00, 0x20, 0x00], 5),
    ] {
        assert_eq!(Raw::parse(map), Err(Error::DuplicateKey { position }));
    }
}

#[test]
fn a_member_from_24_on_that_comes_twice_is_refused() {
    for (map, position) in [
        (&[0xa2, 0x18, 0x18, 0x00, 0x18, 0x18, 0x00][..], 4),
        (&[0xa2, 0x18, 0x18, 0x00, 0x19, 0x00, 0x18, 0x00], 4),
        (
            &[0xa3, 0x18, 0x18, 0x00, 0x18, 0x1a, 0x00, 0x18, 0x18, 0],
            7,
        ),
        (&[0xa3, 0x18, 0xff, 0x00, 0x01, 0x00, 0x18, 0xff, 0x00], 6),
        // In a longer form than need be.
        (&[0xa2, 0x01, 0x00, 0x18, 0x01, 0x00], 3),
    ] {
        let read = Reader::new(map).map(|_, r| r.skip());
        assert_eq!(read, Err(Error::DuplicateKey { position }));
    }
}

#[test]
fn members_from_24_on_are_read_in_any_order() {
    for keys in [[23, 24, 255], [24, 255, 23], [255, 24, 23], [255, 23, 24]] {
        let mut map = std::vec![0xa3];
        for key in keys {
            map.extend_from_slice(if key < 24 { &[] } else { &[0x18] });
            map.extend_from_slice(&[key, 0x00]);
        }
        let mut seen = Vec::new();
        let read = Reader::new(&map).map(|key, _| {
            seen.push(key);
            Ok(())
        });
        assert_eq!(read, Ok(()));
        assert_eq!(seen, keys.map(|key| Key::Int(key.into())));
    }
}

#[test]
fn keys_in_any_order_are_read() {
    let map = [0xa3, 0x20, 0x0a, 0x02, 0x0b, 0x61, b'a', 0x0c];
    let mut seen = Vec::new();
    Reader::new(&map)
        .map(|key, r| {
            seen.push((key, r.read::<u8>()?));
            Ok(())
        })
        .unwrap();
    assert_eq!(
        seen,
        [(Key::Int(-1), 10), (Key::Int(2), 11), (Key::from("a"), 12)]
    );
}

#[test]
fn the_search_for_duplicates_is_bounded() {
    let entries = |count: u16, key: fn(u16, u16) -> u16| {
        let mut map = vec![0xb9];
        map.extend(count.to_be_bytes());
        for index in 0..count {
            map.push(0x19);
            map.extend(key(index, count).to_be_bytes());
            map.push(0x00);
        }
        map
    };
    let limit = u16::try_from(MAX_UNSORTED_ENTRIES).unwrap();
    let falling = |index, count| count - index;
    assert!(Raw::parse(&entries(limit, falling)).is_ok());
    assert!(matches!(
        Raw::parse(&entries(limit + 1, falling)),
        Err(Error::TooManyEntries { .. })
    ));
    assert!(Raw::parse(&entries(1000, |index, _| index)).is_ok());
}

#[test]
fn keys_of_other_types_are_refused() {
    for key in [0x80, 0xa0, 0xf5, 0xf6, 0xc1] {
        assert!(matches!(
            Raw::parse(&[0xa1, key, 0x00, 0x00]),
            Err(Error::Unexpected { position: 1, .. })
        ));
    }
}

#[test]
fn another_type_than_the_one_due_is_named() {
    assert_eq!(
        <&str>::parse(&[0x41, 0x00]).unwrap_err().to_string(),
        "expected text at byte 0"
    );
    assert_eq!(
        bool::parse(&[0x01]).unwrap_err().to_string(),
        "expected true or false at byte 0"
    );
    assert_eq!(
        u8::parse(&[0x19, 0x01, 0x00]).unwrap_err().to_string(),
        "expected an unsigned integer of 8 bits at byte 0"
    );
    assert_eq!(
        <&[u8; 2]>::parse(&[0x43, 1, 2, 3]).unwrap_err().to_string(),
        "expected a byte string of 2 bytes at byte 0, found 3"
    );
    assert_eq!(
        i32::parse(&[0x1a, 0x80, 0, 0, 0]),
        Err(Error::OutOfRange {
            position: 0,
            expected: "an integer of 32 bits"
        })
    );
}

#[test]
fn text_is_utf8_and_a_cut_name_keeps_its_whole_characters() {
    let cut = [0x64, b'J', b'o', b's', 0xc3];
    assert_eq!(<&str>::parse(&cut), Err(Error::NotUtf8 { position: 0 }));
    let mut reader = Reader::new(&cut);
    assert_eq!(reader.text_prefix(), Ok("Jos"));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn a_cut_name_that_nobody_reads_is_passed_over() {
    let names = [0x82, 0x61, 0xc3, 0x61, b'a'];
    assert!(Raw::parse(&names).is_ok());
    let list = List::<&str>::read_lenient(&mut Reader::new(&names)).unwrap();
    assert!(list.iter().eq(["a"]));
}

#[test]
fn text_past_the_end_is_not_taken_for_text_that_is_not_utf8() {
    for text in [&[0x62, 0xc3][..], &[0x62, b'a'], &[0x7b, 0xff, 0xff]] {
        assert_eq!(<&str>::parse(text), Err(Error::EndOfInput { position: 0 }));
    }
}

#[test]
fn an_item_left_untouched_is_skipped() {
    let nested = [0x82, 0xa1, 0x01, 0x82, 0x02, 0x03, 0x04];
    let mut reader = Reader::new(&nested);
    reader.array(|_| Ok(())).unwrap();
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn a_failed_attempt_leaves_the_reader_behind_the_item() {
    let mut reader = Reader::new(&[0x81, 0x61, b'a', 0x05]);
    assert_eq!(reader.attempt(List::<u8>::read), Ok(None));
    assert_eq!(reader.read::<u8>(), Ok(5));

    let mut broken = Reader::new(&[0x81, 0x61]);
    assert!(broken.attempt(List::<u8>::read).is_err());
}

#[test]
fn an_error_is_moved_to_where_the_bytes_came_from() {
    let error = <&str>::parse(&[0x41, 0x00]).unwrap_err().at_offset(7);
    assert_eq!(error.position(), Some(7));
    assert_eq!(error.to_string(), "expected text at byte 7");
    assert_eq!(error.at_offset(usize::MAX).position(), Some(usize::MAX));
    let missing = Error::Missing { member: "aaguid" };
    assert_eq!(missing.at_offset(7), missing);
}
