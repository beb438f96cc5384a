//! One APDU each way.

use super::super::*;
use proptest::prelude::*;
use std::vec::Vec;

fn command(data: &[u8], le: Option<Le>) -> Command<'_> {
    Command {
        cla: 0x80,
        ins: 0x10,
        p1: 0x01,
        p2: 0x02,
        data,
        le,
    }
}

/// ISO/IEC 7816-4 §5.2, table of cases.
#[test]
fn every_case_has_its_bytes() {
    use Form::{Extended, Short};
    let ten = Some(Le::new(10));
    let most = Some(Le::EXTENDED);
    let cases: &[(Form, &[u8], Option<Le>, &[u8])] = &[
        (Short, b"", None, b""),
        (Short, b"", ten, b"\x0a"),
        (Short, b"", Some(Le::SHORT), b"\x00"),
        (Short, b"ab", None, b"\x02ab"),
        (Short, b"ab", ten, b"\x02ab\x0a"),
        (Extended, b"", ten, b"\x00\x00\x0a"),
        (Extended, b"", most, b"\x00\x00\x00"),
        (Extended, b"ab", None, b"\x00\x00\x02ab"),
        (Extended, b"ab", ten, b"\x00\x00\x02ab\x00\x0a"),
        (Extended, b"ab", most, b"\x00\x00\x02ab\x00\x00"),
    ];
    for &(form, data, le, body) in cases {
        let mut apdu = b"\x80\x10\x01\x02".to_vec();
        apdu.extend(body);
        let command = command(data, le);
        let mut buffer = [0; 16];
        assert_eq!(command.encode(form, &mut buffer), Ok(apdu.as_slice()));
        assert_eq!(Command::parse(&apdu), Ok((command, form)), "{apdu:02X?}");
    }
}

#[test]
fn lengths_that_do_not_add_up_are_refused() {
    for apdu in [
        b"".as_slice(),
        b"\x00\xA4\x04",
        b"\x00\xA4\x04\x00\x00\x00",
        b"\x00\xA4\x04\x00\x02a",
        b"\x00\xA4\x04\x00\x01abc",
        b"\x00\xA4\x04\x00\x00\x00\x02a",
        b"\x00\xA4\x04\x00\x00\x00\x01ab",
        b"\x00\xA4\x04\x00\x00\x00\x01abcd",
    ] {
        let len = apdu.len();
        let refused = Command::parse(apdu);
        assert_eq!(
            refused,
            Err(CommandError::WrongLength { len }),
            "{apdu:02X?}"
        );
    }
}

#[test]
fn an_extended_lc_of_zero_is_taken() {
    let (version, form) = Command::parse(b"\x00\x03\x00\x00\x00\x00\x00\x00\x00").unwrap();
    assert_eq!(form, Form::Extended);
    assert_eq!(
        (version.data, version.le),
        (b"".as_slice(), Some(Le::EXTENDED))
    );
}

#[test]
fn what_a_form_cannot_carry_is_refused() {
    let mut buffer = std::vec![0; 70_000];
    let long = std::vec![0; 65_536];
    for (form, len) in [(Form::Short, 256), (Form::Extended, 65_536)] {
        let refused = command(&long[..len], None).encode(form, &mut buffer);
        assert_eq!(refused, Err(EncodeError::DataTooLong { form, len }));
        assert!(
            command(&long[..len - 1], None)
                .encode(form, &mut buffer)
                .is_ok()
        );
    }
    let refused = command(b"ab", None).encode(Form::Short, &mut buffer[..6]);
    assert_eq!(refused, Err(EncodeError::BufferFull));
}

#[test]
fn a_short_command_asks_for_the_most_it_can() {
    let mut buffer = [0; 5];
    let apdu = command(b"", Some(Le::new(4_000)))
        .encode(Form::Short, &mut buffer)
        .unwrap();
    assert_eq!(apdu.last(), Some(&0));
}

#[test]
fn le_counts_from_one() {
    for (bytes, le) in [
        (0, 1),
        (1, 1),
        (256, 256),
        (65_536, 65_536),
        (70_000, 65_536),
    ] {
        assert_eq!(Le::new(bytes).bytes(), le);
    }
}

#[test]
fn status_words_survive_a_round_trip() {
    for sw in 0..=u16::MAX {
        assert_eq!(u16::from(Status::from(sw)), sw, "SW {sw:04X}");
    }
    for (sw, status) in [
        (0x9000, Status::Success),
        (0x6100, Status::MoreData { left: 0 }),
        (0x63C2, Status::VerifyFailed { retries: 2 }),
        (0x6C10, Status::WrongLe { exact: 16 }),
        (0x6A82, Status::NotFound),
        (0x9100, Status::Other(0x9100)),
        (0x6F42, Status::Other(0x6F42)),
    ] {
        assert_eq!(Status::from(sw), status, "SW {sw:04X}");
    }
}

#[test]
fn an_answer_without_a_status_is_none() {
    for len in [0, 1] {
        let refused = Response::parse(&[0x90][..len]);
        assert_eq!(refused, Err(ResponseTooShort { len }));
    }
    let answer = Response {
        data: b"ab",
        status: Status::Success,
    };
    assert_eq!(answer.encode(&mut [0; 3]), None);
    assert_eq!(answer.encode(&mut [0; 4]), Some(b"ab\x90\x00".as_slice()));
}

#[test]
fn data_are_not_shown() {
    let secret = command(b"1234", Some(Le::SHORT));
    assert_eq!(
        std::format!("{secret:?}"),
        "Command(80 10 01 02, 4 bytes, Le 256)"
    );
    let answer = Response::parse(b"1234\x90\x00").unwrap();
    assert_eq!(std::format!("{answer:?}"), "Response(4 bytes, Success)");
}

proptest! {
    #[test]
    fn whatever_parses_encodes_to_the_same(apdu in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((command, form)) = Command::parse(&apdu) {
            let mut buffer = std::vec![0; 320];
            let again = command.encode(form, &mut buffer).unwrap();
            // An Lc of 0, which is taken, is not written.
            let empty = form == Form::Extended && command.data.is_empty() && apdu.len() != 7;
            prop_assert!(empty || again == apdu);
        }
    }

    #[test]
    fn every_command_survives_a_round_trip(
        header in any::<[u8; 4]>(),
        data in proptest::collection::vec(any::<u8>(), 0..600),
        le in proptest::option::of(1..=65_536_usize),
    ) {
        let [cla, ins, p1, p2] = header;
        for (form, max) in [(Form::Short, 255), (Form::Extended, 65_535)] {
            let data: Vec<u8> = data.iter().copied().take(max).collect();
            let le = le.map(|le| Le::new(le).min(form.max_le()));
            let command = Command { cla, ins, p1, p2, data: &data, le };
            let mut buffer = [0; 700];
            let (parsed, in_form) =
                Command::parse(command.encode(form, &mut buffer).unwrap()).unwrap();
            prop_assert_eq!(parsed, command);
            // Nothing tells the form of a bare header.
            prop_assert!(in_form == form || (data.is_empty() && le.is_none()));
        }
    }
}
