//! The commands, as they were recorded at a card; and what a card does not take.

mod pins;

use crate::gids::data_object::{
    Address, CARD_ID, CMAPFILE, GetData, MASTERFILE, PIN_STATUS, PutData, value,
};
use crate::gids::file::{self, Access, CreateFile, FileId, ObjectFile};
use crate::gids::generate::Generate;
use crate::gids::key_file::{KeyFile, KeySize, Usage};
use crate::gids::pin::{self, Change, Pin, PinError, Reference, Tries, Verify};
use crate::gids::public_key::PublicKey;
use crate::gids::put_key::PutKey;
use crate::gids::security_operation::{Environment, Mechanism, Operation};
use crate::gids::select::{FileControlInformation, Protocols, is_selected_by, select};
use crate::gids::{Error, KeyReference, authenticate};
use crate::iso7816::tlv::{EncodeError, Tag};
use crate::iso7816::{Command, Form, Status};
use std::string::String;
use std::vec::Vec;

const KEY: KeyReference = KeyReference(0x81);

/// The command as it goes over the wire.
fn apdu(command: Command<'_>) -> String {
    let mut buffer = [0; 300];
    hex::encode_upper(command.encode(Form::Short, &mut buffer).unwrap())
}

fn parsed<'a>(bytes: &'a [u8]) -> Command<'a> {
    Command::parse(bytes).unwrap().0
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).ok().unwrap()
}

#[test]
fn the_applet_is_selected_and_says_what_it_is() {
    assert_eq!(apdu(select()), "00A4040009A0000003974254465900");
    let answer = bytes("6112 4F0B A0000003974254465902 01 7303 4001C0");
    let said = FileControlInformation::parse(&answer).unwrap().unwrap();
    assert_eq!(said, FileControlInformation::VERSION_2);
    assert!(said.protocols.unwrap().has_external());
    let mut buffer = [0; 32];
    assert_eq!(said.encode(&mut buffer), Ok(&answer[..]));
    // Version 1 has no such answer; some cards leave the protocols away.
    assert_eq!(FileControlInformation::parse(&[]), Ok(None));
    let bare = FileControlInformation {
        protocols: None,
        ..said
    };
    let bare_bytes = bare.encode(&mut buffer).unwrap();
    assert_eq!(FileControlInformation::parse(bare_bytes), Ok(Some(bare)));
    assert!(!Protocols::MUTUAL.has_external());
    let nameless = FileControlInformation::parse(&[0x61, 0x00]);
    assert_eq!(nameless, Err(Error::Missing(Tag(0x4F))));
}

#[test]
fn an_applet_answers_to_its_name_and_to_its_beginning_and_to_no_other() {
    let whole = bytes("A000000397425446590201");
    for len in 9..=11 {
        assert!(is_selected_by(&whole[..len]), "{len}");
    }
    assert!(!is_selected_by(&whole[..5]));
    assert!(!is_selected_by(&bytes("A00000039742544658")));
    assert!(!is_selected_by(&[&whole[..], &[0]].concat()));
}

#[test]
fn data_objects_are_read_and_written_where_they_lie() {
    let mut buffer = [0; 32];
    for (request, expected) in [
        (GetData::Object(MASTERFILE), "00CBA000045C02DF1F00"),
        (GetData::Object(PIN_STATUS), "00CB3FFF045C027F7100"),
        (GetData::PublicKey(KEY), "00CB3FFF0A7008840181A5037F498000"),
    ] {
        let command = request.command(&mut buffer).unwrap();
        assert_eq!(apdu(command), expected);
        assert_eq!(GetData::parse(&command), Ok(request));
    }
    let put = PutData::Object(CARD_ID, b"sixteen bytes it");
    let command = put.command(&mut buffer).unwrap();
    let id = hex::encode_upper(b"sixteen bytes it");
    assert_eq!(apdu(command), std::format!("00DBA01213DF2010{id}"));
    assert!(PutData::parse(&command) == Ok(put));
    let empty = PutData::Object(CMAPFILE, &[]);
    let command = empty.command(&mut buffer).unwrap();
    assert_eq!(apdu(command), "00DBA01003DF2300");
    assert!(PutData::parse(&command) == Ok(empty));
    let answer = bytes("DF2202ABCD");
    assert_eq!(value(&answer, Tag(0xDF22)), Ok(&[0xAB, 0xCD][..]));
    let other = value(&answer, Tag(0xDF23));
    assert_eq!(other, Err(Error::Missing(Tag(0xDF23))));
    let refused = put.command(&mut [0; 18]).err();
    assert_eq!(refused, Some(EncodeError::BufferFull));
}

