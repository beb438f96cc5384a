//! Dialogues as they were recorded at a card, and cards that do not do as they should. A card that
//! does is in `virtual-token`.

mod any_answers;

use super::*;
use crate::admin_key::{Cipher, LocalAdminKey};
use crate::crypto::RustCrypto;
use crate::gids;
use crate::gids::authenticate::{Cryptogram, Proof, Random, encode_response};
use crate::gids::file::ObjectFile;
use crate::gids::key_file::KeySize;
use crate::gids::minidriver::certificate::CertificateFile;
use crate::gids::pin::Pin;
use crate::iso7816::ExchangeError;
use proptest::prelude::*;
use rand_core::OsRng;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::collections::VecDeque;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// A card that follows a script: the command that is due, in hexadecimal, or its beginning; and
/// what is answered.
#[derive(Default)]
struct Script {
    lines: VecDeque<(String, Vec<u8>)>,
    now: u64,
}

/// The script is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Over;

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script is over")
    }
}

impl core::error::Error for Over {}

impl CardTransport for Script {
    type Error = Over;

    fn now(&mut self) -> Millis {
        Millis(self.now)
    }

    fn pause(&mut self, until: Millis) {
        self.now = until.0;
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Over> {
        let (due, answer) = self.lines.pop_front().ok_or(Over)?;
        let command = hex::encode_upper(command);
        assert!(command.starts_with(&due), "{command}, and {due} was due");
        self.now += 1;
        let room = response.get_mut(..answer.len()).ok_or(Over)?;
        room.copy_from_slice(&answer);
        Ok(room)
    }
}

/// One exchange a line: `command > answer`; the answer's status alone where it has no data.
fn script(text: &str) -> Script {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines.map(|line| {
        let (command, answer) = line.split_once('>').unwrap();
        let answer = hex::decode(answer.replace(' ', "")).unwrap();
        (command.replace(' ', ""), answer)
    });
    Script {
        lines: lines.collect(),
        now: 0,
    }
}

type Flow<'t> = Session<'t, Script, RustCrypto<OsRng>>;

/// Selects a card with this application information, and goes on.
fn told<R>(fci: &str, text: &str, act: impl FnOnce(&mut Flow<'_>) -> R) -> R {
    let select = format!("00A4040009A0000003974254465900 > {fci} 9000\n");
    let mut card = script(&(select + text));
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
    let mut session = Session::new(&mut card, &mut crypto, &mut buffers, Millis(1_000));
    session.select().unwrap();
    let result = act(&mut session);
    assert!(card.lines.is_empty(), "not all was asked: {:?}", card.lines);
    result
}

fn scripted<R>(text: &str, act: impl FnOnce(&mut Flow<'_>) -> R) -> R {
    told(BOTH_WAYS, text, act)
}

const BOTH_WAYS: &str = "6112 4F0B A0000003974254465902 01 7303 4001 C0";
const MUTUAL_ONLY: &str = "6112 4F0B A0000003974254465902 01 7303 4001 80";

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).ok().unwrap()
}

fn counting_key() -> [u8; 24] {
    core::array::from_fn(|at| u8::try_from(at + 1).unwrap())
}

fn local(key: &[u8; 24]) -> LocalAdminKey {
    LocalAdminKey::new(Cipher::TripleDes, key).unwrap()
}

#[test]
fn a_blank_card_is_initialised_in_the_order_that_windows_and_opensc_have() {
    let key = b"\x01\x02\x03\x04\x05\x06\x07\x08".repeat(3);
    let thrice = "0102030405060708".repeat(3);
    let mut text = "00CBA000045C02DF1F00 > 6A82\n 002401800431323334 > 9000\n".to_owned();
    for file in ObjectFile::ALL {
        let [high, low] = file.id.0.to_be_bytes();
        text += &format!("00E000000E620C8201398302{high:02X}{low:02X}8C03 > 9000\n");
        text += "00440000 > 9000\n";
    }
    text += &format!(
        "00E000001C621A8201188302B0808C04870020FFA50BA4098001028301809501C0 > 9000
         00440000 > 9000
         00DB3FFF267024840180A51F8718{thrice}8803B073DC > 9000
         00DBA00091DF1F818D016D736370 > 9000
         00DBA0100BDF21086D73637000000000 > 9000
         00DBA01009DF2206000000000000 > 9000
         00DBA01003DF2300 > 9000
         00DBA01213DF201063617264206964206F662031362062 > 9000
         00A4000C023FFF > 9000
         00440000 > 9000"
    );
    scripted(&text, |session| {
        let admin_key = NewAdminKey::new(key[..].try_into().unwrap()).unwrap();
        let with = Initialisation {
            pin: &pin("1234"),
            admin_key: &admin_key,
            card_id: b"card id of 16 by",
        };
        assert_eq!(session.initialise(&with), Ok(()));
    });
}

#[test]
fn a_recorded_challenge_opens_the_card() {
    let text = "
        002281A403830180 > 9000
        00870000047C02810000 > 7C0A81080557897F8D84407B 9000
        008700000C7C0A8208F61E826BC1F2ACE5 > 9000
        00CBA010045C02DF2200 > DF2206000000000000 9000
        00DBA01009DF2206000100000000 > 9000
        002C02800435363738 > 9000";
    scripted(text, |session| {
        let proof = session.authenticate_admin(&mut local(&counting_key()));
        session.set_pin(proof.unwrap(), &pin("5678")).unwrap();
    });
}

#[test]
fn a_wrong_admin_key_is_told_from_a_card_that_has_none() {
    let asked = "002281A403830180 > 9000\n 00870000047C02810000 >";
    for (text, expected) in [
        (
            format!("{asked} 7C0A81080557897F8D84407B 9000\n 008700000C7C0A8208 > 6982"),
            Error::AdminKeyWrong,
        ),
        (
            format!("{asked} 7C0A81080557897F8D84407B 9000\n 008700000C7C0A8208 > 6300"),
            Error::AdminKeyWrong,
        ),
        (format!("{asked} 6986"), Error::NotInitialised),
        ("002281A403830180 > 6A88".to_owned(), Error::NotInitialised),
        (
            format!("{asked} 7C0981070557897F8D8440 9000"),
            Error::Malformed(gids::Error::WrongLength {
                tag: crate::iso7816::tlv::Tag(0x81),
                len: 7,
            }),
        ),
    ] {
        let failed = scripted(&text, |session| {
            let failed = session.authenticate_admin(&mut local(&counting_key()));
            failed.err().unwrap()
        });
        assert_eq!(failed, AdminError::Session(expected), "{text}");
    }
}

/// Takes any proof for one, and answers with what it was given to answer with.
struct Liar {
    answer: Cryptogram,
    selected: bool,
}

impl CardTransport for Liar {
    type Error = Over;

