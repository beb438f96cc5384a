//! Which key of the card. SP 800-73-5 part 1 table 4b.

use super::ObjectId;
use core::fmt;

/// A private key of the card: a place for a key and its certificate.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyReference {
    /// 9A: proves who the holder is, as at logon.
    Authentication,
    /// 9C: signs; the PIN is asked for each time.
    Signature,
    /// 9D: deciphers and agrees on keys.
    KeyManagement,
    /// 9E: proves the card; no PIN is asked for.
    CardAuthentication,
    /// 82 to 95, counted from 0: key management keys of the past.
    Retired(u8),
    /// F9, Yubico's: vouches for keys that were made on the card.
    Attestation,
}

impl KeyReference {
    /// The four that every card has.
    pub const MAIN: [Self; 4] = [
        Self::Authentication,
        Self::Signature,
        Self::KeyManagement,
        Self::CardAuthentication,
    ];

    /// How many retired keys there may be.
    pub const RETIRED: u8 = 20;

    /// As it stands in P2.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Authentication => 0x9A,
            Self::Signature => 0x9C,
            Self::KeyManagement => 0x9D,
            Self::CardAuthentication => 0x9E,
            Self::Retired(number) => FIRST_RETIRED.wrapping_add(number),
            Self::Attestation => 0xF9,
        }
    }

    /// The key of this number.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0x9A => Some(Self::Authentication),
            0x9C => Some(Self::Signature),
            0x9D => Some(Self::KeyManagement),
            0x9E => Some(Self::CardAuthentication),
            FIRST_RETIRED..=0x95 => Some(Self::Retired(id.wrapping_sub(FIRST_RETIRED))),
            0xF9 => Some(Self::Attestation),
            _ => None,
        }
    }

    /// The key of this name: its number in hexadecimal, `9a`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name.len() != 2 {
            return None;
        }
        Self::from_id(u8::from_str_radix(name, 16).ok()?)
    }

    /// Where its certificate lies.
    #[must_use]
    pub const fn certificate(self) -> ObjectId {
        match self {
            Self::Authentication => ObjectId(0x5F_C105),
            Self::Signature => ObjectId(0x5F_C10A),
            Self::KeyManagement => ObjectId(0x5F_C10B),
            Self::CardAuthentication => ObjectId(0x5F_C101),
            Self::Retired(number) => ObjectId(0x5F_C10D_u32.wrapping_add(number as u32)),
            Self::Attestation => ObjectId(0x5F_FF01),
        }
    }
}

/// Its name.
impl fmt::Display for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.id())
    }
}

const FIRST_RETIRED: u8 = 0x82;
