//! A PIN and the rules that every PIN obeys. CTAP 2.3 §6.5.1, §6.5.5.5.

use crate::crypto::{Crypto, Secret};
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Longest PIN, in bytes of UTF-8.
pub const MAX_PIN_BYTES: usize = 63;

/// Fewest code points of a PIN on any token; a token may want more.
pub const MIN_PIN_CODE_POINTS: usize = 4;

/// A PIN as it travels: padded with zeros.
pub const PADDED_PIN: usize = 64;

/// A PIN that some token could accept, wiped when dropped.
///
/// The specification wants Unicode normalisation form C. Who takes text from a
/// person normalises it; nothing here changes a byte.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Pin {
    padded: [u8; PADDED_PIN],
    len: usize,
    code_points: usize,
}

impl Pin {
    /// Checks what the specification wants of every PIN.
    pub fn new(text: &str) -> Result<Self, PinError> {
        let code_points = count_code_points(text);
        if code_points < MIN_PIN_CODE_POINTS {
            return Err(PinError::TooShort { code_points });
        }
        if text.len() > MAX_PIN_BYTES {
            return Err(PinError::TooLong { bytes: text.len() });
        }
        if text.ends_with('\0') {
            return Err(PinError::EndsWithZero);
        }
        let mut padded = [0; PADDED_PIN];
        for (to, from) in padded.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Self {
            padded,
            len: text.len(),
            code_points,
        })
    }

    /// Takes a PIN out of what a platform sent: the token's half.
    pub fn from_padded(padded: &[u8; PADDED_PIN]) -> Result<Self, PinError> {
        let len = padded
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last.saturating_add(1));
        let bytes = padded.get(..len).unwrap_or_default();
        Self::new(core::str::from_utf8(bytes).map_err(|_| PinError::NotText)?)
    }

    /// How a token counts its length.
    #[must_use]
    pub const fn code_points(&self) -> usize {
        self.code_points
    }

    /// What is encrypted into newPinEnc.
    #[must_use]
    pub const fn padded(&self) -> &[u8; PADDED_PIN] {
        &self.padded
    }

    /// What is encrypted into pinHashEnc, and what a token stores: the first
    /// half of SHA-256 over the PIN without padding.
    pub fn hash(&self, crypto: &mut impl Crypto) -> Secret<16> {
        let text = self.padded.get(..self.len).unwrap_or_default();
        let digest = Secret(crypto.sha256(&[text]));
        let [half, _] = digest.0.as_chunks::<16>().0 else {
            return Secret([0; 16]);
        };
        Secret(*half)
    }
}

/// As `text.chars().count()` does, which is made for long texts and takes 300 bytes of flash.
fn count_code_points(text: &str) -> usize {
    let first_bytes = text.bytes().filter(|byte| byte & 0xC0 != 0x80);
    first_bytes.fold(0_usize, |count, _| count.saturating_add(1))
}

/// Which rule a PIN breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PinError {
    /// Fewer than [`MIN_PIN_CODE_POINTS`].
    TooShort {
        /// Code points of the PIN.
        code_points: usize,
    },
    /// More than [`MAX_PIN_BYTES`].
    TooLong {
        /// Bytes of the PIN.
        bytes: usize,
    },
    /// Its last byte is zero, which tokens take for padding.
    EndsWithZero,
    /// Not UTF-8.
    NotText,
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { code_points } => write!(
                f,
                "a PIN has at least {MIN_PIN_CODE_POINTS} characters, this one {code_points}"
            ),
            Self::TooLong { bytes } => write!(
                f,
                "a PIN has at most {MAX_PIN_BYTES} bytes in UTF-8, this one {bytes}"
            ),
            Self::EndsWithZero => f.write_str("a PIN does not end with a zero byte"),
            Self::NotText => f.write_str("a PIN is text in UTF-8"),
        }
    }
}

impl core::error::Error for PinError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Option<PinError> {
        Pin::new(text).err()
    }

    #[test]
    fn length_is_counted_in_code_points_below_and_in_bytes_above() {
        assert_eq!(error("123"), Some(PinError::TooShort { code_points: 3 }));
        assert_eq!(error("äöü"), Some(PinError::TooShort { code_points: 3 }));
        assert_eq!(error("1234"), None);
        assert_eq!(Pin::new("äöüß").ok().unwrap().code_points(), 4);
        assert_eq!(error(&"x".repeat(63)), None);
        assert_eq!(
            error(&"x".repeat(64)),
            Some(PinError::TooLong { bytes: 64 })
        );
        assert_eq!(
            error(&"ä".repeat(32)),
            Some(PinError::TooLong { bytes: 64 })
        );
    }

    #[test]
    fn a_zero_is_allowed_inside_but_not_at_the_end() {
        assert_eq!(error("12\u{0}34"), None);
        assert_eq!(error("1234\u{0}"), Some(PinError::EndsWithZero));
    }

    #[test]
    fn a_padded_pin_is_read_back() {
        let pin = Pin::new("pässword").ok().unwrap();
        let again = Pin::from_padded(pin.padded()).ok().unwrap();
        assert_eq!(again.padded(), pin.padded());
        assert_eq!(again.code_points(), 8);
    }

    #[test]
    fn what_is_no_padded_pin_is_refused() {
        let full = [b'x'; PADDED_PIN];
        assert_eq!(
            Pin::from_padded(&full).err(),
            Some(PinError::TooLong { bytes: 64 })
        );
        let empty = [0; PADDED_PIN];
        assert_eq!(
            Pin::from_padded(&empty).err(),
            Some(PinError::TooShort { code_points: 0 })
        );
        let mut broken = *Pin::new("12345").ok().unwrap().padded();
        broken[2] = 0xFF;
        assert_eq!(Pin::from_padded(&broken).err(), Some(PinError::NotText));
    }
}
