//! User verification by the key itself: a finger on its sensor. CTAP 2.3 §6.5.3.1.

use super::fingerprint::Template;
use super::owner::UV_RETRIES;
use super::{Authenticator, Environment, Scan};
use crate::storage::{Record, Storage};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::bio_enrollment::SampleStatus;

/// Proof that an enrolled finger lay on the sensor during this command.
#[derive(Clone, Copy, Debug)]
pub(super) struct FingerMatched(());

/// Why the user was not verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unverified {
    NotMatched,
    /// No tries are left: the PIN brings them back.
    Blocked,
    TimedOut,
    Cancelled,
    /// The storage failed.
    Failed(Status),
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// `None`: the key has no sensor; else whether a finger is enrolled.
    pub(super) fn built_in_uv(&self) -> Option<bool> {
        self.features()
            .fingerprints
            .map(|_| self.owner.fingerprints > 0)
    }

    /// Asks for a finger, up to `tries` times. A try is stored as spent before the comparison, so
    /// that cutting the power in between gains nothing.
    pub(super) fn match_finger(
        &mut self,
        tries: u8,
        environment: &mut dyn Environment,
    ) -> Result<FingerMatched, Unverified> {
        for _ in 0..tries {
            let left = self.owner.uv_retries.checked_sub(1);
            let left = left.ok_or(Unverified::Blocked)?;
            let sample = match environment.wait_for_finger(FINGER_TIMEOUT) {
                Scan::Sample(sample) => sample,
                Scan::TimedOut => return Err(Unverified::TimedOut),
                Scan::Cancelled => return Err(Unverified::Cancelled),
            };
            let mut spent = self.owner.clone();
            spent.uv_retries = left;
            spent.uv_count = spent.uv_count.saturating_add(1);
            self.store(spent, &[]).map_err(Unverified::Failed)?;
            let enrolled = self.enrolled(sample.finger).map_err(Unverified::Failed)?;
            if sample.quality == SampleStatus::Good && enrolled {
                let mut restored = self.owner.clone();
                restored.uv_retries = UV_RETRIES;
                self.store(restored, &[]).map_err(Unverified::Failed)?;
                return Ok(FingerMatched(()));
            }
        }
        match self.owner.uv_retries {
            0 => Err(Unverified::Blocked),
            _ => Err(Unverified::NotMatched),
        }
    }

    /// As makeCredential and getAssertion ask for it: with tries inside the key, and the PIN to
    /// fall back to.
    pub(super) fn verify_by_finger(
        &mut self,
        environment: &mut dyn Environment,
    ) -> Result<FingerMatched, Status> {
        if self.owner.uv_retries == 0 {
            return Err(Status::PinBlocked);
        }
        self.match_finger(INTERNAL_TRIES, environment)
            .map_err(|unverified| match unverified {
                Unverified::Failed(status) => status,
                Unverified::Cancelled => Status::KeepaliveCancel,
                Unverified::TimedOut => Status::OperationDenied,
                Unverified::NotMatched | Unverified::Blocked if self.owner.pin.is_some() => {
                    Status::PuatRequired
                }
                Unverified::NotMatched | Unverified::Blocked => Status::OperationDenied,
            })
    }

    /// Whether this finger is one of those that were enrolled.
    pub(super) fn enrolled(&self, finger: u32) -> Result<bool, Status> {
        for slot in 0..self.storage.capacity().fingerprints {
            let mut room = Template::ROOM;
            let template = self.template(Record::Fingerprint(slot), &mut room)?;
            if template.is_some_and(|template| template.finger == finger) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl From<Unverified> for Status {
    /// As getPinUvAuthTokenUsingUvWithPermissions tells it.
    fn from(unverified: Unverified) -> Self {
        match unverified {
            Unverified::NotMatched => Self::UvInvalid,
            Unverified::Blocked => Self::UvBlocked,
            Unverified::TimedOut => Self::UserActionTimeout,
            Unverified::Cancelled => Self::KeepaliveCancel,
            Unverified::Failed(status) => status,
        }
    }
}

/// Fingers that makeCredential and getAssertion try before they give up.
pub(super) const INTERNAL_TRIES: u8 = 3;
/// Milliseconds.
const FINGER_TIMEOUT: u64 = 30_000;

#[cfg(all(test, feature = "std"))]
mod tests;