#[test]
fn data_that_are_no_objects_are_refused() {
    for (command, status) in [
        ("00CBA01200", Status::IncorrectData),
        ("00CBA012025C0000", Status::IncorrectData),
        ("00CBA012075C05010203040500", Status::IncorrectData),
        ("00CBA0120A7008840181A5037F498000", Status::IncorrectData),
        ("00CB3FFF05700384018100", Status::IncorrectData),
        ("00DBA012045C02DF2000", Status::InsNotSupported),
    ] {
        let command = bytes(command);
        let refused = GetData::parse(&parsed(&command));
        assert_eq!(refused, Err(status), "{command:02x?}");
    }
    for command in [
        "00DBA01200",
        // Cut, and more than one.
        "00DBA01204DF2003AB",
        "00DBA01206DF2000DF2100",
        "00DBA0120500DF200161",
    ] {
        let command = bytes(command);
        let refused = PutData::parse(&parsed(&command)).err();
        assert_eq!(refused, Some(Status::IncorrectData), "{command:02x?}");
    }
}

#[test]
fn files_are_created_as_every_initialised_card_has_them() {
    let expected = [
        "620C8201398302A0008C03033000",
        "620C8201398302A0108C03033000",
        "620C8201398302A0118C030330FF",
        "620C8201398302A0128C03032000",
        "620C8201398302A0138C03033030",
        "620C8201398302A0148C03032020",
    ];
    let mut buffer = [0; 96];
    for (file, data) in ObjectFile::ALL.into_iter().zip(expected) {
        let create = CreateFile::Objects(file);
        let command = create.command(&mut buffer).unwrap();
        assert_eq!(apdu(command), std::format!("00E000000E{data}"));
        assert_eq!(CreateFile::parse(&command), Ok(create));
    }
    assert_eq!(apdu(file::activate()), "00440000");
    assert_eq!(apdu(file::delete()), "00E40000");
    let mut name = [0; 2];
    let select = file::select(FileId::APPLICATION, &mut name);
    assert_eq!(apdu(select), "00A4000C023FFF");
    assert_eq!(file::parse_select(&select), Ok(FileId::APPLICATION));
    let long = bytes("00A4000C033FFF00");
    assert_eq!(file::parse_select(&parsed(&long)), Err(Status::WrongLength));
}

#[test]
fn files_of_keys_say_what_the_key_is_for() {
    let exchange = "\
        624782011883 02B081 8C058F10101000 A537 \
        B809800107 830181950140 B809800187 830181950140 B809800147 830181950140 \
        B609800117 830181950140 B609800157 830181950140";
    let signature = "\
        622682011883 02B082 8C058F10101000 A516 \
        B609800116 830182950140 B609800156 830182950140";
    let admin = "621A82011883 02B080 8C04870020FF A50B A40980010283018095 01C0";
    let mut buffer = [0; 96];
    for (file, expected) in [
        (KeyFile::ADMIN, admin),
        (
            KeyFile::of_container(KEY, Usage::KeyExchange(KeySize::Rsa2048)),
            exchange,
        ),
        (
            KeyFile::of_container(KeyReference(0x82), Usage::Signature(KeySize::Rsa1024)),
            signature,
        ),
    ] {
        let create = CreateFile::Key(file);
        let command = create.command(&mut buffer).unwrap();
        assert_eq!(command.data, bytes(expected));
        assert_eq!(CreateFile::parse(&command), Ok(create));
    }
}

