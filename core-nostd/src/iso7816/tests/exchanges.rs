//! The reader's side, against a card of ours and against cards that misbehave.

use super::super::*;
use super::card::{Echo, Gone, T0};
use crate::time::Millis;
use proptest::prelude::*;
use std::string::ToString as _;
use std::vec::Vec;

const DEADLINE: Millis = Millis(1_000_000);

fn command(data: &[u8]) -> Command<'_> {
    Command {
        cla: 0x80,
        ins: 0x10,
        p1: 0,
        p2: 0,
        data,
        le: Some(Le::EXTENDED),
    }
}

fn echo(card: &mut Echo, data: &[u8], framing: Framing) -> Result<Vec<u8>, CardError<Gone>> {
    let (mut scratch, mut response) = ([0; 1100], [0; 1026]);
    let answer = exchange(
        card,
        command(data),
        framing,
        &mut scratch,
        &mut response,
        DEADLINE,
    )?;
    assert_eq!(answer.status, Status::Success);
    Ok(answer.data.to_vec())
}

proptest! {
    #[test]
    fn every_length_comes_back_in_every_framing(
        data in proptest::collection::vec(any::<u8>(), 0..1024),
        says_61_first in any::<bool>(),
        wants_exact_le in any::<bool>(),
        extended in any::<bool>(),
    ) {
        let mut card = Echo { says_61_first, wants_exact_le, ..Echo::default() };
        let framing = if extended { Framing::Extended } else { Framing::Short };
        prop_assert_eq!(echo(&mut card, &data, framing), Ok(data));
    }

    #[test]
    fn nothing_a_card_says_holds_us_for_ever(
        answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..260), 1..8),
        len in 0..700_usize,
    ) {
        let mut exchange = Exchange::new(command(&[0; 700][..len]), Framing::Short);
        let mut steps = 0;
        let mut answers = answers.iter().cycle();
        while exchange.command().is_some() && exchange.len() < 8_000 {
            steps += 1;
            prop_assert!(steps < 8_100);
            match exchange.handle_response(answers.next().unwrap()) {
                Ok(None) => prop_assert!(exchange.command().is_some()),
                Ok(Some(_)) | Err(_) => prop_assert!(exchange.command().is_none()),
            }
        }
    }
}

#[test]
fn an_extended_command_is_one_apdu_each_way() {
    let mut card = Echo::default();
    echo(&mut card, &[1; 1000], Framing::Extended).unwrap();
    assert_eq!(card.transmitted.len(), 1);
}

#[test]
fn get_response_is_of_the_interindustry_class() {
    let mut card = Echo::default();
    echo(&mut card, &[1; 300], Framing::Short).unwrap();
    let last = card.transmitted.last().unwrap();
    assert_eq!(last, &[0x00, 0xC0, 0x00, 0x00, 0x2C]);
}

#[test]
fn a_channel_is_kept_in_get_response() {
    let mut exchange = Exchange::new(
        Command {
            cla: 0x02,
            ..command(b"")
        },
        Framing::Short,
    );
    exchange.handle_response(b"\x61\x05").unwrap();
    let (next, _) = exchange.command().unwrap();
    assert_eq!((next.cla, next.le), (0x02, Some(Le::new(5))));
}

#[test]
fn a_refused_block_ends_the_chain() {
    let mut exchange = Exchange::new(command(&[0; 300]), Framing::Short);
    assert_eq!(
        exchange.handle_response(b"\x68\x84"),
        Ok(Some(Status::ChainingNotSupported))
    );
    assert_eq!(exchange.command(), None);
    assert_eq!(
        exchange.handle_response(b"\x90\x00"),
        Err(ExchangeError::NothingSent)
    );
}

#[test]
fn the_right_le_is_tried_once() {
    let mut exchange = Exchange::new(command(b""), Framing::Short);
    assert_eq!(exchange.handle_response(b"\x6C\x10"), Ok(None));
    let (again, _) = exchange.command().unwrap();
    assert_eq!(again.le, Some(Le::new(16)));
    let given_up = exchange.handle_response(b"\x6C\x10");
    assert_eq!(given_up, Ok(Some(Status::WrongLe { exact: 16 })));
}

#[test]
fn get_response_is_tried_once_with_the_right_le_each_time() {
    let mut exchange = Exchange::new(command(&[7; 3]), Framing::Short);
    let mut say = |answer: &[u8]| {
        let outcome = exchange.handle_response(answer);
        (
            outcome,
            exchange.command().map(|(next, _)| (next.ins, next.le)),
        )
    };
    let fetch = |le| Some((0xC0, Some(Le::new(le))));
    assert_eq!(say(b"\x61\x00"), (Ok(None), fetch(256)));
    assert_eq!(say(b"\x6C\x03"), (Ok(None), fetch(3)));
    assert_eq!(say(b"abc\x61\x05"), (Ok(None), fetch(5)));
    assert_eq!(say(b"\x6C\x02"), (Ok(None), fetch(2)));
    let given_up = Status::WrongLe { exact: 1 };
    assert_eq!(say(b"\x6C\x01"), (Ok(Some(given_up)), None));
    assert_eq!(exchange.len(), 3);
}

