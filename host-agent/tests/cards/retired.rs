//! Keys that make room for the next ones: moved to the retired places of a PIV card, and deleted
//! there.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use keysteward_core::{
    admin_key::{Cipher, LocalAdminKey},
    crypto::RustCrypto,
    iso7816::Status,
    piv::{
        ObjectId,
        key_history::KeyHistory,
        session::{Buffers, PivSession},
    },
    time::Millis,
};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{
    card::{Applet, InProcessCard},
    piv::{Piv, Product},
    storage::MemoryStorage,
};
use proto::{
    card_lease_request::Request as Asked, card_lease_response::Response as Said, card_step::Verb,
    outcome::State, step_error::Code, step_result::Result as Outcome,
};
use rand_core::OsRng;

use crate::{
    cut_off::cut_at_one,
    host::{Host, Lease, key},
    piv::{CardKey, GUID, factory, generate, personalise},
    reader::{Card, Moment},
};

crate::stories! {
    a_key_goes_to_the_first_free_place_with_its_certificate
    a_key_is_moved_once_however_often_it_was_cut_off
    what_cannot_be_moved_stays_where_it_is
    a_card_that_cannot_move_keys_keeps_them
    a_key_whose_certificate_does_not_follow_it_is_found_again
    keys_with_certificates_elsewhere_stay_counted
    twenty_keys_are_retired_and_no_more
}

const MOVE_KEY: u8 = 0xF6;
const PUT_DATA: u8 = 0xDB;
/// Tags of data objects.
const CERTIFICATE_9D: &[u8] = b"\x5F\xC1\x0B";
const CERTIFICATE_82: &[u8] = b"\x5F\xC1\x0D";
const KEY_HISTORY: &[u8] = b"\x5F\xC1\x0C";

fn move_key(container: &str) -> Verb {
    Verb::MoveKey(proto::MoveKey {
        admin: factory(),
        container: container.to_owned(),
    })
}

fn delete(container: &str) -> Verb {
    Verb::DeleteContainer(proto::DeleteContainer {
        admin: factory(),
        container: container.to_owned(),
        ..proto::DeleteContainer::default()
    })
}

/// Makes a key in 9D and writes its certificate beside it.
async fn certified(lease: &mut Lease, step: &str) -> Vec<u8> {
    let made = generate("9d", "p256");
    let made = lease.step(&format!("{step} made"), made).await;
    let Ok(Outcome::KeyGenerated(made)) = made else {
        panic!("{made:?}");
    };
    let key = CardKey::new(&made.public_key, &rcgen::PKCS_ECDSA_P256_SHA256);
    let certificate = key.certificate();
    let write = Verb::WriteCertificate(proto::WriteCertificate {
        admin: factory(),
        container: "9d".to_owned(),
        certificate: certificate.clone(),
        is_default: true,
        ..proto::WriteCertificate::default()
    });
    let written = lease.step(&format!("{step} written"), write).await;
    written.unwrap();
    certificate
}

async fn moved(lease: &mut Lease, step: &str) -> String {
    match lease.step(step, move_key("9d")).await {
        Ok(Outcome::KeyMoved(moved)) => moved.container,
        other => panic!("{step}: {other:?}"),
    }
}

/// Containers with a key that the card made, and their certificates.
async fn holds(lease: &mut Lease) -> Vec<(String, Vec<u8>)> {
    let seen = lease.inspect().await.containers;
    seen.into_iter()
        .inspect(|one| assert_eq!(one.made_on_card, Some(true), "{one:?}"))
        .map(|one| (one.name, one.certificate))
        .collect()
}

/// A data object as it stands.
async fn object(lease: &mut Lease, step: &str, tag: &[u8]) -> Vec<u8> {
    let select = b"\x00\xA4\x04\x00\x09\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x00";
    let get = [b"\x00\xCB\x3F\xFF\x05\x5C\x03", tag, b"\x00"].concat();
    let mut last = Vec::new();
    for (part, command) in [("select", &select[..]), ("get", &get)] {
        let raw = proto::CardRaw {
            key: Some(key(&format!("{step} {part}"))),
            command: command.to_vec(),
            timeout_ms: 0,
        };
        lease.send(Asked::Raw(raw)).await;
        match lease.answer().await {
            Said::Raw(answer) => last = answer.response,
            other => panic!("{other:?}"),
        }
    }
    last
}

