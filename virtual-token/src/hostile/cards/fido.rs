//! Lies about NFCCTAP: keep-alives, and the SELECT of FIDO's applet. CTAP 2.3 §11.3.

use super::{HostileCard, SELECT, card, selected};

pub(super) const ALL: &[HostileCard] = &[
    card("busy-for-ever", "works for ever (91 00)", |_| {
        vec![0x01, 0x91, 0x00]
    }),
    card(
        "touch-for-ever",
        "waits for a touch for ever, CANCEL or not",
        |_| vec![0x02, 0x91, 0x00],
    ),
    card(
        "busy-speechless",
        "works for ever and does not say at what",
        |_| vec![0x91, 0x00],
    ),
    card(
        "busy-and-more",
        "works, has more, works, for ever",
        |asked| match asked.before % 2 {
            0 => vec![0x01, 0x91, 0x00],
            _ => vec![0x5A, 0x61, 0x01],
        },
    ),
    selected("select-refused", "has no applet", |_| vec![0x6A, 0x82]),
    selected(
        "select-unreadable",
        "answers SELECT with a version that is no text, and refuses the rest",
        |asked| match *asked.command {
            [_, SELECT, ..] => vec![0xFF, 0xFE, 0xC0, 0x90, 0x00],
            _ => vec![0x69, 0x85],
        },
    ),
    selected(
        "select-for-ever",
        "has more to say to SELECT, for ever",
        |_| [vec![0x46; 256], vec![0x61, 0x00]].concat(),
    ),
];
