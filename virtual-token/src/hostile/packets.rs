//! Lies about packets. CTAP 2.3 §11.2.4 to §11.2.9.

use super::script::Script;
use super::wire::{Answer, ERROR, INIT, INIT_BIT, KEEPALIVE, PROCESSING, UP_NEEDED, cont, init};
use super::{Hostile, Lie};
use keysteward_core::ctaphid::{ChannelId, Command, Report};

pub(super) const ALL: &[Hostile] = &[
    packets(
        "bcnt-beyond-sent",
        "announces 200 bytes more than it sends",
        |answer, script| {
            let bcnt = u16::try_from(answer.message.len()).unwrap_or(0) + 200;
            let rest = answer.reports().into_iter().skip(1);
            script.send([answer.announcing(bcnt)]);
            script.send(rest);
        },
    ),
    packets(
        "bcnt-beyond-ctaphid",
        "announces 7,610 bytes, one more than CTAPHID carries",
        |answer, script| script.send([answer.announcing(7610)]),
    ),
    packets(
        "bcnt-ffff",
        "announces 65,535 bytes and sends as many packets as that takes",
        |answer, script| {
            script.send([answer.announcing(0xFFFF)]);
            script.send((0..1111_u16).map(|number| cont(answer.channel, (number & 0x7F) as u8)));
        },
    ),
    packets(
        "seq-skips",
        "leaves packet 1 of each answer out",
        |answer, script| {
            let reports = answer.long();
            script.send(
                reports
                    .iter()
                    .take(2)
                    .chain(reports.iter().skip(3))
                    .copied(),
            );
        },
    ),
    packets(
        "seq-repeats",
        "sends packet 0 of each answer twice",
        |answer, script| {
            let reports = answer.long();
            script.send(
                reports
                    .iter()
                    .take(2)
                    .chain(reports.iter().skip(1))
                    .copied(),
            );
        },
    ),
    packets(
        "seq-reversed",
        "sends the packets of each answer last first",
        |answer, script| script.send(answer.long().into_iter().rev()),
    ),
    packets(
        "starts-over",
        "begins each answer anew in the middle of it",
        |answer, script| {
            let reports = answer.long();
            script.send(reports.iter().take(3).chain(&reports).copied());
        },
    ),
    packets(
        "keepalive-mid-answer",
        "says in the middle of an answer that it still works on it",
        |answer, script| {
            let mut reports = answer.long();
            reports.insert(2, answer.keepalive(PROCESSING));
            script.send(reports);
        },
    ),
    packets(
        "error-mid-answer",
        "breaks each answer off with an ERROR",
        |answer, script| {
            let mut reports = answer.long();
            reports.truncate(2);
            script.send(reports);
            script.send([answer.error(0x7F)]);
        },
    ),
    packets(
        "error-empty",
        "sends ERROR without a code",
        |answer, script| script.send([init(answer.channel, ERROR, 0, &[])]),
    ),
    refusal("error-01", "refuses everything: invalid command", 0x01),
    refusal("error-02", "refuses everything: invalid parameter", 0x02),
    refusal("error-03", "refuses everything: invalid length", 0x03),
    refusal("error-04", "refuses everything: invalid sequence", 0x04),
    refusal("error-05", "refuses everything: message time-out", 0x05),
    refusal("error-06", "is busy with another channel for ever", 0x06),
    refusal("error-0a", "wants its channel locked for everything", 0x0A),
    refusal(
        "error-0b",
        "forgets each channel as soon as it is used",
        0x0B,
    ),
    refusal("error-7f", "refuses everything without a reason", 0x7F),
    refusal(
        "error-00",
        "refuses everything with an ERROR of code 0",
        0x00,
    ),
    refusal(
        "error-ff",
        "refuses everything with an ERROR of code FF",
        0xFF,
    ),
    packets(
        "foreign-channels",
        "floods with other programs' packets and never answers",
        |answer, script| script.flood(1, strangers(answer.channel)),
    ),
    packets(
        "foreign-channels-between",
        "sends other programs' packets between those of each answer (harmless)",
        |answer, script| {
            for report in answer.reports() {
                script.send(strangers(answer.channel));
                script.send([report]);
            }
        },
    ),
    packets(
        "answers-elsewhere",
        "answers on a channel that is not the asker's",
        |answer, script| script.send(answer.reports_on(ChannelId(answer.channel.0 ^ 0x0100))),
    ),
    packets(
        "channel-moves",
        "goes over to another channel in the middle of each answer",
        |answer, script| {
            let mut reports = answer.long();
            for report in reports.iter_mut().skip(2) {
                report[3] ^= 0x55;
            }
            script.send(reports);
        },
    ),
    packets(
        "unknown-command",
        "answers CBOR with a command that does not exist",
        |answer, script| script.send(relabelled(answer, 0x50)),
    ),
    packets(
        "answers-as-ping",
        "answers CBOR with PING",
        |answer, script| script.send(relabelled(answer, Command::Ping.into())),
    ),
    packets(
        "answers-twice",
        "sends each answer twice, so that the second meets the next request",
        |answer, script| {
            script.send(answer.reports());
            script.send(answer.reports());
        },
    ),
    packets(
        "answers-unasked",
        "sends three answers that nobody asked for behind each that was",
        |answer, script| {
            let unasked = init(answer.channel, answer.command.into(), 2, &[0x00, 0xA0]);
            script.send(answer.reports());
            script.send([unasked; 3]);
        },
    ),
    packets(
        "keepalive-for-ever",
        "says every 100 ms that it works, and CANCEL does not end it",
        |answer, script| script.flood(100, vec![answer.keepalive(PROCESSING)]),
    ),
    packets(
        "touch-for-ever",
        "asks for a touch every 100 ms, and neither touch nor CANCEL ends it",
        |answer, script| script.flood(100, vec![answer.keepalive(UP_NEEDED)]),
    ),
    packets(
        "keepalive-flood",
        "sends 8,000 keep-alives a second and never answers",
        |answer, script| script.flood(1, vec![answer.keepalive(PROCESSING); 8]),
    ),
    packets(
        "keepalive-alternates",
        "changes between working and asking for a touch 4,000 times a second",
        |answer, script| {
            let pair = [answer.keepalive(PROCESSING), answer.keepalive(UP_NEEDED)];
            script.flood(1, pair.repeat(4));
        },
    ),
    packets(
        "keepalive-unknown",
        "sends keep-alives of unknown meaning before each answer (harmless)",
        |answer, script| {
            for status in [0x00, 0x77, 0xFF] {
                script.send([answer.keepalive(status)]);
                script.wait(100);
            }
            script.send(answer.reports());
        },
    ),
    packets("silent", "opens a channel and answers nothing", |_, _| {}),
    packets(
        "silent-mid-answer",
        "falls silent after the first packet of each answer",
        |answer, script| script.send(answer.long().into_iter().take(1)),
    ),
    packets(
        "silent-after-touch",
        "asks for a touch, says that it works, and falls silent",
        |answer, script| {
            script.send([answer.keepalive(UP_NEEDED)]);
            script.wait(100);
            script.send([answer.keepalive(PROCESSING)]);
        },
    ),
    packets("late", "answers after an hour", |answer, script| {
        script.wait(3_600_000);
        script.send(answer.reports());
    }),
    packets(
        "drops-off",
        "leaves the bus at the first request",
        |_, script| script.unplug(),
    ),
    packets(
        "drops-off-mid-answer",
        "leaves the bus in the middle of the first answer",
        |answer, script| {
            script.send(answer.long().into_iter().take(2));
            script.unplug();
        },
    ),
    packets(
        "drops-off-after-touch",
        "asks for a touch and leaves the bus",
        |answer, script| {
            script.send([answer.keepalive(UP_NEEDED)]);
            script.wait(100);
            script.unplug();
        },
    ),
];

