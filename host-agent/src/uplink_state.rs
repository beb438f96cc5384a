//! How the uplink stands, written by [`crate::uplink`] and told by the Host service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::journal::{Journal, JournalError};

/// A handle on the one standing of this process; clones share it.
#[derive(Clone, Debug)]
pub struct UplinkState {
    journal: Arc<Journal>,
    standing: Arc<Mutex<Standing>>,
}

/// What is told of the uplink.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// Whether there is a connection.
    pub phase: Phase,
    /// Of this host's certificate, microseconds since 1970; 0 while there is none.
    pub certificate_expires_at_us: i64,
}

/// Where the uplink is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    /// This host has no certificate, or no server is set.
    #[default]
    NotEnrolled,
    /// There is no connection now, and one is being made.
    Dialling,
    /// There is a connection.
    Linked,
}

impl Phase {
    /// As `host.proto` spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotEnrolled => "not enrolled",
            Self::Dialling => "dialling",
            Self::Linked => "linked",
        }
    }
}

impl UplinkState {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self {
            journal,
            standing: Arc::default(),
        }
    }

    /// A connection is up: counts it, on disk, and gives its epoch.
    pub fn linked(&self) -> Result<u64, JournalError> {
        let epoch = self.journal.next_link_epoch()?;
        self.lock().phase = Phase::Linked;
        Ok(epoch)
    }

    /// There is no connection, but there will be.
    pub fn dialling(&self) {
        self.lock().phase = Phase::Dialling;
    }

    /// A certificate was read or renewed.
    pub fn certificate_expires(&self, at_us: i64) {
        self.lock().certificate_expires_at_us = at_us;
    }

    /// As it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        // Plain values, never half written.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
