use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn all(bytes: &[u8]) -> Result<Vec<(u32, &[u8])>, Error> {
    Objects::new(bytes)
        .map(|object| object.map(|object| (object.tag.0, object.value)))
        .collect()
}

#[test]
fn objects_are_read_one_after_the_other() {
    let bytes = b"\x53\x02ab\x7f\x49\x00\x00\x5f\xc1\x02\x81\x01c\xff\xff";
    let expected: Vec<(u32, &[u8])> = vec![(0x53, b"ab"), (0x7F49, b""), (0x5F_C102, b"c")];
    assert_eq!(all(bytes), Ok(expected));
}

#[test]
fn a_wrong_object_is_named_by_its_first_byte() {
    for (bytes, error) in [
        (&b"\x53"[..], Error::EndOfInput { offset: 0 }),
        (b"\x80\x00\x5f", Error::EndOfInput { offset: 2 }),
        (b"\x53\x82\x01", Error::EndOfInput { offset: 0 }),
        (b"\x1f\x81\x82\x83\x04\x00", Error::TagTooLong { offset: 0 }),
        (
            b"\x53\x80ab\x00\x00",
            Error::LengthForm {
                offset: 0,
                found: 0x80,
            },
        ),
        (
            b"\x53\x84\x00\x00\x00\x01a",
            Error::LengthForm {
                offset: 0,
                found: 0x84,
            },
        ),
        (
            b"\x80\x01a\x53\x03ab",
            Error::ValueTooShort {
                offset: 3,
                length: 3,
                left: 2,
            },
        ),
    ] {
        assert_eq!(all(bytes), Err(error), "{bytes:02x?}");
        assert!(error.offset() < bytes.len());
    }
}

#[test]
fn constructed_tags_are_known_by_their_first_byte() {
    for (tag, constructed) in [
        (0x30, true),
        (0x53, false),
        (0x7F49, true),
        (0x5F_C102, false),
    ] {
        assert_eq!(Tag(tag).is_constructed(), constructed, "{tag:x}");
    }
}

#[test]
fn an_object_is_found_among_others() {
    let bytes = b"\x80\x01a\x81\x01b";
    let found = Objects::new(bytes).find(Tag(0x81)).unwrap().unwrap();
    assert_eq!((found.offset, found.value), (3, &b"b"[..]));
    assert_eq!(Objects::new(bytes).find(Tag(0x82)), Ok(None));
}

#[test]
fn a_full_buffer_is_said() {
    let mut buffer = [0; 4];
    let refused = encode(Tag(0x53), &[b"abc"], &mut buffer);
    assert_eq!(refused, Err(EncodeError::BufferFull));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        tag in prop::sample::select(vec![0x53, 0x7F49, 0x5F_C102, 0x30]),
        length in prop::sample::select(vec![0_usize, 1, 127, 128, 255, 256, 65_535, 65_536]),
    ) {
        let value = vec![0xA5; length];
        let (left, right) = value.split_at(length / 3);
        let mut buffer = vec![0; length + 8];
        let bytes = encode(Tag(tag), &[left, right], &mut buffer).unwrap();
        prop_assert_eq!(all(bytes), Ok(vec![(tag, value.as_slice())]));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(bytes: Vec<u8>) {
        for object in Objects::new(&bytes).flatten() {
            prop_assert!(object.offset + object.header + object.value.len() <= bytes.len());
        }
    }
}
