//! Cards that lie in APDUs and in what is in them, over a real pcscd: whatever they do, a step ends
//! in time with an answer or a typed error, and the reader serves the next card.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use keysteward_core::{
    admin_key::Cipher,
    crypto::RustCrypto,
    gids::{
        pin::Pin,
        session::{Buffers, Initialisation, NewAdminKey, Session},
    },
    session::Millis,
};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{
    authenticator::Authenticator,
    card::{Applet, Card as AnyCard, InProcessCard, Presence},
    device::{Device, TouchPolicy},
    front_end::vpcd::AtReader,
    gids::GidsCard,
    hostile::cards::{self, HostileCard, LyingCard},
    manufacture::{Manufacturer, Order},
    piv::{Piv, Product},
    storage::MemoryStorage,
};
use proto::{
    card_lease_request::Request as Asked, card_lease_response::Response as Said, card_step::Verb,
    step_error::Code,
};
use rand_core::OsRng;

use crate::{
    host::{Done, Host, SOON, key},
    pcscd::FIRST_READER,
    piv::{GUID, PIN, PUK, factory, generate, personalise},
    reader::Card,
};

crate::stories! {
    every_hostile_piv_card_is_survived
    every_hostile_gids_card_is_survived
}

/// For one step, in milliseconds.
const PATIENCE_MS: u32 = 500;

/// For one step with all that comes before it: the card is read when it comes, on a machine that
/// does other things too.
const IN_TIME: Duration = Duration::from_secs(40);

/// pcscd says of a card that answers nothing what it says of one that was taken away: it is not
/// listed for longer than a look takes.
const TAKEN_FOR_GONE: &str = "status-missing";
/// pcscd looks at vpcd's readers every 400 ms.
const TIME_TO_LOOK: Duration = Duration::from_secs(2);

const GIDS_PIN: &str = "4711";
const GIDS_KEY: [u8; 24] = *b"keysteward admin key 3ds";
const GIDS_ID: [u8; 16] = *b"keysteward-gids!";

