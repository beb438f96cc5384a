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
    /// How often the listener may still be told.
    left: u32,
}

/// Most that is told of one step. A token that says by turns that it works and that it waits
/// would otherwise be passed on thousands of times a second.
const MOST_TOLD: u32 = 500;

impl Teller {
    pub(super) fn new(listener: Listener) -> Self {
        Self(Arc::new(Mutex::new(Heard {
            listener,
            last: None,
            left: MOST_TOLD,
        })))
    }

    pub(super) fn tell(&self, waiting: Waiting) {
        // A listener that panicked once has nothing more to say.
        let Ok(mut heard) = self.0.lock() else {
            return;
        };
        let is_news = heard.last != Some(waiting) || matches!(waiting, Waiting::Sample(_));
        if is_news && heard.left > 0 {
            heard.left -= 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(waits: impl IntoIterator<Item = Waiting>) -> Vec<Waiting> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&heard);
        let teller = Teller::new(Box::new(move |waiting| {
            listener.lock().unwrap().push(waiting);
        }));
        for waiting in waits {
            teller.tell(waiting);
        }
        heard.lock().unwrap().clone()
    }

    #[test]
    fn only_changes_are_told() {
        use Waiting::{Token, Touch};
        assert_eq!(
            heard([Token, Token, Touch, Touch, Token]),
            [Token, Touch, Token]
        );
    }

    #[test]
    fn a_token_that_changes_its_mind_without_end_is_not_passed_on_without_end() {
        let waits = [Waiting::Token, Waiting::Touch].into_iter().cycle();
        assert_eq!(heard(waits.take(100_000)).len(), MOST_TOLD as usize);
    }
}
