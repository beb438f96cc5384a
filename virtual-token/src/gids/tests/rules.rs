//! What the card refuses, whoever asks.

use super::*;
use keysteward_core::der::{Item, encode};
use keysteward_core::gids::KeyReference;
use keysteward_core::gids::data_object::PutData;
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::gids::put_key::PutKey;
use keysteward_core::gids::session::NewContainer;
use keysteward_core::iso7816::{Framing, exchange};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, RsaPrivateKey};

const NOT_PERMITTED: Status = Status::SecurityStatusNotSatisfied;

/// The applet is selected, and this is known of who asks.
fn known_as(card: &mut Card, user: bool, admin: bool) {
    select(card, |session| {
        if user {
            let _verified = session.verify_pin(&pin("1234")).unwrap();
        }
        if admin {
            let proof = session.authenticate_admin(&mut admin_key(&ADMIN_KEY));
            let _proof = proof.unwrap();
        }
    });
}

#[test]
fn each_file_is_read_and_written_by_whom_its_rules_say() {
    let mut card = initialised();
    for (file, writers, readers) in [
        ("A000", [false, true, true], [true, true, true]),
        ("A010", [false, true, true], [true, true, true]),
        ("A011", [false, true, true], [false, false, false]),
        ("A012", [false, false, true], [true, true, true]),
        ("A013", [false, true, true], [false, true, true]),
        ("A014", [false, false, true], [false, false, true]),
    ] {
        let who = [(false, false), (true, false), (false, true)];
        known_as(&mut card, true, true);
        let first = raw(&mut card, &format!("00DB{file}04DF7701AA"));
        assert_eq!(first, Status::Success, "{file}");
        for ((user, admin), (writes, reads)) in
            who.into_iter().zip(writers.into_iter().zip(readers))
        {
            known_as(&mut card, user, admin);
            let expected = |may| if may { Status::Success } else { NOT_PERMITTED };
            let written = raw(&mut card, &format!("00DB{file}04DF7701BB"));
            assert_eq!(written, expected(writes), "{file} {user} {admin}");
            let read = raw(&mut card, &format!("00CB{file}045C02DF7700"));
            assert_eq!(read, expected(reads), "{file} {user} {admin}");
        }
    }
}

#[test]
fn files_are_created_and_deleted_by_those_who_are_known() {
    let mut card = initialised();
    let create = "00E000000E620C8201398302A0208C03033000";
    assert_eq!(raw(&mut card, create), NOT_PERMITTED);
    known_as(&mut card, true, false);
    assert_eq!(raw(&mut card, create), Status::Success);
    assert_eq!(raw(&mut card, create), Status::Other(0x6A89));
    let write = "00DBA02004DF7701AA";
    assert_eq!(raw(&mut card, write), Status::ConditionsNotSatisfied);
    assert_eq!(raw(&mut card, "00440000"), Status::Success);
    assert_eq!(raw(&mut card, write), Status::Success);

    known_as(&mut card, false, false);
    assert_eq!(raw(&mut card, "00A4000C02A020"), Status::Success);
    assert_eq!(raw(&mut card, "00E40000"), NOT_PERMITTED);
    known_as(&mut card, false, true);
    assert_eq!(raw(&mut card, "00A4000C02A020"), Status::Success);
    assert_eq!(raw(&mut card, "00E40000"), Status::Success);
    assert_eq!(raw(&mut card, "00A4000C02A020"), Status::NotFound);
    // What was in it is gone with it.
    for again in [create, "00440000"] {
        assert_eq!(raw(&mut card, again), Status::Success);
    }
    let read = raw(&mut card, "00CBA020045C02DF7700");
    assert_eq!(read, Status::ReferenceNotFound);
}

#[test]
fn what_the_card_cannot_be_without_is_not_deleted() {
    let mut card = initialised();
    known_as(&mut card, true, true);
    for file in ["3FFF", "B080"] {
        let selected = raw(&mut card, &format!("00A4000C02{file}"));
        assert_eq!(selected, Status::Success);
        assert_eq!(raw(&mut card, "00E40000"), Status::ConditionsNotSatisfied);
    }
}

