//! Lies at INIT: about the channel itself. CTAP 2.3 §11.2.9.1.3.

use super::script::Script;
use super::wire::{Answer, INIT, init};
use super::{Hostile, Lie};
use keysteward_core::ctaphid::Report;

pub(super) const ALL: &[Hostile] = &[
    opening("init-silent", "never answers INIT", |_, _| {}),
    opening(
        "init-wrong-nonce",
        "answers INIT with a nonce that nobody sent",
        |answer, script| script.send([init_with(answer, 0, &[0xEE; 8])]),
    ),
    opening(
        "init-reserved-channel",
        "gives out the reserved channel 0",
        |answer, script| script.send([init_with(answer, 8, &[0; 4])]),
    ),
    opening(
        "init-broadcast-channel",
        "gives out the broadcast channel",
        |answer, script| script.send([init_with(answer, 8, &[0xFF; 4])]),
    ),
    opening(
        "init-short",
        "answers INIT with the nonce alone",
        |answer, script| {
            let nonce = answer.message.get(..8).unwrap_or_default();
            script.send([init(answer.channel, INIT, 8, nonce)]);
        },
    ),
    opening(
        "init-announces-more",
        "announces an INIT answer of 65,535 bytes",
        |answer, script| script.send([answer.announcing(0xFFFF)]),
    ),
    opening(
        "init-long",
        "answers INIT with more members than there are today (harmless)",
        |answer, script| {
            let mut message = answer.message.to_vec();
            message.resize(57, 0xA5);
            script.send([init(answer.channel, INIT, 57, &message)]);
        },
    ),
    opening(
        "init-refused",
        "answers INIT with ERROR",
        |answer, script| script.send([answer.error(0x7F)]),
    ),
    opening(
        "init-busy",
        "is too busy to open a channel, for ever",
        |answer, script| script.send([answer.error(0x06)]),
    ),
    opening(
        "init-flood",
        "answers INIT with answers to other programs, for ever",
        |answer, script| script.flood(1, vec![init_with(answer, 0, &[0x11; 8]); 8]),
    ),
];

const fn opening(
    name: &'static str,
    does: &'static str,
    lie: fn(&Answer<'_>, &mut Script),
) -> Hostile {
    Hostile {
        name,
        does,
        lie: Lie::Init(lie),
    }
}

/// The answer to INIT with other bytes at a place.
fn init_with(answer: &Answer<'_>, at: usize, bytes: &[u8]) -> Report {
    let mut message = answer.message.to_vec();
    for (to, from) in message.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
    init(answer.channel, INIT, 17, &message)
}