type Applets = Vec<Box<dyn Applet + Send>>;
type Step = (&'static str, fn() -> Verb);

/// What is done to a PIV card, one after the other.
const PIV: &[Step] = &[
    ("inspect", || Verb::InspectCard(proto::InspectCard {})),
    ("try", || {
        Verb::TryAdminKeys(proto::TryAdminKeys {
            candidates: factory().into_iter().collect(),
        })
    }),
    ("change_pin", || change_pin(PIN, "654321")),
    ("set_pin", || {
        Verb::SetCardPin(proto::SetCardPin {
            new_pin: PIN.to_owned(),
            puk: PUK.to_owned(),
            admin: None,
        })
    }),
    ("personalise", personalise),
    ("generate", || generate("9a", "p256")),
    ("delete", || {
        Verb::DeleteContainer(proto::DeleteContainer {
            admin: factory(),
            container: "9a".to_owned(),
            ..proto::DeleteContainer::default()
        })
    }),
    ("change_key", || {
        Verb::ChangeAdminKey(proto::ChangeAdminKey {
            current: factory(),
            new_algorithm: "aes192".to_owned(),
            new_key: vec![7; 24],
        })
    }),
    ("tries", || {
        Verb::SetPinTries(proto::SetPinTries {
            admin: factory(),
            pin: PIN.to_owned(),
            pin_tries: 5,
            puk_tries: 5,
        })
    }),
    ("block", block),
    ("reset", || Verb::ResetCard(proto::ResetCard::default())),
];

/// What is done to a GIDS card that is initialised.
const GIDS: &[Step] = &[
    ("inspect", || Verb::InspectCard(proto::InspectCard {})),
    ("try", || {
        Verb::TryAdminKeys(proto::TryAdminKeys {
            candidates: gids_admin().into_iter().collect(),
        })
    }),
    ("change_pin", || change_pin(GIDS_PIN, "0815")),
    ("set_pin", || {
        Verb::SetCardPin(proto::SetCardPin {
            new_pin: GIDS_PIN.to_owned(),
            puk: String::new(),
            admin: gids_admin(),
        })
    }),
    ("personalise", || {
        Verb::Personalise(proto::Personalise {
            admin: None,
            card_id: GIDS_ID.to_vec(),
            new_pin: GIDS_PIN.to_owned(),
            new_admin_key: GIDS_KEY.to_vec(),
        })
    }),
    ("delete", || {
        Verb::DeleteContainer(proto::DeleteContainer {
            pin: GIDS_PIN.to_owned(),
            container: "0".to_owned(),
            ..proto::DeleteContainer::default()
        })
    }),
    ("challenge", || Verb::GiveChallenge(proto::GiveChallenge {})),
    ("block", block),
    ("reset", || {
        Verb::ResetCard(proto::ResetCard {
            admin: gids_admin(),
            new_pin: GIDS_PIN.to_owned(),
            card_id: GUID.to_vec(),
        })
    }),
];

fn change_pin(from: &str, to: &str) -> Verb {
    Verb::ChangeCardPin(proto::ChangeCardPin {
        reference: proto::PinReference::Pin.into(),
        current_pin: from.to_owned(),
        new_pin: to.to_owned(),
    })
}

fn block() -> Verb {
    Verb::BlockCardPin(proto::BlockCardPin {
        reference: proto::PinReference::Pin.into(),
    })
}

fn gids_admin() -> Option<proto::AdminProof> {
    Some(proto::AdminProof {
        key: GIDS_KEY.to_vec(),
        ..proto::AdminProof::default()
    })
}

/// A PIV card as it left the factory.
fn piv() -> Applets {
    let product = Product {
        serial: 4711,
        admin_cipher: Cipher::Aes192,
        ..Product::default()
    };
    let piv = Piv::new(MemoryStorage::new(), RustCrypto(OsRng), product).unwrap();
    vec![Box::new(piv)]
}

/// A GIDS card with a PIN and an admin key.
fn gids() -> Applets {
    let storage = MemoryStorage::new();
    let on = |storage| Box::new(GidsCard::new(storage, RustCrypto(OsRng)));
    let applets: Applets = vec![on(storage.clone())];
    let mut honest = InProcessCard::new(applets);
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
    let end = Millis(u64::MAX);
    let mut session = Session::new(&mut honest, &mut crypto, &mut buffers, end);
    session.select().unwrap();
    session
        .initialise(&Initialisation {
            pin: &Pin::new(GIDS_PIN.as_bytes()).unwrap(),
            admin_key: &NewAdminKey::new(&GIDS_KEY).unwrap(),
            card_id: &GIDS_ID,
        })
        .unwrap();
    vec![on(storage)]
}

/// Puts a card that lies on the reader.
fn put_on(hostile: &'static HostileCard, applets: Applets) -> Arc<Device> {
    let (mut storage, mut crypto) = (MemoryStorage::new(), RustCrypto(OsRng));
    let made = Manufacturer::found()
        .unwrap()
        .make(&Order::default(), &mut crypto)
        .unwrap();
    made.burn_in(&mut storage, &mut crypto).unwrap();
    let device = Device::new(TouchPolicy::Always);
    let powered = Arc::clone(&device);
    thread::spawn(move || {
        let authenticator = Authenticator::new(storage, crypto).unwrap();
        let card = AnyCard::with_applets(authenticator, Presence::Field, applets).without_fido();
        let lying = Box::new(LyingCard::new(hostile, card));
        powered.run(&mut AtReader::with(lying, FIRST_READER.to_owned()));
    });
    device.plug();
    device
}

/// What came of one step with one card.
struct Ended {
    card: &'static str,
    step: &'static str,
    done: Done,
}

/// Puts a card on the reader, does all these steps to it, and takes it away.
async fn meet(
    host: &Host,
    hostile: &'static HostileCard,
    applet: &str,
    (applets, steps): (Applets, &[Step]),
) -> Vec<Ended> {
    if hostile.name == TAKEN_FOR_GONE {
        let device = put_on(hostile, applets);
        tokio::time::sleep(TIME_TO_LOOK).await;
        device.unplug();
        tokio::time::sleep(TIME_TO_LOOK).await;
        return Vec::new();
    }
    let device = put_on(hostile, applets);
    let presence_id = host.listed().await.presence_id;
    let mut ended = Vec::new();
    let mut ends = |step, began: Instant, done: Done| {
        let took = began.elapsed();
        let told = format!("{}, {step}: {done:?}, {took:?}", hostile.name);
        assert!(took < IN_TIME, "{told}");
        if let Err(error) = &done {
            let ours = matches!(error.code(), Code::Unspecified | Code::Internal);
            assert!(!ours && !error.message.is_empty(), "{told}");
        }
        let card = hostile.name;
        ended.push(Ended { card, step, done });
    };
    for (step, verb) in steps {
        let began = Instant::now();
        let mut lease = host.lease_of(&presence_id, SOON).await.unwrap();
        let name = format!("{}-{step}", hostile.name);
        lease.begin_at(applet, &name, verb(), PATIENCE_MS).await;
        ends(*step, began, lease.done().await);
    }
    let began = Instant::now();
    let mut lease = host.lease_of(&presence_id, SOON).await.unwrap();
    let raw = proto::CardRaw {
        key: Some(key(&format!("{}-raw", hostile.name))),
        command: vec![0x00, 0xCB, 0x3F, 0xFF, 0x03, 0x5C, 0x01, 0x7E, 0x00],
        timeout_ms: PATIENCE_MS,
    };
    lease.send(Asked::Raw(raw)).await;
    let done = match lease.answer().await {
        Said::Raw(_) => Ok(proto::step_result::Result::Done(proto::Done {})),
        Said::Error(error) => Err(error),
        other => panic!("{other:?}"),
    };
    ends("raw", began, done);
    drop(lease);
    device.unplug();
    host.gone(&presence_id).await;
    ended
}

/// A card with a step, and how it ends: a code, or success.
type Shown = (&'static str, &'static str, Option<Code>);

/// Meets every hostile card with one applet, and then an honest one.
async fn survived(applet: &str, made: fn() -> Applets, steps: &[Step], shown: &[Shown]) {
    let host = Host::new().await;
    let mut ended = Vec::new();
    for hostile in cards::all() {
        ended.extend(meet(&host, hostile, applet, (made(), steps)).await);
    }
    for (card, step, code) in shown {
        let one = ended
            .iter()
            .find(|one| one.card == *card && one.step == *step)
            .unwrap_or_else(|| panic!("{card} was not met"));
        let told = one.done.as_ref().err().map(proto::StepError::code);
        assert_eq!(told, *code, "{card}, {step}: {:?}", one.done);
    }
    let _honest = Card::piv(4711);
    let facts = host.lease().await.inspect().await.facts.unwrap();
    assert_eq!(facts.piv.unwrap().serial, 4711);
}

async fn every_hostile_piv_card_is_survived() {
    survived("piv", piv, PIV, SHOWN_PIV).await;
}

async fn every_hostile_gids_card_is_survived() {
    survived("gids", gids, GIDS, SHOWN_GIDS).await;
}

const SHOWN_PIV: &[Shown] = &[
    ("more-for-ever", "inspect", Some(Code::TokenMalformed)),
    ("more-and-then-not", "inspect", Some(Code::NotSupported)),
    ("length-for-ever", "personalise", Some(Code::Refused)),
    ("length-and-more", "generate", Some(Code::TokenMalformed)),
    ("status-half", "inspect", Some(Code::TokenRemoved)),
    ("status-half", "change_pin", Some(Code::OutcomeUnknown)),
    ("success-empty", "try", Some(Code::TokenMalformed)),
    ("refuses", "delete", Some(Code::Refused)),
    ("longer-than-asked", "inspect", Some(Code::TokenMalformed)),
    ("long-as-can-be", "change_pin", Some(Code::OutcomeUnknown)),
    ("chain-answered", "generate", None),
    ("tlv-beyond-end", "try", Some(Code::TokenMalformed)),
    (
        "tlv-of-four-gigabytes",
        "generate",
        Some(Code::TokenMalformed),
    ),
    ("tlv-indefinite", "change_key", Some(Code::TokenMalformed)),
    ("tlv-nested", "inspect", Some(Code::TokenMalformed)),
    ("noise", "inspect", Some(Code::TokenMalformed)),
    ("objects-come-and-go", "try", Some(Code::Refused)),
    // It counts, and may count as it likes: nothing here tries until none is left.
    ("tries-for-ever", "change_pin", Some(Code::PinInvalid)),
    ("tries-for-ever", "set_pin", Some(Code::PukInvalid)),
    ("tries-for-ever", "block", Some(Code::NotSupported)),
    ("takes-everything", "generate", Some(Code::TokenMalformed)),
    ("takes-everything", "block", Some(Code::NotSupported)),
    ("takes-everything", "reset", Some(Code::ResetPretended)),
    ("keeps-everything", "reset", Some(Code::ResetPretended)),
    ("forgets", "inspect", Some(Code::NotSupported)),
    ("select-refused", "inspect", Some(Code::NotSupported)),
    ("select-for-ever", "raw", Some(Code::TokenMalformed)),
];

const SHOWN_GIDS: &[Shown] = &[
    ("more-for-ever", "inspect", Some(Code::TokenMalformed)),
    ("more-and-then-not", "inspect", Some(Code::Refused)),
    ("length-for-ever", "set_pin", Some(Code::Refused)),
    ("status-half", "inspect", Some(Code::TokenRemoved)),
    ("status-half", "change_pin", Some(Code::OutcomeUnknown)),
    ("success-empty", "inspect", Some(Code::TokenMalformed)),
    ("refuses", "delete", Some(Code::Refused)),
    ("longer-than-asked", "inspect", Some(Code::TokenMalformed)),
    ("chain-answered", "challenge", None),
    ("tlv-beyond-end", "inspect", Some(Code::TokenMalformed)),
    (
        "tlv-of-four-gigabytes",
        "challenge",
        Some(Code::TokenMalformed),
    ),
    ("tlv-cut-short", "inspect", Some(Code::TokenMalformed)),
    ("tlv-nested", "set_pin", Some(Code::TokenMalformed)),
    ("noise", "try", Some(Code::TokenMalformed)),
    ("objects-come-and-go", "inspect", Some(Code::NotSupported)),
    ("tries-for-ever", "change_pin", Some(Code::PinInvalid)),
    ("tries-for-ever", "block", Some(Code::NotSupported)),
    ("takes-everything", "block", Some(Code::NotSupported)),
    ("forgets", "inspect", Some(Code::Refused)),
    ("select-refused", "inspect", Some(Code::NotSupported)),
    ("select-for-ever", "reset", Some(Code::TokenMalformed)),
];
