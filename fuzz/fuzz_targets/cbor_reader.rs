#![no_main]

use keysteward_core::cbor::{Entries, List, Parse, Raw, Reader};
use keysteward_fuzz::survive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(raw) = Raw::parse(bytes) {
        assert_eq!(raw.bytes(), bytes);
    }
    survive!(bytes => i64, u64, bool, &str, &[u8], List<'_, &str>, List<'_, u64>, Entries<'_, bool>);

    // A lenient list holds what a strict one holds, and is as long as its array at most.
    if let Ok(strict) = List::<&str>::parse(bytes) {
        let lenient = List::<&str>::read_lenient(&mut Reader::new(bytes));
        assert_eq!(lenient, Ok(strict));
    }
    if let Ok(lenient) = List::<u64>::read_lenient(&mut Reader::new(bytes)) {
        assert!(lenient.len() <= bytes.len());
    }

    // However often it is attempted, reading goes on behind the item.
    let mut reader = Reader::new(bytes);
    while let Ok(_value) = reader.attempt(Reader::text) {}
    assert!(reader.position() <= bytes.len());
});