#[test]
fn a_card_without_a_pin_or_an_admin_key_is_not_activated() {
    let mut card = card(blank());
    select(&mut card, |_| ());
    let refused = Status::ConditionsNotSatisfied;
    assert_eq!(raw(&mut card, "00440000"), refused);
    assert_eq!(raw(&mut card, "002401800431323334"), Status::Success);
    assert_eq!(raw(&mut card, "00440000"), refused);
    let short = raw(&mut card, "0024018003313233");
    assert_eq!(short, Status::WrongLength);
    assert_eq!(
        raw(&mut card, "00870000047C028100"),
        Status::CommandNotAllowed
    );
    assert_eq!(
        raw(&mut card, "002C02800431323334"),
        Status::CommandNotAllowed
    );
}

#[test]
fn a_first_pin_is_set_before_the_rules_hold_or_by_the_user() {
    let mut card = initialised();
    let first = "002401800439393939";
    assert_eq!(raw(&mut card, first), NOT_PERMITTED);
    known_as(&mut card, false, true);
    assert_eq!(raw(&mut card, first), NOT_PERMITTED);
    known_as(&mut card, true, false);
    assert_eq!(raw(&mut card, first), Status::Success);
    assert_eq!(raw(&mut card, "002000800439393939"), Status::Success);
}

#[test]
fn a_pin_that_is_none_costs_no_try() {
    let mut card = initialised();
    assert_eq!(raw(&mut card, "0020008003313233"), Status::IncorrectData);
    let long = format!("0020008011{}", "31".repeat(17));
    assert_eq!(raw(&mut card, &long), Status::IncorrectData);
    assert_eq!(
        raw(&mut card, "00200080"),
        Status::VerifyFailed { retries: 3 }
    );
    assert_eq!(raw(&mut card, "00200081"), Status::ReferenceNotFound);
}

#[test]
fn what_the_card_does_not_know_is_refused() {
    let mut card = initialised();
    known_as(&mut card, true, true);
    for (command, status) in [
        ("80CBA012045C02DF2000", Status::ClaNotSupported),
        ("00F70000", Status::InsNotSupported),
        ("00CBA012045C02DF7700", Status::ReferenceNotFound),
        ("00CBA0FF045C02DF2000", Status::NotFound),
        ("00CB3FFF045C027F7300", Status::ReferenceNotFound),
        ("00DBA01004CF7701AA", Status::IncorrectData),
        ("00CBB080045C02DF2000", Status::ReferenceNotFound),
        ("00DBB08004DF7701AA", Status::IncorrectData),
        (
            "00E000000E620C8201398302C0008C03033000",
            Status::IncorrectData,
        ),
        ("0022C1A403830181", Status::ReferenceNotFound),
        ("002A9E9A0130", Status::ConditionsNotSatisfied),
        ("002241B606800157840181", Status::ReferenceNotFound),
        ("0047000008AC06800107830181", Status::ReferenceNotFound),
        (
            "00CB3FFF0A7008840181A5037F498000",
            Status::ReferenceNotFound,
        ),
        ("00CB3FFF0A7008840180A5037F498000", NOT_PERMITTED),
        ("00440100", Status::IncorrectP1P2),
        ("00E4000001AA", Status::WrongLength),
    ] {
        assert_eq!(raw(&mut card, command), status, "{command}");
    }
}

#[test]
fn a_key_of_1024_bits_is_taken_and_not_made() {
    let mut card = initialised();
    known_as(&mut card, true, false);
    let create = "00E0000028 6226 820118 8302B081 8C058F10101000 A516 \
        B609800116830181950140 B609800156830181950140";
    assert_eq!(raw(&mut card, create), Status::Success);
    assert_eq!(raw(&mut card, "00440000"), Status::Success);
    let made = raw(&mut card, "0047000008AC06800106830181");
    assert_eq!(made, Status::FunctionNotSupported);
    let other_size = raw(&mut card, "0047000008AC06800107830181");
    assert_eq!(other_size, Status::IncorrectData);
    select(&mut card, |session| {
        assert_eq!(session.public_key(0), Ok(None));
    });
    let key = RsaPrivateKey::new(&mut OsRng, 1024).unwrap();
    let other = RsaPrivateKey::new(&mut OsRng, 512).unwrap();
    for (key, user, keeps_zeros, status) in [
        (&key, false, true, NOT_PERMITTED),
        (&other, true, true, Status::IncorrectData),
        (&key, true, true, Status::Success),
        (&key, true, false, Status::Success),
    ] {
        known_as(&mut card, user, false);
        assert_eq!(put_key(&mut card, key, keeps_zeros), status);
    }
    select(&mut card, |session| {
        let public = session.public_key(0).unwrap().unwrap();
        assert_eq!(public.modulus, key.n().to_bytes_be());
    });
    for broken in ["3000", "3003020100", "30060201000401FF"] {
        let len = broken.len() / 2;
        let command = format!(
            "00DB3FFF{:02X}70{:02X}840181A5{:02X}83010284010087{len:02X}{broken}",
            len + 15,
            len + 13,
            len + 8
        );
        known_as(&mut card, true, false);
        let refused = raw(&mut card, &command);
        assert_eq!(refused, Status::IncorrectData, "{broken}");
    }
}

