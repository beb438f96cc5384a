//! What a getInfo response held beyond what was understood.

use crate::cbor::Key;

/// The keys of members that were passed over: unknown, or of an unexpected type.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PassedOver {
    /// Bit n: member n.
    first_64: u64,
    others: u32,
}

impl PassedOver {
    /// Whether everything was understood.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Keys from 0x00 to 0x3F that were passed over.
    pub fn keys(&self) -> impl Iterator<Item = u8> + use<> {
        let first_64 = self.first_64;
        (0..64_u8).filter(move |key| first_64 >> key & 1 == 1)
    }

    /// How many members with other keys were passed over.
    pub const fn others(&self) -> u32 {
        self.others
    }

    pub(super) fn insert(&mut self, key: Key<'_>) {
        let bit = match key {
            Key::Int(key) => u32::try_from(key)
                .ok()
                .and_then(|key| 1_u64.checked_shl(key)),
            Key::Text(_) | Key::Bytes(_) => None,
        };
        match bit {
            Some(bit) => self.first_64 |= bit,
            None => self.others = self.others.saturating_add(1),
        }
    }
}
