//! PIN and PUK as they travel. SP 800-73-5 part 2 §2.4.3.

use core::fmt;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of a PIN or PUK on the wire.
pub const PADDED_PIN: usize = 8;

/// Fewest bytes of a PIN.
pub const MIN_PIN: usize = 6;

/// Which secret of the holder.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PinReference {
    /// 00: of the whole card, not of this applet alone.
    Global,
    /// 80
    Pin,
    /// 81: sets the PIN anew.
    Puk,
}

impl PinReference {
    /// As it stands in P2.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Global => 0x00,
            Self::Pin => 0x80,
            Self::Puk => 0x81,
        }
    }

    /// The one of this number.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0x00 => Some(Self::Global),
            0x80 => Some(Self::Pin),
            0x81 => Some(Self::Puk),
            _ => None,
        }
    }
}

impl fmt::Display for PinReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "global PIN",
            Self::Pin => "PIN",
            Self::Puk => "PUK",
        })
    }
}

/// A PIN or a PUK: 6 to 8 bytes, padded with FF, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Pin {
    padded: [u8; PADDED_PIN],
}

impl Pin {
    /// Takes what a person typed. Digits are what the standard has; most cards take more.
    pub fn new(text: &str) -> Result<Self, PinError> {
        let len = text.len();
        if !(MIN_PIN..=PADDED_PIN).contains(&len) {
            return Err(PinError::WrongLength { len });
        }
        let mut padded = [PADDING; PADDED_PIN];
        for (to, from) in padded.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Self { padded })
    }

    /// Takes what came to the card. A PIN that is too short, or goes on behind its padding, is
    /// none.
    pub fn from_padded(padded: &[u8; PADDED_PIN]) -> Result<Self, PinError> {
        let end = padded.iter().position(|byte| *byte == PADDING);
        let len = end.unwrap_or(PADDED_PIN);
        let padding = padded.get(len..).unwrap_or_default();
        if len < MIN_PIN || padding.iter().any(|byte| *byte != PADDING) {
            return Err(PinError::WrongLength { len });
        }
        Ok(Self { padded: *padded })
    }

    /// As it travels.
    #[must_use]
    pub const fn padded(&self) -> &[u8; PADDED_PIN] {
        &self.padded
    }
}

impl ConstantTimeEq for Pin {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.padded.ct_eq(&other.padded)
    }
}

/// Why text is no PIN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PinError {
    /// Not 6 to 8 bytes.
    WrongLength {
        /// Bytes.
        len: usize,
    },
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::WrongLength { len } = self;
        write!(
            f,
            "a PIN or PUK of a card has {MIN_PIN} to {PADDED_PIN} characters, this one {len}"
        )
    }
}

impl core::error::Error for PinError {}

const PADDING: u8 = 0xFF;
