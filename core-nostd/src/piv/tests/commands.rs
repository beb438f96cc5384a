//! Commands, as SP 800-73-5 part 2 and clients of Yubico's cards write them, in both directions.

use super::bytes;
use crate::admin_key::Cipher;
use crate::iso7816::{Command, Form, Status};
use crate::piv::general_authenticate::Template;
use crate::piv::yubico::metadata::{Metadata, Tries};
use crate::piv::yubico::{
    attest, import_key, metadata, move_key, set_admin_key, set_pin_retries, version,
};
use crate::piv::*;

/// The command's APDU in the short form; the card reads it as `expected`.
fn assert_goes_both_ways(command: Command<'_>, apdu: &str, expected: Request<'_>) {
    let mut buffer = [0; 300];
    let encoded = command.encode(Form::Short, &mut buffer).unwrap();
    assert_eq!(hex::encode_upper(encoded), apdu.replace(' ', ""));
    let (parsed, _) = Command::parse(encoded).unwrap();
    assert!(Request::parse(&parsed) == Ok(expected), "{apdu}");
}

#[test]
fn data_are_read_and_written() {
    let mut room = [0; 64];
    for (object, apdu) in [
        (ObjectId::CHUID, "00 CB 3F FF 05 5C 03 5FC102 00"),
        (ObjectId::DISCOVERY, "00 CB 3F FF 03 5C 01 7E 00"),
        (
            ObjectId::BIOMETRIC_TEMPLATES,
            "00 CB 3F FF 04 5C 02 7F61 00",
        ),
        (ObjectId::CONTAINER_MAP, "00 CB 3F FF 05 5C 03 5FFF10 00"),
    ] {
        let request = get_data::Request { object };
        let command = request.command(&mut room).unwrap();
        assert_goes_both_ways(command, apdu, Request::GetData(request));
    }
    for (object, content, apdu) in [
        (
            ObjectId::CHUID,
            &b"\x34\x00"[..],
            "00 DB 3F FF 09 5C 03 5FC102 53 02 3400",
        ),
        (
            KeyReference::Authentication.certificate(),
            b"",
            "00 DB 3F FF 07 5C 03 5FC105 53 00",
        ),
        (
            ObjectId::DISCOVERY,
            b"\x4F\x00",
            "00 DB 3F FF 04 7E 02 4F00",
        ),
    ] {
        let request = put_data::Request { object, content };
        let command = request.command(&mut room).unwrap();
        assert_goes_both_ways(command, apdu, Request::PutData(request));
    }
}

#[test]
fn pins_are_verified_changed_and_set() {
    let (old, new) = (Pin::new("123456").unwrap(), Pin::new("87654321").unwrap());
    for (request, apdu) in [
        (
            verify::Request::of(PinReference::Pin, &old),
            "00 20 00 80 08 313233343536FFFF",
        ),
        (verify::Request::Status(PinReference::Pin), "00 20 00 80"),
        (verify::Request::Status(PinReference::Global), "00 20 00 00"),
        (verify::Request::Forget(PinReference::Pin), "00 20 FF 80"),
    ] {
        assert_goes_both_ways(request.command(), apdu, Request::Verify(request));
    }
    let mut data = [0; 16];
    let request = change_reference_data::Request {
        reference: PinReference::Puk,
        current: old.padded(),
        new: new.padded(),
    };
    assert_goes_both_ways(
        request.command(&mut data),
        "00 24 00 81 10 313233343536FFFF 3837363534333231",
        Request::ChangeReferenceData(request),
    );
    let request = reset_retry_counter::Request {
        puk: new.padded(),
        new_pin: old.padded(),
    };
    assert_goes_both_ways(
        request.command(&mut data),
        "00 2C 00 80 10 3837363534333231 313233343536FFFF",
        Request::ResetRetryCounter(request),
    );
}

#[test]
fn keys_are_used() {
    let mut room = [0; 64];
    let (none, digest, point) = (&b""[..], &[0xD1; 4][..], &[0x04; 3][..]);
    for (algorithm, key, template, apdu) in [
        (
            Cipher::TripleDes.piv_id(),
            ADMIN_KEY,
            Template {
                witness: Some(none),
                ..Template::default()
            },
            "00 87 03 9B 04 7C 02 8000 00",
        ),
        (
            Cipher::Aes192.piv_id(),
            ADMIN_KEY,
            Template {
                witness: Some(digest),
                challenge: Some(digest),
                ..Template::default()
            },
            "00 87 0A 9B 0E 7C 0C 8004D1D1D1D1 8104D1D1D1D1 00",
        ),
        (
            Algorithm::P256.id(),
            KeyReference::Signature.id(),
            Template {
                response: Some(none),
                challenge: Some(digest),
                ..Template::default()
            },
            "00 87 11 9C 0A 7C 08 8200 8104D1D1D1D1 00",
        ),
        (
            Algorithm::X25519.id(),
            KeyReference::KeyManagement.id(),
            Template {
                response: Some(none),
                exponentiation: Some(point),
                ..Template::default()
            },
            "00 87 E1 9D 09 7C 07 8200 8503040404 00",
        ),
    ] {
        let request = general_authenticate::Request {
            algorithm,
            key,
            template,
        };
        let command = request.command(&mut room).unwrap();
        assert_goes_both_ways(command, apdu, Request::GeneralAuthenticate(request));
    }
}

