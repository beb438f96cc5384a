//! Lies about status words and lengths, whichever applet is selected. ISO 7816-4 §5.6.

use super::{CHAINED, GET_RESPONSE, HostileCard, Stage, card};

pub(super) const ALL: &[HostileCard] = &[
    card(
        "more-for-ever",
        "has 256 bytes more after every answer (61 00)",
        |_| [vec![0x5A; 256], vec![0x61, 0x00]].concat(),
    ),
    card(
        "more-by-the-byte",
        "has one byte more after every answer, and says so each time (61 01)",
        |_| vec![0x5A, 0x61, 0x01],
    ),
    card(
        "more-of-nothing",
        "has more for ever, and gives nothing of it (61 10)",
        |_| vec![0x61, 0x10],
    ),
    card(
        "more-and-then-not",
        "has more, and does not know GET RESPONSE",
        |asked| match *asked.command {
            [_, GET_RESPONSE, ..] => vec![0x6D, 0x00],
            _ => vec![0x61, 0x10],
        },
    ),
    card(
        "length-for-ever",
        "wants another length each time (6C)",
        |asked| vec![0x6C, asked.before.to_le_bytes()[0]],
    ),
    card(
        "length-and-more",
        "wants another length, has more, wants another length, for ever",
        |asked| match asked.before % 2 {
            0 => vec![0x6C, 0x10],
            _ => vec![0x61, 0x20],
        },
    ),
    card("status-half", "answers with half a status word", |_| {
        vec![0x90]
    }),
    card("status-missing", "answers with nothing", |_| Vec::new()),
    card(
        "success-empty",
        "answers with success and no message",
        |_| vec![0x90, 0x00],
    ),
    card("refuses", "refuses everything after SELECT", |_| {
        vec![0x69, 0x85]
    }),
    card(
        "status-unknown",
        "answers with a status word that nobody knows",
        |_| vec![0x12, 0x34],
    ),
    card("warns", "answers with a warning and a message", |_| {
        vec![0x00, 0x62, 0x82]
    }),
    card(
        "longer-than-asked",
        "answers 2,000 bytes to whatever was asked for",
        |_| [vec![0x5A; 2_000], vec![0x90, 0x00]].concat(),
    ),
    card(
        "long-as-can-be",
        "answers with as many bytes as a reader carries",
        |_| [vec![0x5A; 65_000], vec![0x90, 0x00]].concat(),
    ),
    HostileCard {
        stage: Stage::Chain,
        ..card(
            "chaining-refused",
            "takes no chained commands and no extended ones",
            |asked| match *asked.command {
                [cla, ..] if cla & CHAINED != 0 => vec![0x68, 0x84],
                _ => vec![0x67, 0x00],
            },
        )
    },
    HostileCard {
        stage: Stage::Chain,
        ..card(
            "chain-answered",
            "answers each part of a chain as if it was the whole",
            |asked| match *asked.command {
                [cla, ..] if cla & CHAINED != 0 => [vec![0x5A; 100], vec![0x90, 0x00]].concat(),
                _ => asked.honest(),
            },
        )
    },
];
