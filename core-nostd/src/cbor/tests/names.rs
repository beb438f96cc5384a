use std::format;
use std::string::ToString;

use crate::cbor::{Key, Name, Parse, encode};

#[test]
fn a_name_is_text() {
    let name = Name::parse(b"\x62rk").unwrap();
    assert_eq!(name, Name::new("rk"));
    assert_eq!(name, *"rk");
    assert_ne!(name, *"up");
    assert_eq!(
        (name.as_str(), name.as_bytes(), &*name.to_string()),
        ("rk", &b"rk"[..], "rk")
    );
    assert_eq!(format!("{:?}", Key::Text(name)), r#"Text("rk")"#);
    assert_eq!(encode(&name, &mut [0; 3]).unwrap(), b"\x62rk");
    assert!(Key::from("rk").is("rk"));
    assert!(!Key::Bytes(b"rk").is("rk"));
}

#[test]
fn of_any_length_a_name_is_utf8() {
    for length in 0..40_usize {
        let mut item = std::vec![0x78, u8::try_from(length).unwrap()];
        item.extend(std::vec![b'a'; length]);
        assert!(Name::parse(&item).is_ok(), "{length}");
        for place in 2..item.len() {
            let mut broken = item.clone();
            broken[place] = 0xff;
            assert!(Name::parse(&broken).is_err(), "{length}, {place}");
            if let Some(pair) = broken.get_mut(place..place + 2) {
                pair.copy_from_slice("é".as_bytes());
                assert!(Name::parse(&broken).is_ok(), "{length}, {place}");
            }
        }
    }
}
