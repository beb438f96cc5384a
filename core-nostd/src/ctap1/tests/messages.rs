//! Bytes there and back.

use crate::ctap1::authenticate::Control;
use crate::ctap1::*;
use crate::iso7816::{Command, Form, Status};
use proptest::prelude::*;
use std::string::ToString as _;
use std::vec::Vec;

const CHALLENGE: [u8; 32] = [0xC1; 32];
const APPLICATION: [u8; 32] = [0xA2; 32];

fn authentication(key_handle: &[u8]) -> authenticate::Request<'_> {
    authenticate::Request {
        control: Control::EnforceUserPresence,
        challenge: &CHALLENGE,
        application: &APPLICATION,
        key_handle,
    }
}

fn registered() -> Vec<u8> {
    let mut bytes = std::vec![0x05, 0x04];
    bytes.extend([0x11; 32]);
    bytes.extend([0x22; 32]);
    bytes.extend(b"\x03key");
    bytes.extend(b"\x30\x81\x03crt");
    bytes.extend(b"\x30\x02sg");
    bytes
}

#[test]
fn a_registration_is_read_and_written() {
    let bytes = registered();
    let response = register::Response::parse(&bytes).unwrap();
    assert_eq!(response.x, &[0x11; 32]);
    assert_eq!(response.y, &[0x22; 32]);
    assert_eq!(response.key_handle, b"key");
    assert_eq!(response.certificate, b"\x30\x81\x03crt");
    assert_eq!(response.signature, b"\x30\x02sg");
    let mut buffer = [0; 128];
    assert_eq!(response.encode(&mut buffer), Ok(bytes.as_slice()));
    assert!(response.encode(&mut buffer[..bytes.len() - 1]).is_err());
}

#[test]
fn an_answer_that_ends_early_is_refused_wherever_it_ends() {
    let bytes = registered();
    for len in 0..bytes.len() {
        let refused = register::Response::parse(&bytes[..len]);
        assert!(
            matches!(refused, Err(Error::TooShort { .. })),
            "{len} bytes"
        );
    }
    let bytes = b"\x01\x00\x00\x00\x07\x30\x02sg";
    assert!(authenticate::Response::parse(bytes).is_ok());
    for len in 0..bytes.len() {
        let refused = authenticate::Response::parse(&bytes[..len]);
        assert!(
            matches!(refused, Err(Error::TooShort { .. })),
            "{len} bytes"
        );
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    let whole = registered();
    let with = |place: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[place] = byte;
        bytes
    };
    let mut trailing = whole.clone();
    trailing.push(0);
    for (bytes, error) in [
        (with(0, 0x06), Error::ReservedByte(0x06)),
        (with(1, 0x02), Error::NotAPoint),
        (with(66, 0x00), Error::KeyHandleEmpty),
        (
            with(70, 0x31),
            Error::NotDer {
                member: "certificate",
            },
        ),
        (
            with(71, 0x84),
            Error::NotDer {
                member: "certificate",
            },
        ),
        (
            with(76, 0x04),
            Error::NotDer {
                member: "signature",
            },
        ),
        (trailing, Error::TrailingBytes { len: 1 }),
    ] {
        assert_eq!(register::Response::parse(&bytes), Err(error));
    }
    assert_eq!(
        Error::TooShort { member: "counter" }.to_string(),
        "the answer ends before its counter does"
    );
}

#[test]
fn certificates_of_every_length_are_read() {
    for (header, len) in [
        (b"\x30\x7F".as_slice(), 127),
        (b"\x30\x81\x80", 128),
        (b"\x30\x81\xFF", 255),
        (b"\x30\x82\x03\x00", 768),
    ] {
        let mut bytes = header.to_vec();
        bytes.resize(header.len() + len, 7);
        bytes.push(9);
        let (certificate, rest) = der_sequence(&bytes, "certificate").unwrap();
        assert_eq!((certificate.len(), rest), (header.len() + len, &[9][..]));
    }
}

#[test]
fn a_key_tells_what_is_wrong_with_a_request() {
    let request = |cla, ins, data| Command {
        cla,
        ins,
        p1: 3,
        p2: 0,
        data,
        le: None,
    };
    let mut authentication = [0; 66];
    authentication[64] = 1;
    for (command, status) in [
        (request(0x80, 0x03, [].as_slice()), Status::ClaNotSupported),
        (request(0, 0x04, &[]), Status::InsNotSupported),
        (request(0, 0x03, &[0]), Status::WrongLength),
        (request(0, 0x01, &[0; 63]), Status::WrongLength),
        (request(0, 0x01, &[0; 65]), Status::WrongLength),
        (request(0, 0x02, &[0; 64]), Status::WrongLength),
        (request(0, 0x02, &authentication[..65]), Status::WrongLength),
    ] {
        assert_eq!(Request::parse(&command), Err(status), "{command:?}");
    }
    assert_eq!(Request::parse(&version()), Ok(Request::Version));
    assert!(Request::parse(&request(0, 0x02, &authentication)).is_ok());
}

#[test]
fn a_key_handle_of_another_token_is_not_sent() {
    let handle = [0; 256];
    let refused = authentication(&handle).command(&mut [0; MAX_DATA]).err();
    assert_eq!(refused, Some(KeyHandleTooLong { len: 256 }));
    let mut data = [0; MAX_DATA];
    let longest = authentication(&handle[..255]).command(&mut data).unwrap();
    let mut apdu = [0; MAX_APDU];
    assert_eq!(
        longest.encode(Form::Extended, &mut apdu).map(<[u8]>::len),
        Ok(MAX_APDU)
    );
}

#[test]
fn controls_survive_a_round_trip() {
    for p1 in 0..=u8::MAX {
        assert_eq!(u8::from(Control::from(p1)), p1);
    }
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = register::Response::parse(&bytes);
        let _ = authenticate::Response::parse(&bytes);
        let mut begun = std::vec![0x05, 0x04];
        begun.extend([7; 64]);
        begun.extend(&bytes);
        if let Ok(response) = register::Response::parse(&begun) {
            let mut buffer = [0; 300];
            prop_assert_eq!(response.encode(&mut buffer).unwrap(), begun.as_slice());
        }
    }

    #[test]
    fn requests_survive_a_round_trip(
        challenge in any::<[u8; 32]>(),
        application in any::<[u8; 32]>(),
        key_handle in proptest::collection::vec(any::<u8>(), 0..=255),
        p1 in any::<u8>(),
    ) {
        let request = register::Request { challenge: &challenge, application: &application };
        let mut data = [0; 64];
        let command = request.command(&mut data);
        prop_assert_eq!(Request::parse(&command), Ok(Request::Register(request)));
        let request = authenticate::Request {
            control: Control::from(p1),
            challenge: &challenge,
            application: &application,
            key_handle: &key_handle,
        };
        let mut data = [0; MAX_DATA];
        let command = request.command(&mut data).unwrap();
        prop_assert_eq!(Request::parse(&command), Ok(Request::Authenticate(request)));
    }
}
