//! The public half of an RSA key, as the card shows it and as the rest of the world does. GIDS 2.0;
//! ISO/IEC 7816-8 §5.1.

use super::{Error, required};
use crate::der::{self, Item};
use crate::iso7816::tlv::EncodeError;

/// An RSA public key; the numbers are big-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKey<'a> {
    /// n
    pub modulus: &'a [u8],
    /// e
    pub public_exponent: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads the answer to [`GetData::PublicKey`](super::data_object::GetData).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let template = required(bytes, TEMPLATE)?;
        Ok(Self {
            modulus: required(template, MODULUS)?,
            public_exponent: required(template, EXPONENT)?,
        })
    }

    /// Encodes the answer into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let numbers = [
            Item::Value(MODULUS, self.modulus),
            Item::Value(EXPONENT, self.public_exponent),
        ];
        der::encode(&[Item::Template(TEMPLATE, &numbers)], buffer)
    }

    /// SubjectPublicKeyInfo in DER, into the front of `buffer`.
    pub fn info<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        der::rsa_public_key_info(self.modulus, self.public_exponent, buffer)
    }
}

const TEMPLATE: u32 = 0x7F49;
const MODULUS: u32 = 0x81;
const EXPONENT: u32 = 0x82;
