//! GENERAL AUTHENTICATE: the admin key proven. GIDS 2.0.

use super::{Answer, GidsCard, broken};
use crate::storage::Storage;
use core::mem;
use keysteward_core::admin_key::{AdminKey, Cipher, LocalAdminKey};
use keysteward_core::crypto::Crypto;
use keysteward_core::gids::KeyReference;
use keysteward_core::gids::authenticate::{
    Proof, Random, Request, Short, encode_response, parse_select_key,
};
use keysteward_core::gids::key_file::KeyFile;
use keysteward_core::gids::select::Protocols;
use keysteward_core::iso7816::{Command, Status};
use subtle::ConstantTimeEq;

/// Where a proof of the admin key stands. Every challenge serves once.
///
/// ```text
///        MSE             challenge asked for          answer
///  Idle -----> KeyNamed --------------------> Given -----------> KeyNamed
///                       --------------------> Exchanged --------^
/// ```
pub(super) enum Dialogue {
    Idle,
    KeyNamed,
    Given(Short),
    Exchanged { ours: Random, theirs: Random },
}

impl<S: Storage, C: Crypto> GidsCard<S, C> {
    /// MANAGE SECURITY ENVIRONMENT for authentication.
    pub(super) fn name_admin_key(&mut self, command: &Command<'_>) -> Answer {
        let key = parse_select_key(command)?;
        if key != KeyReference::ADMIN || self.memory.key(key)?.is_none() {
            return Err(Status::ReferenceNotFound);
        }
        self.volatile.dialogue = Dialogue::KeyNamed;
        Ok(0)
    }

    pub(super) fn general_authenticate(
        &mut self,
        command: &Command<'_>,
        response: &mut [u8],
    ) -> Answer {
        if !self.is_activated()? {
            return Err(Status::CommandNotAllowed);
        }
        let request = Request::parse(command)?;
        // Taken, so that a challenge is gone whatever comes of it.
        let dialogue = mem::replace(&mut self.volatile.dialogue, Dialogue::KeyNamed);
        let external = self.protocols.has_external();
        let mutual = self.protocols.0 & Protocols::MUTUAL.0 != 0;
        match (dialogue, request) {
            (Dialogue::Idle, _) => {
                self.volatile.dialogue = Dialogue::Idle;
                Err(Status::ConditionsNotSatisfied)
            }
            (_, Request::GiveChallenge) if external => {
                let mut challenge = [0; 8];
                self.crypto.random(&mut challenge).map_err(broken)?;
                self.volatile.dialogue = Dialogue::Given(challenge);
                encoded(&challenge, response)
            }
            (_, Request::Exchange(theirs)) if mutual => {
                let mut ours = [0; 16];
                self.crypto.random(&mut ours).map_err(broken)?;
                self.volatile.dialogue = Dialogue::Exchanged { ours, theirs };
                encoded(&ours, response)
            }
            (_, Request::GiveChallenge | Request::Exchange(_)) => Err(Status::FunctionNotSupported),
            (Dialogue::Given(challenge), Request::Answer(answer)) => {
                self.volatile.admin = false;
                let expected = self.admin_key()?.answer(Cipher::TripleDes, &[], &challenge);
                let expected = expected.map_err(broken)?.challenge;
                if !bool::from(expected.as_slice().ct_eq(&answer)) {
                    return Err(Status::SecurityStatusNotSatisfied);
                }
                self.volatile.admin = true;
                Ok(0)
            }
            (Dialogue::Exchanged { ours, theirs }, Request::Prove(sealed)) => {
                self.volatile.admin = false;
                let mut key = self.admin_key()?;
                let proof = Proof::open(&sealed, &mut key).map_err(broken)?;
                if !proof.is_some_and(|proof| proof.shows(&ours, &theirs)) {
                    return Err(Status::SecurityStatusNotSatisfied);
                }
                let mut half_key = [0; 7];
                self.crypto.random(&mut half_key).map_err(broken)?;
                let proof = Proof {
                    theirs,
                    ours,
                    half_key,
                };
                let sealed = proof.seal(&mut key).map_err(broken)?;
                self.volatile.admin = true;
                encoded(&sealed, response)
            }
            (_, Request::Answer(_) | Request::Prove(_)) => Err(Status::ConditionsNotSatisfied),
        }
    }

    /// Takes an admin key down.
    pub(super) fn put_admin_key(
        &mut self,
        file: &KeyFile,
        key: &[u8; 24],
        check_value: [u8; 3],
    ) -> Answer {
        self.permit(file.put)?;
        let expected = keysteward_core::admin_key::key_check_value(Cipher::TripleDes, key);
        if self.checks_keys && expected.map_err(broken)? != check_value {
            return Err(Status::IncorrectData);
        }
        self.memory.set_key(KeyReference::ADMIN, key)?;
        Ok(0)
    }

    fn admin_key(&self) -> Result<LocalAdminKey, Status> {
        let key = self.memory.key(KeyReference::ADMIN)?;
        let key = key.ok_or(Status::ReferenceNotFound)?;
        LocalAdminKey::new(Cipher::TripleDes, &key).map_err(broken)
    }
}

fn encoded<const N: usize>(value: &[u8; N], response: &mut [u8]) -> Answer {
    let said = encode_response(value, response).map_err(broken)?;
    Ok(said.len())
}
