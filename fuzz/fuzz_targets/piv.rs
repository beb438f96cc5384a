#![no_main]

use keysteward_core::iso7816::Command;
use keysteward_core::piv::capabilities::Capabilities;
use keysteward_core::piv::certificate::Certificate;
use keysteward_core::piv::chuid::Chuid;
use keysteward_core::piv::discovery::Discovery;
use keysteward_core::piv::general_authenticate::Template;
use keysteward_core::piv::key_history::KeyHistory;
use keysteward_core::piv::printed::Printed;
use keysteward_core::piv::roots::Part;
use keysteward_core::piv::select::Properties;
use keysteward_core::piv::yubico::metadata::Metadata;
use keysteward_core::piv::yubico::{Version, serial_number};
use keysteward_core::piv::{Algorithm, ObjectId, PublicKey, Request, container_map, get_data};
use keysteward_fuzz::{ROOM, assert_same};
use libfuzzer_sys::fuzz_target;

/// What is read as each type survives being written.
macro_rules! kept {
    ($bytes:expr => $($type:ty),* $(,)?) => {$(
        if let Ok(first) = <$type>::parse($bytes) {
            let mut room = vec![0; ROOM];
            let again = first.encode(&mut room).expect("it was read from fewer bytes");
            assert_same(&first, <$type>::parse(again), again);
        }
    )*};
}

// Every command, answer and data object of PIV, in both directions.
fuzz_target!(|bytes: &[u8]| {
    if let Ok((command, _)) = Command::parse(bytes) {
        let _asked = Request::parse(&command);
    }
    kept!(bytes => Chuid<'_>, Discovery);
    if let Ok(history) = KeyHistory::parse(bytes) {
        // An address where there is nothing to fetch is read, and not written.
        let (mut room, mut another) = (vec![0; ROOM], vec![0; ROOM]);
        let again = history.encode(&mut room).expect("the room");
        let kept = KeyHistory::parse(again).expect("our own");
        assert_eq!(kept.encode(&mut another).expect("the room"), again);
    }
    if let Ok(template) = Template::parse(bytes) {
        let mut room = vec![0; ROOM];
        let again = template.encode(&mut room).expect("the room");
        assert!(Template::parse(again) == Ok(template), "{again:02x?}");
    }
    let _read = (
        Capabilities::parse(bytes).is_ok(),
        Printed::parse(bytes).is_ok(),
        Properties::parse(bytes).is_ok(),
        Version::parse(bytes).is_ok(),
        serial_number(bytes),
    );
    if let Ok(Some(certificate)) = Certificate::parse(bytes) {
        let mut room = vec![0; ROOM];
        let again = certificate.encode(&mut room).expect("the room");
        assert_eq!(Certificate::parse(again), Ok(Some(certificate)));
    }
    if let Ok(Some(part)) = Part::parse(bytes) {
        let mut room = vec![0; ROOM];
        let again = part.encode(&mut room).expect("the room");
        assert_eq!(Part::parse(again), Ok(Some(part)));
    }
    if let Ok(records) = container_map::records(bytes) {
        assert!(records.count() <= bytes.len());
    }
    for algorithm in Algorithm::ALL {
        if let Ok(key) = PublicKey::parse(bytes, algorithm) {
            let mut room = vec![0; ROOM];
            assert!(key.spki(&mut room).is_ok());
            let again = key.encode(&mut room).expect("the room");
            assert_eq!(PublicKey::parse(again, algorithm), Ok(key));
        }
    }
    for object in [
        ObjectId::CHUID,
        ObjectId::DISCOVERY,
        ObjectId::CONTAINER_MAP,
    ] {
        if let Ok(content) = get_data::response(object, bytes) {
            assert!(content.len() <= bytes.len());
        }
    }
    if let Ok(metadata) = Metadata::parse(bytes) {
        let _told = (
            metadata.cipher(),
            metadata.key_algorithm(),
            metadata.public_key(),
        );
    }
});