#[test]
fn a_card_that_corrects_get_response_and_sends_nothing_is_caught() {
    let mut exchange = Exchange::new(command(b""), Framing::Short);
    assert_eq!(exchange.handle_response(b"\x61\x10"), Ok(None));
    assert_eq!(exchange.handle_response(b"\x6C\x08"), Ok(None));
    assert_eq!(
        exchange.handle_response(b"\x61\x10"),
        Err(ExchangeError::NoProgress)
    );
}

proptest! {
    #[test]
    fn every_length_comes_back_over_t0(
        data in proptest::collection::vec(any::<u8>(), 0..1024),
        wants_exact_le in any::<bool>(),
    ) {
        let mut card = T0 { wants_exact_le, ..T0::default() };
        let (mut scratch, mut response) = ([0; 261], [0; 1026]);
        let answer = exchange(
            &mut card,
            command(&data),
            Framing::Short,
            &mut scratch,
            &mut response,
            DEADLINE,
        ).unwrap();
        prop_assert_eq!(answer.status, Status::Success);
        prop_assert_eq!(answer.data, &data);
    }
}

#[test]
fn a_command_that_asks_for_nothing_has_its_fifth_byte_over_t0() {
    let mut card = T0::default();
    let bare = Command {
        le: None,
        ..command(b"")
    };
    let (mut scratch, mut response) = ([0; 261], [0; 258]);
    let framing = Framing::Short;
    exchange(
        &mut card,
        bare,
        framing,
        &mut scratch,
        &mut response,
        DEADLINE,
    )
    .unwrap();
    assert_eq!(card.transmitted, [[0x80, 0x10, 0, 0, 0]]);
}

#[test]
fn a_card_that_answers_more_than_asked_is_caught() {
    let asked = Command {
        le: Some(Le::new(2)),
        ..command(b"")
    };
    let mut exchange = Exchange::new(asked, Framing::Short);
    assert_eq!(
        exchange.handle_response(b"abc\x90\x00"),
        Err(ExchangeError::MoreThanAsked { asked: 2, got: 3 })
    );
    let mut unasked = Exchange::new(command(&[0; 300]), Framing::Short);
    assert_eq!(
        unasked.handle_response(b"a\x90\x00"),
        Err(ExchangeError::MoreThanAsked { asked: 0, got: 1 })
    );
}

#[test]
fn a_card_that_announces_more_for_ever_is_caught() {
    let mut exchange = Exchange::new(command(b""), Framing::Short);
    assert_eq!(exchange.handle_response(b"\x61\x00"), Ok(None));
    assert_eq!(
        exchange.handle_response(b"\x61\x00"),
        Err(ExchangeError::NoProgress)
    );
}

/// Sends a byte and says that there is more, without end.
struct Flood;

impl CardTransport for Flood {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        Millis(0)
    }

    fn pause(&mut self, _: Millis) {}

    fn transmit<'r>(&mut self, _: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Gone> {
        let answer = Response {
            data: b"x",
            status: Status::MoreData { left: 0 },
        };
        answer.encode(response).ok_or(Gone)
    }
}

#[test]
fn a_card_that_floods_is_caught() {
    let mut response = [0; 64];
    let (scratch, framing) = (&mut [0; 300], Framing::Short);
    let outcome = exchange(
        &mut Flood,
        command(b""),
        framing,
        scratch,
        &mut response,
        DEADLINE,
    );
    assert!(
        matches!(
            outcome,
            Err(CardError::AnswerTooLong | CardError::Transport(Gone))
        ),
        "{outcome:?}"
    );
}

#[test]
fn an_exchange_ends_at_its_deadline() {
    let mut card = Echo::default();
    let (mut scratch, mut response) = ([0; 300], [0; 1026]);
    let late = exchange(
        &mut card,
        command(&[1; 1000]),
        Framing::Short,
        &mut scratch,
        &mut response,
        Millis(3),
    );
    assert_eq!(late, Err(CardError::Deadline));
    assert_eq!(card.transmitted.len(), 3);
}

#[test]
fn errors_say_what_happened() {
    let too_much = ExchangeError::MoreThanAsked { asked: 2, got: 3 };
    assert_eq!(
        CardError::<Gone>::Exchange(too_much).to_string(),
        "the card answered 3 bytes, 2 were asked for"
    );
    assert_eq!(
        Status::VerifyFailed { retries: 1 }.to_string(),
        "wrong secret, one try is left (SW 63C1)"
    );
}
