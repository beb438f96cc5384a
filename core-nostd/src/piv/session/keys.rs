//! Keys: made on the card, imported, moved, deleted, vouched for. SP 800-73-5 part 2 §3.3.2;
//! Yubico's extensions.

use super::{AdminVerified, Error, Instruction, PivSession};
use crate::crypto::Crypto;
use crate::iso7816::{CardTransport, Status};
use crate::piv::yubico::{attest, import_key, move_key};
use crate::piv::{KeyReference, PublicKey, generate};

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// Has the card make a key, in the place of the one that was there. RSA takes its time: some
    /// cards need a minute.
    pub fn generate(
        &mut self,
        _: &AdminVerified,
        request: &generate::Request,
    ) -> Result<PublicKey<'_>, Error<T::Error>> {
        let instruction = Instruction::Generate(request.key);
        let (status, len) = self.build_and_say(instruction, |data| request.command(data))?;
        match status {
            Status::Success => PublicKey::parse(self.buffers.answer(len), request.algorithm)
                .map_err(|_| Error::Malformed(instruction)),
            status => Err(Error::refused(instruction, status)),
        }
    }

    /// Brings a key to the card, in the place of the one that was there.
    pub fn import(
        &mut self,
        _: &AdminVerified,
        request: &import_key::Request<'_>,
    ) -> Result<(), Error<T::Error>> {
        let instruction = Instruction::Import(request.key);
        match self
            .build_and_say(instruction, |data| request.command(data))?
            .0
        {
            Status::Success => Ok(()),
            status => Err(Error::refused(instruction, status)),
        }
    }

    /// Moves a key, without its certificate; deletes it where `to` says nothing.
    pub fn move_key(
        &mut self,
        _: &AdminVerified,
        request: move_key::Request,
    ) -> Result<(), Error<T::Error>> {
        let instruction = Instruction::MoveKey(request.from);
        match self.say(instruction, request.command())?.0 {
            Status::Success => Ok(()),
            Status::NotFound | Status::ReferenceNotFound => Err(Error::NoKey { key: request.from }),
            status => Err(Error::refused(instruction, status)),
        }
    }

    /// The card's own word, X.509 in DER, that this key was made on it; `None`: it gives none, for
    /// this key or at all. What it is worth says the certificate of
    /// [`KeyReference::Attestation`].
    pub fn attest(&mut self, key: KeyReference) -> Result<Option<&[u8]>, Error<T::Error>> {
        let instruction = Instruction::Attest(key);
        let (status, len) = self.read(instruction, attest::Request { key }.command())?;
        match status {
            Status::Success if len == 0 => Ok(None),
            Status::Success => Ok(Some(self.buffers.answer(len))),
            Status::InsNotSupported
            | Status::FunctionNotSupported
            | Status::IncorrectData
            | Status::IncorrectP1P2
            | Status::NotFound
            | Status::ReferenceNotFound
            | Status::ReferenceDataNotUsable
            | Status::ConditionsNotSatisfied => Ok(None),
            status => Err(Error::refused(instruction, status)),
        }
    }
}
