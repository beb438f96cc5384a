//! Lies about how much there is. CTAP 2.3 §6.2, §6.3, §6.8.

use super::Hostile;
use super::answers::{Exchange, noise, words};
use super::cbor::{bytes, map, text, unsigned};

pub(super) const ALL: &[Hostile] = &[
    words(
        "rps-endless",
        "has 2^32-1 relying parties, each another, and never stops naming them",
        |exchange| match managed(exchange) {
            RPS_BEGIN => name_first(exchange, 0xFFFF_FFFF),
            RPS_NEXT => name_another(exchange),
            _ => {}
        },
    ),
    words(
        "rps-many",
        "has 1,000 relying parties, each another",
        |exchange| match managed(exchange) {
            RPS_BEGIN => name_first(exchange, 1000),
            RPS_NEXT => name_another(exchange),
            _ => {}
        },
    ),
    words(
        "credentials-endless",
        "has 2^32-1 credentials for each relying party",
        |exchange| {
            let endless = |answer: &mut super::cbor::Members| {
                answer.set(TOTAL_CREDENTIALS, unsigned(0xFFFF_FFFF));
            };
            repeat(exchange, CREDENTIALS_BEGIN, CREDENTIALS_NEXT, endless);
        },
    ),
    words(
        "credentials-many",
        "has 1,000 relying parties with 1,000 credentials each, each with a name of 3,000 letters",
        |exchange| match managed(exchange) {
            RPS_BEGIN => name_first(exchange, 1000),
            RPS_NEXT => name_another(exchange),
            CREDENTIALS_BEGIN | CREDENTIALS_NEXT => {
                let number = exchange.count();
                exchange.say(map(&[
                    (
                        unsigned(USER),
                        map(&[
                            (text("id"), bytes(&noise(number, 32))),
                            (text("name"), text(&"n".repeat(3000))),
                        ]),
                    ),
                    (
                        unsigned(CREDENTIAL_ID),
                        map(&[
                            (text("id"), bytes(&noise(number, 64))),
                            (text("type"), text("public-key")),
                        ]),
                    ),
                    (unsigned(TOTAL_CREDENTIALS), unsigned(1000)),
                ]));
            }
            _ => {}
        },
    ),
    words(
        "rps-repeat",
        "names its first relying party again and again, six times",
        |exchange| {
            repeat(exchange, RPS_BEGIN, RPS_NEXT, |a| {
                a.set(TOTAL_RPS, unsigned(6))
            })
        },
    ),
    words(
        "credentials-repeat",
        "names the first credential of each relying party four times",
        |exchange| {
            let four = |answer: &mut super::cbor::Members| {
                answer.set(TOTAL_CREDENTIALS, unsigned(4));
            };
            repeat(exchange, CREDENTIALS_BEGIN, CREDENTIALS_NEXT, four);
        },
    ),
    words(
        "rps-shrink",
        "announces five relying parties and names one",
        |exchange| {
            shrink(exchange, RPS_BEGIN, RPS_NEXT, TOTAL_RPS);
        },
    ),
    words(
        "credentials-shrink",
        "announces five credentials and names one",
        |exchange| {
            shrink(
                exchange,
                CREDENTIALS_BEGIN,
                CREDENTIALS_NEXT,
                TOTAL_CREDENTIALS,
            );
        },
    ),
    words(
        "rps-nameless",
        "announces relying parties and names none",
        |exchange| {
            if managed(exchange) == RPS_BEGIN {
                exchange.say(map(&[(unsigned(TOTAL_RPS), unsigned(3))]));
            }
        },
    ),
    words(
        "credentials-nameless",
        "announces credentials and names none",
        |exchange| {
            if managed(exchange) == CREDENTIALS_BEGIN {
                exchange.say(map(&[(unsigned(TOTAL_CREDENTIALS), unsigned(3))]));
            }
        },
    ),
    words(
        "rps-none-after-all",
        "has credentials, and no relying party for them",
        |exchange| {
            if managed(exchange) == RPS_BEGIN {
                exchange.say(map(&[(unsigned(TOTAL_RPS), unsigned(0))]));
            }
        },
    ),
    words(
        "rp-hash-other",
        "gives hashes that are not those of its relying parties",
        |exchange| {
            if matches!(managed(exchange), RPS_BEGIN | RPS_NEXT) {
                let other = noise(exchange.count(), 32);
                exchange.edit(|answer| answer.set(RP_ID_HASH, bytes(&other)));
            }
        },
    ),
    words("rp-hash-short", "gives hashes of 20 bytes", |exchange| {
        if matches!(managed(exchange), RPS_BEGIN | RPS_NEXT) {
            exchange.edit(|answer| answer.set(RP_ID_HASH, bytes(&[0xEE; 20])));
        }
    }),
    words(
        "credential-count-huge",
        "counts 2^32-1 credentials, and has room for as many",
        |exchange| {
            if managed(exchange) == METADATA {
                exchange.edit(|answer| {
                    answer.set(1, unsigned(0xFFFF_FFFF));
                    answer.set(2, unsigned(0xFFFF_FFFF));
                });
            }
        },
    ),
    words(
        "credential-id-huge",
        "names credentials with ids of 5,000 bytes",
        |exchange| {
            if matches!(managed(exchange), CREDENTIALS_BEGIN | CREDENTIALS_NEXT) {
                let id = noise(exchange.count(), 5000);
                let descriptor =
                    map(&[(text("id"), bytes(&id)), (text("type"), text("public-key"))]);
                exchange.edit(|answer| answer.set(CREDENTIAL_ID, descriptor));
            }
        },
    ),
    words(
        "credential-ids-empty",
        "names credentials with ids of no byte",
        |exchange| {
            let nobody = map(&[(text("id"), bytes(&[])), (text("type"), text("public-key"))]);
            let member = match exchange.command() {
                GET_ASSERTION | GET_NEXT_ASSERTION => CREDENTIAL,
                _ if matches!(managed(exchange), CREDENTIALS_BEGIN | CREDENTIALS_NEXT) => {
                    CREDENTIAL_ID
                }
                _ => return,
            };
            exchange.edit(|answer| answer.set(member, nobody));
        },
    ),
    words(
        "deletes-nothing",
        "says that it deleted a credential, and keeps it",
        |exchange| {
            if managed(exchange) == DELETE {
                exchange.say([]);
            }
        },
    ),
    words(
        "assertions-endless",
        "has 2^32-1 assertions for one request",
        |exchange| match exchange.command() {
            GET_ASSERTION => {
                exchange.edit(|answer| answer.set(NUMBER_OF_CREDENTIALS, unsigned(0xFFFF_FFFF)));
                exchange.memory.begun = exchange.members();
            }
            GET_NEXT_ASSERTION => {
                if let Some(begun) = &exchange.memory.begun {
                    exchange.answer = begun.answer();
                }
            }
            _ => {}
        },
    ),
];

