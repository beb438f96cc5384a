//! Answers of each command, and what makes bytes an answer.

use rcgen::{CertificateParams, KeyPair};

use super::{all, hex, shown, value};
use crate::decode::{Command, Decoded, Kind, decode};

fn answer(command: Command, bytes: &str) -> Decoded {
    decode(Kind::CtapResponse, Some(command), &hex(bytes))
}

#[test]
fn answers_to_every_command_that_has_some_are_opened() {
    let retries = answer(Command::ClientPin, "00 a2 0308 04f5");
    assert!(retries.valid, "{:?}", retries.errors);
    assert_eq!(value(&retries, "pinRetries"), "8");
    assert_eq!(value(&retries, "powerCycleState"), "true");

    let metadata = answer(Command::CredentialManagement, "00 a2 0102 0217");
    assert!(metadata.valid, "{:?}", metadata.errors);
    assert_eq!(
        value(&metadata, "maxPossibleRemainingResidentCredentialsCount"),
        "23"
    );

    let sensor = answer(Command::BioEnrollment, "00 a3 0101 0201 0303");
    assert!(sensor.valid, "{:?}", sensor.errors);
    assert_eq!(value(&sensor, "maxCaptureSamplesRequiredForEnroll"), "3");

    let blobs = answer(
        Command::LargeBlobs,
        "00 a1 01 51 80 76be8b528d0075f7aae98d6fa57a6d3c",
    );
    assert!(blobs.valid, "{:?}", blobs.errors);
    assert_eq!(value(&blobs, "array"), "0 items");
    let part = answer(Command::LargeBlobs, "00 a1 01 43 801122");
    assert!(part.valid, "{:?}", part.errors);
    assert_eq!(value(&part, "config"), "801122");
}

#[test]
fn four_bytes_that_are_no_known_command_are_an_answer() {
    let empty = decode(Kind::Apdu, None, &hex("00A0 9000"));
    assert_eq!(empty.what, "response APDU");
    let command = decode(Kind::Apdu, None, &hex("00 84 00 00"));
    assert_eq!(command.what, "command APDU, GET CHALLENGE");
    // The instruction is known, and the caller knows better.
    let told = decode(Kind::Apdu, Some(Command::GetInfo), &hex("0020 9000"));
    assert!(told.what.starts_with("response APDU"), "{}", told.what);
}

#[test]
fn an_answer_to_nfcctap_msg_is_opened() {
    let mut bytes = recorded!("trussed_info_rsp.bin").to_vec();
    bytes.extend([0x90, 0x00]);
    let decoded = decode(Kind::Apdu, Some(Command::GetInfo), &bytes);
    assert!(decoded.valid, "{:?}", decoded.errors);
    assert_eq!(decoded.what, "response APDU, getInfo response");
    assert!(value(&decoded, "maxMsgSize").parse::<u32>().is_ok());

    let busy = decode(Kind::Apdu, None, &hex("02 9100"));
    assert_eq!(value(&busy, "status"), "2 (a touch is needed)");
}

#[test]
fn messages_of_u2f_are_opened() {
    let certificate = CertificateParams::new(vec!["key.example".into()])
        .unwrap()
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap();
    let mut bytes = hex("05 04");
    bytes.extend([0x11; 64]);
    bytes.extend(b"\x03key");
    bytes.extend(certificate.der().as_ref());
    bytes.extend(hex("30 02 0201 9000"));
    let decoded = decode(Kind::Apdu, Some(Command::U2fRegister), &bytes);
    assert!(decoded.valid, "{:?}", decoded.errors);
    assert_eq!(value(&decoded, "key handle"), "6b6579");
    assert!(value(&decoded, "subject").starts_with("CN="));
    let end = bytes.len() - 2;
    let signature = all(&decoded.fields)
        .into_iter()
        .find(|field| field.name == "signature")
        .unwrap();
    assert_eq!(signature.offset + signature.length, end);

    let signed = hex("01 00000007 30 02 0201 9000");
    let decoded = decode(Kind::Apdu, Some(Command::U2fAuthenticate), &signed);
    assert_eq!(value(&decoded, "counter"), "7");

    let mut request = hex("00 02 03 00 00 0044");
    request.extend([0xC1; 32]);
    request.extend([0xA2; 32]);
    request.extend([3, 1, 2, 3]);
    let decoded = decode(Kind::Apdu, None, &request);
    assert!(decoded.valid, "{:?}", decoded.errors);
    assert_eq!(value(&decoded, "key handle"), "010203");
    let torn = decode(Kind::Apdu, None, &request[..request.len() - 1]);
    assert!(!torn.valid);
    let torn = decode(
        Kind::Apdu,
        Some(Command::U2fAuthenticate),
        &hex("01 00 9000"),
    );
    assert!(
        torn.errors[0].message.contains("counter"),
        "{:?}",
        torn.errors
    );
}

#[test]
fn what_canonical_cbor_writes_otherwise_is_remarked_and_read() {
    let decoded = decode(Kind::CtapRequest, None, &hex("06 a2 0201 011801"));
    assert!(decoded.valid, "{:?}", decoded.errors);
    let remarks: Vec<_> = decoded
        .remarks
        .iter()
        .map(|remark| (remark.offset, remark.message.as_str()))
        .collect();
    assert_eq!(
        remarks,
        [
            (Some(4), "the key 0x01 belongs further to the front"),
            (Some(5), "1 stands in 2 bytes, 1 would do"),
        ]
    );
    assert!(shown(&decoded).contains("not canonical at byte 5"));
    for (name, kind, command, bytes) in super::EXCHANGES {
        let decoded = decode(kind, command, bytes);
        assert_eq!(decoded.remarks, [], "{name}");
    }
}
