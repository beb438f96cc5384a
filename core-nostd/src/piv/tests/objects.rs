//! What data objects hold.

use super::bytes;
use crate::piv::capabilities::Capabilities;
use crate::piv::certificate::{Certificate, Format};
use crate::piv::chuid::{Chuid, FascN, NON_FEDERAL};
use crate::piv::container_map::{Record, encode_records, records};
use crate::piv::discovery::Discovery;
use crate::piv::key_history::KeyHistory;
use crate::piv::printed::Printed;
use crate::piv::roots::{Part, parts};
use crate::piv::{Algorithm, KeyReference, Malformed};
use std::string::String;
use std::vec::Vec;

#[test]
fn the_cardholder_unique_identifier_is_the_one_that_other_tools_write() {
    let guid = [0xAB; 16];
    let mut room = [0; 64];
    let encoded = Chuid::new(&guid).encode(&mut room).unwrap();
    let expected = "30 19 D4E739DA739CED39CE739D836858210842108421C84210C3EB \
                    34 10 ABABABABABABABABABABABABABABABAB 35 08 3230353031323331 3E 00 FE 00";
    assert_eq!(encoded, bytes(expected));
    assert_eq!(Chuid::parse(encoded), Ok(Chuid::new(&guid)));
}

#[test]
fn members_that_the_standard_dropped_are_passed_over() {
    let content = bytes("EE 02 0037 30 00 32 04 00000000 34 10 00112233445566778899AABBCCDDEEFF");
    let chuid = Chuid::parse(&content).unwrap();
    assert_eq!(chuid.guid[..3], [0x00, 0x11, 0x22]);
    assert_eq!(Chuid::parse(&content[..10]), Err(Malformed), "no GUID");
    assert_eq!(Chuid::parse(b"\x34\x01\x00"), Err(Malformed));
}

#[test]
fn the_number_of_no_agency_is_made_of_its_digits() {
    let fields = FascN {
        agency: 9999,
        system: 9999,
        credential: 999_999,
        series: 0,
        issue: 1,
        person: 0,
        category: 3,
        organisation: 0,
        association: 1,
    };
    assert_eq!(fields.encode(), NON_FEDERAL);
    // TIG SCEPACS 2.2, the example of its appendix.
    let example = FascN {
        agency: 32,
        system: 1,
        credential: 92_446,
        series: 0,
        issue: 1,
        person: 1_112_223_333,
        category: 1,
        organisation: 1223,
        association: 2,
    };
    let expected = bytes("D0439458210C2C19A0846D83685A1082108CE73984108CA3FC");
    assert_eq!(example.encode()[..], expected);
}

#[test]
fn the_card_capability_container_holds_the_cards_number() {
    let identifier = Capabilities::identifier(&[7; 14]);
    let container = Capabilities {
        card_identifier: &identifier,
    };
    let mut room = [0; 64];
    let encoded = container.encode(&mut room).unwrap();
    let expected = "F015 A000000116FF02 0707070707070707070707070707 F10121 F20121 F300 F40100 \
                    F50110 F600 F700 FA00 FB00 FC00 FD00 FE00";
    assert_eq!(encoded, bytes(expected));
    assert_eq!(Capabilities::parse(encoded), Ok(container));
}

#[test]
fn the_discovery_object_says_which_pins_are_taken() {
    let mut room = [0; 32];
    let encoded = Discovery::PIN.encode(&mut room).unwrap();
    assert_eq!(encoded, bytes("4F0B A000000308000010000100 5F2F02 4000"));
    let read = Discovery::parse(encoded).unwrap();
    assert!(!read.takes_global_pin());
    let both = bytes("5F2F02 6010");
    assert!(Discovery::parse(&both).unwrap().takes_global_pin());
    assert_eq!(Discovery::parse(&bytes("5F2F01 40")), Err(Malformed));
}

#[test]
fn the_key_history_counts_retired_keys() {
    let history = KeyHistory {
        on_card: 3,
        off_card: 1,
        url: b"http://a/b",
    };
    let mut room = [0; 32];
    let encoded = history.encode(&mut room).unwrap();
    assert_eq!(
        encoded,
        b"\xC1\x01\x03\xC2\x01\x01\xF3\x0Ahttp://a/b\xFE\x00"
    );
    assert_eq!(KeyHistory::parse(encoded), Ok(history));
    assert_eq!(KeyHistory::parse(b"\xC1\x02\x01"), Err(Malformed));
}