/// What key history counts.
async fn counted(lease: &mut Lease, step: &str) -> u8 {
    let history = object(lease, step, KEY_HISTORY).await;
    match history[..] {
        [0x53, 8, 0xC1, 1, on_card, 0xC2, 1, 0, 0xFE, 0, 0x90, 0] => on_card,
        _ => panic!("{history:02X?}"),
    }
}

async fn a_key_goes_to_the_first_free_place_with_its_certificate() {
    let (_card, host) = (Card::piv(4711), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let first = certified(&mut lease, "first").await;
    assert_eq!(moved(&mut lease, "m1").await, "82");
    assert_eq!(holds(&mut lease).await, [("82".to_owned(), first.clone())]);
    assert_eq!(counted(&mut lease, "c1").await, 1);
    let outcome = host.outcome("m1").await;
    assert_eq!((outcome.state(), &*outcome.verb), (State::Done, "move_key"));
    // Asked again under the same key, nothing is moved and the answer is the same.
    let second = certified(&mut lease, "second").await;
    assert_eq!(moved(&mut lease, "m1").await, "82");
    assert_eq!(moved(&mut lease, "m2").await, "83");
    let third = certified(&mut lease, "third").await;
    let all = [("9d", &third), ("82", &first), ("83", &second)];
    let all = all.map(|(name, certificate)| (name.to_owned(), certificate.clone()));
    assert_eq!(holds(&mut lease).await, all);
    assert_eq!(counted(&mut lease, "c2").await, 2);
    // Windows sees each where it is, and one default: 107 bytes each, its flags at 84.
    let map = object(&mut lease, "map", b"\x5F\xFF\x10").await;
    let records: Vec<_> = map[map.len() - 2 - 3 * 107..map.len() - 2]
        .chunks(107)
        .map(|record| (record[80], record[84]))
        .collect();
    assert_eq!(records, [(0x82, 1), (0x83, 1), (0x9D, 3)]);

    // One that goes from the middle leaves a place for the next, and is counted until the last goes.
    lease.step("d82", delete("82")).await.unwrap();
    assert_eq!(counted(&mut lease, "c3").await, 2);
    assert_eq!(moved(&mut lease, "m3").await, "82");
    let left = [("82", &third), ("83", &second)];
    let left = left.map(|(name, certificate)| (name.to_owned(), certificate.clone()));
    assert_eq!(holds(&mut lease).await, left);
    lease.step("d82 again", delete("82")).await.unwrap();
    lease.step("d83", delete("83")).await.unwrap();
    assert_eq!(counted(&mut lease, "c4").await, 0);
    assert_eq!(holds(&mut lease).await, []);
}

async fn a_key_is_moved_once_however_often_it_was_cut_off() {
    use Moment::{After, Before};
    let (card, host) = (Card::piv(4711), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let certificate = certified(&mut lease, "key").await;
    let mut ended = async |step, instruction, about, moment| {
        let at = (instruction, about, moment);
        let outcome = cut_at_one(&host, &card, &mut lease, (step, move_key("9d")), at).await;
        (outcome.state(), outcome)
    };
    let nothing: &[u8] = &[];
    let (state, outcome) = ended("m0", MOVE_KEY, nothing, Before).await;
    assert_eq!(state, State::Failed, "{outcome:?}");
    assert_eq!(outcome.error.unwrap().code(), Code::CutOff);
    for (step, instruction, about, moment) in [
        ("m1", MOVE_KEY, nothing, After),
        ("m2", PUT_DATA, CERTIFICATE_82, Before),
        ("m3", PUT_DATA, CERTIFICATE_82, After),
        ("m4", PUT_DATA, KEY_HISTORY, Before),
        ("m5", PUT_DATA, KEY_HISTORY, After),
        ("m6", PUT_DATA, CERTIFICATE_9D, Before),
    ] {
        let (state, outcome) = ended(step, instruction, about, moment).await;
        assert_eq!(state, State::Unknown, "{step}: {outcome:?}");
        assert!(outcome.explanation.contains("move it again"), "{outcome:?}");
    }
    let (state, outcome) = ended("m7", PUT_DATA, CERTIFICATE_9D, After).await;
    assert_eq!(state, State::Done, "{outcome:?}");
    match outcome.result.unwrap().result {
        Some(Outcome::KeyMoved(moved)) => assert_eq!(moved.container, "82"),
        other => panic!("{other:?}"),
    }
    assert_eq!(holds(&mut lease).await, [("82".to_owned(), certificate)]);
    assert_eq!(counted(&mut lease, "count").await, 1);
}

async fn what_cannot_be_moved_stays_where_it_is() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let refused = async |lease: &mut Lease, step: &str, container: &str, code| {
        let error = lease.step(step, move_key(container)).await.unwrap_err();
        assert_eq!((error.code(), error.changed), (code, false), "{error:?}");
        error
    };
    refused(&mut lease, "nothing", "9d", Code::ContainerEmpty).await;
    let made = lease.step("made", generate("9d", "p256")).await;
    made.unwrap();
    let bare = refused(&mut lease, "bare", "9d", Code::ContainerEmpty).await;
    assert!(bare.message.contains("no certificate"), "{bare:?}");
    let retired = refused(&mut lease, "retired", "82", Code::InvalidRequest).await;
    assert_eq!(retired.field, "container");
    certified(&mut lease, "key").await;
    // A key that was made after its certificate was written.
    let made = lease.step("another", generate("9d", "p256")).await;
    made.unwrap();
    refused(&mut lease, "foreign", "9d", Code::KeyMismatch).await;
    let wrong = Verb::MoveKey(proto::MoveKey {
        admin: Some(proto::AdminProof {
            key: vec![7; 24],
            ..factory().unwrap()
        }),
        container: "9d".to_owned(),
    });
    certified(&mut lease, "key again").await;
    let wrong = lease.step("wrong", wrong).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.changed), (Code::AdminKeyWrong, false));
    // Deleted with its certificate, there is neither.
    lease.step("delete", delete("9d")).await.unwrap();
    refused(&mut lease, "deleted", "9d", Code::ContainerEmpty).await;
}

