//! VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER. GIDS 2.0.

use super::memory::{LIMIT, State};
use super::{Answer, GidsCard};
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::gids::pin::{Change, Reference, Verify, parse_reset};
use keysteward_core::iso7816::{Command, Status};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

impl<S: Storage, C: Crypto> GidsCard<S, C> {
    pub(super) fn verify(&mut self, command: &Command<'_>) -> Answer {
        match Verify::parse(command)? {
            Verify::Deauthenticate => {
                self.forget();
                Ok(0)
            }
            Verify::Status(Reference::Puk) | Verify::Attempt(Reference::Puk, _) => {
                Err(Status::ReferenceNotFound)
            }
            Verify::Status(Reference::Pin) => match self.memory.state()? {
                Some(State { tries: 0, .. }) => Err(Status::AuthenticationBlocked),
                Some(state) if state.activated && !self.volatile.user => {
                    Err(Status::VerifyFailed {
                        retries: state.tries,
                    })
                }
                _ => Ok(0),
            },
            Verify::Attempt(Reference::Pin, attempt) => {
                if !is_well_formed(attempt) {
                    return Err(Status::IncorrectData);
                }
                self.attempt(|pin| attempt.ct_eq(pin).into())?;
                Ok(0)
            }
        }
    }

    pub(super) fn change_reference_data(&mut self, command: &Command<'_>) -> Answer {
        match Change::parse(command)? {
            Change::First(new) => {
                let activated = self.is_activated()?;
                if activated && !self.volatile.user {
                    return Err(Status::SecurityStatusNotSatisfied);
                }
                self.set_pin(new)?;
            }
            Change::Exchange(both) => {
                // Where the old one ends, the card alone knows.
                let old_len = self.memory.state()?.map_or(0, |state| state.pin.len());
                let (old, new) = both.split_at_checked(old_len).unwrap_or((both, &[]));
                self.attempt(|pin| old.ct_eq(pin).into())?;
                self.set_pin(new)?;
            }
        }
        Ok(0)
    }

    pub(super) fn reset_retry_counter(&mut self, command: &Command<'_>) -> Answer {
        let new = parse_reset(command)?;
        if !self.is_activated()? {
            return Err(Status::CommandNotAllowed);
        }
        if !self.volatile.admin {
            return Err(Status::SecurityStatusNotSatisfied);
        }
        self.set_pin(new)?;
        self.forget();
        Ok(0)
    }

    /// Counts a try, and gives it back when the PIN is the right one.
    fn attempt(&mut self, is_right: impl FnOnce(&[u8]) -> bool) -> Result<(), Status> {
        let mut state = self.memory.state()?.ok_or(Status::ReferenceNotFound)?;
        self.volatile.user = false;
        let left = state
            .tries
            .checked_sub(1)
            .ok_or(Status::AuthenticationBlocked)?;
        // Written before it is compared: power loss is no way to keep a try.
        state.tries = left;
        self.memory.set_state(&state)?;
        if !is_right(&state.pin) {
            return Err(match left {
                0 => Status::AuthenticationBlocked,
                retries => Status::VerifyFailed { retries },
            });
        }
        state.tries = LIMIT;
        self.memory.set_state(&state)?;
        self.volatile.user = true;
        Ok(())
    }

    fn set_pin(&mut self, pin: &[u8]) -> Result<(), Status> {
        if !is_well_formed(pin) {
            return Err(Status::WrongLength);
        }
        let activated = self.is_activated()?;
        self.memory.set_state(&State {
            activated,
            tries: LIMIT,
            pin: Zeroizing::new(pin.to_vec()),
        })
    }
}

/// As most cards have it.
fn is_well_formed(pin: &[u8]) -> bool {
    (4..=16).contains(&pin.len())
}
