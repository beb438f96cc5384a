//! CREATE FILE, ACTIVATE FILE, SELECT, DELETE FILE. GIDS 2.0.

use super::memory::{File, OBJECTS};
use super::{Answer, GidsCard};
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::gids::KeyReference;
use keysteward_core::gids::file::{Access, CreateFile, FileId, parse_select};
use keysteward_core::iso7816::{Command, Status};

impl<S: Storage, C: Crypto> GidsCard<S, C> {
    /// Selects what it creates.
    pub(super) fn create_file(&mut self, command: &Command<'_>) -> Answer {
        let created = CreateFile::parse(command)?;
        self.permit(OF_THE_APPLET)?;
        let id = match created {
            CreateFile::Objects(file) if file.id.0.to_be_bytes()[0] != OBJECTS => {
                return Err(Status::IncorrectData);
            }
            CreateFile::Objects(file) => file.id,
            CreateFile::Key(file) => file.key.file(),
        };
        if self.memory.file(id)?.is_some() {
            return Err(ALREADY_THERE);
        }
        let file = File {
            activated: false,
            created,
        };
        self.memory.set_file(id, &file)?;
        self.volatile.selected = id;
        Ok(0)
    }

    pub(super) fn activate_file(&mut self, command: &Command<'_>) -> Answer {
        let id = self.volatile.selected;
        if (command.p1, command.p2) != (0, 0) {
            return Err(Status::IncorrectP1P2);
        }
        if id == FileId::APPLICATION {
            let mut state = self.memory.state()?.ok_or(Status::ConditionsNotSatisfied)?;
            if !state.activated && self.memory.key(KeyReference::ADMIN)?.is_none() {
                return Err(Status::ConditionsNotSatisfied);
            }
            state.activated = true;
            self.memory.set_state(&state)?;
            self.forget();
            return Ok(0);
        }
        self.permit(OF_THE_APPLET)?;
        let mut file = self.memory.file(id)?.ok_or(Status::NotFound)?;
        file.activated = true;
        self.memory.set_file(id, &file)?;
        Ok(0)
    }

    pub(super) fn select_file(&mut self, command: &Command<'_>) -> Answer {
        let id = parse_select(command)?;
        if id != FileId::APPLICATION && self.memory.file(id)?.is_none() {
            return Err(Status::NotFound);
        }
        self.volatile.selected = id;
        Ok(0)
    }

    pub(super) fn delete_file(&mut self, command: &Command<'_>) -> Answer {
        let id = self.volatile.selected;
        if !command.data.is_empty() {
            return Err(Status::WrongLength);
        }
        // Without them nothing works any more.
        if id == FileId::APPLICATION || id == KeyReference::ADMIN.file() {
            return Err(Status::ConditionsNotSatisfied);
        }
        self.permit(OF_THE_APPLET)?;
        self.memory.delete_file(id)?;
        self.volatile.selected = FileId::APPLICATION;
        Ok(0)
    }

    /// A file that can be used.
    pub(super) fn usable(&self, id: FileId) -> Result<CreateFile, Status> {
        let file = self.memory.file(id)?.ok_or(Status::NotFound)?;
        match file.activated {
            true => Ok(file.created),
            false => Err(Status::ConditionsNotSatisfied),
        }
    }
}

/// Who creates and deletes files.
const OF_THE_APPLET: Access = Access::USER_OR_ADMIN;
/// 6A89
const ALREADY_THERE: Status = Status::Other(0x6A89);
