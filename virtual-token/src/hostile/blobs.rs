//! Lies about large blobs. CTAP 2.3 §6.10.

use super::Hostile;
use super::answers::{Exchange, noise, words};
use super::cbor::{bytes, map, unsigned};
use super::info::{MAX_SERIALIZED_LARGE_BLOB_ARRAY, offer};

pub(super) const ALL: &[Hostile] = &[
    words(
        "blob-endless",
        "has a large-blob array that never ends",
        |exchange| fragment(exchange, |asked| noise(5, asked)),
    ),
    words(
        "blob-longer-than-asked",
        "gives twice as much of its large-blob array as was asked for",
        |exchange| fragment(exchange, |asked| noise(6, (2 * asked).min(7000))),
    ),
    words(
        "blob-wrong-hash",
        "has a large-blob array with a wrong hash",
        |exchange| {
            let mut array = vec![0x80];
            array.resize(17, 0xEE);
            stored(exchange, &array);
        },
    ),
    words(
        "blob-too-short",
        "has a large-blob array shorter than its hash",
        |exchange| stored(exchange, &[0x80; 5]),
    ),
    words(
        "blob-empty",
        "has a large-blob array of no byte",
        |exchange| fragment(exchange, |_| Vec::new()),
    ),
    words(
        "blob-missing",
        "answers the reading of large blobs with nothing",
        |exchange| {
            exchange.edit_info(blobs);
            if exchange.command() == LARGE_BLOBS {
                exchange.say([]);
            }
        },
    ),
    words(
        "blob-swallowed",
        "takes large blobs and keeps nothing",
        |exchange| {
            exchange.edit_info(blobs);
            if exchange.command() == LARGE_BLOBS {
                match asked(exchange.request) {
                    Some(_) => exchange.say(map(&[(unsigned(1), bytes(&EMPTY_ARRAY))])),
                    None => exchange.say([]),
                }
            }
        },
    ),
];

/// Answers `get` from these bytes.
fn stored(exchange: &mut Exchange<'_>, array: &[u8]) {
    let offset = offset(exchange.request);
    let rest = array.get(offset..).unwrap_or_default();
    fragment(exchange, |asked| rest[..asked.min(rest.len())].to_vec());
}

/// Answers `get` with what `lie` makes of the length that was asked for.
fn fragment(exchange: &mut Exchange<'_>, lie: impl FnOnce(usize) -> Vec<u8>) {
    exchange.edit_info(blobs);
    if exchange.command() == LARGE_BLOBS
        && let Some(asked) = asked(exchange.request)
    {
        exchange.say(map(&[(unsigned(1), bytes(&lie(asked)))]));
    }
}

fn blobs(info: &mut super::cbor::Members) {
    offer(info, "largeBlobs");
    info.set(MAX_SERIALIZED_LARGE_BLOB_ARRAY, unsigned(1024));
}

/// Member `get` (0x01) of a request: the first there is.
fn asked(request: &[u8]) -> Option<usize> {
    match request {
        [LARGE_BLOBS, _, 0x01, value @ ..] => short_unsigned(value).map(|(asked, _)| asked),
        _ => None,
    }
}

/// Member `offset` (0x03) of a request, behind `get`.
fn offset(request: &[u8]) -> usize {
    let behind_get = match request {
        [LARGE_BLOBS, _, 0x01, value @ ..] => short_unsigned(value),
        _ => None,
    };
    match behind_get {
        Some((_, [0x03, value @ ..])) => short_unsigned(value).map_or(0, |(offset, _)| offset),
        _ => 0,
    }
}

/// An unsigned integer of at most 16 bits, and what follows it.
fn short_unsigned(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [0x19, high, low, rest @ ..] => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        [0x18, value, rest @ ..] => Some((usize::from(*value), rest)),
        [value @ 0..=0x17, rest @ ..] => Some((usize::from(*value), rest)),
        _ => None,
    }
}

const LARGE_BLOBS: u8 = 0x0C;
/// An empty array and its hash, as every key has it at first. CTAP 2.3 §6.10.
const EMPTY_ARRAY: [u8; 17] = [
    0x80, 0x76, 0xBE, 0x8B, 0x52, 0x8D, 0x00, 0x75, 0xF7, 0xAA, 0xE9, 0x8D, 0x6F, 0xA5, 0x7A, 0x6D,
    0x3C,
];
