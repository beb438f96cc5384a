//! PIV: cards that prove who a person is, sign, and agree on keys. NIST SP 800-73-5, SP 800-78-5;
//! Yubico's extensions, which several other cards have too.
//!
//! Every message goes both ways. Nothing here is inferred from a version number: what a card can
//! do is asked of it.
//!
//! | command | module |
//! |---|---|
//! | SELECT | [`select`] |
//! | GET DATA, PUT DATA | [`get_data`], [`put_data`] |
//! | VERIFY | [`verify`] |
//! | CHANGE REFERENCE DATA | [`change_reference_data`] |
//! | RESET RETRY COUNTER | [`reset_retry_counter`] |
//! | GENERAL AUTHENTICATE | [`general_authenticate`] |
//! | GENERATE ASYMMETRIC KEY PAIR | [`generate`] |
//! | Yubico's | [`yubico`] |
//!
//! | data | module |
//! |---|---|
//! | cardholder unique identifier | [`chuid`] |
//! | card capability container | [`capabilities`] |
//! | discovery object | [`discovery`] |
//! | key history | [`key_history`] |
//! | certificates | [`certificate`] |
//! | printed information | [`printed`] |
//! | what Windows looks for (Yubico's) | [`container_map`], [`roots`] |
//! | public keys | [`PublicKey`], as SubjectPublicKeyInfo too |
//! | blocks to sign | [`pkcs1`] |
//!
//! ```
//! use keysteward_core::iso7816::{Command, Form};
//! use keysteward_core::piv::{ObjectId, Request, get_data};
//!
//! let mut data = [0; 8];
//! let request = get_data::Request { object: ObjectId::CHUID };
//! let (command, mut apdu) = (request.command(&mut data)?, [0; 16]);
//! let apdu = command.encode(Form::Short, &mut apdu)?;
//! assert_eq!(apdu, b"\x00\xCB\x3F\xFF\x05\x5C\x03\x5F\xC1\x02\x00");
//!
//! // At the card:
//! let (command, _) = Command::parse(apdu)?;
//! assert!(matches!(Request::parse(&command), Ok(Request::GetData(asked)) if asked == request));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
pub mod capabilities;
pub mod certificate;
pub mod change_reference_data;
pub mod chuid;
pub mod container_map;
pub mod discovery;
pub mod general_authenticate;
pub mod generate;
pub mod get_data;
pub mod key_history;
mod key_reference;
mod object_id;
mod pin;
pub mod pkcs1;
mod policy;
pub mod printed;
mod public_key;
pub mod put_data;
mod request;
pub mod reset_retry_counter;
pub mod roots;
pub mod select;
pub mod session;
pub mod verify;
pub mod yubico;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use key_reference::KeyReference;
pub use object_id::ObjectId;
pub use pin::{MIN_PIN, PADDED_PIN, Pin, PinError, PinReference};
pub use policy::{PinPolicy, TouchPolicy};
pub use public_key::PublicKey;
pub use request::Request;

use crate::iso7816::Command;
use core::fmt;

/// The applet's name, without its version.
pub const AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];

/// 9B: the key of the card's administrator.
pub const ADMIN_KEY: u8 = 0x9B;

/// Longest content of a data object that is read or written.
pub const MAX_OBJECT: usize = 4032;

/// Instructions.
mod ins {
    pub(super) const VERIFY: u8 = 0x20;
    pub(super) const CHANGE_REFERENCE_DATA: u8 = 0x24;
    pub(super) const RESET_RETRY_COUNTER: u8 = 0x2C;
    pub(super) const GENERATE: u8 = 0x47;
    pub(super) const GENERAL_AUTHENTICATE: u8 = 0x87;
    pub(super) const SELECT: u8 = 0xA4;
    pub(super) const GET_DATA: u8 = 0xCB;
    pub(super) const PUT_DATA: u8 = 0xDB;
    pub(super) const MOVE_KEY: u8 = 0xF6;
    pub(super) const METADATA: u8 = 0xF7;
    pub(super) const SERIAL: u8 = 0xF8;
    pub(super) const ATTEST: u8 = 0xF9;
    pub(super) const SET_PIN_RETRIES: u8 = 0xFA;
    pub(super) const RESET: u8 = 0xFB;
    pub(super) const VERSION: u8 = 0xFD;
    pub(super) const IMPORT_KEY: u8 = 0xFE;
    pub(super) const SET_ADMIN_KEY: u8 = 0xFF;
}

/// P1 and P2 of GET DATA and PUT DATA: the current file.
const CURRENT: [u8; 2] = [0x3F, 0xFF];

const fn command(ins: u8, p1: u8, p2: u8, data: &[u8]) -> Command<'_> {
    Command {
        cla: 0x00,
        ins,
        p1,
        p2,
        data,
        le: None,
    }
}

/// An answer, or an object's content, that cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the card's data cannot be read")
    }
}

impl core::error::Error for Malformed {}
