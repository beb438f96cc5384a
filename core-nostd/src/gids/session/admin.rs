//! The admin key: proven in one go, or in two halves of which the second comes by telephone; tried;
//! changed.

use super::{AdminError, Error, Session};
use crate::admin_key::{AdminKey, Cipher};
use crate::crypto::Crypto;
use crate::gids::authenticate::{
    Cryptogram, Proof, Random, Request, Short, parse_response, select_admin_key,
};
use crate::gids::data_object::PutData;
use crate::gids::put_key::{ADMIN_KEY, PutKey};
use crate::iso7816::{CardTransport, Status};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Proof that the card knows the caller for its administrator. It holds until the card is reset,
/// told to forget it, or has set a PIN.
#[derive(Debug, Eq, PartialEq)]
#[must_use = "what needs the admin key takes this"]
pub struct AdminAuthenticated(());

/// An admin key that a card is to have from now on, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct NewAdminKey {
    key: [u8; ADMIN_KEY],
    check_value: [u8; 3],
}

impl NewAdminKey {
    /// Computes the key check value, which cards may compare.
    #[cfg(feature = "rust-crypto")]
    pub fn new(key: &[u8; ADMIN_KEY]) -> Result<Self, crate::admin_key::KeyError> {
        let check_value = crate::admin_key::key_check_value(Cipher::TripleDes, key)?;
        Ok(Self::with_check_value(key, check_value))
    }

    /// With what a block of zeros under the key begins with, from whoever computed it.
    #[must_use]
    pub const fn with_check_value(key: &[u8; ADMIN_KEY], check_value: [u8; 3]) -> Self {
        Self {
            key: *key,
            check_value,
        }
    }

    pub(super) const fn put(&self) -> PutData<'_> {
        PutData::Key(PutKey::Admin {
            key: &self.key,
            check_value: self.check_value,
        })
    }
}

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// Proves the admin key to the card: one way where the card says that it takes that, else both
    /// ways. A wrong key costs nothing.
    pub fn authenticate_admin<K: AdminKey>(
        &mut self,
        key: &mut K,
    ) -> Result<AdminAuthenticated, AdminError<T::Error, K::Error>> {
        if self.takes_short_challenge() {
            let challenge = self.give_challenge()?;
            let answer = key
                .answer(Cipher::TripleDes, &[], &challenge)
                .map_err(AdminError::Key)?;
            let answer = answer.challenge.as_slice().try_into();
            let answer = answer.map_err(|_| Error::AdminKeyWrong)?;
            return Ok(self.answer_challenge(&answer)?);
        }
        self.authenticate_mutually(key)
    }

    /// The same, and has the card prove that it has the key, where it says that it can or does not
    /// say: for what only that card is to hear.
    pub fn authenticate_admin_and_card<K: AdminKey>(
        &mut self,
        key: &mut K,
    ) -> Result<AdminAuthenticated, AdminError<T::Error, K::Error>> {
        match self.protocols {
            Some(protocols) if !protocols.has_mutual() => self.authenticate_admin(key),
            Some(_) | None => self.authenticate_mutually(key),
        }
    }

    /// Whether the admin key can be proven in two halves: the card says so. A card that says nothing
    /// is of the first version, which cannot.
    #[must_use]
    pub const fn takes_short_challenge(&self) -> bool {
        match self.protocols {
            Some(protocols) => protocols.has_external(),
            None => false,
        }
    }

    /// The first half: a challenge for whoever has the admin key, which lives as long as nobody
    /// resets or selects the card.
    pub fn give_challenge(&mut self) -> Result<Short, Error<T::Error>> {
        if !self.takes_short_challenge() {
            return Err(Error::NoShortChallenge);
        }
        self.name_admin_key()?;
        let len = self.authenticate(&Request::GiveChallenge)?;
        Ok(parse_response(self.answer(len))?)
    }

    /// The second half: the challenge under the admin key.
    pub fn answer_challenge(
        &mut self,
        answer: &Short,
    ) -> Result<AdminAuthenticated, Error<T::Error>> {
        self.authenticate(&Request::Answer(*answer))?;
        Ok(AdminAuthenticated(()))
    }

    fn authenticate_mutually<K: AdminKey>(
        &mut self,
        key: &mut K,
    ) -> Result<AdminAuthenticated, AdminError<T::Error, K::Error>> {
        self.name_admin_key()?;
        let (mut ours, mut half_key): (Random, _) = ([0; 16], [0; 7]);
        self.crypto.random(&mut ours).map_err(Error::from)?;
        self.crypto.random(&mut half_key).map_err(Error::from)?;
        let len = self.authenticate(&Request::Exchange(ours))?;
        let theirs: Random = parse_response(self.answer(len)).map_err(Error::from)?;
        let proof = Proof {
            theirs,
            ours,
            half_key,
        };
        let sealed = proof.seal(key).map_err(AdminError::Key)?;
        let len = self.authenticate(&Request::Prove(sealed))?;
        let answer: Cryptogram = parse_response(self.answer(len)).map_err(Error::from)?;
        let answer = Proof::open(&answer, key).map_err(AdminError::Key)?;
        if answer.is_some_and(|answer| answer.shows(&ours, &theirs)) {
            Ok(AdminAuthenticated(()))
        } else {
            Err(Error::CardUnproven.into())
        }
    }

    /// Whether this key opens the card. What was verified and authenticated counts no more.
    pub fn try_admin_key<K: AdminKey>(
        &mut self,
        key: &mut K,
    ) -> Result<bool, AdminError<T::Error, K::Error>> {
        let opens = match self.authenticate_admin(key) {
            Ok(AdminAuthenticated(())) => true,
            Err(AdminError::Session(Error::AdminKeyWrong)) => false,
            Err(error) => return Err(error),
        };
        self.deauthenticate()?;
        Ok(opens)
    }

    /// Gives the card another admin key.
    pub fn change_admin_key(
        &mut self,
        _by: &AdminAuthenticated,
        new: &NewAdminKey,
    ) -> Result<(), Error<T::Error>> {
        self.put(new.put())?.done().map(drop)
    }

    fn name_admin_key(&mut self) -> Result<(), Error<T::Error>> {
        let outcome = self.send(select_admin_key())?;
        match outcome.status {
            // There is none yet.
            Status::NotFound | Status::ReferenceNotFound => Err(Error::NotInitialised),
            _ => outcome.done().map(drop),
        }
    }

    fn authenticate(&mut self, request: &Request) -> Result<usize, Error<T::Error>> {
        let outcome = self.send_built(|room| request.command(room))?;
        match outcome.status {
            Status::SecurityStatusNotSatisfied | Status::Other(0x6300) => Err(Error::AdminKeyWrong),
            Status::CommandNotAllowed => Err(Error::NotInitialised),
            _ => outcome.done(),
        }
    }
}
