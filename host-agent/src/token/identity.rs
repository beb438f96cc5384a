//! Names for tokens that are plugged in.

use std::sync::atomic::{AtomicU64, Ordering};

/// Gives out presence ids: a counter that is unique within this process behind randomness that is
/// unique to it, so that none is ever used twice, over restarts too.
#[derive(Debug)]
pub(super) struct Names {
    boot: String,
    next: AtomicU64,
}

impl Names {
    pub(super) fn new(rng: &mut impl rand::RngCore) -> Self {
        let mut boot = [0; 8];
        rng.fill_bytes(&mut boot);
        Self {
            boot: hex::encode(boot),
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.boot)
    }
}