async fn a_card_that_cannot_move_keys_keeps_them() {
    let host = Host::new().await;
    for (says, code, changed) in [
        (Status::InsNotSupported, Code::NotSupported, false),
        (Status::ConditionsNotSatisfied, Code::Refused, false),
        (Status::Success, Code::TokenMalformed, true),
    ] {
        let card = Card::piv_that(Box::new(move |command| {
            (command.ins == MOVE_KEY).then_some((Vec::new(), says))
        }));
        let mut lease = host.lease().await;
        let step = |name: &str| format!("{says} {name}");
        lease.step(&step("named"), personalise()).await.unwrap();
        let certificate = certified(&mut lease, &step("key")).await;
        let error = lease.step(&step("move"), move_key("9d")).await.unwrap_err();
        assert_eq!((error.code(), error.changed), (code, changed), "{error:?}");
        let there = [("9d".to_owned(), certificate)];
        assert_eq!(holds(&mut lease).await, there);
        let history = object(&mut lease, &step("history"), KEY_HISTORY).await;
        assert_eq!(history, [0x6A, 0x82], "{history:02X?}");
        let facts = lease.inspect().await.facts.unwrap();
        assert_eq!(facts.piv.unwrap().guid, GUID);
        drop(lease);
        let presence_id = host.card().await.presence_id;
        card.take_away();
        host.gone(&presence_id).await;
    }
}

