//! FIDO's applet on cards that lie in APDUs, over a real pcscd.

use std::time::{Duration, Instant};

use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{
    hostile::cards::{self, HostileCard},
    manufacture::Profile,
};
use proto::step_error::Code;
use tokio::runtime::Runtime;

use super::{
    Ended, IN_TIME, are_shown, are_typed, done, permissive,
    shown::Shown,
    steps::{STEPS_WITHOUT_A_PIN, Step, keyed, raw, verb},
};
use crate::{
    harness::{Host, Key, SOON, until_async},
    pcscd::tell,
};

/// What is done to each card, one after the other.
const STEPS: &[Step] = &[
    ("inspect", |_| {
        verb(proto::step::Verb::Inspect(proto::Inspect {}))
    }),
    ("select", |_| {
        verb(proto::step::Verb::Select(proto::Select {}))
    }),
    ("raw", |_| raw()),
];

/// pcscd says of a card that answers nothing what it says of one that was taken away: it is not
/// listed for longer than a look takes.
const TAKEN_FOR_GONE: &str = "status-missing";
/// pcscd looks at vpcd's readers every 400 ms.
const TIME_TO_LOOK: Duration = Duration::from_secs(2);

/// Puts a card on the reader, does all steps to it, and takes it away.
async fn meet(host: &Host, hostile: &'static HostileCard) -> Vec<Ended> {
    let caller = host.caller().await;
    let key = Key::lying_at_reader(hostile);
    let mut ended = Vec::new();
    if hostile.name == TAKEN_FOR_GONE {
        tokio::time::sleep(TIME_TO_LOOK).await;
    } else {
        until_async(hostile.name, async || caller.list().await.len() == 1).await;
        let presence_id = caller.list().await[0].presence_id.clone();
        for (step, request) in STEPS.iter().chain(STEPS_WITHOUT_A_PIN) {
            let began = Instant::now();
            let mut lease = caller.lease_of(&presence_id, SOON).await.unwrap();
            let request = keyed(request(&[0xAA; 16]), hostile.name, step);
            lease.send(request).await;
            let done = done(&mut lease, &key).await;
            let took = began.elapsed();
            assert!(took < IN_TIME, "{}, {step}: {took:?}", hostile.name);
            ended.push(Ended {
                token: hostile.name,
                step,
                done: Some(done),
            });
        }
    }
    key.device.unplug();
    until_async("the card is gone", async || caller.list().await.is_empty()).await;
    tokio::time::sleep(TIME_TO_LOOK / 4).await;
    ended
}

/// Meets every other hostile card, and then an honest one.
async fn survived(from: usize) {
    let host = permissive().await;
    let mut ended = Vec::new();
    for hostile in cards::all().skip(from).step_by(2) {
        ended.extend(meet(&host, hostile).await);
    }
    are_typed(&ended);
    let met = |card: &str| {
        let place = cards::all().position(|one| one.name == card);
        place.unwrap_or_else(|| panic!("{card} is no card")) % 2 == from
    };
    let shown = SHOWN.iter().copied().filter(|(card, ..)| met(card));
    are_shown(&ended, &shown.collect::<Vec<_>>());
    // The reader serves an honest card as ever.
    let _key = Key::at_reader(Profile::NfcOnly);
    let mut lease = host.lease().await;
    lease.set_pin("honest").await;
    lease.make("honest-make").await;
}

#[test]
fn the_first_half_of_hostile_cards_is_survived_by_the_fido_applet() {
    let name = "::hostile::cards::the_first_half_of_hostile_cards_is_survived_by_the_fido_applet";
    tell(name, || {
        Runtime::new().unwrap().block_on(survived(0));
    });
}

#[test]
fn the_second_half_of_hostile_cards_is_survived_by_the_fido_applet() {
    let name = "::hostile::cards::the_second_half_of_hostile_cards_is_survived_by_the_fido_applet";
    tell(name, || {
        Runtime::new().unwrap().block_on(survived(1));
    });
}

const SHOWN: &[Shown] = &[
    ("more-for-ever", "inspect", Some(Code::TokenMalformed)),
    ("more-of-nothing", "set_pin", Some(Code::TokenMalformed)),
    ("length-for-ever", "inspect", Some(Code::Refused)),
    ("length-and-more", "raw", Some(Code::TokenMalformed)),
    ("status-half", "inspect", Some(Code::TokenMalformed)),
    ("success-empty", "inspect", Some(Code::TokenMalformed)),
    ("success-empty", "raw", None),
    ("refuses", "register", Some(Code::Refused)),
    ("long-as-can-be", "inspect", Some(Code::TokenMalformed)),
    ("chain-answered", "register", None),
    ("busy-for-ever", "select", Some(Code::TokenSilent)),
    ("touch-for-ever", "register", Some(Code::TokenSilent)),
    ("busy-and-more", "set_pin", Some(Code::TokenSilent)),
    ("forgets", "set_pin", Some(Code::Refused)),
    ("select-everything", "set_pin", Some(Code::NotSupported)),
    ("select-refused", "inspect", Some(Code::NotSupported)),
    ("select-for-ever", "raw", Some(Code::TokenMalformed)),
];
