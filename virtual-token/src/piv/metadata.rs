//! GET METADATA. Yubico's extension.

use super::keys::MAX_PUBLIC;
use super::state::Counted;
use super::{Piv, Primitives, too_long};
use crate::storage::Storage;
use keysteward_core::iso7816::Status;
use keysteward_core::piv::yubico::metadata::{Metadata, Request, Tries};
use keysteward_core::piv::{ADMIN_KEY, KeyReference, PinPolicy, PinReference, TouchPolicy};

impl<S: Storage, C: Primitives> Piv<S, C> {
    pub(super) fn metadata<'r>(
        &mut self,
        request: Request,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        if request.of == ADMIN_KEY {
            return self.of_admin_key().encode(response).map_err(too_long);
        }
        let counted = match PinReference::from_id(request.of) {
            Some(PinReference::Pin) => Some(&self.state.pin),
            Some(PinReference::Puk) => Some(&self.state.puk),
            _ => None,
        };
        if let Some(counted) = counted {
            return of_pin(counted).encode(response).map_err(too_long);
        }
        let reference = KeyReference::from_id(request.of).ok_or(Status::IncorrectP1P2)?;
        let key = self.key(reference)?;
        let (mut room, mut members) = ([0; MAX_PUBLIC], [0; MAX_PUBLIC + 16]);
        let public = self
            .crypto
            .public(key.algorithm, key.private(), &mut room)?
            .encode_members(&mut members)
            .map_err(too_long)?;
        let metadata = Metadata {
            algorithm: Some(key.algorithm.id()),
            pin_policy: Some(key.pin_policy),
            touch_policy: Some(key.touch_policy),
            generated: Some(key.generated),
            public: Some(public),
            ..Metadata::default()
        };
        metadata.encode(response).map_err(too_long)
    }

    fn of_admin_key(&self) -> Metadata<'static> {
        let admin = &self.state.admin;
        let touch = if admin.touch {
            TouchPolicy::Always
        } else {
            TouchPolicy::Never
        };
        Metadata {
            algorithm: Some(admin.cipher.piv_id()),
            pin_policy: Some(PinPolicy::Never),
            touch_policy: Some(touch),
            is_default: Some(admin.is_default),
            ..Metadata::default()
        }
    }
}

fn of_pin(counted: &Counted) -> Metadata<'static> {
    Metadata {
        algorithm: Some(NO_ALGORITHM),
        is_default: Some(counted.is_default),
        tries: Some(Tries {
            total: counted.total,
            left: counted.left,
        }),
        ..Metadata::default()
    }
}

const NO_ALGORITHM: u8 = 0xFF;
