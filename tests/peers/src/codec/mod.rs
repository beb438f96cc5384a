//! Decoding and encoding the recorded messages: a row per message and direction.

mod authenticator_rs;
mod ciborium_value;
mod ctap_types_serde;
mod libfido2;
mod ours;

use crate::exchange::{EXCHANGES, Exchange, Message};
use crate::measure::Entry;
use crate::row::{Peer, Row};

/// A direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    Decode,
    Encode,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Encode => "encode",
        }
    }
}

/// What a peer brings to a row; nothing where it has no such direction.
type Enter = fn(Direction, Message, &'static Exchange) -> Option<Entry>;

const PEERS: [(&str, Enter); 5] = [
    ("ours", ours::enter),
    ("ctap-types", ctap_types_serde::enter),
    ("authenticator", authenticator_rs::enter),
    ("ciborium", ciborium_value::enter),
    ("libfido2 (C)", libfido2::enter),
];

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for direction in [Direction::Decode, Direction::Encode] {
        for message in Message::ALL {
            for exchange in &EXCHANGES {
                let peers = PEERS.iter().filter_map(|(name, enter)| {
                    let entry = enter(direction, message, exchange)?;
                    Some(Peer { name, entry })
                });
                rows.push(Row {
                    work: format!(
                        "{} {}, {}",
                        direction.name(),
                        message.name(),
                        exchange.firmware
                    ),
                    bytes: Some(exchange.bytes(message).len()),
                    peers: peers.collect(),
                    target: Some(("ctap-types", 1.0)),
                });
            }
        }
    }
    rows
}

/// An encoder's first run, checked against the recorded bytes.
fn same_bytes(written: &[u8], recorded: &[u8]) -> Result<(), String> {
    if written == recorded {
        return Ok(());
    }
    let at = written.iter().zip(recorded).take_while(|(a, b)| a == b);
    Err(format!(
        "writes {} bytes where {} were recorded, other ones from byte {}",
        written.len(),
        recorded.len(),
        at.count()
    ))
}
