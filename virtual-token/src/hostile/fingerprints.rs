//! Lies about fingerprints. CTAP 2.3 §6.7.

use super::Hostile;
use super::answers::{Exchange, words};
use super::cbor::{array, bytes, map, text, unsigned};
use super::info::offer;

pub(super) const ALL: &[Hostile] = &[
    words(
        "samples-endless",
        "wants another sample of the finger, for ever",
        |exchange| sample(exchange, |_| unsigned(5)),
    ),
    words(
        "samples-grow",
        "wants more samples of the finger after each",
        |exchange| sample(exchange, |told| unsigned(5 + told)),
    ),
    words(
        "samples-huge",
        "wants 2^32-1 samples of the finger",
        |exchange| sample(exchange, |_| unsigned(0xFFFF_FFFF)),
    ),
    words(
        "sample-status-unknown",
        "calls each sample of the finger something that no edition knows, and is then done (harmless)",
        |exchange| {
            exchange.edit_info(|info| offer(info, "bioEnroll"));
            if is_sampling(exchange) {
                let left = 3_u64.saturating_sub(exchange.count());
                exchange.say(map(&[
                    (unsigned(4), bytes(&[0x0F; 16])),
                    (unsigned(5), unsigned(0x77)),
                    (unsigned(6), unsigned(left)),
                ]));
            }
        },
    ),
    words(
        "template-missing",
        "enrols fingers and does not name them",
        |exchange| {
            exchange.edit_info(|info| offer(info, "bioEnroll"));
            if is_sampling(exchange) {
                exchange.say(map(&[
                    (unsigned(5), unsigned(0)),
                    (unsigned(6), unsigned(0)),
                ]));
            }
        },
    ),
    words("templates-many", "has 300 fingers", |exchange| {
        exchange.edit_info(|info| offer(info, "bioEnroll"));
        if is_bio(exchange) && exchange.subcommand() == ENUMERATE {
            let all: Vec<_> = (0..300_u64)
                .map(|n| {
                    map(&[
                        (unsigned(1), bytes(&n.to_be_bytes())),
                        (unsigned(2), text("finger")),
                    ])
                })
                .collect();
            exchange.say(map(&[(unsigned(7), array(&all))]));
        }
    }),
    words(
        "template-name-huge",
        "has a finger with a name of 5,000 letters",
        |exchange| {
            exchange.edit_info(|info| offer(info, "bioEnroll"));
            if is_bio(exchange) && exchange.subcommand() == ENUMERATE {
                let one = map(&[
                    (unsigned(1), bytes(&[1])),
                    (unsigned(2), text(&"n".repeat(5000))),
                ]);
                exchange.say(map(&[(unsigned(7), array(&[one]))]));
            }
        },
    ),
];

fn is_bio(exchange: &Exchange<'_>) -> bool {
    matches!(exchange.command(), BIO_ENROLLMENT | BIO_ENROLLMENT_PREVIEW)
}

fn is_sampling(exchange: &Exchange<'_>) -> bool {
    is_bio(exchange) && matches!(exchange.subcommand(), ENROLL_BEGIN | CAPTURE_NEXT)
}

/// A good sample, and so many more wanted.
fn sample(exchange: &mut Exchange<'_>, left: fn(u64) -> Vec<u8>) {
    exchange.edit_info(|info| offer(info, "bioEnroll"));
    if is_sampling(exchange) {
        let left = left(exchange.count());
        exchange.say(map(&[
            (unsigned(4), bytes(&[0x0F; 16])),
            (unsigned(5), unsigned(0)),
            (unsigned(6), left),
        ]));
    }
}

const BIO_ENROLLMENT: u8 = 0x09;
const BIO_ENROLLMENT_PREVIEW: u8 = 0x40;
const ENROLL_BEGIN: u8 = 0x01;
const CAPTURE_NEXT: u8 = 0x02;
const ENUMERATE: u8 = 0x04;
