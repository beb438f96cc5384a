//! ATTEST: the card's own word that a key was made on it.

use super::super::{KeyReference, command, ins};
use crate::iso7816::{Command, Le, Status};

/// ATTEST request. Answered by a certificate, X.509 in DER, signed by the key F9.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// P1: which key.
    pub key: KeyReference,
}

impl Request {
    /// The command.
    #[must_use]
    pub const fn command(&self) -> Command<'static> {
        Command {
            le: Some(Le::EXTENDED),
            ..command(ins::ATTEST, self.key.id(), 0x00, &[])
        }
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        match (KeyReference::from_id(command.p1), command.p2, command.data) {
            (Some(key), 0x00, []) => Ok(Self { key }),
            _ => Err(Status::IncorrectP1P2),
        }
    }
}
