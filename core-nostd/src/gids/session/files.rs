//! The minidriver's files: read into the session's buffer, changed there, written back.

use super::{Buffers, Error, Session, transact, unsent};
use crate::crypto::Crypto;
use crate::gids::data_object::{Address, CARD_CF, GetData, MASTERFILE, PutData, value};
use crate::gids::minidriver::cardcf::{CardCf, Change};
use crate::gids::minidriver::masterfile::{Entry, Name, VERSION, entries};
use crate::iso7816::{CardTransport, Status};

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Reads an object into the file buffer: how long it is, or `None` where there is none.
    pub(super) fn read(&mut self, address: Address) -> Result<Option<usize>, Error<T::Error>> {
        let outcome = self.send_built(|room| GetData::Object(address).command(room))?;
        let Some(len) = outcome.found()? else {
            return Ok(None);
        };
        let Buffers { response, file, .. } = &mut *self.buffers;
        let answer = response.get(..len).unwrap_or_default();
        // Some cards answer nothing for an object that is there and empty.
        let object = match answer {
            [] => &[],
            answer => value(answer, address.object)?,
        };
        file.get_mut(..object.len())
            .ok_or(Error::TooLong)?
            .copy_from_slice(object);
        Ok(Some(object.len()))
    }

    /// The file buffer's first bytes.
    pub(super) fn file(&self, len: usize) -> &[u8] {
        self.buffers.file.get(..len).unwrap_or_default()
    }

    /// Writes the file buffer's first bytes.
    pub(super) fn write(&mut self, address: Address, len: usize) -> Result<(), Error<T::Error>> {
        let Buffers {
            apdu,
            request,
            response,
            file,
        } = &mut *self.buffers;
        let file = file.get(..len).unwrap_or_default();
        let command = PutData::Object(address, file)
            .command(request)
            .map_err(unsent)?;
        transact(self.card, command, self.deadline, apdu, response)?.done()?;
        Ok(())
    }

    /// Writes these bytes.
    pub(super) fn write_bytes(
        &mut self,
        address: Address,
        bytes: &[u8],
    ) -> Result<(), Error<T::Error>> {
        self.put(PutData::Object(address, bytes))?.done()?;
        Ok(())
    }

    /// Puts a record of a file in place, or behind the last; how long the file is then.
    pub(super) fn edit<const N: usize>(
        &mut self,
        len: usize,
        at: usize,
        record: &[u8; N],
    ) -> Result<usize, Error<T::Error>> {
        let end = at.checked_add(N).ok_or(Error::TooLong)?;
        self.buffers
            .file
            .get_mut(at..end)
            .and_then(|room| room.first_chunk_mut())
            .map(|room| *room = *record)
            .ok_or(Error::TooLong)?;
        Ok(len.max(end))
    }

    /// Reads the masterfile, without which a card is blank.
    pub(super) fn read_masterfile(&mut self) -> Result<usize, Error<T::Error>> {
        match self.read(MASTERFILE) {
            Ok(None | Some(0)) => Err(Error::NotInitialised),
            // Its file is there, and not activated yet.
            Err(Error::Refused {
                status: Status::ConditionsNotSatisfied,
                ..
            }) => Err(Error::NotInitialised),
            Ok(Some(len)) => Ok(len),
            Err(error) => Err(error),
        }
    }

    /// Where a file lies, if there is one of this name.
    pub(super) fn find(
        &mut self,
        folder: Name,
        name: Name,
    ) -> Result<Option<Address>, Error<T::Error>> {
        let len = self.read_masterfile()?;
        let found = entries(self.file(len))?.find(|entry| entry.is(folder, name));
        Ok(found.map(|entry| entry.address))
    }

    /// Takes a file's entry out of the masterfile.
    pub(super) fn forget(&mut self, address: Address) -> Result<(), Error<T::Error>> {
        let len = self.read_masterfile()?;
        let mut kept: usize = 1;
        let count = entries(self.file(len))?.len();
        for place in 0..count {
            let Some(entry) = entries(self.file(len))?.nth(place) else {
                break;
            };
            if entry.address != address {
                kept = self.edit(kept, kept, &entry.encode())?;
            }
        }
        self.edit(kept, 0, &[VERSION])?;
        self.write(MASTERFILE, kept)
    }

    /// Adds a file's entry to the masterfile.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), Error<T::Error>> {
        let len = self.read_masterfile()?;
        let len = self.edit(len, len, &entry.encode())?;
        self.write(MASTERFILE, len)
    }

    /// What `cardcf` counts.
    pub(super) fn card_cf(&mut self) -> Result<CardCf, Error<T::Error>> {
        let len = self.read(CARD_CF)?.ok_or(Error::NotInitialised)?;
        Ok(CardCf::parse(self.file(len))?)
    }

    /// Counts a change.
    pub(super) fn count(&mut self, change: Change) -> Result<(), Error<T::Error>> {
        let counted = self.card_cf()?.after(change).encode();
        self.write_bytes(CARD_CF, &counted)
    }
}
