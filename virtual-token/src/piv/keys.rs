//! Keys: made, imported, moved, deleted and used. SP 800-73-5 part 2 §3.2.4, §3.3.2; part 1 table
//! 4b for when the PIN is wanted.

use super::key::StoredKey;
use super::{Piv, Primitives, Verified, failed, too_long};
use crate::storage::{Change, Record, Storage};
use keysteward_core::iso7816::Status;
use keysteward_core::piv::general_authenticate::{Request, Template};
use keysteward_core::piv::yubico::{import_key, move_key};
use keysteward_core::piv::{Algorithm, KeyReference, PinPolicy, TouchPolicy, generate};

impl<S: Storage, C: Primitives> Piv<S, C> {
    pub(super) fn generate<'r>(
        &mut self,
        request: &generate::Request,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        self.admin_only()?;
        let algorithm = self.known(request.algorithm)?;
        let policies = policies(request.key, request.pin_policy, request.touch_policy);
        let crypto = &mut self.crypto;
        let key = StoredKey::made(algorithm, policies, true, |room| {
            crypto.generate(algorithm, room)
        })?;
        let mut room = [0; MAX_PUBLIC];
        let public = crypto.public(algorithm, key.private(), &mut room)?;
        let answer = public.encode(response).map_err(too_long)?;
        key.write(&mut self.storage, request.key).map_err(failed)?;
        Ok(answer)
    }

    pub(super) fn import(&mut self, request: &import_key::Request<'_>) -> Result<(), Status> {
        self.admin_only()?;
        let algorithm = self.known(request.algorithm)?;
        let policies = policies(request.key, request.pin_policy, request.touch_policy);
        let key = StoredKey::made(algorithm, policies, false, |room| {
            self.crypto.import(&request.secret, room)
        })?;
        key.write(&mut self.storage, request.key).map_err(failed)
    }

    pub(super) fn move_key(&mut self, request: move_key::Request) -> Result<(), Status> {
        self.admin_only()?;
        let key = self.key(request.from)?;
        if let Some(to) = request.to {
            if to == request.from || to == KeyReference::Attestation {
                return Err(Status::IncorrectP1P2);
            }
            if self.key(to).is_ok() {
                return Err(Status::ConditionsNotSatisfied);
            }
            // Copied first: a power cut in between leaves two, and never none.
            key.write(&mut self.storage, to).map_err(failed)?;
        }
        let change = Change::Delete(Record::PivKey(request.from.id()));
        self.storage.commit(&[change]).map_err(failed)
    }

    pub(super) fn use_key<'r>(
        &mut self,
        request: &Request<'_>,
        verified: Verified,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        let reference = KeyReference::from_id(request.key).ok_or(Status::IncorrectP1P2)?;
        let key = self.key(reference)?;
        if Some(key.algorithm) != Algorithm::from_id(request.algorithm) {
            return Err(Status::IncorrectP1P2);
        }
        let permitted = match key.pin_policy {
            PinPolicy::Never => true,
            PinPolicy::Once | PinPolicy::MatchOnce => verified != Verified::No,
            PinPolicy::Always | PinPolicy::MatchAlways => verified == Verified::JustNow,
        };
        if !permitted {
            return Err(Status::SecurityStatusNotSatisfied);
        }
        let mut room = [0; MAX_PUBLIC];
        let (algorithm, private) = (key.algorithm, key.private());
        let result = match request.template {
            Template {
                witness: None,
                response: Some([]),
                challenge: Some(block),
                exponentiation: None,
            } => self.crypto.sign(algorithm, private, block, &mut room)?,
            Template {
                witness: None,
                response: Some([]),
                challenge: None,
                exponentiation: Some(point),
            } => self.crypto.agree(algorithm, private, point, &mut room)?,
            _ => return Err(Status::IncorrectData),
        };
        let template = Template {
            response: Some(result),
            ..Template::default()
        };
        template.encode(response).map_err(too_long)
    }

    pub(super) fn key(&self, reference: KeyReference) -> Result<StoredKey, Status> {
        StoredKey::read(&self.storage, reference)
            .map_err(failed)?
            .ok_or(Status::ReferenceNotFound)
    }

    fn known(&self, algorithm: Algorithm) -> Result<Algorithm, Status> {
        if self.crypto.algorithms().contains(&algorithm) {
            Ok(algorithm)
        } else {
            Err(Status::FunctionNotSupported)
        }
    }
}

/// What was asked for, or what the standard has for this key.
fn policies(
    key: KeyReference,
    pin: Option<PinPolicy>,
    touch: Option<TouchPolicy>,
) -> (PinPolicy, TouchPolicy) {
    let standard = match key {
        KeyReference::CardAuthentication => PinPolicy::Never,
        KeyReference::Signature => PinPolicy::Always,
        _ => PinPolicy::Once,
    };
    (pin.unwrap_or(standard), touch.unwrap_or(TouchPolicy::Never))
}

/// Longest public key, signature or secret: of RSA with 4096 bits.
pub(super) const MAX_PUBLIC: usize = 520;
