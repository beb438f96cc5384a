//! PIN and PUK. SP 800-73-5 part 2 §3.2.1 to §3.2.3.

use super::state::{Counted, State};
use super::{Piv, Primitives, Verified};
use crate::authenticator::secret::Key;
use crate::storage::Storage;
use keysteward_core::iso7816::Status;
use keysteward_core::piv::yubico::set_pin_retries;
use keysteward_core::piv::{
    PADDED_PIN, Pin, PinReference, change_reference_data, reset_retry_counter, verify,
};
use subtle::ConstantTimeEq;

impl<S: Storage, C: Primitives> Piv<S, C> {
    pub(super) fn verify(&mut self, request: verify::Request<'_>) -> Result<(), Status> {
        match request {
            verify::Request::Verify(PinReference::Pin, pin) => {
                self.try_secret(PinReference::Pin, pin)?;
                self.verified = Verified::JustNow;
                Ok(())
            }
            verify::Request::Status(PinReference::Pin) => match (self.verified, &self.state.pin) {
                (Verified::No, Counted { left: 0, .. }) => Err(Status::AuthenticationBlocked),
                (Verified::No, pin) => Err(Status::VerifyFailed { retries: pin.left }),
                _ => Ok(()),
            },
            verify::Request::Forget(PinReference::Pin) => {
                self.verified = Verified::No;
                Ok(())
            }
            _ => Err(Status::ReferenceNotFound),
        }
    }

    pub(super) fn change_pin(
        &mut self,
        request: change_reference_data::Request<'_>,
    ) -> Result<(), Status> {
        let reference = request.reference;
        if reference == PinReference::Global {
            return Err(Status::ReferenceNotFound);
        }
        // Before the current one is tried, so that it costs nothing.
        let new = well_formed(request.new)?;
        self.try_secret(reference, request.current)?;
        self.replace(reference, &new)
    }

    pub(super) fn set_pin(
        &mut self,
        request: reset_retry_counter::Request<'_>,
    ) -> Result<(), Status> {
        let new = well_formed(request.new_pin)?;
        self.try_secret(PinReference::Puk, request.puk)?;
        self.replace(PinReference::Pin, &new)
    }

    pub(super) fn set_retries(&mut self, request: set_pin_retries::Request) -> Result<(), Status> {
        self.admin_only()?;
        if self.verified == Verified::No {
            return Err(Status::SecurityStatusNotSatisfied);
        }
        self.state.reset_pins(request.pin, request.puk);
        self.verified = Verified::No;
        self.save()
    }

    /// One try; it counts before it is known whether it is right.
    fn try_secret(
        &mut self,
        reference: PinReference,
        secret: &[u8; PADDED_PIN],
    ) -> Result<(), Status> {
        let known = counted(&mut self.state, reference);
        if known.left == 0 {
            return Err(Status::AuthenticationBlocked);
        }
        let tried = well_formed(secret)?;
        known.left = known.left.saturating_sub(1);
        self.save()?;
        let known = counted(&mut self.state, reference);
        if bool::from(tried.padded().ct_eq(&known.secret.0)) {
            known.left = known.total;
            return self.save();
        }
        let retries = known.left;
        if reference == PinReference::Pin {
            self.verified = Verified::No;
        }
        Err(Status::VerifyFailed { retries })
    }

    fn replace(&mut self, reference: PinReference, new: &Pin) -> Result<(), Status> {
        let known = counted(&mut self.state, reference);
        known.secret = Key(*new.padded());
        known.left = known.total;
        known.is_default = false;
        self.save()
    }
}

fn well_formed(padded: &[u8; PADDED_PIN]) -> Result<Pin, Status> {
    Pin::from_padded(padded).map_err(|_| Status::IncorrectData)
}

/// There is no global PIN: who asks for it was refused before.
fn counted(state: &mut State, reference: PinReference) -> &mut Counted {
    match reference {
        PinReference::Puk => &mut state.puk,
        PinReference::Pin | PinReference::Global => &mut state.pin,
    }
}
