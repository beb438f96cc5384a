//! Containers with their keys: listed, created, deleted.

use super::{AdminAuthenticated, Error, PinVerified, Session};
use crate::crypto::Crypto;
use crate::gids::KeyReference;
use crate::gids::data_object::{CMAPFILE, GetData, KEY_MAP};
use crate::gids::file::CreateFile;
use crate::gids::generate::Generate;
use crate::gids::key_file::{KeyFile, KeySize, Usage};
use crate::gids::minidriver::cardcf::Change;
use crate::gids::minidriver::cmapfile::{self, Container, containers};
use crate::gids::minidriver::key_map::{self, Key, keys};
use crate::gids::public_key::PublicKey;
use crate::iso7816::CardTransport;
use core::ops::ControlFlow;

/// By whose authority files are written: the user's or the administrator's, either will do.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'p> {
    /// Who verified the PIN.
    User(&'p PinVerified),
    /// Who proved the admin key.
    Admin(&'p AdminAuthenticated),
}

impl<'p> From<&'p PinVerified> for Authority<'p> {
    fn from(proof: &'p PinVerified) -> Self {
        Self::User(proof)
    }
}

impl<'p> From<&'p AdminAuthenticated> for Authority<'p> {
    fn from(proof: &'p AdminAuthenticated) -> Self {
        Self::Admin(proof)
    }
}

