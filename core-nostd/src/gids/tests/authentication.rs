//! The admin key, proven one way and both ways.

use crate::gids::Error;
use crate::gids::authenticate::{Cryptogram, Proof, Request, encode_response, parse_response};
use crate::iso7816::tlv::Tag;
use crate::iso7816::{Command, Form, Status};

fn command(data: &[u8]) -> Command<'_> {
    Command {
        cla: 0,
        ins: 0x87,
        p1: 0,
        p2: 0,
        data,
        le: None,
    }
}

#[test]
fn a_short_challenge_is_asked_for_and_answered() {
    let (mut data, mut buffer) = ([0; 48], [0; 64]);
    let ask = Request::GiveChallenge.command(&mut data).unwrap();
    let apdu = ask.encode(Form::Short, &mut buffer).unwrap();
    assert_eq!(apdu, hex::decode("00870000047C02810000").unwrap());
    assert_eq!(Request::parse(&ask), Ok(Request::GiveChallenge));
    let given = hex::decode("7C0A81080557897F8D84407B").unwrap();
    let challenge: [u8; 8] = parse_response(&given).unwrap();
    assert_eq!(encode_response(&challenge, &mut buffer), Ok(&given[..]));
    let answer = Request::Answer(challenge);
    let command = answer.command(&mut data).unwrap();
    assert_eq!(command.data[..4], [0x7C, 0x0A, 0x82, 0x08]);
    assert_eq!(Request::parse(&command), Ok(answer));
}

#[test]
fn random_numbers_and_cryptograms_go_by_their_length() {
    let mut data = [0; 48];
    for request in [Request::Exchange([7; 16]), Request::Prove([9; 40])] {
        let command = request.command(&mut data).unwrap();
        assert_eq!(Request::parse(&command), Ok(request));
    }
    let mut buffer = [0; 64];
    let sealed: Cryptogram = [0x5A; 40];
    let answer = encode_response(&sealed, &mut buffer).unwrap();
    assert_eq!(answer[..4], [0x7C, 0x2A, 0x82, 0x28]);
    assert_eq!(parse_response(answer), Ok(sealed));
    let short: Result<[u8; 8], _> = parse_response(answer);
    assert_eq!(short, Err(Error::Missing(Tag(0x81))));
    let long: Result<[u8; 16], _> = parse_response(&[0x7C, 0x03, 0x81, 0x01, 0x00]);
    let wrong = Error::WrongLength {
        tag: Tag(0x81),
        len: 1,
    };
    assert_eq!(long, Err(wrong));
}

#[test]
fn what_is_neither_is_refused() {
    for data in [
        &b""[..],
        b"\x7C\x00",
        b"\x7C\x02\x83\x00",
        b"\x7C\x03\x81\x01\x00",
        b"\x7C\x03\x82\x01\x00",
        b"\x7C\x05\x82\x01\x00",
    ] {
        let refused = Request::parse(&command(data));
        assert_eq!(refused, Err(Status::IncorrectData), "{data:02x?}");
    }
    let other = Command {
        p2: 0x9B,
        ..command(b"\x7C\x02\x81\x00")
    };
    assert_eq!(Request::parse(&other), Err(Status::IncorrectP1P2));
}

#[cfg(feature = "rust-crypto")]
mod proofs {
    use super::*;
    use crate::admin_key::{Cipher, LocalAdminKey};

    fn key(first: u8) -> LocalAdminKey {
        let bytes: std::vec::Vec<u8> = (first..first + 24).collect();
        LocalAdminKey::new(Cipher::TripleDes, &bytes).unwrap()
    }

    fn proof() -> Proof {
        Proof {
            theirs: *b"the card's own 2",
            ours: *b"the host's own 1",
            half_key: *b"session",
        }
    }

    /// `openssl enc -des-ede3-cbc -nopad -K 010203..18 -iv 0000000000000000`
    #[test]
    fn a_cryptogram_is_what_openssl_makes_of_it() {
        let sealed = proof().seal(&mut key(1)).unwrap();
        let expected =
            "c0e5eb57b11eef2529022198eb1fa3c3ffe1874b08d89ac4d7ce7e1791776e29b3b6592e7f2a66d4";
        assert_eq!(hex::encode(sealed), expected);
    }

    #[test]
    fn a_proof_is_opened_with_the_same_key_only() {
        let sealed = proof().seal(&mut key(1)).unwrap();
        let opened = Proof::open(&sealed, &mut key(1)).unwrap();
        assert!(opened == Some(proof()));
        let (ours, theirs) = (proof().ours, proof().theirs);
        assert!(proof().shows(&theirs, &ours));
        assert!(!proof().shows(&ours, &theirs));
        let other = Proof::open(&sealed, &mut key(2)).unwrap();
        assert!(other.is_none_or(|other| !other.shows(&theirs, &ours)));
    }

    #[test]
    fn a_proof_without_its_padding_is_none() {
        let mut sealed = proof().seal(&mut key(1)).unwrap();
        // The block before the last is what the last one's bytes are masked with.
        sealed[31] ^= 0x01;
        assert!(Proof::open(&sealed, &mut key(1)).unwrap().is_none());
    }
}