/// Writes a key with PUT DATA; some clients leave the zeros away that keep its numbers positive.
fn put_key(card: &mut Card, key: &RsaPrivateKey, keeps_zeros: bool) -> Status {
    let p = &key.primes()[0];
    let q = &key.primes()[1];
    let one = BigUint::from(1_u8);
    let numbers = [
        BigUint::from(0_u8),
        key.n().clone(),
        key.e().clone(),
        key.d().clone(),
        p.clone(),
        q.clone(),
        key.d() % (p - &one),
        key.d() % (q - &one),
        key.d().clone(),
    ]
    .map(|number| number.to_bytes_be());
    let items: Vec<_> = numbers
        .iter()
        .map(|number| match keeps_zeros {
            true => Item::Unsigned(number),
            false => Item::Value(0x02, number),
        })
        .collect();
    let mut der = [0; 2_000];
    let der = encode(&[Item::Template(0x30, &items)], &mut der).unwrap();
    let put = PutData::Key(PutKey::Rsa {
        reference: KeyReference(0x81),
        private_key: der,
    });
    let mut data = [0; 2_100];
    let command = put.command(&mut data).unwrap();
    let (mut apdu, mut response) = ([0; 300], [0; 258]);
    let deadline = card.now().after(10_000);
    exchange(
        card,
        command,
        Framing::Short,
        &mut apdu,
        &mut response,
        deadline,
    )
    .unwrap()
    .status
}

#[test]
fn keys_are_used_by_the_user_alone() {
    let mut card = initialised();
    select(&mut card, |session| {
        let proof = session.verify_pin(&pin("1234")).unwrap();
        let new = NewContainer {
            name: "only",
            size: KeySize::Rsa2048,
            is_default: false,
        };
        session.create_container(&proof, &new).unwrap();
    });
    let sign = "002241B606800157840181";
    for (user, admin) in [(false, false), (false, true)] {
        known_as(&mut card, user, admin);
        assert_eq!(raw(&mut card, sign), NOT_PERMITTED);
        let made = raw(&mut card, "0047000008AC06800107830181");
        assert_eq!(made, NOT_PERMITTED);
    }
    known_as(&mut card, true, false);
    assert_eq!(raw(&mut card, sign), Status::Success);
    // Named, and then forgotten who asks.
    assert_eq!(raw(&mut card, "00200082"), Status::Success);
    assert_eq!(
        raw(&mut card, "002A9E9A0130"),
        Status::ConditionsNotSatisfied
    );
    known_as(&mut card, true, false);
    for (environment, status) in [
        ("002241B606800156840181", Status::IncorrectData),
        ("002241B806800187840181", Status::FunctionNotSupported),
        ("002241B806800147840181", Status::Success),
    ] {
        assert_eq!(raw(&mut card, environment), status, "{environment}");
    }
    assert_eq!(
        raw(&mut card, "002A9E9A0130"),
        Status::ConditionsNotSatisfied
    );
    assert_eq!(raw(&mut card, sign), Status::Success);
    let long = format!("002A9E9AF6{}", "30".repeat(246));
    assert_eq!(raw(&mut card, &long), Status::WrongLength);
}

#[test]
fn a_key_of_another_size_than_asked_for_is_not_kept() {
    let makers: [super::super::MakeKey; 3] = [
        |_| None,
        |_| Some(Zeroizing::new(b"no key".to_vec())),
        |_| RsaKey::generate(KeySize::Rsa1024),
    ];
    for maker in makers {
        let mut card = initialised_as(blank().with_keys_made_by(maker));
        select(&mut card, |session| {
            let user = session.verify_pin(&pin("1234")).unwrap();
            let new = NewContainer {
                name: "none",
                size: KeySize::Rsa2048,
                is_default: false,
            };
            let status = Status::NoDiagnosis;
            let made = session.create_container(&user, &new);
            assert_eq!(
                made,
                Err(Error::Refused {
                    instruction: 0x47,
                    status
                })
            );
            assert_eq!(session.public_key(0), Ok(None));
        });
    }
}
