#![no_main]

use keysteward_core::iso7816::{Command, Response, Status};
use keysteward_fuzz::ROOM;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut buffer = vec![0; 2 * ROOM];
    if let Ok((command, form)) = Command::parse(bytes) {
        let again = command.encode(form, &mut buffer).expect("the room");
        assert!(again.len() <= bytes.len(), "longer than it came");
        let (same, _form_of_one_without_lengths) = Command::parse(again).expect("our own");
        assert_eq!(same, command);
        assert_eq!(same.data, command.data);
    }
    if let Ok(response) = Response::parse(bytes) {
        let sw = u16::from(response.status);
        assert_eq!(Status::from(sw), response.status);
        assert_eq!(sw.to_be_bytes(), bytes[bytes.len() - 2..]);
        assert_eq!(response.encode(&mut buffer), Some(bytes));
    }
});