#[test]
fn certificates_come_plain_and_compressed_in_two_ways() {
    for (format, der, content) in [
        (Format::Plain, "3000", "7002 3000 710100 FE00"),
        (Format::Gzip, "1F8B08", "7003 1F8B08 710101 FE00"),
        (
            Format::Zlib { len: 0x0245 },
            "789C01",
            "7007 01004502 789C01 710100 FE00",
        ),
    ] {
        let der = bytes(der);
        let certificate = Certificate {
            format,
            bytes: &der,
        };
        let mut room = [0; 32];
        let encoded = certificate.encode(&mut room).unwrap();
        assert_eq!(encoded, bytes(content));
        assert_eq!(Certificate::parse(encoded), Ok(Some(certificate)));
    }
    assert_eq!(Certificate::parse(b""), Ok(None));
    assert_eq!(Certificate::parse(&bytes("7000 710100")), Ok(None));
    assert_eq!(Certificate::parse(&bytes("7005 30")), Err(Malformed));
}

#[test]
fn printed_information_goes_both_ways() {
    let printed = Printed {
        name: b"Ada Lovelace",
        expiry: b"2050DEC31",
        ..Printed::default()
    };
    let mut room = [0; 64];
    let encoded = printed.encode(&mut room).unwrap();
    assert!(encoded.starts_with(b"\x01\x0CAda Lovelace\x02\x00\x04\x092050DEC31"));
    assert_eq!(Printed::parse(encoded), Ok(printed));
    assert_eq!(Printed::parse(b"\x01\x05A"), Err(Malformed));
}

#[test]
fn containers_are_named_as_windows_names_them() {
    let guid = b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF";
    let mut record = Record::new(guid, KeyReference::Authentication, Algorithm::Rsa2048);
    let name = String::from_utf16(&record.name[..38]).unwrap();
    assert_eq!(name, "{33221100-5544-7766-8899-aabbccddeeff}");
    assert_eq!(record.name[38..], [0, 0]);
    assert_eq!((record.key, record.key_spec, record.bits), (0x9A, 1, 2048));
    assert!(!record.is_default());
    record.set_default(true);
    record.fingerprint = [0xF1; 20];

    let mut room = [0; 256];
    let map = [record.clone(), record];
    let encoded = encode_records(&map, &mut room).unwrap();
    assert_eq!(encoded.len(), 3 + 2 * Record::LEN);
    assert_eq!(encoded[..3], [0x81, 0x81, 0xD6]);
    assert_eq!(
        encoded[3 + 80..][..8],
        [0x9A, 1, 0x00, 0x08, 3, 1, 0xFF, 0xF1]
    );
    let read: Vec<Record> = records(encoded).unwrap().collect();
    assert_eq!(read, map);
}

#[test]
fn a_container_map_of_another_length_is_none() {
    assert_eq!(records(b"").unwrap().count(), 0);
    assert_eq!(records(b"\x81\x00").unwrap().count(), 0);
    assert!(records(b"\x81\x01\x00").is_err());
    assert!(records(b"\x82\x00").is_err());
}

#[test]
fn roots_lie_in_parts() {
    let pkcs7 = [5; 25];
    let cut: Vec<Part<'_>> = parts(&pkcs7, 10).collect();
    let lengths: Vec<_> = cut
        .iter()
        .map(|part| (part.bytes.len(), part.is_last))
        .collect();
    assert_eq!(lengths, [(10, false), (10, false), (5, true)]);
    let exact: Vec<_> = parts(&pkcs7[..20], 10).map(|part| part.is_last).collect();
    assert_eq!(exact, [false, true]);
    for part in cut {
        let mut room = [0; 16];
        let encoded = part.encode(&mut room).unwrap();
        assert_eq!(Part::parse(encoded), Ok(Some(part)));
    }
    assert_eq!(Part::parse(b""), Ok(None));
    assert_eq!(Part::parse(b"\x81\x00"), Err(Malformed));
}
