//! A card that goes back into the drawer: as initialisation left it, with another PIN. GIDS has no
//! command that makes a card blank again; what follows is as far as its card edge goes.

use super::{AdminAuthenticated, Error, Session};
use crate::crypto::Crypto;
use crate::gids::KeyReference;
use crate::gids::data_object::{CMAPFILE, KEY_MAP, PutData};
use crate::gids::file::{delete, select};
use crate::gids::minidriver::cardcf::Change;
use crate::gids::minidriver::cmapfile::containers;
use crate::gids::minidriver::key_map::{self, keys};
use crate::gids::minidriver::masterfile::{Entry, Name, entries};
use crate::gids::minidriver::{self};
use crate::gids::pin::Pin;
use crate::iso7816::CardTransport;

/// What a card is left with.
#[expect(missing_debug_implementations, reason = "holds a secret")]
pub struct Restoration<'a> {
    /// The PIN, which has all its tries: that of whoever made the card, or of whoever takes it next.
    pub pin: &'a Pin,
    /// The card's identifier. Windows knows the card by it: another one makes it another card.
    pub card_id: &'a [u8; minidriver::CARD_ID],
}

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Takes a card back to where its initialisation left it: no container and no key, no file of a
    /// certificate or of anybody else's that the masterfile names, this identifier, and this PIN,
    /// blocked or not before. One that was cut off is done again from the beginning.
    ///
    /// What stays: the admin key, which [`change_admin_key`](Self::change_admin_key) sets; `cardcf`,
    /// which goes on counting so that nobody serves what was remembered; and data objects of other
    /// programs that no masterfile names, since nothing lists them. The administrator is forgotten
    /// afterwards.
    pub fn restore(
        &mut self,
        by: AdminAuthenticated,
        with: &Restoration<'_>,
    ) -> Result<(), Error<T::Error>> {
        self.count(Change::Containers)?;
        self.count(Change::Files)?;
        self.delete_all_key_files()?;
        self.empty_named_files()?;
        let counted = self.card_cf()?;
        self.write_first_files(&counted, with.card_id)?;
        self.write_bytes(KEY_MAP, &[key_map::VERSION])?;
        self.count(Change::Containers)?;
        self.count(Change::Files)?;
        self.set_pin(by, with.pin)
    }

    /// Deletes a key with its file, if there is one.
    pub(super) fn delete_key_file(&mut self, key: KeyReference) -> Result<(), Error<T::Error>> {
        let mut name = [0; 2];
        let selected = self.send(select(key.file(), &mut name))?;
        if selected.found()?.is_some() {
            self.send(delete())?.done()?;
        }
        Ok(())
    }

    /// Those of all containers, and of one that an interrupted creation left behind the last.
    fn delete_all_key_files(&mut self) -> Result<(), Error<T::Error>> {
        let len = self.read(KEY_MAP)?.unwrap_or(0);
        let keys = keys(self.file(len))?.len();
        let len = self.read(CMAPFILE)?.unwrap_or(0);
        let containers = containers(self.file(len))?.len();
        let last = keys.max(containers);
        for key in (0..=u8::MAX)
            .map_while(KeyReference::of_container)
            .take(last.saturating_add(1))
        {
            self.delete_key_file(key)?;
        }
        Ok(())
    }

    /// Empties what the masterfile names beyond the files of every card. An object has no other way
    /// to be deleted.
    fn empty_named_files(&mut self) -> Result<(), Error<T::Error>> {
        let len = self.read_masterfile()?;
        let count = entries(self.file(len))?.len();
        for place in 0..count {
            let Some(entry) = entries(self.file(len))?.nth(place) else {
                break;
            };
            let is_folder = entry.name == Name::NONE;
            let is_of_every_card = Entry::FIRST.iter().any(|one| one.address == entry.address);
            if !is_folder && !is_of_every_card {
                self.put(PutData::Object(entry.address, &[]))?.found()?;
            }
        }
        Ok(())
    }
}
