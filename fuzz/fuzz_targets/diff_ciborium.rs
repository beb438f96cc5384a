#![no_main]

use ciborium::Value;
use keysteward_core::cbor::{Error, Key, MAX_DEPTH, MAX_UNSORTED_ENTRIES, Parse, Raw, Reader};
use libfuzzer_sys::fuzz_target;

// Our reader beside one for all of CBOR. What both take they understand alike; what one of them
// alone takes is a listed difference: see `ours_alone` and `theirs_alone`.
fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let theirs: Result<Value, _> = ciborium::de::from_reader(&mut rest);
    match (Raw::parse(bytes), theirs) {
        (Ok(_), Ok(theirs)) => {
            assert!(rest.is_empty(), "ours took {} bytes more", rest.len());
            let mut reader = Reader::new(bytes);
            same(&mut reader, bytes, &theirs);
            assert_eq!(reader.finish(), Ok(()));
        }
        (Ok(_), Err(error)) => assert!(ours_alone(bytes), "{error}: {bytes:02x?}"),
        (Err(error), Ok(theirs)) => {
            assert!(theirs_alone(error, bytes, &theirs), "{error}: {bytes:02x?}");
        }
        (Err(_), Err(_)) => {}
    }
});

/// What CTAP2 forbids and RFC 8949 does not. CTAP 2.3 §8.
fn theirs_alone(error: Error, bytes: &[u8], theirs: &Value) -> bool {
    match error {
        // A message is one item; from_reader reads the first.
        Error::TrailingBytes { position } => position < bytes.len(),
        Error::TooDeep { .. } => depth(theirs) > MAX_DEPTH.into(),
        // Two readers could understand it differently.
        Error::DuplicateKey { .. } => any_map(theirs, &|map| {
            let keys = map.iter().enumerate();
            keys.into_iter()
                .any(|(at, (key, _))| map[..at].iter().any(|one| one.0 == *key))
        }),
        // The search for duplicates is bounded.
        Error::TooManyEntries { .. } => {
            any_map(theirs, &|map| map.len() as u64 > MAX_UNSORTED_ENTRIES)
        }
        // Indefinite lengths; and false in two bytes, which ciborium takes and RFC 8949 §3.3 does
        // not.
        Error::Malformed { position } => bytes[position] & 0x1f == 0x1f || bytes[position] == 0xf8,
        // Keys are integers of 64 bits, text or byte strings.
        Error::Unexpected { .. } | Error::OutOfRange { .. } => {
            any_map(theirs, &|map| {
                map.iter().any(|(key, _)| match key {
                    Value::Integer(key) => i64::try_from(*key).is_err(),
                    Value::Text(_) | Value::Bytes(_) => false,
                    _ => true,
                })
            }) || bytes.iter().any(|byte| byte >> 5 == 6)
        }
        _ => false,
    }
}

/// What a value that is passed over may hold. Its meaning is not looked at.
fn ours_alone(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&initial) = bytes.get(at) {
        let width = match initial & 0x1f {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        let argument = bytes[at + 1..at + 1 + width].iter().fold(
            u64::from(initial & 0x1f) * u64::from(width == 0),
            |all, byte| all << 8 | u64::from(*byte),
        );
        at += 1 + width;
        match initial >> 5 {
            string @ (2 | 3) => {
                let end = at + argument as usize;
                // Text that is not UTF-8: keys of CTAP 2.0 send it.
                if string == 3 && std::str::from_utf8(&bytes[at..end]).is_err() {
                    return true;
                }
                at = end;
            }
            // Tags 2 and 3: ciborium reads bignums, and refuses what is none.
            6 if matches!(argument, 2 | 3) => return true,
            // Simple values that are not assigned, and undefined.
            7 if width <= 1 && !matches!(argument, 20..=22) => return true,
            _ => {}
        }
    }
    false
}

fn same(reader: &mut Reader<'_>, bytes: &[u8], theirs: &Value) {
    let position = reader.position();
    match theirs {
        // A bignum under a tag may be small.
        Value::Integer(theirs) if bytes[position] >> 5 < 2 => match i64::try_from(*theirs) {
            Ok(theirs) => assert_eq!(reader.integer(), Ok(theirs)),
            Err(_) => {
                let refused = reader.clone().integer();
                assert!(matches!(refused, Err(Error::OutOfRange { .. })));
                assert_eq!(reader.skip(), Ok(()));
            }
        },
        Value::Text(theirs) => assert_eq!(reader.text(), Ok(theirs.as_str())),
        Value::Bytes(theirs) if bytes[position] >> 5 == 2 => {
            assert_eq!(reader.bytes(), Ok(theirs.as_slice()));
        }
        Value::Bool(theirs) => assert_eq!(reader.boolean(), Ok(*theirs)),
        Value::Array(theirs) => {
            let mut items = theirs.iter();
            let read = reader.array(|reader| {
                same(reader, bytes, items.next().expect("as many items"));
                Ok(())
            });
            assert_eq!(read, Ok(()));
            assert!(items.next().is_none());
        }
        Value::Map(theirs) => {
            let mut entries = theirs.iter();
            let read = reader.map(|key, reader| {
                let (theirs, value) = entries.next().expect("as many entries");
                match key {
                    Key::Int(key) => assert_eq!(theirs, &Value::from(key)),
                    Key::Text(key) => assert_eq!(theirs, &Value::from(key.as_str())),
                    Key::Bytes(key) => assert_eq!(theirs, &Value::from(key)),
                }
                same(reader, bytes, value);
                Ok(())
            });
            assert_eq!(read, Ok(()));
            assert!(entries.next().is_none());
        }
        _ => assert_eq!(reader.skip(), Ok(())),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => {
            let inside = entries
                .iter()
                .map(|(key, value)| depth(key).max(depth(value)));
            1 + inside.max().unwrap_or(0)
        }
        Value::Tag(_, inside) => 1 + depth(inside),
        // A bignum is a byte string under a tag.
        Value::Integer(_) => 1,
        _ => 0,
    }
}

fn any_map(value: &Value, is: &dyn Fn(&[(Value, Value)]) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any_map(item, is)),
        Value::Map(map) => {
            let inside = |(key, value): &(Value, Value)| any_map(key, is) || any_map(value, is);
            is(map) || map.iter().any(inside)
        }
        Value::Tag(_, inside) => any_map(inside, is),
        _ => false,
    }
}
