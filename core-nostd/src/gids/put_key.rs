//! A key written to the card: PUT DATA of a key usage template. GIDS 2.0.

use super::data_object::{KEY_USAGE, KEY_VALUE, REFERENCE};
use super::{KeyReference, required, required_byte, unreadable};
use crate::der::{Item, encode};
use crate::iso7816::Status;
use crate::iso7816::tlv::{EncodeError, Objects, Tag};

/// Bytes of an admin key: three keys of DES.
pub const ADMIN_KEY: usize = 24;

/// A key on its way to the card. A secret: no `Debug`.
#[derive(Clone, Copy, Eq, PartialEq)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub enum PutKey<'a> {
    /// A symmetric key.
    Admin {
        /// Three keys of DES.
        key: &'a [u8; ADMIN_KEY],
        /// What a block of zeros under it begins with: the card may check it.
        check_value: [u8; 3],
    },
    /// The private half of an RSA key, for a file that waits for it.
    Rsa {
        /// Which.
        reference: KeyReference,
        /// RSAPrivateKey in DER. RFC 8017 appendix A.1.2.
        private_key: &'a [u8],
    },
}

impl<'a> PutKey<'a> {
    pub(super) fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        match self {
            Self::Admin { key, check_value } => {
                let value = [
                    Item::Value(KEY, *key),
                    Item::Value(CHECK_VALUE, check_value),
                ];
                encode_usage(KeyReference::ADMIN, &value, buffer)
            }
            Self::Rsa {
                reference,
                private_key,
            } => {
                let value = [
                    Item::Value(TYPE, &[RSA]),
                    Item::Value(WRAPPING_KEY, &[NO_KEY]),
                    Item::Value(KEY, private_key),
                ];
                encode_usage(*reference, &value, buffer)
            }
        }
    }

    /// Reads the value of a key usage template.
    pub(super) fn parse(template: &'a [u8]) -> Result<Self, Status> {
        let reference = required_byte(template, REFERENCE).map_err(unreadable)?;
        let reference = KeyReference(reference);
        let value = required(template, KEY_VALUE).map_err(unreadable)?;
        let key = required(value, KEY).map_err(unreadable)?;
        let optional = |tag| match Objects::new(value).find(Tag(tag)) {
            Ok(Some(object)) => match *object.value {
                [byte] => Ok(Some(byte)),
                _ => Err(Status::IncorrectData),
            },
            Ok(None) => Ok(None),
            Err(_) => Err(Status::IncorrectData),
        };
        if optional(WRAPPING_KEY)?.is_some_and(|key| key != NO_KEY) {
            return Err(Status::FunctionNotSupported);
        }
        match (reference, optional(TYPE)?.unwrap_or(SYMMETRIC)) {
            (KeyReference::ADMIN, SYMMETRIC) => {
                let check_value = required(value, CHECK_VALUE).map_err(unreadable)?;
                Ok(Self::Admin {
                    key: key.try_into().map_err(|_| Status::IncorrectData)?,
                    check_value: check_value.try_into().map_err(|_| Status::IncorrectData)?,
                })
            }
            (_, RSA) if reference != KeyReference::ADMIN => Ok(Self::Rsa {
                reference,
                private_key: key,
            }),
            _ => Err(Status::IncorrectData),
        }
    }
}

fn encode_usage<'b>(
    reference: KeyReference,
    value: &[Item<'_>],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let reference = [reference.0];
    let template = [
        Item::Value(REFERENCE, &reference),
        Item::Template(KEY_VALUE, value),
    ];
    encode(&[Item::Template(KEY_USAGE, &template)], buffer)
}

/// Kind of the key.
const TYPE: u32 = 0x83;
const SYMMETRIC: u8 = 0x01;
const RSA: u8 = 0x02;
/// The key that it comes enciphered under.
const WRAPPING_KEY: u32 = 0x84;
const NO_KEY: u8 = 0x00;
/// The key itself.
const KEY: u32 = 0x87;
const CHECK_VALUE: u32 = 0x88;
