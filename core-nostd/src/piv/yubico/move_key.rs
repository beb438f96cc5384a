//! MOVE KEY: a key without its certificate goes to another place, or away.

use super::super::{KeyReference, command, ins};
use crate::iso7816::{Command, Status};

/// MOVE KEY request; wants the admin key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// P2
    pub from: KeyReference,
    /// P1; `None`: the key is deleted.
    pub to: Option<KeyReference>,
}

impl Request {
    /// The command.
    #[must_use]
    pub const fn command(&self) -> Command<'static> {
        let to = match self.to {
            Some(key) => key.id(),
            None => NOWHERE,
        };
        command(ins::MOVE_KEY, to, self.from.id(), &[])
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        let wrong = Status::IncorrectP1P2;
        let from = KeyReference::from_id(command.p2).ok_or(wrong)?;
        let to = match command.p1 {
            NOWHERE => None,
            id => Some(KeyReference::from_id(id).ok_or(wrong)?),
        };
        match command.data {
            [] => Ok(Self { from, to }),
            _ => Err(Status::IncorrectData),
        }
    }
}

const NOWHERE: u8 = 0xFF;
