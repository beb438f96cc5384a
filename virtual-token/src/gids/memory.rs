//! What survives power loss, in records: the card's life and PIN, files, keys, data objects.

use crate::storage::{Change, FORMAT, Failure, Record, Storage};
use alloc::vec;
use alloc::vec::Vec;
use keysteward_core::gids::KeyReference;
use keysteward_core::gids::data_object::Address;
use keysteward_core::gids::file::{CreateFile, FileId};
use keysteward_core::iso7816::{Command, Status};
use zeroize::{Zeroize, Zeroizing};

/// The storage, in words of a GIDS card.
pub(super) struct Memory<S>(pub(super) S);

/// The card's life, and its PIN.
#[derive(Clone)]
pub(super) struct State {
    /// Rules hold.
    pub(super) activated: bool,
    /// Of the PIN, until it is blocked.
    pub(super) tries: u8,
    pub(super) pin: Zeroizing<Vec<u8>>,
}

/// A file.
#[derive(Clone, Copy)]
pub(super) struct File {
    pub(super) activated: bool,
    pub(super) created: CreateFile,
}

/// Tries of a PIN.
pub(super) const LIMIT: u8 = 3;

/// Longest object, in bytes: with its tag and length it fits one answer.
pub(super) const MAX_OBJECT: usize = 7_000;

impl<S: Storage> Memory<S> {
    /// `None`: the card has no PIN.
    pub(super) fn state(&self) -> Result<Option<State>, Status> {
        let Some(record) = self.record(Record::GidsState)? else {
            return Ok(None);
        };
        match record[..] {
            [activated, tries, ref pin @ ..] => Ok(Some(State {
                activated: activated != 0,
                tries,
                pin: Zeroizing::new(pin.to_vec()),
            })),
            _ => Err(Status::NoDiagnosis),
        }
    }

    pub(super) fn set_state(&mut self, state: &State) -> Result<(), Status> {
        let head = [u8::from(state.activated), state.tries];
        let record = Zeroizing::new([&head[..], &state.pin].concat());
        self.set_record(Record::GidsState, &record)
    }

    /// A file, whether it can be used or not.
    pub(super) fn file(&self, id: FileId) -> Result<Option<File>, Status> {
        let Some(record) = self.record(Record::GidsFile(id.0))? else {
            return Ok(None);
        };
        let (&activated, data) = record.split_first().ok_or(Status::NoDiagnosis)?;
        // It is kept as it was created.
        let created = CreateFile::parse(&Command {
            cla: 0x00,
            ins: 0xE0,
            p1: 0x00,
            p2: 0x00,
            data,
            le: None,
        });
        Ok(Some(File {
            activated: activated != 0,
            created: created.map_err(|_| Status::NoDiagnosis)?,
        }))
    }

    pub(super) fn set_file(&mut self, id: FileId, file: &File) -> Result<(), Status> {
        let mut data = [0; 128];
        let command = file.created.command(&mut data).map_err(super::broken)?;
        let record = [&[u8::from(file.activated)], command.data].concat();
        self.set_record(Record::GidsFile(id.0), &record)
    }

    /// Deletes a file and what is in it.
    pub(super) fn delete_file(&mut self, id: FileId) -> Result<(), Status> {
        let [kind, low] = id.0.to_be_bytes();
        let mut changes = vec![Change::Delete(Record::GidsFile(id.0))];
        match kind {
            KEYS => changes.push(Change::Delete(Record::GidsKey(low))),
            _ => changes.extend((0..=u8::MAX).map(|tag| {
                let slot = u16::from_be_bytes([low, tag]);
                Change::Delete(Record::GidsObject(slot))
            })),
        }
        self.0.commit(&changes).map_err(failed)
    }

    /// A key: three keys of DES, or an RSAPrivateKey in DER.
    pub(super) fn key(&self, key: KeyReference) -> Result<Option<Zeroizing<Vec<u8>>>, Status> {
        self.record(Record::GidsKey(key.0))
    }

    pub(super) fn set_key(&mut self, key: KeyReference, bytes: &[u8]) -> Result<(), Status> {
        self.set_record(Record::GidsKey(key.0), bytes)
    }

    /// The value of an object.
    pub(super) fn object(&self, address: Address) -> Result<Option<Zeroizing<Vec<u8>>>, Status> {
        match slot(address) {
            Some(slot) => self.record(Record::GidsObject(slot)),
            None => Ok(None),
        }
    }

    pub(super) fn set_object(&mut self, address: Address, value: &[u8]) -> Result<(), Status> {
        let slot = slot(address).ok_or(Status::IncorrectData)?;
        if value.len() > MAX_OBJECT {
            return Err(Status::NotEnoughMemory);
        }
        self.set_record(Record::GidsObject(slot), value)
    }

    fn record(&self, record: Record) -> Result<Option<Zeroizing<Vec<u8>>>, Status> {
        let Some(length) = self.0.read(record, 0, &mut []).map_err(failed)? else {
            return Ok(None);
        };
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.0.read(record, 0, &mut bytes).map_err(failed)?;
        match bytes.split_first() {
            Some((&FORMAT, content)) => Ok(Some(Zeroizing::new(content.to_vec()))),
            _ => Err(Status::NoDiagnosis),
        }
    }

    fn set_record(&mut self, record: Record, content: &[u8]) -> Result<(), Status> {
        let mut bytes = [&[FORMAT], content].concat();
        let written = self.0.commit(&[Change::replace(record, &bytes)]);
        bytes.zeroize();
        written.map_err(failed)
    }
}

/// Objects lie in files A0xx and have tags DFxx.
fn slot(address: Address) -> Option<u16> {
    let ([OBJECTS, file], [0, 0, 0xDF, tag]) =
        (address.file.0.to_be_bytes(), address.object.0.to_be_bytes())
    else {
        return None;
    };
    Some(u16::from_be_bytes([file, tag]))
}

const fn failed(failure: Failure) -> Status {
    match failure {
        Failure::Full => Status::NotEnoughMemory,
        // 6581: memory failure.
        Failure::Medium | Failure::Length => Status::Other(0x6581),
    }
}

/// High byte of the identifiers of files of data objects.
pub(super) const OBJECTS: u8 = 0xA0;
/// High byte of the identifiers of files of keys.
const KEYS: u8 = 0xB0;
