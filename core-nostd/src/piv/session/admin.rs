//! The admin key. SP 800-73-5 part 2 appendix A.1.

use super::{Error, Instruction, PivSession};
use crate::admin_key::{AdminKey, Block, Cipher, MAX_BLOCK};
use crate::crypto::Crypto;
use crate::iso7816::{CardTransport, Status};
use crate::piv::ADMIN_KEY;
use crate::piv::general_authenticate::{Request, Template};
use crate::piv::yubico::{metadata, set_admin_key};
use core::fmt;
use subtle::ConstantTimeEq;

/// Proof that the card took the admin key, and showed that it has it, in this session.
#[derive(Debug)]
#[must_use = "what needs the admin key takes this"]
pub struct AdminVerified(());

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// Proves the admin key to the card, and the card's to us. The key is asked once, or not at
    /// all where the card has no cipher that suits.
    pub fn authenticate_admin<K: AdminKey + ?Sized>(
        &mut self,
        key: &mut K,
    ) -> Result<AdminVerified, AdminError<T::Error, K::Error>> {
        let (cipher, witness) = self.witness(key.cipher())?;
        let mut challenge = [0; MAX_BLOCK];
        let challenge = challenge
            .get_mut(..cipher.block_len())
            .ok_or(Error::Crypto)?;
        self.crypto.random(challenge).map_err(|_| Error::Crypto)?;
        let answer = key
            .answer(cipher, &witness, challenge)
            .map_err(AdminError::Key)?;
        let template = Template {
            witness: Some(&answer.witness),
            challenge: Some(challenge),
            ..Template::default()
        };
        let (status, len) = self.authenticate(cipher, template)?;
        match status {
            Status::Success => {}
            // What was sent is well-formed: some cards call a wrong proof wrong data.
            Status::SecurityStatusNotSatisfied
            | Status::IncorrectData
            | Status::VerifyFailed { .. }
            | Status::Other(0x6300) => return Err(Error::AdminKeyWrong { cipher }.into()),
            status => return Err(Error::refused(Instruction::Authenticate, status).into()),
        }
        let malformed = || Error::Malformed(Instruction::Authenticate);
        let template = Template::parse(self.buffers.answer(len)).map_err(|_| malformed())?;
        let response = template.response.unwrap_or_default();
        if bool::from(response.ct_eq(&answer.challenge)) {
            Ok(AdminVerified(()))
        } else {
            Err(Error::CardDoesNotKnowAdminKey.into())
        }
    }

    /// Replaces the admin key. Wants no touch for its use.
    pub fn change_admin_key(
        &mut self,
        _: &AdminVerified,
        cipher: Cipher,
        key: &[u8],
    ) -> Result<(), Error<T::Error>> {
        let request = set_admin_key::Request {
            cipher,
            key,
            touch: false,
        };
        let said = self.build_and_say(Instruction::SetAdminKey, |data| request.command(data))?;
        match said.0 {
            Status::Success => Ok(()),
            status => Err(Error::refused(Instruction::SetAdminKey, status)),
        }
    }

    /// The cipher of the card's admin key, as it tells; `None`: it does not, or tells several.
    pub fn admin_cipher(&mut self) -> Result<Option<Cipher>, Error<T::Error>> {
        let known = self.metadata(metadata::Request::ADMIN_KEY)?;
        if let Some(cipher) = known.and_then(|known| known.cipher()) {
            return Ok(Some(cipher));
        }
        Ok(self.only_listed_cipher())
    }

    /// The cipher that SELECT lists, if it is one.
    pub(super) fn only_listed_cipher(&self) -> Option<Cipher> {
        let mut only = None;
        for cipher in Cipher::ALL {
            if self.lists(cipher) && only.replace(cipher).is_some() {
                return None;
            }
        }
        only
    }

    /// Whether SELECT lists the cipher.
    fn lists(&self, cipher: Cipher) -> bool {
        let mut listed = self.algorithms.iter().copied();
        listed.any(|id| Cipher::from_piv_id(id) == Some(cipher))
    }

    /// Asks for a witness, with one cipher after the other where nothing says which: a wrong one
    /// costs nothing.
    fn witness(&mut self, wanted: Option<Cipher>) -> Result<(Cipher, Block), Error<T::Error>> {
        if let Some(cipher) = wanted {
            return match self.witness_under(cipher)? {
                Some(witness) => Ok((cipher, witness)),
                None => Err(Error::AdminCipherRefused { cipher }),
            };
        }
        let told = self.admin_cipher()?;
        if let Some(cipher) = told
            && let Some(witness) = self.witness_under(cipher)?
        {
            return Ok((cipher, witness));
        }
        // Those that the card lists come first.
        for listed in [true, false] {
            for cipher in Cipher::ALL {
                if told != Some(cipher)
                    && self.lists(cipher) == listed
                    && let Some(witness) = self.witness_under(cipher)?
                {
                    return Ok((cipher, witness));
                }
            }
        }
        Err(Error::NoAdminCipher)
    }

    fn witness_under(&mut self, cipher: Cipher) -> Result<Option<Block>, Error<T::Error>> {
        let template = Template {
            witness: Some(&[]),
            ..Template::default()
        };
        let (status, len) = self.authenticate(cipher, template)?;
        match status {
            Status::Success => {}
            Status::IncorrectData
            | Status::IncorrectP1P2
            | Status::WrongP1P2
            | Status::FunctionNotSupported
            | Status::ReferenceNotFound
            | Status::WrongLength => return Ok(None),
            status => return Err(Error::refused(Instruction::Authenticate, status)),
        }
        let malformed = || Error::Malformed(Instruction::Authenticate);
        let template = Template::parse(self.buffers.answer(len)).map_err(|_| malformed())?;
        match template.witness {
            Some(witness) if witness.len() == cipher.block_len() => {
                Ok(Block::from_slice(witness).ok())
            }
            _ => Err(malformed()),
        }
    }

    fn authenticate(
        &mut self,
        cipher: Cipher,
        template: Template<'_>,
    ) -> Result<(Status, usize), Error<T::Error>> {
        let request = Request {
            algorithm: cipher.piv_id(),
            key: ADMIN_KEY,
            template,
        };
        self.build_and_say(Instruction::Authenticate, |data| request.command(data))
    }
}

/// Why the admin key was not proven: `T` is the reader's error, `K` the key's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AdminError<T, K> {
    /// The card's side.
    Card(Error<T>),
    /// The key's side: no proof was sent to the card.
    Key(K),
}

impl<T, K> From<Error<T>> for AdminError<T, K> {
    fn from(error: Error<T>) -> Self {
        Self::Card(error)
    }
}

impl<T: fmt::Display, K: fmt::Display> fmt::Display for AdminError<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
        }
    }
}

impl<T, K> core::error::Error for AdminError<T, K>
where
    T: core::error::Error + 'static,
    K: core::error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Card(error) => Some(error),
            Self::Key(error) => Some(error),
        }
    }
}
