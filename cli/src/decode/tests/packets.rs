//! Packets of one direction, of both, of several channels.

use super::{all, hex};
use crate::decode::{Command, Decoded, Kind, decode};

/// A message in packets, as either side sends it.
fn sent(channel: u8, command: u8, message: &[u8]) -> Vec<Vec<u8>> {
    let (first, rest) = message.split_at(message.len().min(57));
    let mut init = vec![0, 0, 0, channel, 0x80 | command];
    init.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
    init.extend(first);
    let mut packets = vec![init];
    for (seq, part) in rest.chunks(59).enumerate() {
        let mut packet = vec![0, 0, 0, channel, u8::try_from(seq).unwrap()];
        packet.extend(part);
        packets.push(packet);
    }
    for packet in &mut packets {
        packet.resize(64, 0);
    }
    packets
}

fn messages(decoded: &Decoded) -> Vec<&str> {
    decoded
        .fields
        .iter()
        .filter(|field| field.name.ends_with(" message"))
        .map(|field| field.value.as_str())
        .collect()
}

const CBOR: u8 = 0x10;
const MSG: u8 = 0x03;
const KEEPALIVE: u8 = 0x3B;

#[test]
fn packets_make_a_message() {
    let mut packets = hex("00000007 90 0043 06");
    packets.resize(64, 0);
    let mut message = hex("a1 05 583f");
    message.resize(66, 0xAB);
    packets.splice(8..64, message[..56].iter().copied());
    packets.extend(hex("00000007 00"));
    packets.extend(&message[56..]);
    packets.resize(128, 0);
    let decoded = decode(Kind::Ctaphid, None, &packets);
    let last = decoded.fields.last().unwrap();
    assert_eq!(last.name, "CBOR message");
    assert_eq!(last.value, "clientPIN request");
    assert!(last.fields.iter().any(|field| field.name == "newPinEnc"));

    let cut = decode(Kind::Ctaphid, None, &packets[..64]);
    assert!(
        cut.errors[0].message.contains("57 of 67 bytes came"),
        "{:?}",
        cut.errors
    );
    packets[68] = 5;
    let disordered = decode(Kind::Ctaphid, None, &packets);
    assert!(
        disordered.errors[0]
            .message
            .contains("packet 5 came, 0 was due")
    );
}

#[test]
fn both_directions_are_told_apart() {
    let info = recorded!("trussed_info_rsp.bin");
    let capture = [
        sent(7, CBOR, &[0x04]),
        sent(7, KEEPALIVE, &[1]),
        sent(7, CBOR, info),
        sent(7, CBOR, &hex("06 a2 0101 0201")),
        sent(7, CBOR, &[0x36]),
        sent(7, MSG, &hex("00 03 00 00 00 0000")),
        sent(7, MSG, &hex("5532465F5632 9000")),
    ];
    let decoded = decode(Kind::Ctaphid, None, &capture.concat().concat());
    assert!(decoded.valid, "{:?}", decoded.errors);
    assert_eq!(
        messages(&decoded),
        [
            "getInfo request",
            "1 (processing)",
            "getInfo response",
            "clientPIN request",
            "clientPIN response",
            "command APDU, U2F_VERSION",
            "response APDU",
        ]
    );
    assert!(
        all(&decoded.fields)
            .iter()
            .any(|field| field.value == "\"U2F_V2\"")
    );
}

#[test]
fn answers_alone_belong_to_the_command_that_is_named() {
    let info = recorded!("trussed_info_rsp.bin");
    let packets = sent(7, CBOR, info).concat();
    let decoded = decode(Kind::Ctaphid, Some(Command::GetInfo), &packets);
    assert!(decoded.valid, "{:?}", decoded.errors);
    assert_eq!(messages(&decoded), ["getInfo response"]);
    let unnamed = decode(Kind::Ctaphid, None, &packets);
    assert_eq!(messages(&unnamed), ["CTAP2 response"]);
    let version = sent(7, MSG, &hex("5532465F5632 9000")).concat();
    let decoded = decode(Kind::Ctaphid, Some(Command::U2fVersion), &version);
    assert!(
        all(&decoded.fields)
            .iter()
            .any(|field| field.name == "version")
    );
}

#[test]
fn channels_do_not_end_each_others_messages() {
    let mut message = hex("06 a1 05 583f");
    message.resize(message.len() + 63, 0xAB);
    let long = sent(7, CBOR, &message);
    let other = sent(9, CBOR, &[0x04]);
    let capture = [long[0].clone(), other[0].clone(), long[1].clone()].concat();
    let decoded = decode(Kind::Ctaphid, None, &capture);
    assert_eq!(messages(&decoded), ["getInfo request", "clientPIN request"]);
    assert!(
        !decoded
            .errors
            .iter()
            .any(|error| error.message.contains("continuation")),
        "{:?}",
        decoded.errors
    );
    let same = [long[0].clone(), sent(7, CBOR, &[0x04])[0].clone()].concat();
    let decoded = decode(Kind::Ctaphid, None, &same);
    assert_eq!(
        decoded.errors[0].message,
        "a message begins inside another one"
    );
}

#[test]
fn what_is_wrong_in_a_message_is_placed_in_the_capture() {
    // The key 2 stands twice: the second time as byte 60 of the message, in the second packet.
    let mut message = hex("06 a3 02 01 05 5836");
    message.resize(message.len() + 54, 0xAB);
    let twice = message.len();
    message.extend(hex("02 01"));
    let packets = sent(7, CBOR, &message).concat();
    let decoded = decode(Kind::Ctaphid, None, &packets);
    let place = 64 + 5 + (twice - 57);
    assert_eq!(
        decoded.errors[0].offset,
        Some(place),
        "{:?}",
        decoded.errors
    );
    assert_eq!(packets[place], 0x02);
    for node in all(&decoded.fields) {
        assert!(node.offset + node.length <= packets.len(), "{node:?}");
    }
}