/// A relying party, and that there are so many.
fn name_first(exchange: &mut Exchange<'_>, total: u64) {
    name_another(exchange);
    exchange.edit(|answer| answer.set(TOTAL_RPS, unsigned(total)));
}

/// A relying party that was not named before.
fn name_another(exchange: &mut Exchange<'_>) {
    let number = exchange.count();
    let rp_id = format!("rp-{number}.example");
    exchange.say(map(&[
        (unsigned(RP), map(&[(text("id"), text(&rp_id))])),
        (unsigned(RP_ID_HASH), bytes(&noise(number, 32))),
    ]));
}

/// The subcommand of credentialManagement; 0 for any other command.
fn managed(exchange: &Exchange<'_>) -> u8 {
    match exchange.command() {
        CREDENTIAL_MANAGEMENT | CREDENTIAL_MANAGEMENT_PREVIEW => exchange.subcommand(),
        _ => 0,
    }
}

/// Answers each Next with the answer to Begin, which `announce` has changed.
fn repeat(
    exchange: &mut Exchange<'_>,
    begin: u8,
    next: u8,
    announce: fn(&mut super::cbor::Members),
) {
    let asked = managed(exchange);
    if asked == begin {
        exchange.edit(announce);
        exchange.memory.begun = exchange.members();
    } else if asked == next
        && let Some(begun) = &exchange.memory.begun
    {
        exchange.answer = begun.answer();
    }
}

fn shrink(exchange: &mut Exchange<'_>, begin: u8, next: u8, total: u64) {
    let asked = managed(exchange);
    if asked == begin {
        exchange.edit(|answer| answer.set(total, unsigned(5)));
    } else if asked == next {
        exchange.answer = vec![NO_CREDENTIALS];
    }
}

const GET_ASSERTION: u8 = 0x02;
const GET_NEXT_ASSERTION: u8 = 0x08;
const CREDENTIAL_MANAGEMENT: u8 = 0x0A;
const CREDENTIAL_MANAGEMENT_PREVIEW: u8 = 0x41;
const METADATA: u8 = 0x01;
const RPS_BEGIN: u8 = 0x02;
const RPS_NEXT: u8 = 0x03;
const CREDENTIALS_BEGIN: u8 = 0x04;
const CREDENTIALS_NEXT: u8 = 0x05;
const DELETE: u8 = 0x06;
const CREDENTIAL: u64 = 0x01;
const RP: u64 = 0x03;
const RP_ID_HASH: u64 = 0x04;
const TOTAL_RPS: u64 = 0x05;
const USER: u64 = 0x06;
const CREDENTIAL_ID: u64 = 0x07;
const TOTAL_CREDENTIALS: u64 = 0x09;
const NUMBER_OF_CREDENTIALS: u64 = 0x05;
const NO_CREDENTIALS: u8 = 0x2E;
