//! PERFORM SECURITY OPERATION: signatures and decipherment with a container's key, after MANAGE
//! SECURITY ENVIRONMENT has named it. GIDS 2.0; ISO/IEC 7816-8 §5.2.

use super::key_file::{ALGORITHM, KeySize};
use super::{KeyReference, command, required_byte, unreadable};
use crate::der::{Item, encode};
use crate::iso7816::tlv::EncodeError;
use crate::iso7816::{Command, Le, Status};

/// What a key does, and who pads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mechanism {
    /// Signs a block as long as the modulus, which the host has padded.
    SignRaw,
    /// Signs a DigestInfo, which the card pads as PKCS #1 v1.5 has it.
    SignPkcs1,
    /// Deciphers a block, and leaves it as it is.
    DecipherRaw,
    /// Deciphers, and takes the padding of PKCS #1 v1.5 away.
    DecipherPkcs1,
    /// Deciphers, and takes the padding of OAEP with SHA-1 away.
    DecipherOaep,
}

impl Mechanism {
    /// Whether it signs.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::SignRaw | Self::SignPkcs1)
    }

    const fn padding(self) -> u8 {
        match self {
            Self::SignRaw => 0x10,
            Self::SignPkcs1 => 0x50,
            Self::DecipherRaw => 0x00,
            Self::DecipherPkcs1 => 0x40,
            Self::DecipherOaep => 0x80,
        }
    }

    const fn template(self) -> u8 {
        if self.signs() {
            SIGNATURE
        } else {
            CONFIDENTIALITY
        }
    }
}

/// MANAGE SECURITY ENVIRONMENT: which key does what next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Environment {
    /// What is done.
    pub mechanism: Mechanism,
    /// With which key.
    pub key: KeyReference,
    /// Of which length.
    pub size: KeySize,
}

impl Environment {
    /// The command, whose data are written to `buffer`, six bytes.
    pub fn command<'b>(&self, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let algorithm = [self.mechanism.padding() | self.size.id()];
        let key = [self.key.0];
        let items = [
            Item::Value(ALGORITHM, &algorithm),
            Item::Value(PRIVATE_KEY, &key),
        ];
        let data = encode(&items, buffer)?;
        Ok(command(MANAGE, SET, self.mechanism.template(), data, None))
    }

    /// Reads a command.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        if command.p1 != SET {
            return Err(Status::IncorrectP1P2);
        }
        let algorithm = required_byte(command.data, ALGORITHM).map_err(unreadable)?;
        let key = required_byte(command.data, PRIVATE_KEY).map_err(unreadable)?;
        let mechanism = match (command.p2, algorithm & 0xF0) {
            (SIGNATURE, 0x10) => Mechanism::SignRaw,
            (SIGNATURE, 0x50) => Mechanism::SignPkcs1,
            (CONFIDENTIALITY, 0x00) => Mechanism::DecipherRaw,
            (CONFIDENTIALITY, 0x40) => Mechanism::DecipherPkcs1,
            (CONFIDENTIALITY, 0x80) => Mechanism::DecipherOaep,
            (SIGNATURE | CONFIDENTIALITY, _) => return Err(Status::FunctionNotSupported),
            _ => return Err(Status::IncorrectP1P2),
        };
        Ok(Self {
            mechanism,
            key: KeyReference(key),
            size: KeySize::of_id(algorithm).ok_or(Status::FunctionNotSupported)?,
        })
    }
}

/// PERFORM SECURITY OPERATION. What is deciphered may be a secret, but not before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation<'a> {
    /// COMPUTE DIGITAL SIGNATURE of a block or a DigestInfo.
    Sign(&'a [u8]),
    /// DECIPHER a cryptogram.
    Decipher(&'a [u8]),
}

impl<'a> Operation<'a> {
    /// The command, whose data are written to `buffer`, one byte more than what is deciphered.
    pub fn command<'b>(&self, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError>
    where
        'a: 'b,
    {
        match *self {
            Self::Sign(input) => Ok(command(PERFORM, 0x9E, 0x9A, input, Some(Le::SHORT))),
            Self::Decipher(cryptogram) => {
                let mut len: usize = 0;
                let bytes = [NO_PADDING];
                for byte in bytes.iter().chain(cryptogram) {
                    *buffer.get_mut(len).ok_or(EncodeError::BufferFull)? = *byte;
                    len = len.saturating_add(1);
                }
                let data = buffer.get(..len).unwrap_or_default();
                Ok(command(PERFORM, 0x80, 0x86, data, Some(Le::SHORT)))
            }
        }
    }

    /// Reads a command. `block` is the length of the key's modulus: some clients leave the byte in
    /// front of a cryptogram away, as Microsoft's virtual cards want it.
    pub fn parse(command: &Command<'a>, block: usize) -> Result<Self, Status> {
        match (command.p1, command.p2) {
            (0x9E, 0x9A) => Ok(Self::Sign(command.data)),
            (0x80, 0x86) => match command.data {
                bare if bare.len() == block => Ok(Self::Decipher(bare)),
                [NO_PADDING, cryptogram @ ..] => Ok(Self::Decipher(cryptogram)),
                _ => Err(Status::IncorrectData),
            },
            _ => Err(Status::IncorrectP1P2),
        }
    }
}

const MANAGE: u8 = 0x22;
/// P1 of MANAGE SECURITY ENVIRONMENT: set, for what is computed.
const SET: u8 = 0x41;
/// P2: digital signature template.
const SIGNATURE: u8 = 0xB6;
/// P2: confidentiality template.
const CONFIDENTIALITY: u8 = 0xB8;
const PERFORM: u8 = 0x2A;
/// Reference of a private key.
const PRIVATE_KEY: u32 = 0x84;
/// Padding indicator: the cryptogram is whole blocks.
const NO_PADDING: u8 = 0x00;
