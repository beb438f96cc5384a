//! What a caller hears while a step runs, and how it gives the step up.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use keysteward_core::session::Sample;

/// What a step waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Waiting {
    /// The token works.
    Token,
    /// Somebody must touch it.
    Touch,
    Unplug,
    PlugIn,
    /// Another caller has the token.
    Lease,
    /// Somebody must lay a finger on its sensor.
    Finger,
    /// Somebody must touch it for 5 seconds without a break.
    LongTouch,
    /// The sensor took a sample of a finger.
    Sample(Sample),
}

/// Hears of progress: only of changes, never twice of the same; and of every sample.
pub(crate) type Listener = Box<dyn FnMut(Waiting) + Send>;

/// One listener, heard of from several places of a step.
#[derive(Clone)]
pub(super) struct Teller(Arc<Mutex<Heard>>);

struct Heard {
    listener: Listener,
    last: Option<Waiting>,
}

impl Teller {
    pub(super) fn new(listener: Listener) -> Self {
        Self(Arc::new(Mutex::new(Heard {
            listener,
            last: None,
        })))
    }

    pub(super) fn tell(&self, waiting: Waiting) {
        // A listener that panicked once has nothing more to say.
        let Ok(mut heard) = self.0.lock() else {
            return;
        };
        if heard.last != Some(waiting) || matches!(waiting, Waiting::Sample(_)) {
            heard.last = Some(waiting);
            (heard.listener)(waiting);
        }
    }
}

/// The caller's wish to give up; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
