//! Yubico's extensions. Other makers have some of them: what a card answers decides.
//!
//! | command | module |
//! |---|---|
//! | GET VERSION, GET SERIAL, RESET | here |
//! | GET METADATA | [`metadata`] |
//! | SET MANAGEMENT KEY | [`set_admin_key`] |
//! | SET PIN RETRIES | [`set_pin_retries`] |
//! | IMPORT ASYMMETRIC KEY | [`import_key`] |
//! | ATTEST | [`attest`] |
//! | MOVE KEY | [`move_key`] |

pub mod attest;
pub mod import_key;
pub mod metadata;
pub mod move_key;
pub mod set_admin_key;
pub mod set_pin_retries;

use super::{Malformed, command, ins};
use crate::iso7816::{Command, Le};
use core::fmt;

/// GET VERSION. Answered by a [`Version`].
#[must_use]
pub const fn version() -> Command<'static> {
    Command {
        le: Some(Le::SHORT),
        ..command(ins::VERSION, 0x00, 0x00, &[])
    }
}

/// GET SERIAL. Answered by four bytes, big-endian: see [`serial_number`].
#[must_use]
pub const fn serial() -> Command<'static> {
    Command {
        le: Some(Le::SHORT),
        ..command(ins::SERIAL, 0x00, 0x00, &[])
    }
}

/// RESET: everything but the key and the certificate that vouch for others is as it left the
/// factory. Taken only when PIN and PUK are both blocked.
#[must_use]
pub const fn reset() -> Command<'static> {
    command(ins::RESET, 0x00, 0x00, &[])
}

/// What GET VERSION answers. What a card can do does not follow from it: other makers write here
/// what their clients want to see.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version(pub [u8; 3]);

impl Version {
    /// Reads an answer.
    pub fn parse(data: &[u8]) -> Result<Self, Malformed> {
        data.try_into().map(Self).map_err(|_| Malformed)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Reads the answer to GET SERIAL. Several makers give all their cards the same.
pub fn serial_number(data: &[u8]) -> Result<u32, Malformed> {
    data.try_into()
        .map(u32::from_be_bytes)
        .map_err(|_| Malformed)
}
