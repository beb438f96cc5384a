//! What the card tells without a secret.

use super::{Error, Session};
use crate::crypto::Crypto;
use crate::gids::data_object::CARD_ID;
use crate::gids::minidriver::cardcf::CardCf;
use crate::gids::minidriver::masterfile::Name;
use crate::gids::pin::{Reference, Tries, tries};
use crate::gids::select::Protocols;
use crate::iso7816::CardTransport;

/// What the card tells without a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Facts {
    /// How the administrator can be authenticated; `None`: it does not tell.
    pub protocols: Option<Protocols>,
    /// The card's identifier; `None`: it is blank.
    pub card_id: Option<[u8; 16]>,
    /// How often it was changed; `None`: it is blank.
    pub card_cf: Option<CardCf>,
    /// The PIN's tries; `None`: it does not tell.
    pub pin: Option<Tries>,
    /// The PUK's tries; `None`: there is no PUK, or it does not tell.
    pub puk: Option<Tries>,
}

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Everything that the card tells without a secret.
    pub fn facts(&mut self) -> Result<Facts, Error<T::Error>> {
        let (pin, puk) = (self.tries(Reference::Pin)?, self.tries(Reference::Puk)?);
        let blank = match self.read_masterfile() {
            Ok(_) => false,
            Err(Error::NotInitialised) => true,
            Err(error) => return Err(error),
        };
        Ok(Facts {
            protocols: self.protocols(),
            card_id: if blank { None } else { self.card_id()? },
            card_cf: if blank { None } else { Some(self.card_cf()?) },
            pin,
            puk,
        })
    }

    /// How many tries there are; `None` where the card does not tell, or does not have it.
    pub fn tries(&mut self, reference: Reference) -> Result<Option<Tries>, Error<T::Error>> {
        let outcome = self.send_built(|room| tries(reference, room))?;
        match outcome.found()? {
            None => Ok(None),
            Some(len) => Ok(Some(Tries::parse(self.answer(len), reference)?)),
        }
    }

    fn card_id(&mut self) -> Result<Option<[u8; 16]>, Error<T::Error>> {
        let named = self.find(Name::NONE, Name::of(b"cardid"))?;
        let Some(len) = self.read(named.unwrap_or(CARD_ID))? else {
            return Ok(None);
        };
        Ok(self.file(len).first_chunk().copied())
    }
}
