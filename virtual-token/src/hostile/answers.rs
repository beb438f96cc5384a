//! Answers that are no good CBOR. CTAP 2.3 §8.

use super::cbor::{Members, array, bytes, head, map, text, unsigned};
use super::{Hostile, Lie};
use crate::device::fault;

/// One request, and what is to be answered: at first what an honest key would.
pub(super) struct Exchange<'a> {
    pub(super) request: &'a [u8],
    pub(super) answer: Vec<u8>,
    pub(super) memory: &'a mut Memory,
}

/// What a lie remembers since power-up.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// How often it was told.
    pub(super) told: u64,
    /// The answer that began a list.
    pub(super) begun: Option<Members>,
}

impl Exchange<'_> {
    /// The command byte.
    pub(super) fn command(&self) -> u8 {
        self.request.first().copied().unwrap_or_default()
    }

    /// The subcommand of commands that have one.
    pub(super) fn subcommand(&self) -> u8 {
        fault::subcommand(self.request).unwrap_or_default()
    }

    /// The answer's members; `None` when the honest answer is a refusal.
    pub(super) fn members(&self) -> Option<Members> {
        Members::of(&self.answer)
    }

    /// Changes the members of a good answer.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Members)) {
        if let Some(mut members) = self.members() {
            edit(&mut members);
            self.answer = members.answer();
        }
    }

    /// Answers with status 0 and these bytes, whatever they are.
    pub(super) fn say(&mut self, body: impl AsRef<[u8]>) {
        self.answer = [&[0], body.as_ref()].concat();
    }

    /// How often this was called before.
    pub(super) fn count(&mut self) -> u64 {
        let before = self.memory.told;
        self.memory.told += 1;
        before
    }
}