const fn packets(
    name: &'static str,
    does: &'static str,
    lie: fn(&Answer<'_>, &mut Script),
) -> Hostile {
    Hostile {
        name,
        does,
        lie: Lie::Packets(lie),
    }
}

const fn refusal(name: &'static str, does: &'static str, code: u8) -> Hostile {
    Hostile {
        name,
        does,
        lie: Lie::Refusal(code),
    }
}

/// Eight packets for other programs, of all kinds.
fn strangers(channel: ChannelId) -> Vec<Report> {
    let stranger = |number: u32| ChannelId(channel.0.wrapping_add(0x0100 + number));
    vec![
        init(stranger(0), Command::Cbor.into(), 2, &[0x00, 0xA0]),
        init(stranger(1), Command::Cbor.into(), 0xFFFF, &[0x00; 57]),
        cont(stranger(1), 0),
        cont(stranger(2), 0x7F),
        init(stranger(3), KEEPALIVE, 1, &[UP_NEEDED]),
        init(stranger(4), ERROR, 1, &[0x06]),
        init(ChannelId::BROADCAST, INIT, 17, &[0x22; 17]),
        init(ChannelId::RESERVED, 0x7F, 1, &[0xFF]),
    ]
}

/// The answer under another command.
fn relabelled(answer: &Answer<'_>, command: u8) -> Vec<Report> {
    let mut reports = answer.reports();
    if let Some(first) = reports.first_mut() {
        first[4] = command | INIT_BIT;
    }
    reports
}