async fn a_key_whose_certificate_does_not_follow_it_is_found_again() {
    let host = Host::new().await;
    for (says, goes_back, code, found) in [
        (Status::NotEnoughMemory, true, Code::NoRoom, "9d"),
        (Status::NotEnoughMemory, false, Code::NoRoom, "82"),
        (Status::Success, true, Code::TokenMalformed, "82"),
    ] {
        let is_whole = Arc::new(AtomicBool::new(false));
        let (mended, mut moves) = (Arc::clone(&is_whole), 0);
        let card = Card::piv_that(Box::new(move |command| {
            if mended.load(Ordering::Relaxed) {
                return None;
            }
            moves += u32::from(command.ins == MOVE_KEY);
            match command.ins {
                PUT_DATA
                    if command
                        .data
                        .starts_with(&[&[0x5C, 3], CERTIFICATE_82].concat()) =>
                {
                    Some((Vec::new(), says))
                }
                MOVE_KEY if moves == 2 && !goes_back => {
                    Some((Vec::new(), Status::ConditionsNotSatisfied))
                }
                _ => None,
            }
        }));
        let mut lease = host.lease().await;
        let step = |name: &str| format!("{says} {goes_back} {name}");
        lease.step(&step("named"), personalise()).await.unwrap();
        let certificate = certified(&mut lease, &step("key")).await;
        let error = lease.step(&step("move"), move_key("9d")).await.unwrap_err();
        assert_eq!((error.code(), error.changed), (code, true), "{error:?}");
        assert_eq!(error.message.contains("82"), found == "82", "{error:?}");
        // What the card tells of 9D: its key, or that of the certificate that stayed behind.
        let seen = lease.inspect().await.containers;
        let [left] = &seen[..] else {
            panic!("{seen:?}");
        };
        assert_eq!((&*left.name, &left.certificate), ("9d", &certificate));
        assert_eq!(left.made_on_card.is_some(), found == "9d", "{left:?}");
        is_whole.store(true, Ordering::Relaxed);
        assert_eq!(moved(&mut lease, &step("again")).await, "82");
        assert_eq!(holds(&mut lease).await, [("82".to_owned(), certificate)]);
        drop(lease);
        let presence_id = host.card().await.presence_id;
        card.take_away();
        host.gone(&presence_id).await;
    }
}

/// A PIV card with two retired keys whose certificates are at an address.
fn with_certificates_elsewhere(url: &[u8]) -> Card {
    let storage = MemoryStorage::new();
    let product = Product {
        serial: 4711,
        ..Product::default()
    };
    let made = || Piv::new(storage.clone(), RustCrypto(OsRng), product).unwrap();
    let applets: Vec<Box<dyn Applet + Send>> = vec![Box::new(made())];
    let mut card = InProcessCard::new(applets);
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
    let end = Millis(u64::MAX);
    let mut session = PivSession::select(&mut card, &mut crypto, &mut buffers, end).unwrap();
    let mut key = LocalAdminKey::new(Cipher::Aes192, &factory().unwrap().key).unwrap();
    let admin = session.authenticate_admin(&mut key).unwrap();
    let history = KeyHistory {
        on_card: 0,
        off_card: 2,
        url,
    };
    let mut room = [0; 256];
    let content = history.encode(&mut room).unwrap();
    session
        .write_object(&admin, ObjectId::KEY_HISTORY, content)
        .unwrap();
    Card::put(Box::new(made()))
}

async fn keys_with_certificates_elsewhere_stay_counted() {
    const URL: &[u8] = b"http://certificates.example/alice";
    let (_card, host) = (with_certificates_elsewhere(URL), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    certified(&mut lease, "key").await;
    assert_eq!(moved(&mut lease, "move").await, "82");
    for (step, on_card) in [("moved", 1), ("deleted", 0)] {
        let object = object(&mut lease, step, KEY_HISTORY).await;
        let content = &object[2..object.len() - 2];
        let history = KeyHistory {
            on_card,
            off_card: 2,
            url: URL,
        };
        assert_eq!(KeyHistory::parse(content), Ok(history), "{step}");
        if on_card > 0 {
            lease.step("delete", delete("82")).await.unwrap();
        }
    }
}

async fn twenty_keys_are_retired_and_no_more() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    for number in 0..20 {
        certified(&mut lease, &format!("key {number}")).await;
        let place = moved(&mut lease, &format!("move {number}")).await;
        assert_eq!(place, format!("{:x}", 0x82 + number));
    }
    assert_eq!(counted(&mut lease, "count").await, 20);
    let last = certified(&mut lease, "last").await;
    let full = lease.step("full", move_key("9d")).await.unwrap_err();
    assert_eq!(
        (full.code(), full.changed),
        (Code::NoRoom, false),
        "{full:?}"
    );
    let held = holds(&mut lease).await;
    assert_eq!((held.len(), &held[0].1), (21, &last));
}