#[test]
fn files_that_make_no_sense_are_refused() {
    for (data, status) in [
        // Nothing at all, no name, an unknown kind, rules cut short.
        ("", Status::IncorrectData),
        ("62088201398C03033000", Status::IncorrectData),
        ("620C8201018302A0008C03033000", Status::FunctionNotSupported),
        ("620B8201398302A0008C020330", Status::IncorrectData),
        // A key file: of another name, without and with two kinds of keys, of a kind unknown.
        (
            "621A8201188302C0808C04870020FFA50BA4098001028301809501C0",
            Status::IncorrectData,
        ),
        ("620F8201188302B0808C04870020FFA500", Status::IncorrectData),
        (
            "62268201188302B0818C058F10101000A516B609800117830181950140B609800156830181950140",
            Status::IncorrectData,
        ),
        (
            "621B8201188302B0818C058F10101000A50BB60980011C830181950140",
            Status::FunctionNotSupported,
        ),
        (
            "621A8201188302B0808C04870020FFA50BA4098001038301809501C0",
            Status::FunctionNotSupported,
        ),
    ] {
        let data = bytes(data);
        let command = Command {
            cla: 0,
            ins: 0xE0,
            p1: 0,
            p2: 0,
            data: &data,
            le: None,
        };
        assert_eq!(CreateFile::parse(&command), Err(status), "{data:02x?}");
    }
}

#[test]
fn rules_say_who_may() {
    for (rule, nobody, user, admin, both) in [
        (0x00, true, true, true, true),
        (0xFF, false, false, false, false),
        (0x10, false, true, false, true),
        (0x20, false, false, true, true),
        (0x30, false, true, true, true),
        (0x90, false, true, false, true),
        (0xB0, false, false, false, true),
        (0x80, false, false, false, false),
        (0x40, false, false, false, false),
    ] {
        let asked = [(false, false), (true, false), (false, true), (true, true)];
        let permits = asked.map(|(user, admin)| Access(rule).permits(user, admin));
        assert_eq!(permits, [nobody, user, admin, both], "{rule:02X}");
    }
}

#[test]
fn keys_are_made_read_and_written() {
    let mut buffer = [0; 96];
    let generate = Generate {
        key: KEY,
        size: KeySize::Rsa2048,
    };
    let command = generate.command(&mut buffer).unwrap();
    assert_eq!(apdu(command), "0047000008AC06800107830181");
    assert_eq!(Generate::parse(&command), Ok(generate));
    let curve = bytes("0047000008AC0680010C830181");
    let refused = Generate::parse(&parsed(&curve));
    assert_eq!(refused, Err(Status::FunctionNotSupported));

    let key = PublicKey {
        modulus: &[0xC5; 128],
        public_exponent: &[1, 0, 1],
    };
    let mut long = [0; 200];
    let answer = key.encode(&mut long).unwrap();
    assert_eq!(answer[..7], bytes("7F4981 88 818180"));
    assert_eq!(PublicKey::parse(answer), Ok(key));
    let half = PublicKey::parse(&[0x7F, 0x49, 0x03, 0x81, 0x01, 0x05]);
    assert_eq!(half, Err(Error::Missing(Tag(0x82))));
}

/// OpenSC writes this key check value with every key; it is the one of this very key.
#[test]
fn an_admin_key_is_written_with_its_check_value() {
    let key = b"\x01\x02\x03\x04\x05\x06\x07\x08".repeat(3);
    let key: &[u8; 24] = key[..].try_into().unwrap();
    let put = PutData::Key(PutKey::Admin {
        key,
        check_value: [0xB0, 0x73, 0xDC],
    });
    let mut buffer = [0; 64];
    let command = put.command(&mut buffer).unwrap();
    let thrice = "0102030405060708".repeat(3);
    let expected = std::format!("00DB3FFF267024840180A51F8718{thrice}8803B073DC");
    assert_eq!(apdu(command), expected);
    assert!(PutData::parse(&command) == Ok(put));
}

#[test]
fn an_rsa_key_is_written_for_its_file() {
    let put = PutData::Key(PutKey::Rsa {
        reference: KEY,
        private_key: b"\x30\x03\x02\x01\x00",
    });
    let mut buffer = [0; 64];
    let command = put.command(&mut buffer).unwrap();
    assert_eq!(
        apdu(command),
        "00DB3FFF147012840181A50D830102840100870530030201 00".replace(' ', "")
    );
    assert!(PutData::parse(&command) == Ok(put));
}

#[test]
fn keys_that_are_none_are_refused() {
    for (data, status) in [
        // Without a key, without its check value, too short, with an RSA key for the administrator,
        // with a symmetric key for a container, enciphered.
        ("7005840180A500", Status::IncorrectData),
        ("7009840180A50487020102", Status::IncorrectData),
        ("700E840180A50987020102880301 0203", Status::IncorrectData),
        ("700E840180A5098301028704300201 00", Status::IncorrectData),
        ("700B840181A50687043002 0100", Status::IncorrectData),
        (
            "7011840181A50C83010284018187043002 0100",
            Status::FunctionNotSupported,
        ),
    ] {
        let data = bytes(data);
        let command = Command {
            cla: 0,
            ins: 0xDB,
            p1: 0x3F,
            p2: 0xFF,
            data: &data,
            le: None,
        };
        let refused = PutData::parse(&command).err();
        assert_eq!(refused, Some(status), "{data:02x?}");
    }
}

