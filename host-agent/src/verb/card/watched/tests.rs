use std::{convert::Infallible, time::Duration};

use keysteward_core::iso7816::{CardError, Framing, Le, Status, exchange};

use super::*;
use crate::verb::{Cancel, card::tests::Script};

const NEVER: Millis = Millis(u64::MAX);

fn patient(cancel: &Cancel) -> Conduct {
    Conduct::new(Duration::from_secs(9), cancel.clone(), Box::new(|_| {}))
}

/// One command of `len` bytes of data over a card that answers as laid out.
fn sent(
    ins: u8,
    len: usize,
    answers: &[Option<&[u8]>],
    tries_count: bool,
    cancel: &Cancel,
) -> (Option<Status>, Effect, usize) {
    let mut card = Script::new(answers);
    let conduct = patient(cancel);
    let mut watched = Watched::new(&mut card, &conduct, tries_count);
    let data = vec![7; len];
    let command = Command {
        cla: 0,
        ins,
        p1: 0,
        p2: 0x80,
        data: &data,
        le: Some(Le::SHORT),
    };
    let (mut scratch, mut response) = ([0; 300], [0; 600]);
    let status = exchange(
        &mut watched,
        command,
        Framing::Short,
        &mut scratch,
        &mut response,
        NEVER,
    )
    .ok()
    .map(|response| response.status);
    (status, watched.effect(), card.sent())
}

#[test]
fn what_is_known_of_a_step_follows_from_its_last_command() {
    const OK: Option<&[u8]> = Some(&[0x90, 0]);
    const MORE: Option<&[u8]> = Some(&[1, 0x61, 2]);
    const WRONG: Option<&[u8]> = Some(&[0x63, 0xC2]);
    const NO: Option<&[u8]> = Some(&[0x6A, 0x80]);
    const PUT: u8 = 0xDB;
    const VERIFY: u8 = 0x20;
    for (what, ins, len, answers, tries_count, changed, open) in [
        ("was read", 0xCB, 5, &[OK][..], false, false, false),
        ("was written", PUT, 5, &[OK], false, true, false),
        ("was refused", PUT, 5, &[NO], false, false, false),
        ("may be written", PUT, 5, &[None], false, false, true),
        ("cannot be read", 0xCB, 5, &[None], false, false, false),
        (
            "was written in parts",
            PUT,
            300,
            &[OK, OK],
            false,
            true,
            false,
        ),
        (
            "was written by half, which is not at all",
            PUT,
            300,
            &[None],
            false,
            false,
            false,
        ),
        (
            "may be written, the last part came",
            PUT,
            300,
            &[OK, None],
            false,
            false,
            true,
        ),
        (
            "was made, and its answer is lost",
            0x47,
            5,
            &[MORE, None],
            false,
            true,
            true,
        ),
        ("a PIN was wrong", VERIFY, 8, &[WRONG], false, false, false),
        (
            "a try is used up, as was asked",
            VERIFY,
            8,
            &[WRONG],
            true,
            true,
            false,
        ),
        (
            "a try may be used up, as was asked",
            VERIFY,
            8,
            &[None],
            true,
            false,
            true,
        ),
        (
            "may be written, the answer is empty",
            PUT,
            5,
            &[Some(&[])],
            false,
            false,
            true,
        ),
        ("an unknown command", 0xEE, 8, &[None], false, false, true),
    ] {
        let (_, effect, _) = sent(ins, len, answers, tries_count, &Cancel::default());
        assert_eq!((effect.changed, effect.open), (changed, open), "{what}");
    }
}

#[test]
fn a_step_is_given_up_before_a_command_and_never_within_one() {
    let cancel = Cancel::default();
    cancel.request();
    let (status, effect, count) = sent(0xDB, 5, &[Some(&[0x90, 0])], false, &cancel);
    assert_eq!((status, effect, count), (None, Effect::default(), 0));

    let cancel = Cancel::default();
    let conduct = patient(&cancel);
    let mut card = Script::new(&[Some(&[0x90, 0]), Some(&[0x61, 1]), Some(&[0x90, 0])]);
    let mut watched = Watched::new(&mut card, &conduct, false);
    let mut response = [0; 8];
    // Cancelled after the first part: the other part and the answer's are still carried.
    watched
        .transmit(&[0x10, 0xDB, 0, 0, 1, 7], &mut response)
        .unwrap();
    cancel.request();
    watched
        .transmit(&[0, 0xDB, 0, 0, 1, 7], &mut response)
        .unwrap();
    watched
        .transmit(&[0, 0xC0, 0, 0, 1], &mut response)
        .unwrap();
    let after = watched.transmit(&[0, 0xCB, 0, 0, 0], &mut response);
    assert!(matches!(after, Err(Interrupted::Cancelled)), "{after:?}");
    assert!(watched.effect().changed);
}

#[test]
fn what_stopped_a_command_is_told() {
    let link: CardError<Interrupted<Infallible>> = CardError::Transport(Interrupted::Cancelled);
    assert!(link.to_string().contains("cancelled"), "{link}");
}
