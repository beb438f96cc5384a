//! What a caller hears while a step runs, and how it gives the step up.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

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
}

/// Hears of progress: only of changes, never twice of the same.
pub(crate) type Listener = Box<dyn FnMut(Waiting) + Send>;

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
