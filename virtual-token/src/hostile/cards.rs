//! Cards that lie about APDUs: at a reader, below the messages that the other families lie in.
//! ISO 7816-4 §5.6, §11.8.1; CTAP 2.3 §11.3.
//!
//! ```
//! use keysteward_virtual_token::hostile::cards::{self, LyingCard};
//!
//! let for_ever = cards::find("more-for-ever").unwrap();
//! let mut card = LyingCard::new(for_ever);
//! let select = [0x00, 0xA4, 0x04, 0x00, 0x08, 0xA0, 0, 0, 6, 0x47, 0x2F, 0, 1];
//! assert_eq!(card.transmit(&select), *b"FIDO_2_0\x90\x00");
//! let get_response = [0x00, 0xC0, 0x00, 0x00, 0x00];
//! assert!(card.transmit(&get_response).ends_with(&[0x61, 0x00]));
//! ```

/// One way in which a card lies.
#[derive(Clone, Copy, Debug)]
pub struct HostileCard {
    pub name: &'static str,
    /// "The card ..".
    pub does: &'static str,
    stage: Stage,
    /// From how often it was asked before, and the command.
    answer: fn(u64, &[u8]) -> Vec<u8>,
}

/// What the first lie is told about. Everything before is honest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Stage {
    Select,
    /// A command that goes on in the next.
    Chain,
    Message,
}

/// A hostile card in the field.
#[derive(Clone, Debug)]
pub struct LyingCard {
    card: &'static HostileCard,
    asked: u64,
}

impl LyingCard {
    #[must_use]
    pub const fn new(card: &'static HostileCard) -> Self {
        Self { card, asked: 0 }
    }

    /// The answer to one command APDU.
    pub fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        match *command {
            [_, SELECT, ..] if self.card.stage > Stage::Select => {
                return b"FIDO_2_0\x90\x00".to_vec();
            }
            [cla, ..] if cla & CHAINED != 0 && self.card.stage > Stage::Chain => {
                return vec![0x90, 0x00];
            }
            _ => {}
        }
        let answer = (self.card.answer)(self.asked, command);
        self.asked += 1;
        answer
    }
}

/// The hostile card of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static HostileCard> {
    ALL.iter().find(|card| card.name == name)
}

/// Every way to lie in APDUs.
pub const ALL: &[HostileCard] = &[
    card(
        "more-for-ever",
        "has 256 bytes more after every answer (61 00)",
        |_, _| [vec![0x5A; 256], vec![0x61, 0x00]].concat(),
    ),
    card(
        "more-of-nothing",
        "has more for ever, and gives nothing of it (61 10)",
        |_, _| vec![0x61, 0x10],
    ),
    card(
        "more-and-then-not",
        "has more, and does not know GET RESPONSE",
        |_, command| match command {
            [_, GET_RESPONSE, ..] => vec![0x6D, 0x00],
            _ => vec![0x61, 0x10],
        },
    ),
    card("busy-for-ever", "works for ever (91 00)", |_, _| {
        vec![0x01, 0x91, 0x00]
    }),
    card(
        "touch-for-ever",
        "waits for a touch for ever, CANCEL or not",
        |_, _| vec![0x02, 0x91, 0x00],
    ),
    card(
        "busy-speechless",
        "works for ever and does not say at what",
        |_, _| vec![0x91, 0x00],
    ),
    card(
        "busy-and-more",
        "works, has more, works, for ever",
        |asked, _| match asked % 2 {
            0 => vec![0x01, 0x91, 0x00],
            _ => vec![0x5A, 0x61, 0x01],
        },
    ),
    card(
        "length-for-ever",
        "wants another length each time (6C)",
        |asked, _| vec![0x6C, asked.to_le_bytes()[0]],
    ),
    card("status-half", "answers with half a status word", |_, _| {
        vec![0x90]
    }),
    card("status-missing", "answers with nothing", |_, _| Vec::new()),
    card(
        "success-empty",
        "answers with success and no message",
        |_, _| vec![0x90, 0x00],
    ),
    card("refuses", "refuses everything after SELECT", |_, _| {
        vec![0x69, 0x85]
    }),
    card(
        "status-unknown",
        "answers with a status word that nobody knows",
        |_, _| vec![0x12, 0x34],
    ),
    HostileCard {
        stage: Stage::Chain,
        ..card(
            "chaining-refused",
            "takes no chained commands and no extended ones",
            |_, command| match command {
                [cla, ..] if cla & CHAINED != 0 => vec![0x68, 0x84],
                _ => vec![0x67, 0x00],
            },
        )
    },
    card("warns", "answers with a warning and a message", |_, _| {
        vec![0x00, 0x62, 0x82]
    }),
    selected("select-refused", "has no FIDO applet", |_, _| {
        vec![0x6A, 0x82]
    }),
    selected(
        "select-unreadable",
        "answers SELECT with a version that is no text, and refuses the rest",
        |_, command| match command {
            [_, SELECT, ..] => vec![0xFF, 0xFE, 0xC0, 0x90, 0x00],
            _ => vec![0x69, 0x85],
        },
    ),
    selected(
        "select-for-ever",
        "has more to say to SELECT, for ever",
        |_, _| [vec![0x46; 256], vec![0x61, 0x00]].concat(),
    ),
];

/// Honest until a message is whole.
const fn card(
    name: &'static str,
    does: &'static str,
    answer: fn(u64, &[u8]) -> Vec<u8>,
) -> HostileCard {
    HostileCard {
        name,
        does,
        stage: Stage::Message,
        answer,
    }
}

/// Lies at SELECT already.
const fn selected(
    name: &'static str,
    does: &'static str,
    answer: fn(u64, &[u8]) -> Vec<u8>,
) -> HostileCard {
    HostileCard {
        name,
        does,
        stage: Stage::Select,
        answer,
    }
}

/// CLA: the command goes on in the next.
const CHAINED: u8 = 0x10;
const SELECT: u8 = 0xA4;
const GET_RESPONSE: u8 = 0xC0;
