//! ciborium, as programs use it that have no types of their own for CTAP: a message becomes a tree
//! of values, and the members are picked out of it; or a tree is built, and written.

use std::hint::black_box;

use ciborium::Value;

use super::{Direction, same_bytes};
use crate::exchange::{Exchange, Message};
use crate::measure::{Entry, job};

pub(super) fn enter(
    direction: Direction,
    message: Message,
    exchange: &'static Exchange,
) -> Option<Entry> {
    let bytes = exchange.bytes(message);
    Some(match direction {
        Direction::Decode => Entry::of(move || members(black_box(bytes))),
        Direction::Encode => encode(bytes).unwrap_or_else(Entry::Fails),
    })
}

/// The members by their numbers, each moved out of the tree into a slot of its own.
fn members(bytes: &[u8]) -> Result<[Option<Value>; MEMBERS], String> {
    let Value::Map(entries) = ciborium::from_reader(bytes).map_err(|e| e.to_string())? else {
        return Err("not a map".to_owned());
    };
    let mut members = [const { None }; MEMBERS];
    for (key, value) in entries {
        let slot = key
            .as_integer()
            .and_then(|key| usize::try_from(key).ok())
            .and_then(|key| members.get_mut(key));
        if let Some(slot) = slot {
            *slot = Some(value);
        }
    }
    Ok(members)
}

fn encode(bytes: &'static [u8]) -> Result<Entry, String> {
    let members = members(bytes)?;
    let mut written = Vec::with_capacity(2048);
    write(&members, &mut written)?;
    same_bytes(&written, bytes)?;
    Ok(Entry::Works(job(move || {
        write(black_box(&members), &mut written)
    })))
}

/// Builds the tree and writes it.
fn write(members: &[Option<Value>; MEMBERS], written: &mut Vec<u8>) -> Result<usize, String> {
    let entries = (0_u8..).zip(members).filter_map(|(key, value)| {
        let value = value.clone()?;
        Some((Value::from(key), value))
    });
    written.clear();
    let map = Value::Map(entries.collect());
    ciborium::into_writer(&map, &mut *written).map_err(|e| e.to_string())?;
    Ok(written.len())
}

/// getInfo has the most members: up to 0x1F.
const MEMBERS: usize = 0x20;