    fn now(&mut self) -> Millis {
        Millis(0)
    }

    fn pause(&mut self, _: Millis) {}

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Over> {
        let mut answer = [0; 64];
        let answer = match (command[1], command.get(6)) {
            (0xA4, _) => {
                self.selected = true;
                hex::decode_to_slice(MUTUAL_ONLY.replace(' ', ""), &mut answer[..20]).unwrap();
                &answer[..20]
            }
            (0x22, _) => &[],
            (_, Some(0x12)) => encode_response::<16>(&[0xCC; 16], &mut answer).unwrap(),
            _ => encode_response(&self.answer, &mut answer).unwrap(),
        };
        let len = answer.len();
        response[..len].copy_from_slice(answer);
        response[len..len + 2].copy_from_slice(&[0x90, 0x00]);
        Ok(&response[..len + 2])
    }
}

#[test]
fn a_card_that_does_not_prove_the_key_is_not_believed() {
    let theirs: Random = [0xCC; 16];
    let replayed = Proof {
        theirs: [0xAA; 16],
        ours: theirs,
        half_key: [0; 7],
    };
    for answer in [[0; 40], replayed.seal(&mut local(&counting_key())).unwrap()] {
        let mut card = Liar {
            answer,
            selected: false,
        };
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
        let mut session = Session::new(&mut card, &mut crypto, &mut buffers, Millis(1_000));
        session.select().unwrap();
        let failed = session.authenticate_admin(&mut local(&counting_key()));
        let failed = failed.err().unwrap();
        assert_eq!(failed, AdminError::Session(Error::CardUnproven));
        assert!(card.selected);
    }
}

#[test]
fn a_key_that_does_not_answer_says_why() {
    let text = "
        002281A403830180 > 9000
        00870000047C02810000 > 7C0A81080557897F8D84407B 9000";
    let failed = scripted(text, |session| {
        let mut other = LocalAdminKey::new(Cipher::Aes128, &[0; 16]).unwrap();
        session.authenticate_admin(&mut other).err().unwrap()
    });
    let AdminError::Key(error) = failed else {
        panic!("{failed:?}");
    };
    assert!(error.to_string().contains("aes128"), "{error}");
}

#[test]
fn a_card_of_the_first_version_is_taken_for_one_that_proves_itself() {
    told("", "", |session| {
        assert_eq!(session.protocols(), None);
        assert_eq!(session.give_challenge(), Err(Error::NoShortChallenge));
    });
}

#[test]
fn another_card_is_none_of_these() {
    for status in ["6A82", "6285"] {
        let mut card = script(&format!("00A40400 > {status}"));
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
        let mut session = Session::new(&mut card, &mut crypto, &mut buffers, Millis(1_000));
        assert_eq!(session.select(), Err(Error::NotGids));
    }
}

#[test]
fn wrong_pins_are_counted_by_the_card_in_its_own_way() {
    for (answers, expected) in [
        ("00200080 > 63C2", Error::PinWrong { tries: 2 }),
        ("00200080 > 6983", Error::PinBlocked),
        (
            "00200080 > 6300\n 00CB3FFF045C027F7100 > 7F71049F170101 9000",
            Error::PinWrong { tries: 1 },
        ),
        (
            "00200080 > 6300\n 00CB3FFF045C027F7100 > 7F71049F170100 9000",
            Error::PinBlocked,
        ),
        (
            "00200080 > 6300\n 00CB3FFF045C027F7100 > 6A88",
            Error::Refused {
                instruction: 0x20,
                status: Status::Other(0x6300),
            },
        ),
        ("00200080 > 6A88", Error::NotInitialised),
    ] {
        let failed = scripted(answers, |session| session.verify_pin(&pin("1234")));
        assert_eq!(failed, Err(expected), "{answers}");
    }
}

#[test]
fn a_card_that_does_not_count_is_not_asked_for_ever() {
    let text = "00200080 > 63C3\n 00200080 > 63C3";
    let blocked = scripted(text, |session| session.block_pin());
    assert_eq!(blocked, Err(Error::PinNotCounted));
    let always_right = "0020008008 > 9000\n".repeat(256);
    let blocked = scripted(&always_right, |session| session.block_pin());
    assert_eq!(blocked, Err(Error::PinNotCounted));
    let text = "0020008008 > 63C1\n 0020008008 > 9000\n 0020008008 > 63C2\n 0020008008 > 63C0";
    let blocked = scripted(text, |session| session.block_pin());
    assert_eq!(blocked, Ok(()));
}

const PROVEN: &str = "
    002281A403830180 > 9000
    00870000047C02810000 > 7C0A81080557897F8D84407B 9000
    008700000C7C0A8208F61E826BC1F2ACE5 > 9000\n";

#[test]
fn a_pin_that_the_card_does_not_take_is_told() {
    let text = PROVEN.to_owned()
        + "00CBA010045C02DF2200 > DF2206000000000000 9000
           00DBA010 > 6982
           002C0280 > 6A80";
    let refused = scripted(&text, |session| {
        let proof = session.authenticate_admin(&mut local(&counting_key()));
        session.set_pin(proof.unwrap(), &pin("5678"))
    });
    let status = Status::IncorrectData;
    assert_eq!(refused, Err(Error::PinNotTaken { status }));
}

fn cmapfile(records: usize) -> String {
    // One container of 2,048 bits in each.
    let record = format!("{}0100000000 08", "4100".repeat(40)).replace(' ', "");
    let bytes = records * 86;
    format!("DF2382{bytes:04X}{} 9000", record.repeat(records))
}

#[test]
fn maps_that_disagree_are_told() {
    let text = format!(
        "00200080 > 9000
         00CBA000045C02DF2000 > 6A88
         00CBA010045C02DF2300 > {}",
        cmapfile(2)
    );
    let failed = scripted(&text, |session| {
        let proof = session.verify_pin(&pin("1234")).unwrap();
        let new = NewContainer {
            name: "x",
            size: KeySize::Rsa2048,
            is_default: false,
        };
        session.create_container(&proof, &new)
    });
    let (containers, keys) = (2, 0);
    assert_eq!(failed, Err(Error::MapsDisagree { containers, keys }));
}

#[test]
fn what_is_no_file_of_the_minidriver_is_told() {
    for (text, name) in [
        ("00CBA010 > DF2303 010203 9000", "cmapfile"),
        ("00CBA010 > DF2203 010203 9000", "missing"),
    ] {
        let failed = scripted(text, |session| session.container(0));
        let Err(Error::Malformed(error)) = failed else {
            panic!("{failed:?}");
        };
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn what_does_not_fit_is_not_sent() {
    let text = format!("00200080 > 9000\n 00CBA010045C02DF2300 > {}", cmapfile(1));
    let text = text
        + "\n 00CBA010045C02DF2200 > DF2206000000000000 9000
             00DBA010 > 9000
             00CBA000045C02DF1F00 > DF1F0101 9000
             00CBA000045C02DF1F00 > DF1F0101 9000";
    let long = std::vec![0; MAX_FILE];
    let failed = scripted(&text, |session| {
        let proof = session.verify_pin(&pin("1234")).unwrap();
        let certificate = CertificateFile {
            len: 0,
            compressed: &long,
        };
        session.write_certificate(&proof, 0, &certificate, false)
    });
    assert_eq!(failed, Err(Error::TooLong));
}

#[test]
fn a_full_card_and_a_missing_authority_are_told_apart() {
    for (status, expected) in [
        ("6A84", Error::CardFull),
        ("6982", Error::NotPermitted { instruction: 0xDB }),
    ] {
        let text = format!(
            "00200080 > 9000
             00CBA010045C02DF2300 > {}
             00CBA010045C02DF2200 > DF2206000000000000 9000
             00DBA010 > {status}",
            cmapfile(1)
        );
        let failed = scripted(&text, |session| {
            let proof = session.verify_pin(&pin("1234")).unwrap();
            session.delete_container(&proof, 0)
        });
        assert_eq!(failed, Err(expected));
    }
}

#[test]
fn a_card_that_is_slow_ends_at_the_deadline() {
    let failed = scripted("00CBA010 > 610A", |session| {
        session.set_deadline(Millis(2));
        session.container(0)
    });
    assert_eq!(failed, Err(Error::Card(CardError::Deadline)));
    let text = "00CBA010 > 6110\n 00C0000010 > 6110";
    let failed = scripted(text, |session| session.container(0));
    let endless = CardError::Exchange(ExchangeError::NoProgress);
    assert_eq!(failed, Err(Error::Card(endless)));
}

#[test]
fn errors_say_what_to_do_and_what_the_card_said() {
    for (error, words, status) in [
        (Error::PinWrong { tries: 1 }, "one try", Some(0x63C1)),
        (Error::PinWrong { tries: 2 }, "2 tries", Some(0x63C2)),
        (Error::PinBlocked, "administrator", Some(0x6983)),
        (Error::AdminKeyWrong, "does not open", Some(0x6982)),
        (Error::NoContainer { number: 7 }, "no container 7", None),
        (
            Error::NotPermitted { instruction: 0xDB },
            "PIN or the admin key before instruction DB",
            Some(0x6982),
        ),
        (
            Error::Refused {
                instruction: 0x47,
                status: Status::NoDiagnosis,
            },
            "instruction 47",
            Some(0x6F00),
        ),
        (Error::Card(CardError::Transport(Over)), "over", None),
    ] {
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.status().map(u16::from), status, "{error}");
    }
    let admin: AdminError<Over, crate::admin_key::KeyError> = Error::AdminKeyWrong.into();
    assert_eq!(admin.to_string(), Error::<Over>::AdminKeyWrong.to_string());
}
