//! ctap-types with cbor-smol: the messages of trussed's firmware, by serde. Its types leave
//! authenticator data opaque.

use std::hint::black_box;

use cbor_smol::{cbor_deserialize, cbor_serialize};
use ctap_types::ctap2::{get_assertion, get_info, make_credential};
use serde::{Deserialize, Serialize};

use super::{Direction, same_bytes};
use crate::exchange::{Exchange, Message};
use crate::measure::{Entry, job};

pub(super) fn enter(
    direction: Direction,
    message: Message,
    exchange: &'static Exchange,
) -> Option<Entry> {
    let bytes = exchange.bytes(message);
    Some(match message {
        Message::Info => either::<get_info::Response>(direction, bytes),
        Message::MakeRequest => either::<make_credential::Request<'static>>(direction, bytes),
        Message::MakeResponse => either::<make_credential::Response>(direction, bytes),
        Message::GetRequest => either::<get_assertion::Request<'static>>(direction, bytes),
        Message::GetResponse => either::<get_assertion::Response>(direction, bytes),
    })
}

fn either<T>(direction: Direction, bytes: &'static [u8]) -> Entry
where
    T: Deserialize<'static> + Serialize + 'static,
{
    match direction {
        Direction::Decode => {
            Entry::of(move || cbor_deserialize::<T>(black_box(bytes)).map_err(shown))
        }
        Direction::Encode => encode::<T>(bytes).unwrap_or_else(Entry::Fails),
    }
}

fn encode<T>(bytes: &'static [u8]) -> Result<Entry, String>
where
    T: Deserialize<'static> + Serialize + 'static,
{
    let value: T = cbor_deserialize(bytes).map_err(shown)?;
    let mut buffer = [0; 2048];
    let written = cbor_serialize(&value, &mut buffer).map_err(shown)?;
    same_bytes(written, bytes)?;
    Ok(Entry::Works(job(move || {
        cbor_serialize(black_box(&value), &mut buffer).map(|written| written.len())
    })))
}

fn shown(error: cbor_smol::Error) -> String {
    format!("{error:?}")
}