/// A container to be created, with a key that is made in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NewContainer<'a> {
    /// Its name; Windows gives each a GUID in braces. No two have the same.
    pub name: &'a str,
    /// How long the key is.
    pub size: KeySize,
    /// Whether logon takes this one. The first is taken whatever is said here.
    pub is_default: bool,
}

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Tells of each container and its number, until told to break off.
    pub fn containers(
        &mut self,
        found: &mut dyn FnMut(u8, Container) -> ControlFlow<()>,
    ) -> Result<(), Error<T::Error>> {
        let len = self.read_cmapfile()?;
        for (number, container) in (0..=u8::MAX).zip(containers(self.file(len))?) {
            if let Some(container) = container
                && found(number, container).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// The container of this number.
    pub fn container(&mut self, number: u8) -> Result<Container, Error<T::Error>> {
        let len = self.read_cmapfile()?;
        let found = containers(self.file(len))?.nth(number.into()).flatten();
        found.ok_or(Error::NoContainer { number })
    }

    /// The public half of a container's key; `None` where there is no key.
    pub fn public_key(&mut self, number: u8) -> Result<Option<PublicKey<'_>>, Error<T::Error>> {
        let key = key_of(number)?;
        let outcome = self.send_built(|room| GetData::PublicKey(key).command(room))?;
        match outcome.found()? {
            None => Ok(None),
            Some(len) => Ok(Some(PublicKey::parse(self.answer(len))?)),
        }
    }

    /// Creates a container at the first number that is free, and makes a key in it for signatures
    /// and decipherment: what logon and e-mail want. The container shows only once its key is there.
    /// Making a key may take a minute.
    pub fn create_container(
        &mut self,
        _by: &PinVerified,
        new: &NewContainer<'_>,
    ) -> Result<u8, Error<T::Error>> {
        let usage = Usage::KeyExchange(new.size);
        let number = self.free_number()?;
        let reference = key_of(number)?;
        self.count(Change::Containers)?;
        // One that an interrupted creation left is used.
        let file = KeyFile::of_container(reference, usage);
        self.create_file(&CreateFile::Key(file))?;
        self.generate(reference, new.size)?;
        let key = Key::new(reference, usage).ok_or(Error::WrongUsage)?;
        self.write_key_map(number, &key.encode())?;
        self.write_container(number, Some(new))?;
        self.count(Change::Containers)?;
        Ok(number)
    }

    /// Makes a container's key anew. What was signed with the one before stays as it is; its
    /// certificate does not fit any more.
    pub fn generate_key(&mut self, _by: &PinVerified, number: u8) -> Result<(), Error<T::Error>> {
        let container = self.container(number)?;
        let size = container
            .usage
            .and_then(Usage::size)
            .ok_or(Error::WrongUsage)?;
        self.count(Change::Containers)?;
        self.generate(key_of(number)?, size)?;
        self.count(Change::Containers)
    }

    /// Deletes a container with its key and its certificate. What an interrupted deletion has left
    /// is deleted too.
    pub fn delete_container<'p>(
        &mut self,
        by: impl Into<Authority<'p>>,
        number: u8,
    ) -> Result<(), Error<T::Error>> {
        let (by, reference) = (by.into(), key_of(number)?);
        let container = self.container(number)?;
        self.count(Change::Containers)?;
        if let Some(usage) = container.usage {
            self.delete_certificate_file(by, number, usage)?;
        }
        self.delete_key_file(reference)?;
        self.write_key_map(number, &key_map::free())?;
        self.write_container(number, None)?;
        self.count(Change::Containers)
    }

    /// Has logon take this container, and no other.
    pub(super) fn make_default(&mut self, number: u8) -> Result<(), Error<T::Error>> {
        let len = self.read_cmapfile()?;
        self.set_default(len, number)?;
        self.write(CMAPFILE, len)
    }

    fn generate(&mut self, key: KeyReference, size: KeySize) -> Result<(), Error<T::Error>> {
        let generate = Generate { key, size };
        self.send_built(|room| generate.command(room))?.done()?;
        Ok(())
    }

    fn read_cmapfile(&mut self) -> Result<usize, Error<T::Error>> {
        self.read(CMAPFILE)?.ok_or(Error::NotInitialised)
    }

    fn free_number(&mut self) -> Result<u8, Error<T::Error>> {
        let len = self.read(KEY_MAP)?.unwrap_or(0);
        let keys = keys(self.file(len))?.len();
        let len = self.read_cmapfile()?;
        let mut records = containers(self.file(len))?;
        let containers = records.len();
        // One may be ahead of the other where something was interrupted.
        if keys.abs_diff(containers) > 1 {
            return Err(Error::MapsDisagree { containers, keys });
        }
        let free = records.position(|record| record.is_none());
        u8::try_from(free.unwrap_or(containers))
            .ok()
            .filter(|number| KeyReference::of_container(*number).is_some())
            .ok_or(Error::CardFull)
    }

    fn write_key_map(
        &mut self,
        number: u8,
        record: &[u8; key_map::RECORD],
    ) -> Result<(), Error<T::Error>> {
        let len = match self.read(KEY_MAP)? {
            None | Some(0) => self.edit(0, 0, &[key_map::VERSION])?,
            Some(len) => len,
        };
        let keys = keys(self.file(len))?.len();
        let at = place(number, key_map::RECORD).saturating_add(1);
        if usize::from(number) > keys {
            let containers = usize::from(number);
            return Err(Error::MapsDisagree { containers, keys });
        }
        let len = self.edit(len, at, record)?;
        self.write(KEY_MAP, len)
    }

    /// Writes a container's record, or frees it.
    fn write_container(
        &mut self,
        number: u8,
        new: Option<&NewContainer<'_>>,
    ) -> Result<(), Error<T::Error>> {
        let len = self.read_cmapfile()?;
        let first = containers(self.file(len))?.all(|record| record.is_none());
        let record = match new {
            None => [0; cmapfile::RECORD],
            Some(new) => {
                let usage = Usage::KeyExchange(new.size);
                Container::new(new.name, first, Some(usage)).encode()
            }
        };
        let len = self.edit(len, place(number, cmapfile::RECORD), &record)?;
        if new.is_some_and(|new| new.is_default) {
            self.set_default(len, number)?;
        }
        self.write(CMAPFILE, len)
    }

    /// Marks one of the records in the file buffer, and no other.
    fn set_default(&mut self, len: usize, number: u8) -> Result<(), Error<T::Error>> {
        let count = containers(self.file(len))?.len();
        for other in (0..=u8::MAX).take(count) {
            let record = containers(self.file(len))?.nth(other.into()).flatten();
            let Some(mut container) = record else {
                continue;
            };
            container.is_default = other == number;
            self.edit(len, place(other, cmapfile::RECORD), &container.encode())?;
        }
        Ok(())
    }
}

pub(super) fn key_of<E>(number: u8) -> Result<KeyReference, Error<E>> {
    KeyReference::of_container(number).ok_or(Error::NoContainer { number })
}

fn place(number: u8, record: usize) -> usize {
    usize::from(number).saturating_mul(record)
}
