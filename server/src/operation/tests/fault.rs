//! What goes wrong, and at which call to the outside.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// What goes wrong at one call. "Server dies" stops the engine for good, as
/// between two of its transactions; everything else is the outside's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    ServerDiesBefore,
    ServerDiesAfter,
    AgentDiesBefore,
    AgentDiesAfter,
    AnswerLost,
    RequestLost,
    Unplugged,
    /// Done, and the host is gone before it could say so.
    HostVanishes,
    /// Waits for a touch that never comes, until it is told to give up.
    NobodyTouches,
    /// Touched in the moment in which it is told to give up.
    TouchedTooLate,
    /// The provider refuses this one call.
    Refused,
    /// Done, nobody said so, and the provider refuses everything from then on.
    RefusedFromNowOn,
}

impl Fault {
    pub(super) const ALL: [Self; 7] = [
        Self::ServerDiesBefore,
        Self::ServerDiesAfter,
        Self::AgentDiesBefore,
        Self::AgentDiesAfter,
        Self::AnswerLost,
        Self::RequestLost,
        Self::Unplugged,
    ];
}

/// Counts calls to the outside, and lets one of them go wrong.
pub(super) struct Gate {
    passed: AtomicUsize,
    at: AtomicUsize,
    fault: std::sync::Mutex<Option<Fault>>,
    tripped: Notify,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            passed: AtomicUsize::new(0),
            at: AtomicUsize::new(usize::MAX),
            fault: std::sync::Mutex::new(None),
            tripped: Notify::new(),
        }
    }

    /// From now on, call number `at` (from 0) goes wrong.
    pub(super) fn arm(&self, at: usize, fault: Fault) {
        self.passed.store(0, Ordering::SeqCst);
        *self.fault.lock().unwrap() = Some(fault);
        self.at.store(at, Ordering::SeqCst);
    }

    /// Whether the fault came about.
    pub(super) fn came(&self) -> bool {
        self.fault.lock().unwrap().is_none()
    }

    pub(super) fn disarm(&self) {
        self.fault.lock().unwrap().take();
    }

    pub(super) fn pass(&self) -> Option<Fault> {
        let number = self.passed.fetch_add(1, Ordering::SeqCst);
        if number != self.at.load(Ordering::SeqCst) {
            return None;
        }
        self.fault.lock().unwrap().take()
    }

    /// The server is dead: no call of it ever returns.
    pub(super) async fn trip(&self) {
        self.tripped.notify_one();
        std::future::pending().await
    }

    pub(super) async fn tripped(&self) {
        self.tripped.notified().await;
    }
}

/// Calls of an issue to the outside: inspect, find-user, set-pin, make-credential.
pub(super) const SET_PIN: usize = 2;
pub(super) const MAKE_CREDENTIAL: usize = 3;
