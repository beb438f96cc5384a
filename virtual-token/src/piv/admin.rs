//! The admin key. SP 800-73-5 part 2 appendix A.1; Yubico's SET MANAGEMENT KEY.

use super::state::Admin;
use super::{Piv, Primitives, Verified, too_long};
use crate::storage::Storage;
use keysteward_core::admin_key::{Block, Cipher};
use keysteward_core::iso7816::Status;
use keysteward_core::piv::ADMIN_KEY;
use keysteward_core::piv::general_authenticate::{Request, Template};
use keysteward_core::piv::yubico::set_admin_key;
use subtle::ConstantTimeEq;

/// How far somebody is with proving the admin key.
///
/// ```text
///         80 00              80 witness, 81 challenge
///  None ---------> Witness ---------------------------> Verified
///    |    81 00                     82 response            ^
///    '-----------> Challenge ------------------------------'
/// ```
/// Anything else ends in `None`.
#[derive(Clone, Default, Eq, PartialEq)]
pub(super) enum Proof {
    #[default]
    None,
    /// What the host has to decipher.
    Witness(Block),
    /// What the host's answer has to be.
    Challenge(Block),
    Verified,
}

impl<S: Storage, C: Primitives> Piv<S, C> {
    /// What follows needs the admin key.
    pub(super) fn admin_only(&self) -> Result<(), Status> {
        match self.proof {
            Proof::Verified => Ok(()),
            _ => Err(Status::SecurityStatusNotSatisfied),
        }
    }

    pub(super) fn general_authenticate<'r>(
        &mut self,
        request: Request<'_>,
        verified: Verified,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        if request.key == ADMIN_KEY {
            self.prove(request, response)
        } else {
            self.use_key(&request, verified, response)
        }
    }

    pub(super) fn set_admin_key(
        &mut self,
        request: &set_admin_key::Request<'_>,
    ) -> Result<(), Status> {
        self.admin_only()?;
        self.state.admin = Admin::new(request.cipher, request.key, request.touch);
        self.save()
    }

    fn prove<'r>(
        &mut self,
        request: Request<'_>,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        // Taken, so that whatever is refused ends in `None`.
        let proof = core::mem::take(&mut self.proof);
        if Cipher::from_piv_id(request.algorithm) != Some(self.state.admin.cipher) {
            return Err(Status::IncorrectP1P2);
        }
        let Template {
            witness,
            challenge,
            response: answer,
            exponentiation: None,
        } = request.template
        else {
            return Err(Status::IncorrectData);
        };
        // Some clients ask for the response by an empty one.
        let answer = answer.filter(|answer| !answer.is_empty());
        match (proof, witness, challenge, answer) {
            (_, Some([]), None, None) => {
                let block = self.random_block()?;
                let witness = self.encipher(&block)?;
                self.proof = Proof::Witness(block);
                reply(
                    Template {
                        witness: Some(&witness),
                        ..Template::default()
                    },
                    response,
                )
            }
            (_, None, Some([]), None) => {
                let block = self.random_block()?;
                self.proof = Proof::Challenge(self.encipher(&block)?);
                reply(
                    Template {
                        challenge: Some(&block),
                        ..Template::default()
                    },
                    response,
                )
            }
            (Proof::Witness(expected), Some(shown), Some(challenge), None) => {
                same(&expected, shown)?;
                if challenge.len() != self.state.admin.cipher.block_len() {
                    return Err(Status::IncorrectData);
                }
                let answer = self.encipher(challenge)?;
                self.proof = Proof::Verified;
                reply(
                    Template {
                        response: Some(&answer),
                        ..Template::default()
                    },
                    response,
                )
            }
            (Proof::Challenge(expected), None, None, Some(shown)) => {
                same(&expected, shown)?;
                self.proof = Proof::Verified;
                Ok(&[])
            }
            (Proof::None | Proof::Verified, ..) => Err(Status::ConditionsNotSatisfied),
            _ => Err(Status::IncorrectData),
        }
    }

    fn random_block(&mut self) -> Result<Block, Status> {
        let mut block = Block::new();
        block
            .resize_default(self.state.admin.cipher.block_len())
            .map_err(|_| Status::NoDiagnosis)?;
        self.crypto
            .random(&mut block)
            .map_err(|_| Status::NoDiagnosis)?;
        Ok(block)
    }

    fn encipher(&mut self, block: &[u8]) -> Result<Block, Status> {
        let admin = &self.state.admin;
        Ok(self.crypto.encipher(admin.cipher, admin.bytes(), block)?)
    }
}

fn same(expected: &[u8], shown: &[u8]) -> Result<(), Status> {
    if bool::from(expected.ct_eq(shown)) {
        Ok(())
    } else {
        Err(Status::SecurityStatusNotSatisfied)
    }
}

fn reply<'r>(template: Template<'_>, response: &'r mut [u8]) -> Result<&'r [u8], Status> {
    template.encode(response).map_err(too_long)
}