#[test]
fn keys_are_made_imported_moved_and_vouched_for() {
    let mut room = [0; 64];
    let mut request = generate::Request {
        key: KeyReference::Authentication,
        algorithm: Algorithm::Rsa2048,
        pin_policy: None,
        touch_policy: None,
    };
    let command = request.command(&mut room).unwrap();
    let expected = Request::Generate(request);
    assert_goes_both_ways(command, "00 47 00 9A 05 AC03 800107 00", expected);
    request.pin_policy = Some(PinPolicy::Once);
    request.touch_policy = Some(TouchPolicy::Cached);
    let command = request.command(&mut room).unwrap();
    assert_goes_both_ways(
        command,
        "00 47 00 9A 0B AC09 800107 AA0102 AB0103 00",
        Request::Generate(request),
    );

    let scalar = [0x5A; 32];
    let request = import_key::Request {
        key: KeyReference::Retired(0),
        algorithm: Algorithm::Ed25519,
        secret: import_key::Secret::Ed25519(&scalar),
        pin_policy: Some(PinPolicy::Never),
        touch_policy: None,
    };
    let command = request.command(&mut room).unwrap();
    let apdu = "00 FE E0 82 25 0720 SEED AA0101".replace("SEED", &"5A".repeat(32));
    assert_goes_both_ways(command, &apdu, Request::ImportKey(request));

    let request = move_key::Request {
        from: KeyReference::Authentication,
        to: None,
    };
    assert_goes_both_ways(request.command(), "00 F6 FF 9A", Request::MoveKey(request));
    let to = Some(KeyReference::Retired(19));
    let request = move_key::Request { to, ..request };
    assert_goes_both_ways(request.command(), "00 F6 95 9A", Request::MoveKey(request));
    let request = attest::Request {
        key: KeyReference::Signature,
    };
    assert_goes_both_ways(
        request.command(),
        "00 F9 9C 00 00",
        Request::Attest(request),
    );
}

#[test]
fn rsa_keys_are_imported_in_five_halves() {
    let half = [7; 128];
    let secret = import_key::Secret::Rsa {
        p: &half,
        q: &half,
        dp: &half,
        dq: &half,
        q_inverse: &half,
    };
    let request = import_key::Request {
        key: KeyReference::Signature,
        algorithm: Algorithm::Rsa2048,
        secret,
        pin_policy: None,
        touch_policy: None,
    };
    let mut room = [0; 700];
    let command = request.command(&mut room).unwrap();
    assert_eq!(command.data.len(), 5 * (128 + 3));
    assert!(Request::parse(&command) == Ok(Request::ImportKey(request)));
    let other = Command {
        p1: Algorithm::Rsa3072.id(),
        ..command
    };
    assert!(Request::parse(&other) == Err(Status::IncorrectData));
    assert!(!secret.is_of(Algorithm::P256));
}

#[test]
fn the_rest_of_yubicos() {
    let mut room = [0; 64];
    assert_goes_both_ways(version(), "00 FD 00 00 00", Request::Version);
    assert_goes_both_ways(yubico::serial(), "00 F8 00 00 00", Request::Serial);
    assert_goes_both_ways(yubico::reset(), "00 FB 00 00", Request::Reset);
    for (request, apdu) in [
        (metadata::Request::PIN, "00 F7 00 80 00"),
        (metadata::Request::PUK, "00 F7 00 81 00"),
        (metadata::Request::ADMIN_KEY, "00 F7 00 9B 00"),
    ] {
        assert_goes_both_ways(request.command(), apdu, Request::Metadata(request));
    }
    let request = set_pin_retries::Request { pin: 5, puk: 3 };
    let apdu = "00 FA 05 03";
    assert_goes_both_ways(request.command(), apdu, Request::SetPinRetries(request));
    let request = set_admin_key::Request {
        cipher: Cipher::Aes128,
        key: &[9; 16],
        touch: false,
    };
    let command = request.command(&mut room).unwrap();
    let apdu = "00 FF FF FF 13 08 9B 10 09090909090909090909090909090909";
    assert_goes_both_ways(command, apdu, Request::SetAdminKey(request));
}

