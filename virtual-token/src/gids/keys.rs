//! Keys made, written and read; MANAGE SECURITY ENVIRONMENT; PERFORM SECURITY OPERATION. GIDS 2.0.

use super::rsa_key::RsaKey;
use super::{Answer, GidsCard, broken};
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::gids::KeyReference;
use keysteward_core::gids::file::CreateFile;
use keysteward_core::gids::generate::Generate;
use keysteward_core::gids::key_file::{KeyFile, KeySize, Usage};
use keysteward_core::gids::public_key::PublicKey;
use keysteward_core::gids::security_operation::{Environment, Mechanism, Operation};
use keysteward_core::iso7816::{Command, Status};

impl<S: Storage, C: Crypto> GidsCard<S, C> {
    pub(super) fn generate_key(&mut self, command: &Command<'_>) -> Answer {
        let Generate { key, size } = Generate::parse(command)?;
        let file = self.key_file(key)?;
        self.permit(file.generate)?;
        if file.usage.size() != Some(size) {
            return Err(Status::IncorrectData);
        }
        // Nobody should begin with one of those any more.
        if size == KeySize::Rsa1024 {
            return Err(Status::FunctionNotSupported);
        }
        let made = (self.make_key)(size).ok_or(Status::NoDiagnosis)?;
        if RsaKey::of_der(&made)?.bytes() != size.bytes() {
            return Err(Status::NoDiagnosis);
        }
        self.memory.set_key(key, &made)?;
        Ok(0)
    }

    pub(super) fn put_rsa_key(&mut self, key: KeyReference, der: &[u8]) -> Answer {
        let file = self.key_file(key)?;
        self.permit(file.put)?;
        let taken = RsaKey::imported(der)?;
        if file.usage.size().map(KeySize::bytes) != Some(taken.bytes()) {
            return Err(Status::IncorrectData);
        }
        self.memory.set_key(key, &taken.to_der()?)?;
        Ok(0)
    }

    pub(super) fn get_public_key(&self, key: KeyReference, response: &mut [u8]) -> Answer {
        let file = self.key_file(key)?;
        if file.usage == Usage::Admin {
            return Err(Status::SecurityStatusNotSatisfied);
        }
        self.permit(file.read)?;
        let key = self.rsa_key(key)?;
        let (modulus, public_exponent) = key.public();
        let public = PublicKey {
            modulus: &modulus,
            public_exponent: &public_exponent,
        };
        Ok(public.encode(response).map_err(broken)?.len())
    }

    pub(super) fn manage_security_environment(&mut self, command: &Command<'_>) -> Answer {
        if command.p2 == 0xA4 {
            return self.name_admin_key(command);
        }
        let environment = Environment::parse(command)?;
        let file = self.key_file(environment.key)?;
        self.permit(file.manage)?;
        if file.usage.size() != Some(environment.size)
            || (!environment.mechanism.signs() && !file.usage.deciphers())
        {
            return Err(Status::IncorrectData);
        }
        if environment.mechanism == Mechanism::DecipherOaep {
            return Err(Status::FunctionNotSupported);
        }
        self.volatile.environment = Some(environment);
        Ok(0)
    }

    pub(super) fn perform_security_operation(
        &mut self,
        command: &Command<'_>,
        response: &mut [u8],
    ) -> Answer {
        let environment = self.volatile.environment;
        let environment = environment.ok_or(Status::ConditionsNotSatisfied)?;
        let operation = Operation::parse(command, environment.size.bytes())?;
        self.permit(self.key_file(environment.key)?.manage)?;
        let key = self.rsa_key(environment.key)?;
        let output = match (environment.mechanism, operation) {
            (Mechanism::SignRaw, Operation::Sign(block))
            | (Mechanism::DecipherRaw, Operation::Decipher(block)) => key.private(block)?,
            (Mechanism::SignPkcs1, Operation::Sign(digest_info)) => key.sign(digest_info)?,
            (Mechanism::DecipherPkcs1, Operation::Decipher(block)) => key.decipher(block)?,
            _ => return Err(Status::ConditionsNotSatisfied),
        };
        let room = response.get_mut(..output.len());
        room.ok_or(Status::NoDiagnosis)?.copy_from_slice(&output);
        Ok(output.len())
    }

    pub(super) fn key_file(&self, key: KeyReference) -> Result<KeyFile, Status> {
        match self.usable(key.file()) {
            Ok(CreateFile::Key(file)) => Ok(file),
            Ok(CreateFile::Objects(_)) | Err(Status::NotFound) => Err(Status::ReferenceNotFound),
            Err(status) => Err(status),
        }
    }

    fn rsa_key(&self, key: KeyReference) -> Result<RsaKey, Status> {
        let der = self.memory.key(key)?.ok_or(Status::ReferenceNotFound)?;
        RsaKey::of_der(&der)
    }
}
