//! The card's side: chains in, answers out in parts.

use super::super::*;
use proptest::prelude::*;
use std::vec::Vec;

const LONG: Command<'_> = Command {
    cla: 0x80,
    ins: 0x10,
    p1: 0x80,
    p2: 0x00,
    data: &[7; 600],
    le: Some(Le::SHORT),
};

#[test]
fn a_long_command_becomes_blocks() {
    let blocks: Vec<_> = Blocks::new(LONG, 255).collect();
    let seen: Vec<_> = blocks
        .iter()
        .map(|block| (block.cla, block.data.len(), block.le))
        .collect();
    assert_eq!(
        seen,
        [
            (0x90, 255, None),
            (0x90, 255, None),
            (0x80, 90, Some(Le::SHORT))
        ]
    );
}

#[test]
fn a_command_that_fits_is_one_block() {
    for len in [0, 1, 255] {
        let command = Command {
            data: &LONG.data[..len],
            ..LONG
        };
        let blocks: Vec<_> = Blocks::new(command, 255).collect();
        assert_eq!(blocks, [command], "{len} bytes");
    }
}

#[test]
fn another_command_drops_the_chain() {
    let (mut card, mut room) = (Reassembly::new(), [0; 1024]);
    let mut blocks = Blocks::new(LONG, 255);
    let part = blocks.next().unwrap();
    assert_eq!(card.handle_command(&part, &mut room), Ok(Block::Part));
    assert!(card.is_collecting());
    let other = Command {
        ins: 0x11,
        data: b"ab",
        ..LONG
    };
    let whole = Ok(Block::Whole { len: 2 });
    assert_eq!(card.handle_command(&other, &mut room), whole);
    assert!(!card.is_collecting());
    assert_eq!(&room[..2], b"ab");
}

#[test]
fn a_chain_that_never_ends_is_refused_and_forgotten() {
    let (mut card, mut room) = (Reassembly::new(), [0; 600]);
    let part = Blocks::new(LONG, 255).next().unwrap();
    for _ in 0..2 {
        assert_eq!(card.handle_command(&part, &mut room), Ok(Block::Part));
    }
    let refused = card.handle_command(&part, &mut room);
    assert_eq!(refused, Err(ChainTooLong { room: 600 }));
    assert!(!card.is_collecting());
}

#[test]
fn what_is_left_is_told_and_fetched() {
    let (mut outbox, mut reply) = (Outbox::new(), [0; 300]);
    let message = [9; 600];
    let asked = (Form::Short, Some(Le::SHORT));
    let mut statuses = Vec::new();
    let mut collected: Vec<u8> = Vec::new();
    let mut part = outbox.begin(&message, Status::Success, asked, &mut reply);
    loop {
        let response = Response::parse(part.unwrap()).unwrap();
        collected.extend(response.data);
        statuses.push(u16::from(response.status));
        if outbox.is_empty() {
            break;
        }
        part = outbox.get_response(&message, Some(Le::SHORT), &mut reply);
    }
    assert_eq!(collected, message);
    assert_eq!(statuses, [0x6100, 0x6158, 0x9000]);
    assert_eq!(outbox.get_response(&message, None, &mut reply), None);
}

#[test]
fn an_extended_answer_is_one_frame() {
    let mut outbox = Outbox::new();
    let asked = (Form::Extended, Some(Le::EXTENDED));
    let mut reply = [0; 602];
    let frame = outbox.begin(&[9; 600], Status::Success, asked, &mut reply);
    assert_eq!(frame.map(<[u8]>::len), Some(602));
    assert!(outbox.is_empty());
}

#[test]
fn an_answer_that_is_dropped_is_not_fetched() {
    let mut outbox = Outbox::new();
    let asked = (Form::Short, Some(Le::new(1)));
    let first = outbox
        .begin(b"abc", Status::Success, asked, &mut [0; 8])
        .map(<[u8]>::to_vec);
    assert_eq!(first.as_deref(), Some(b"a\x61\x02".as_slice()));
    outbox.clear();
    assert_eq!(outbox.get_response(b"abc", None, &mut [0; 8]), None);
}

#[test]
fn a_reply_without_room_holds_nothing_back() {
    let mut outbox = Outbox::new();
    let asked = (Form::Short, Some(Le::SHORT));
    assert_eq!(
        outbox.begin(b"abc", Status::Success, asked, &mut [0; 2]),
        None
    );
    assert!(outbox.is_empty());
}

proptest! {
    #[test]
    fn chains_come_together_again(
        data in proptest::collection::vec(any::<u8>(), 0..900),
        block in 0..400_usize,
    ) {
        let (mut card, mut room) = (Reassembly::new(), [0; 1024]);
        let mut whole = None;
        for part in Blocks::new(Command { data: &data, ..LONG }, block) {
            prop_assert!(whole.is_none());
            prop_assert!(part.data.len() <= 255);
            if let Block::Whole { len } = card.handle_command(&part, &mut room).unwrap() {
                whole = Some(len);
            }
        }
        prop_assert_eq!(whole.map(|len| &room[..len]), Some(data.as_slice()));
    }
}
