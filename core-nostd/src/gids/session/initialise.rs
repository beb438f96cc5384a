//! A blank card gets its files, its PIN and its admin key. The order is that of Windows' minidriver
//! and OpenSC: rules hold only once the applet itself is activated, which is last.

use super::{Error, NewAdminKey, Session};
use crate::crypto::Crypto;
use crate::gids::data_object::{CARD_APPS, CARD_CF, CARD_ID, CMAPFILE, MASTERFILE};
use crate::gids::file::{CreateFile, FileId, ObjectFile, activate, select};
use crate::gids::key_file::KeyFile;
use crate::gids::minidriver::cardcf::CardCf;
use crate::gids::minidriver::masterfile::{Entry, VERSION};
use crate::gids::minidriver::{self};
use crate::gids::pin::{self, Pin};
use crate::iso7816::{CardTransport, Status};

/// What a blank card is given.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Initialisation<'a> {
    /// The user's PIN.
    pub pin: &'a Pin,
    /// The administrator's key.
    pub admin_key: &'a NewAdminKey,
    /// The card's identifier.
    pub card_id: &'a [u8; minidriver::CARD_ID],
}

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Initialises a blank card; refuses one that is not blank. One whose initialisation was cut off
    /// is taken up again from the beginning.
    pub fn initialise(&mut self, with: &Initialisation<'_>) -> Result<(), Error<T::Error>> {
        match self.read_masterfile() {
            Err(Error::NotInitialised) => {}
            Ok(_) if self.is_open()? => {}
            Ok(_) => return Err(Error::AlreadyInitialised),
            Err(error) => return Err(error),
        }
        self.first_pin(with.pin)?;
        for file in ObjectFile::ALL {
            self.create_file(&CreateFile::Objects(file))?;
        }
        self.create_file(&CreateFile::Key(KeyFile::ADMIN))?;
        self.put(with.admin_key.put())?.done()?;
        self.write_first_files(&CardCf::default(), with.card_id)?;
        let mut name = [0; 2];
        self.send(select(FileId::APPLICATION, &mut name))?.done()?;
        self.send(activate())?.done()?;
        Ok(())
    }

    /// Writes the files that every card has, as they are where there is no container.
    pub(super) fn write_first_files(
        &mut self,
        card_cf: &CardCf,
        card_id: &[u8; minidriver::CARD_ID],
    ) -> Result<(), Error<T::Error>> {
        let mut len = self.edit(0, 0, &[VERSION])?;
        for entry in Entry::FIRST {
            len = self.edit(len, len, &entry.encode())?;
        }
        self.write(MASTERFILE, len)?;
        self.write_bytes(CARD_APPS, &minidriver::CARD_APPS)?;
        self.write_bytes(CARD_CF, &card_cf.encode())?;
        self.write_bytes(CMAPFILE, &[])?;
        self.write_bytes(CARD_ID, card_id)
    }

    fn first_pin(&mut self, pin: &Pin) -> Result<(), Error<T::Error>> {
        let outcome = self.send(pin::Change::first(pin))?;
        match outcome.status {
            Status::WrongLength | Status::IncorrectData => Err(Error::PinNotTaken {
                status: outcome.status,
            }),
            // It has one that would have to be verified: rules hold.
            Status::SecurityStatusNotSatisfied => Err(Error::AlreadyInitialised),
            _ => outcome.done().map(drop),
        }
    }

    /// Creates a file and makes its rules hold. One that is there is left as it is.
    pub(super) fn create_file(&mut self, file: &CreateFile) -> Result<(), Error<T::Error>> {
        let outcome = self.send_built(|room| file.command(room))?;
        if outcome.status == ALREADY_THERE {
            // Perhaps it was not activated any more. One that was may refuse it now.
            let mut name = [0; 2];
            self.send(select(file.id(), &mut name))?.done()?;
            self.send(activate())?;
            return Ok(());
        }
        outcome.done()?;
        self.send(activate())?.done()?;
        Ok(())
    }
}

/// 6A89
const ALREADY_THERE: Status = Status::Other(0x6A89);
