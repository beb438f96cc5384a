//! CBOR by hand: what a lie is made of need not be well-formed. RFC 8949 §3.

use keysteward_core::cbor::{Key, Raw, Reader};

/// Initial byte and argument of an item, in the shortest form.
pub(super) fn head(major: u8, argument: u64) -> Vec<u8> {
    let initial = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=0x17 => vec![initial | bytes[7]],
        0x18..=0xFF => vec![initial | 0x18, bytes[7]],
        0x100..=0xFFFF => [&[initial | 0x19], &bytes[6..]].concat(),
        0x1_0000..=0xFFFF_FFFF => [&[initial | 0x1A], &bytes[4..]].concat(),
        _ => [&[initial | 0x1B], &bytes[..]].concat(),
    }
}

pub(super) fn unsigned(value: u64) -> Vec<u8> {
    head(0, value)
}

pub(super) fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

pub(super) fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

pub(super) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

pub(super) fn boolean(value: bool) -> Vec<u8> {
    vec![0xF4 | u8::from(value)]
}

/// A map of entries that are encoded already.
pub(super) fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = head(5, entries.len() as u64);
    for (key, value) in entries {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
    }
    bytes
}

/// The members of an answer's map, to be exchanged one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Members(Vec<(Vec<u8>, Vec<u8>)>);

impl Members {
    /// Those of a good answer: status 0, then a map with integer keys, or nothing.
    pub(super) fn of(answer: &[u8]) -> Option<Self> {
        let (0, body) = answer.split_first()? else {
            return None;
        };
        let mut members = Vec::new();
        if !body.is_empty() {
            Reader::new(body)
                .map(|key, reader| {
                    let value: Raw<'_> = reader.read()?;
                    if let Key::Int(key) = key
                        && let Ok(key) = u64::try_from(key)
                    {
                        members.push((unsigned(key), value.bytes().to_vec()));
                    }
                    Ok(())
                })
                .ok()?;
        }
        Some(Self(members))
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// All of them, without the map's head.
    pub(super) fn encoded(&self) -> Vec<u8> {
        let members = self.0.iter();
        members
            .flat_map(|(key, value)| [&key[..], value].concat())
            .collect()
    }

    pub(super) fn get(&self, key: u64) -> Option<&[u8]> {
        let key = unsigned(key);
        let member = self.0.iter().find(|(other, _)| *other == key)?;
        Some(&member.1)
    }

    /// Replaces a member, or puts it at its place.
    pub(super) fn set(&mut self, key: u64, value: Vec<u8>) {
        self.remove(key);
        self.0.push((unsigned(key), value));
        self.0.sort_by_key(|(key, _)| (key.len(), key.clone()));
    }

    pub(super) fn remove(&mut self, key: u64) {
        let key = unsigned(key);
        self.0.retain(|(other, _)| *other != key);
    }

    /// The answer: status 0 and the map.
    pub(super) fn answer(&self) -> Vec<u8> {
        [vec![0], map(&self.0)].concat()
    }
}
