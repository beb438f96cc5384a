//! SET MANAGEMENT KEY.

use super::super::{ADMIN_KEY, command, ins};
use crate::admin_key::{Cipher, MAX_KEY};
use crate::iso7816::tlv::{EncodeError, Objects, Tag, encode};
use crate::iso7816::{Command, Status};
use zeroize::Zeroizing;

/// SET MANAGEMENT KEY request; wants the key that there was.
#[expect(missing_debug_implementations, reason = "holds a key")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Request<'a> {
    /// What it is for.
    pub cipher: Cipher,
    /// The key from now on.
    pub key: &'a [u8],
    /// Whether each use of it wants a touch.
    pub touch: bool,
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let mut object = Zeroizing::new([0; MAX_KEY.saturating_add(2)]);
        let object = encode(KEY, &[self.key], &mut *object)?;
        let len = object.len().saturating_add(1);
        let (head, rest) = data.split_first_mut().ok_or(EncodeError::BufferFull)?;
        *head = self.cipher.piv_id();
        rest.get_mut(..object.len())
            .ok_or(EncodeError::BufferFull)?
            .copy_from_slice(object);
        let data = data.get(..len).unwrap_or_default();
        let p2 = if self.touch { TOUCH } else { NO_TOUCH };
        Ok(command(ins::SET_ADMIN_KEY, 0xFF, p2, data))
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        let touch = match (command.p1, command.p2) {
            (0xFF, TOUCH) => true,
            (0xFF, NO_TOUCH) => false,
            _ => return Err(Status::IncorrectP1P2),
        };
        let wrong = Status::IncorrectData;
        let (id, object) = command.data.split_first().ok_or(wrong)?;
        let cipher = Cipher::from_piv_id(*id).ok_or(wrong)?;
        match Objects::new(object).next() {
            Some(Ok(key)) if key.tag == KEY && key.value.len() == cipher.key_len() => Ok(Self {
                cipher,
                key: key.value,
                touch,
            }),
            _ => Err(wrong),
        }
    }
}

/// The key reference stands for a tag.
const KEY: Tag = Tag(ADMIN_KEY as u32);
const TOUCH: u8 = 0xFE;
const NO_TOUCH: u8 = 0xFF;
