//! Lies about what was made and signed. CTAP 2.3 §6.1, §6.2; WebAuthn §6.1, §8.

use super::Hostile;
use super::answers::{Exchange, noise, words};
use super::cbor::{Members, array, bytes, head, map, text, unsigned};
use keysteward_core::cbor::Parse;

pub(super) const ALL: &[Hostile] = &[
    words(
        "auth-data-empty",
        "answers with authenticator data of no byte",
        |exchange| auth_data(exchange, Vec::clear),
    ),
    words(
        "auth-data-short",
        "cuts authenticator data off before the counter",
        |exchange| auth_data(exchange, |data| data.truncate(36)),
    ),
    words(
        "auth-data-long",
        "puts 4,000 bytes behind the authenticator data",
        |exchange| auth_data(exchange, |data| data.resize(4000, 0xA0)),
    ),
    words(
        "credential-id-beyond-end",
        "makes credentials whose ids are longer than the message",
        |exchange| auth_data(exchange, |data| overwrite(data, ID_LENGTH, &[0xFF, 0xFF])),
    ),
    words(
        "credential-id-empty",
        "makes credentials without an id",
        |exchange| {
            auth_data(exchange, |data| {
                let length = data.get(ID_LENGTH..ID_LENGTH + 2).map_or(0, |length| {
                    usize::from(u16::from_be_bytes([length[0], length[1]]))
                });
                overwrite(data, ID_LENGTH, &[0, 0]);
                let end = (ID + length).min(data.len());
                data.drain(ID.min(end)..end);
            });
        },
    ),
    words(
        "credential-key-of-zeros",
        "makes credentials whose public key is no key",
        |exchange| {
            auth_data(exchange, |data| {
                if data.len() > ID {
                    let start = data.len() - 64;
                    data.truncate(start);
                    data.resize(start + 64, 0);
                }
            });
        },
    ),
    words(
        "rp-other",
        "makes and proves credentials for another relying party",
        |exchange| auth_data(exchange, |data| overwrite(data, 0, &[0xEE; 32])),
    ),
    words(
        "nobody-present",
        "says of everything that nobody touched it",
        |exchange| flags(exchange, |flags| flags & !0x01),
    ),
    words(
        "credential-missing",
        "makes a credential and does not name it",
        |exchange| flags(exchange, |flags| flags & !0x40),
    ),
    words(
        "extensions-missing",
        "announces extensions that are not there",
        |exchange| flags(exchange, |flags| flags | 0x80),
    ),
    words(
        "backed-up-not-eligible",
        "says that credentials are backed up that cannot be",
        |exchange| flags(exchange, |flags| flags & !0x08 | 0x10),
    ),
    words(
        "attestation-garbage",
        "attests with a statement of noise",
        |exchange| {
            statement(
                exchange,
                "packed",
                map(&[(text("x5c"), array(&[bytes(&noise(3, 500))]))]),
            )
        },
    ),
    words("attestation-missing", "attests with nothing", |exchange| {
        made(exchange, |answer| answer.remove(3))
    }),
    words("attestation-no-map", "attests with a number", |exchange| {
        statement(exchange, "packed", unsigned(7))
    }),
    words(
        "attestation-unknown",
        "attests in a format of its own (harmless until somebody trusts it)",
        |exchange| {
            statement(
                exchange,
                "quantum",
                map(&[(text("q"), bytes(&noise(4, 100)))]),
            )
        },
    ),
    words(
        "attestation-format-huge",
        "attests in a format with a name of 5,000 letters",
        |exchange| {
            let name = "f".repeat(5000);
            statement(exchange, &name, map(&[]));
        },
    ),
    words(
        "attestation-signature-short",
        "attests with a signature of one byte",
        |exchange| {
            let signed = map(&[(text("alg"), head(1, 6)), (text("sig"), bytes(&[0x30]))]);
            statement(exchange, "packed", signed);
        },
    ),
    words(
        "assertion-signature-short",
        "proves credentials with a signature of one byte",
        |exchange| asserted(exchange, |answer| answer.set(3, bytes(&[0x30]))),
    ),
    words(
        "assertion-signature-missing",
        "proves credentials without a signature",
        |exchange| asserted(exchange, |answer| answer.remove(3)),
    ),
    words(
        "assertion-other-credential",
        "proves a credential that nobody asked for",
        |exchange| {
            let other = map(&[
                (text("id"), bytes(&[0x99; 64])),
                (text("type"), text("public-key")),
            ]);
            asserted(exchange, |answer| answer.set(1, other));
        },
    ),
    words(
        "assertion-user-huge",
        "names users with handles of 5,000 bytes",
        |exchange| {
            let user = map(&[(text("id"), bytes(&[0x88; 5000]))]);
            asserted(exchange, |answer| answer.set(4, user));
        },
    ),
];

/// Changes the members of an answer to makeCredential.
fn made(exchange: &mut Exchange<'_>, edit: impl FnOnce(&mut Members)) {
    if exchange.command() == MAKE_CREDENTIAL {
        exchange.edit(edit);
    }
}

/// Changes the members of an answer to getAssertion.
fn asserted(exchange: &mut Exchange<'_>, edit: impl FnOnce(&mut Members)) {
    if matches!(exchange.command(), GET_ASSERTION | GET_NEXT_ASSERTION) {
        exchange.edit(edit);
    }
}

fn statement(exchange: &mut Exchange<'_>, format: &str, statement: Vec<u8>) {
    made(exchange, |answer| {
        answer.set(1, text(format));
        answer.set(3, statement);
    });
}

/// Changes authenticator data, which is member 02 of both answers.
fn auth_data(exchange: &mut Exchange<'_>, edit: impl FnOnce(&mut Vec<u8>)) {
    let signs = [MAKE_CREDENTIAL, GET_ASSERTION, GET_NEXT_ASSERTION];
    if !signs.contains(&exchange.command()) {
        return;
    }
    exchange.edit(|answer| {
        let honest = answer.get(AUTH_DATA).unwrap_or_default();
        let honest: &[u8] = Parse::parse(honest).unwrap_or_default();
        let mut data = honest.to_vec();
        edit(&mut data);
        answer.set(AUTH_DATA, bytes(&data));
    });
}

fn flags(exchange: &mut Exchange<'_>, change: fn(u8) -> u8) {
    auth_data(exchange, |data| {
        if let Some(flags) = data.get_mut(FLAGS) {
            *flags = change(*flags);
        }
    });
}

fn overwrite(data: &mut [u8], at: usize, with: &[u8]) {
    for (to, from) in data.iter_mut().skip(at).zip(with) {
        *to = *from;
    }
}

const MAKE_CREDENTIAL: u8 = 0x01;
const GET_ASSERTION: u8 = 0x02;
const GET_NEXT_ASSERTION: u8 = 0x08;
const AUTH_DATA: u64 = 0x02;
/// Places in authenticator data. WebAuthn §6.1, §6.5.1.
const FLAGS: usize = 32;
const ID_LENGTH: usize = 53;
const ID: usize = 55;
