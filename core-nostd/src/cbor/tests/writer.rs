use std::vec::Vec;

use crate::cbor::{BufferFull, Encode, Writer, encode};

/// A map of the keys 0 to `0`.
struct Numbers(i32);

impl Encode for Numbers {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| (0..self.0).try_for_each(|key| m.entry(key, key)))
    }
}

#[test]
fn the_head_of_a_map_grows_with_its_entries() {
    for (count, head) in [
        (0, &[0xa0][..]),
        (23, &[0xb7]),
        (24, &[0xb8, 24]),
        (255, &[0xb8, 255]),
        (256, &[0xb9, 1, 0]),
        (300, &[0xb9, 1, 44]),
    ] {
        let mut buffer = [0; 2000];
        let bytes = encode(&Numbers(count), &mut buffer).unwrap();
        let mut expected = Vec::from(head);
        for key in 0..count {
            for _key_and_value in 0..2 {
                expected.extend(encode(&key, &mut [0; 9]).unwrap());
            }
        }
        assert_eq!(bytes, expected);
    }
}

#[test]
fn bytes_can_be_put_in_their_place() {
    let mut buffer = [0xee; 64];
    for length in [0, 1, 24, 60] {
        let mut writer = Writer::new(&mut buffer);
        writer.bytes_with(length, |to| to.fill(7)).unwrap();
        let placed = Vec::from(writer.finish());
        let bytes = [7; 60];
        let whole = encode(&&bytes[..length], &mut [0; 64]).map(Vec::from);
        assert_eq!(Ok(placed), whole);
    }
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(writer.bytes_with(64, |_| {}), Err(BufferFull));
    let mut writer = Writer::new(&mut buffer);
    writer.bytes_with(2, |_| {}).unwrap();
    assert_eq!(writer.finish(), [0x42, 0, 0], "nothing of before is told");
}

#[test]
fn every_buffer_that_is_too_small_is_full() {
    let mut buffer = [0; 2000];
    let needed = encode(&Numbers(300), &mut buffer).unwrap().len();
    for room in 0..needed {
        assert_eq!(encode(&Numbers(300), &mut buffer[..room]), Err(BufferFull));
    }
    assert!(encode(&Numbers(300), &mut buffer[..needed]).is_ok());
}

#[test]
fn absent_entries_are_not_written() {
    let mut buffer = [0; 8];
    let mut w = Writer::new(&mut buffer);
    w.map(|m| {
        m.optional(1, None::<bool>)?;
        m.optional(2, Some(true))
    })
    .unwrap();
    assert_eq!(w.written(), [0xa1, 0x02, 0xf5]);
}

#[test]
#[should_panic(expected = "canonical order")]
fn keys_out_of_order_are_caught_in_debug_builds() {
    let mut buffer = [0; 8];
    let _ = Writer::new(&mut buffer).map(|m| {
        m.entry(-1, true)?;
        m.entry(1, true)
    });
}

#[test]
#[should_panic(expected = "canonical order")]
fn a_key_written_twice_is_caught_in_debug_builds() {
    let mut buffer = [0; 16];
    let _ = Writer::new(&mut buffer).map(|m| {
        m.entry("id", true)?;
        m.entry("id", true)
    });
}

#[test]
fn canonical_order_is_by_type_then_length_then_bytes() {
    let mut buffer = [0; 64];
    let written = Writer::new(&mut buffer).map(|m| {
        m.entry(1, true)?;
        m.entry(3, true)?;
        m.entry(256, true)?;
        m.entry(-1, true)?;
        m.entry(-3, true)?;
        m.entry("id", true)?;
        m.entry("alg", true)?;
        m.entry("name", true)?;
        m.entry("type", true)
    });
    assert_eq!(written, Ok(()));
}
