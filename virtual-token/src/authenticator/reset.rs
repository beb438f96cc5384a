//! authenticatorReset. CTAP 2.3 §6.6.
//!
//! Ends every credential, the discoverable ones by deleting them and the others with the master
//! secret; the PIN, the tokens and the configuration go too. What the factory burned in stays.

use super::owner::Owner;
use super::{Authenticator, Environment, Ram, Touch, other};
use crate::storage::{Change, Storage};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn reset(&mut self, environment: &mut dyn Environment) -> Result<(), Status> {
        let powered_at = self.ram.powered_at;
        let late = environment.now().since(powered_at) > WINDOW;
        if late && self.features().reset_window {
            return Err(Status::NotAllowed);
        }
        let touch = if self.owner.long_touch_for_reset {
            environment.wait_for_long_touch()
        } else {
            environment.wait_for_touch()
        };
        match touch {
            Touch::Touched => {}
            Touch::Refused => return Err(Status::OperationDenied),
            Touch::TimedOut => return Err(Status::UserActionTimeout),
            Touch::Cancelled => return Err(Status::KeepaliveCancel),
        }
        let fresh = Owner::fresh(self.features(), &mut self.crypto).map_err(other)?;
        self.store(fresh, &[Change::EraseOwner])?;
        // The window still counts from the power-up.
        self.ram = Ram::new(powered_at);
        Ok(())
    }
}

/// Milliseconds after power-up in which a reset is taken.
const WINDOW: u64 = 10_000;

#[cfg(all(test, feature = "std"))]
mod tests;