#[test]
fn a_command_that_is_none_is_answered_with_its_status() {
    for (apdu, status) in [
        ("00 CB 3F FE 05 5C035FC102 00", Status::IncorrectP1P2),
        ("00 CB 3F FF 05 53035FC102 00", Status::IncorrectData),
        ("00 CB 3F FF 06 5C0100000000", Status::IncorrectData),
        ("00 DB 3F FF 05 5C035FC102", Status::IncorrectData),
        ("00 20 00 80 06 313233343536", Status::IncorrectData),
        ("00 20 00 9B", Status::ReferenceNotFound),
        ("00 20 01 80", Status::IncorrectP1P2),
        ("00 24 00 80 08 3132333435363738", Status::IncorrectData),
        (
            "00 2C 00 81 10 31323334353637383132333435363738",
            Status::ReferenceNotFound,
        ),
        ("00 87 03 9B 03 7C028000", Status::IncorrectData),
        ("00 87 03 9B 06 7C0280008000", Status::IncorrectData),
        ("00 47 00 9B 05 AC03800107", Status::IncorrectP1P2),
        ("00 47 00 9A 05 AC03800199", Status::IncorrectData),
        ("00 FA 00 03", Status::IncorrectP1P2),
        (
            "00 FF FF FF 12 08 9B 0F 090909090909090909090909090909",
            Status::IncorrectData,
        ),
        ("00 99 00 00", Status::InsNotSupported),
        ("80 CB 3F FF 05 5C035FC102", Status::ClaNotSupported),
    ] {
        let apdu = bytes(apdu);
        let Ok((command, _)) = Command::parse(&apdu) else {
            // A wrong Lc is the framing's business.
            continue;
        };
        assert!(Request::parse(&command) == Err(status), "{apdu:02X?}");
    }
}

#[test]
fn metadata_are_read_and_written() {
    let metadata = Metadata {
        algorithm: Some(0x0A),
        touch_policy: Some(TouchPolicy::Never),
        pin_policy: Some(PinPolicy::Never),
        generated: Some(true),
        public: None,
        is_default: Some(true),
        tries: Some(Tries { total: 3, left: 2 }),
    };
    let mut room = [0; 64];
    let encoded = metadata.encode(&mut room).unwrap();
    assert_eq!(encoded, bytes("01010A 02020101 030101 050101 06020302"));
    assert_eq!(Metadata::parse(encoded).unwrap(), metadata);
    assert_eq!(metadata.cipher(), Some(Cipher::Aes192));
}

#[test]
fn metadata_of_other_makers_are_taken_as_they_are() {
    assert_eq!(Metadata::parse(b"").unwrap(), Metadata::default());
    let odd = bytes("0102FFFF 070100 0F00");
    assert_eq!(Metadata::parse(&odd).unwrap(), Metadata::default());
    assert_eq!(Metadata::parse(b"\x01\x05\x00"), Err(Malformed));
}

/// As a Nitrokey answers.
#[test]
fn the_application_property_template_is_read() {
    let answer = bytes(
        "61 38 4F 06 000010000100 79 07 4F 05 A000000308 50 0C 4E6974726F6B657920504956 \
         AC 17 80 01 03 80 01 0C 80 01 11 80 01 07 80 01 E0 06 01 00 80 01 03 80 00",
    );
    let properties = select::Properties::parse(&answer).unwrap();
    assert_eq!(properties.aid, bytes("000010000100"));
    assert_eq!(properties.label, b"Nitrokey PIV");
    assert_eq!(properties.algorithms[..], [0x03, 0x0C, 0x11, 0x07, 0xE0]);
    let ciphers: std::vec::Vec<_> = properties.ciphers().collect();
    assert_eq!(ciphers, [Cipher::TripleDes, Cipher::Aes256]);

    let mut room = [0; 128];
    let encoded = properties.encode(&mut room).unwrap();
    assert_eq!(select::Properties::parse(encoded), Ok(properties));
    assert_eq!(
        select::Properties::parse(b""),
        Ok(select::Properties::default())
    );
}

#[test]
fn the_applet_goes_by_its_name_cut_short_and_with_versions() {
    for (aid, named) in [
        ("A00000030800001000", true),
        ("A0000003080000100001 00", true),
        ("A000000308", true),
        ("A0000003", false),
        ("A0000003080000200001", false),
        ("A000000308000010000100 00", false),
        ("", false),
    ] {
        assert_eq!(select::is_named(&bytes(aid)), named, "{aid}");
    }
}

#[test]
fn pins_have_six_to_eight_bytes() {
    for (text, len) in [("", 0), ("12345", 5), ("123456789", 9)] {
        assert_eq!(Pin::new(text).err(), Some(PinError::WrongLength { len }));
    }
    for (padded, taken) in [
        (b"123456\xFF\xFF", true),
        (b"12345678", true),
        (b"12345\xFF\xFF\xFF", false),
        (b"123456\xFF8", false),
        (b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", false),
    ] {
        assert_eq!(Pin::from_padded(padded).is_ok(), taken, "{padded:02X?}");
    }
}

#[test]
fn names_go_both_ways() {
    for id in 0..=u8::MAX {
        if let Some(key) = KeyReference::from_id(id) {
            assert_eq!(key.id(), id);
            let name = std::format!("{key}");
            assert_eq!(KeyReference::from_name(&name), Some(key));
        }
        if let Some(algorithm) = Algorithm::from_id(id) {
            assert_eq!(algorithm.id(), id);
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
    }
    assert_eq!(KeyReference::from_name("9b"), None);
    assert_eq!(KeyReference::from_name("+9a"), None);
    assert_eq!(PinPolicy::from_name("once"), Some(PinPolicy::Once));
    assert_eq!(TouchPolicy::from_name("cached"), Some(TouchPolicy::Cached));
}
