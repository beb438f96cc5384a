//! A fingerprint sensor under the key's button: who touches the key lays a finger on it.

use std::time::Duration;

use keysteward_virtual_token::device::Io;
use opensk::{
    api::fingerprint::{Ctap2EnrollFeedback, Fingerprint, FingerprintCheckError, FingerprintKind},
    ctap::status_code::{Ctap2StatusCode, CtapResult},
};
use rand_core::{OsRng, RngCore};

use super::powerless;

/// Good samples that an enrolment takes.
pub const SAMPLES: usize = 3;

pub(super) struct Sensor {
    io: Io,
    enrolling: Option<Enrolling>,
    /// Fingers still to come that are nobody's.
    strangers: usize,
}

struct Enrolling {
    id: Vec<u8>,
    remaining: usize,
}

impl Sensor {
    pub(super) const fn new(io: Io, strangers: usize) -> Self {
        Self {
            io,
            enrolling: None,
            strangers,
        }
    }

    fn touched(&self, timeout_ms: usize) -> CtapResult<bool> {
        let timeout = Duration::from_millis(timeout_ms as u64);
        self.io.wait_for_touch(timeout).map_err(powerless)
    }
}

impl Fingerprint for Sensor {
    fn prepare_enrollment(&mut self) -> CtapResult<()> {
        let mut id = vec![0; 8];
        OsRng.fill_bytes(&mut id);
        let remaining = SAMPLES;
        self.enrolling = Some(Enrolling { id, remaining });
        Ok(())
    }

    fn capture_sample(
        &mut self,
        timeout_ms: Option<usize>,
    ) -> CtapResult<(Ctap2EnrollFeedback, usize, Option<Vec<u8>>)> {
        let touched = self.touched(timeout_ms.unwrap_or(PATIENCE_MS))?;
        let Some(Enrolling { id, remaining }) = &mut self.enrolling else {
            return Err(Ctap2StatusCode::CTAP2_ERR_NOT_ALLOWED);
        };
        if !touched {
            return Ok((Ctap2EnrollFeedback::NoUserActivity, *remaining, None));
        }
        *remaining = remaining.saturating_sub(1);
        let (id, remaining) = (id.clone(), *remaining);
        if remaining == 0 {
            self.enrolling = None;
        }
        Ok((Ctap2EnrollFeedback::FpGood, remaining, Some(id)))
    }

    fn cancel_enrollment(&mut self) -> CtapResult<()> {
        self.enrolling = None;
        Ok(())
    }

    fn remove_enrollment(&mut self, _: &[u8]) -> CtapResult<()> {
        Ok(())
    }

    fn check_fingerprint_init(&mut self) -> CtapResult<()> {
        Ok(())
    }

    fn check_fingerprint(&mut self, timeout_ms: usize) -> Result<(), FingerprintCheckError> {
        match self.touched(timeout_ms) {
            Ok(true) if self.strangers > 0 => {
                self.strangers -= 1;
                Err(FingerprintCheckError::NoMatch)
            }
            // The firmware asks only while a finger is enrolled.
            Ok(true) => Ok(()),
            Ok(false) => Err(FingerprintCheckError::Timeout),
            Err(_) => Err(FingerprintCheckError::Other),
        }
    }

    fn check_fingerprint_complete(&mut self) -> CtapResult<()> {
        Ok(())
    }

    fn fingerprint_kind(&self) -> FingerprintKind {
        FingerprintKind::Touch
    }

    fn max_capture_samples_required_for_enroll(&self) -> usize {
        SAMPLES
    }
}

const PATIENCE_MS: usize = 30_000;
