//! GENERATE ASYMMETRIC KEY PAIR. GIDS 2.0; ISO/IEC 7816-8 §5.1. The public half is read
//! afterwards: [`GetData::PublicKey`](super::data_object::GetData).

use super::key_file::{ALGORITHM, KEY, KeySize};
use super::{KeyReference, command, required, required_byte, unreadable};
use crate::der::{Item, encode};
use crate::iso7816::tlv::EncodeError;
use crate::iso7816::{Command, Status};

/// Makes the key of a file anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Generate {
    /// Which.
    pub key: KeyReference,
    /// As its file has it.
    pub size: KeySize,
}

impl Generate {
    /// The command, whose data are written to `buffer`, eight bytes.
    pub fn command<'b>(&self, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let (algorithm, key) = ([self.size.id()], [self.key.0]);
        let template = [Item::Value(ALGORITHM, &algorithm), Item::Value(KEY, &key)];
        let data = encode(&[Item::Template(TEMPLATE, &template)], buffer)?;
        Ok(command(GENERATE, 0x00, 0x00, data, None))
    }

    /// Reads a command.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        if command.ins != GENERATE {
            return Err(Status::InsNotSupported);
        }
        let template = required(command.data, TEMPLATE).map_err(unreadable)?;
        let algorithm = required_byte(template, ALGORITHM).map_err(unreadable)?;
        let key = required_byte(template, KEY).map_err(unreadable)?;
        Ok(Self {
            key: KeyReference(key),
            size: KeySize::of_id(algorithm).ok_or(Status::FunctionNotSupported)?,
        })
    }
}

const GENERATE: u8 = 0x47;
/// Cryptographic mechanism and key.
const TEMPLATE: u32 = 0xAC;
