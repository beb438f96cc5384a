//! What every step has, of a key or of a card: what is asked, its name, its time.

use std::time::Duration;

use keysteward_proto::agent::v1 as proto;

use super::journal;
use crate::{
    journal::StepKey,
    verb::{Failure, Request},
};

/// For a step whose caller names no time.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(60);

/// No person is waited for longer than that, in milliseconds.
const MAX_PATIENCE_MS: u32 = 600_000;

/// A step that somebody asks for, checked as far as that goes without a token.
pub(super) struct Ordered {
    pub(super) request: Request,
    pub(super) key: Option<StepKey>,
    pub(super) patience: Duration,
}

pub(super) fn key(key: Option<proto::StepKey>) -> Result<Option<StepKey>, Failure> {
    let Some(key) = key else {
        return Ok(None);
    };
    journal::key(Some(key))
        .map(Some)
        .map_err(|wrong| Failure::invalid(wrong.field, wrong.found, wrong.allowed))
}

pub(super) fn patience(timeout_ms: u32) -> Result<Duration, Failure> {
    match timeout_ms {
        0 => Ok(DEFAULT_PATIENCE),
        1..=MAX_PATIENCE_MS => Ok(Duration::from_millis(timeout_ms.into())),
        _ => Err(Failure::invalid(
            "timeout_ms",
            timeout_ms,
            "0 (60 seconds) to 600,000 (10 minutes)",
        )),
    }
}