#[test]
fn signatures_and_decipherment_name_key_and_padding() {
    let mut buffer = [0; 8];
    for (mechanism, p2, algorithm) in [
        (Mechanism::SignRaw, "B6", "17"),
        (Mechanism::SignPkcs1, "B6", "57"),
        (Mechanism::DecipherRaw, "B8", "07"),
        (Mechanism::DecipherPkcs1, "B8", "47"),
        (Mechanism::DecipherOaep, "B8", "87"),
    ] {
        let environment = Environment {
            mechanism,
            key: KEY,
            size: KeySize::Rsa2048,
        };
        let command = environment.command(&mut buffer).unwrap();
        let expected = std::format!("002241{p2}068001{algorithm}840181");
        assert_eq!(apdu(command), expected);
        assert_eq!(Environment::parse(&command), Ok(environment));
        assert_eq!(mechanism.signs(), p2 == "B6");
    }
    for (command, status) in [
        ("002281B606800157840181", Status::IncorrectP1P2),
        ("002241B406800157840181", Status::IncorrectP1P2),
        ("002241B606800147840181", Status::FunctionNotSupported),
        ("002241B60680015C840181", Status::FunctionNotSupported),
        ("002241B603840181", Status::IncorrectData),
    ] {
        let command = bytes(command);
        assert_eq!(Environment::parse(&parsed(&command)), Err(status));
    }
}

#[test]
fn a_cryptogram_is_taken_with_and_without_the_byte_in_front() {
    let mut buffer = [0; 8];
    let operation = Operation::Decipher(&[0xAB; 4]);
    let command = operation.command(&mut buffer).unwrap();
    assert_eq!(apdu(command), "002A80860500ABABABAB00");
    assert_eq!(Operation::parse(&command, 4), Ok(operation));
    let bare = bytes("002A808604ABABABAB00");
    assert_eq!(Operation::parse(&parsed(&bare), 4), Ok(operation));
    let other = bytes("002A80860501ABABABAB00");
    let refused = Operation::parse(&parsed(&other), 4);
    assert_eq!(refused, Err(Status::IncorrectData));
    let sign = Operation::Sign(b"digest");
    let command = sign.command(&mut []).unwrap();
    assert_eq!(apdu(command), "002A9E9A0664696765737400");
    assert_eq!(Operation::parse(&command, 4), Ok(sign));
    let refused = operation.command(&mut [0; 4]).err();
    assert_eq!(refused, Some(EncodeError::BufferFull));
}

#[test]
fn the_admin_key_is_named_for_either_authentication() {
    let command = authenticate::select_admin_key();
    assert_eq!(apdu(command), "002281A403830180");
    for (command, expected) in [
        ("002281A403830180", Ok(KeyReference::ADMIN)),
        ("0022C1A403830180", Ok(KeyReference::ADMIN)),
        ("0022C1A403830181", Ok(KeyReference(0x81))),
        ("0022C1B603830180", Err(Status::IncorrectP1P2)),
        ("002241A403830180", Err(Status::IncorrectP1P2)),
        ("002281A403840180", Err(Status::IncorrectData)),
    ] {
        let command = bytes(command);
        assert_eq!(authenticate::parse_select_key(&parsed(&command)), expected);
    }
}

#[test]
fn keys_of_containers_have_numbers_and_files() {
    for (number, key) in [(0, 0x81), (1, 0x82), (126, 0xFF)] {
        let key = KeyReference(key);
        assert_eq!(KeyReference::of_container(number), Some(key));
        assert_eq!(key.container(), Some(number));
    }
    assert_eq!(KeyReference::of_container(127), None);
    assert_eq!(KeyReference::ADMIN.container(), None);
    assert_eq!(KEY.file(), FileId(0xB081));
    let address = Address {
        file: FileId::ADMIN_WRITES,
        object: Tag(0xDF20),
    };
    assert_eq!(CARD_ID, address);
}
