//! Lies inside clientPIN. CTAP 2.3 §6.5.

use super::Hostile;
use super::answers::{Exchange, noise, words};
use super::cbor::{boolean, bytes, head, map, unsigned};

pub(super) const ALL: &[Hostile] = &[
    words(
        "key-not-on-curve",
        "agrees on keys with a point that is not on the curve",
        |exchange| key(exchange, cose_key(&[0x01; 32], &[0x02; 32])),
    ),
    words(
        "key-infinity",
        "agrees on keys with the point at infinity (0, 0)",
        |exchange| key(exchange, cose_key(&[0; 32], &[0; 32])),
    ),
    words(
        "key-beyond-field",
        "agrees on keys with coordinates of 2^256-1",
        |exchange| key(exchange, cose_key(&[0xFF; 32], &[0xFF; 32])),
    ),
    words(
        "key-short",
        "agrees on keys with coordinates of 31 bytes",
        |exchange| key(exchange, cose_key(&[0x6B; 31], &[0x4F; 31])),
    ),
    words(
        "key-without-y",
        "agrees on keys with half a point",
        |exchange| {
            let half = map(&[
                (unsigned(1), unsigned(2)),
                (head(1, 0), unsigned(1)),
                (head(1, 1), bytes(&[0x6B; 32])),
            ]);
            key(exchange, half);
        },
    ),
    words(
        "key-other-curve",
        "agrees on keys with a point of another curve",
        |exchange| {
            let other = map(&[
                (unsigned(1), unsigned(2)),
                (unsigned(3), head(1, 24)),
                (head(1, 0), unsigned(2)),
                (head(1, 1), bytes(&[0x6B; 48])),
                (head(1, 2), bytes(&[0x4F; 48])),
            ]);
            key(exchange, other);
        },
    ),
    words("token-empty", "gives PIN tokens of no byte", |exchange| {
        token(exchange, 0);
    }),
    words("token-short", "gives PIN tokens of 7 bytes", |exchange| {
        token(exchange, 7);
    }),
    words(
        "token-of-one-block",
        "gives PIN tokens of 16 bytes where 32 are due",
        |exchange| token(exchange, 32),
    ),
    words(
        "token-long",
        "gives PIN tokens of 4,000 bytes",
        |exchange| {
            token(exchange, 4000);
        },
    ),
    words(
        "token-of-noise",
        "gives PIN tokens that it does not take itself",
        |exchange| token(exchange, 48),
    ),
    words(
        "token-missing",
        "gives no PIN token, and success",
        |exchange| {
            if is_token(exchange) {
                exchange.say([]);
            }
        },
    ),
    words(
        "retries-grow",
        "has more tries left after each wrong PIN",
        |exchange| {
            if exchange.command() == CLIENT_PIN && exchange.subcommand() == PIN_RETRIES {
                let left = 8 + 8 * exchange.count();
                exchange.edit(|answer| answer.set(3, unsigned(left.min(0xFF))));
            }
        },
    ),
    words("retries-beyond-byte", "has 300 tries left", |exchange| {
        retries(exchange, unsigned(300))
    }),
    words(
        "retries-none",
        "says that no try is left, though there is",
        |exchange| retries(exchange, unsigned(0)),
    ),
    words("retries-negative", "has -1 tries left", |exchange| {
        retries(exchange, head(1, 0))
    }),
    words(
        "replug-for-ever",
        "wants to be replugged before every PIN",
        |exchange| {
            if exchange.command() == CLIENT_PIN && exchange.subcommand() == PIN_RETRIES {
                exchange.edit(|answer| answer.set(4, boolean(true)));
            } else if is_token(exchange) {
                exchange.answer = vec![PIN_AUTH_BLOCKED];
            }
        },
    ),
    words("pin-any", "takes any PIN for the right one", |exchange| {
        if is_token(exchange) && exchange.members().is_none() {
            token_of(exchange, &noise(1, 48));
        }
    }),
    words(
        "pin-never",
        "takes the right PIN for a wrong one",
        |exchange| {
            if is_token(exchange) {
                exchange.answer = vec![PIN_INVALID];
            }
        },
    ),
    words(
        "pin-change-pretended",
        "says that it set or changed the PIN whatever the old one was",
        |exchange| {
            let sets = matches!(exchange.subcommand(), SET_PIN | CHANGE_PIN);
            if exchange.command() == CLIENT_PIN && sets {
                exchange.say([]);
            }
        },
    ),
];

/// In the place of the key for key agreement.
fn key(exchange: &mut Exchange<'_>, key: Vec<u8>) {
    if exchange.command() == CLIENT_PIN && exchange.subcommand() == KEY_AGREEMENT {
        exchange.edit(|answer| answer.set(1, key));
    }
}

fn cose_key(x: &[u8], y: &[u8]) -> Vec<u8> {
    map(&[
        (unsigned(1), unsigned(2)),
        (unsigned(3), head(1, 24)),
        (head(1, 0), unsigned(1)),
        (head(1, 1), bytes(x)),
        (head(1, 2), bytes(y)),
    ])
}

/// Whether a pinUvAuthToken is asked for.
fn is_token(exchange: &Exchange<'_>) -> bool {
    exchange.command() == CLIENT_PIN
        && matches!(
            exchange.subcommand(),
            PIN_TOKEN | PIN_TOKEN_WITH_PERMISSIONS
        )
}

fn token(exchange: &mut Exchange<'_>, length: usize) {
    if is_token(exchange) && exchange.members().is_some() {
        token_of(exchange, &noise(2, length));
    }
}

fn token_of(exchange: &mut Exchange<'_>, encrypted: &[u8]) {
    exchange.say(map(&[(unsigned(2), bytes(encrypted))]));
}

fn retries(exchange: &mut Exchange<'_>, left: Vec<u8>) {
    if exchange.command() == CLIENT_PIN && exchange.subcommand() == PIN_RETRIES {
        exchange.edit(|answer| answer.set(3, left));
    }
}

const CLIENT_PIN: u8 = 0x06;
const PIN_RETRIES: u8 = 0x01;
const KEY_AGREEMENT: u8 = 0x02;
const SET_PIN: u8 = 0x03;
const CHANGE_PIN: u8 = 0x04;
const PIN_TOKEN: u8 = 0x05;
const PIN_TOKEN_WITH_PERMISSIONS: u8 = 0x09;
const PIN_INVALID: u8 = 0x31;
const PIN_AUTH_BLOCKED: u8 = 0x34;