pub(super) const fn words(
    name: &'static str,
    does: &'static str,
    lie: fn(&mut Exchange<'_>),
) -> Hostile {
    Hostile {
        name,
        does,
        lie: Lie::Words(lie),
    }
}

pub(super) const ALL: &[Hostile] = &[
    words("answer-empty", "answers with no byte at all", |exchange| {
        exchange.answer.clear();
    }),
    words(
        "status-alone",
        "answers everything with success and nothing else",
        |exchange| {
            exchange.say([]);
        },
    ),
    words(
        "status-with-map",
        "refuses everything, and answers it all the same",
        |exchange| {
            if let Some(status) = exchange.answer.first_mut() {
                *status = 0x7F;
            }
        },
    ),
    words(
        "status-unknown",
        "refuses everything with a status that is no edition's",
        |exchange| {
            exchange.answer = vec![0xDD];
        },
    ),
    words(
        "map-counts-more",
        "counts more members than there are",
        |exchange| {
            recount(exchange, 1);
        },
    ),
    words(
        "map-counts-fewer",
        "counts fewer members than there are",
        |exchange| {
            recount(exchange, -1);
        },
    ),
    words(
        "map-endless",
        "announces a map of 2^64-1 members",
        |exchange| {
            exchange.say(head(5, u64::MAX));
        },
    ),
    words(
        "array-endless",
        "announces a list of 2^32-1 items in a member",
        |exchange| {
            member(exchange, [head(4, 0xFFFF_FFFF), vec![0; 64]].concat());
        },
    ),
    words(
        "bytes-endless",
        "announces a byte string of 2^64-1 bytes",
        |exchange| {
            member(exchange, head(2, u64::MAX));
        },
    ),
    words(
        "text-endless",
        "announces a text of 2^32-1 bytes",
        |exchange| {
            member(exchange, head(3, 0xFFFF_FFFF));
        },
    ),
    words("nested-arrays", "nests 7,000 arrays", |exchange| {
        exchange.say([&[0xA1, 0x01], &[0x81; 7000][..], &[0x00]].concat());
    }),
    words("nested-maps", "nests 3,000 maps", |exchange| {
        exchange.say([&[0xA1, 0x01].repeat(3000)[..], &[0x00]].concat());
    }),
    words(
        "nested-tags",
        "puts 7,000 tags before a value",
        |exchange| {
            exchange.say([&[0xA1, 0x01], &[0xC1; 7000][..], &[0x00]].concat());
        },
    ),
    words(
        "map-indefinite",
        "sends a map of indefinite length",
        |exchange| {
            let members = exchange.members().unwrap_or_default().encoded();
            exchange.say([&[0xBF], &members[..], &[0xFF]].concat());
        },
    ),
    words(
        "text-indefinite",
        "sends a text of indefinite length that never ends",
        |exchange| {
            member(exchange, [&[0x7F], &[0x61, b'x'].repeat(3000)[..]].concat());
        },
    ),
    words("duplicate-keys", "sends each member twice", |exchange| {
        let members = exchange.members().unwrap_or_default();
        let twice = [members.encoded(), members.encoded()].concat();
        exchange.say([head(5, 2 * members.count()), twice].concat());
    }),
    words(
        "duplicate-flood",
        "sends 3,700 members with one key",
        |exchange| {
            exchange.say([&head(5, 3700)[..], &[0x01, 0x00].repeat(3700)].concat());
        },
    ),
    words(
        "keys-descending",
        "sends 1,800 unknown members from the last to the first",
        |exchange| {
            let members: Vec<_> = (1000..2800_u64)
                .rev()
                .map(|key| (unsigned(key), vec![0]))
                .collect();
            exchange.say(map(&members));
        },
    ),
    words(
        "text-not-utf8",
        "sends members of text that is not UTF-8",
        |exchange| {
            member(exchange, vec![0x64, 0xFF, 0xFE, 0xC0, 0x80]);
        },
    ),
    words(
        "types-wrong",
        "sends every member as a list of lists",
        |exchange| {
            let members: Vec<_> = (1..0x18)
                .map(|key| (unsigned(key), array(&[array(&[])])))
                .collect();
            exchange.say(map(&members));
        },
    ),
    words("numbers-huge", "sends every member as 2^64-1", |exchange| {
        let members: Vec<_> = (1..0x18)
            .map(|key| (unsigned(key), unsigned(u64::MAX)))
            .collect();
        exchange.say(map(&members));
    }),
    words(
        "trailing-bytes",
        "goes on after the end of its answer",
        |exchange| {
            exchange.answer.extend([0; 100]);
        },
    ),
    words("no-map", "answers with a number", |exchange| {
        exchange.say([0x18, 0x2A])
    }),
    words(
        "head-reserved",
        "uses an initial byte that CBOR reserves",
        |exchange| {
            exchange.say([0xA1, 0x01, 0x1C]);
        },
    ),
    words(
        "cut-short",
        "stops in the middle of its answer",
        |exchange| {
            exchange.answer.truncate(exchange.answer.len() / 2);
        },
    ),
    words("garbage", "answers with noise", |exchange| {
        let told = exchange.count();
        exchange.say(noise(told, 1000));
    }),
    words(
        "full-length",
        "fills every answer up to 7,609 bytes with unknown members (harmless)",
        |exchange| {
            let room = MAX_MESSAGE.saturating_sub(exchange.answer.len() + 16);
            exchange.edit(|members| members.set(0xF0, bytes(&vec![0; room])));
        },
    ),
    words(
        "names-unknown",
        "adds members and texts of editions to come (harmless)",
        |exchange| {
            exchange.edit(|members| {
                members.set(0xF1, text("what"));
                members.set(0xF2, array(&[text("ever"), unsigned(7)]));
            });
        },
    ),
];

/// Answers with one member, and it is this.
fn member(exchange: &mut Exchange<'_>, value: Vec<u8>) {
    exchange.say([vec![0xA1, 0x01], value].concat());
}

/// The members of a good answer behind another number of them.
fn recount(exchange: &mut Exchange<'_>, by: i64) {
    if let Some(members) = exchange.members() {
        let count = members.count().saturating_add_signed(by);
        exchange.say([head(5, count), members.encoded()].concat());
    }
}

/// Bytes that mean nothing, always the same for a seed (xorshift64).
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

const MAX_MESSAGE: usize = keysteward_core::ctaphid::MAX_MESSAGE;
