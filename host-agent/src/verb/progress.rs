//! What a caller hears while a step runs, and how it gives the step up.

use std::{
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use keysteward_core::session::{Sample, UvMismatch};

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
    /// Somebody must lay a finger on its sensor, to have it enrolled.
    Finger,
    /// It verifies its user itself: by a finger, a face, or what else it knows.
    User,
    /// It did not recognise its user.
    NotRecognised(UvMismatch),
    /// Somebody must touch it for 5 seconds without a break.
    LongTouch,
    /// The sensor took a sample of a finger.
    Sample(Sample),
}

/// Hears of progress: only of changes, never twice of the same; and of every sample and every try
/// that failed.
pub(crate) type Listener = Box<dyn FnMut(Waiting) + Send>;

/// One listener, heard of from several places of a step.
#[derive(Clone)]
pub(super) struct Teller(Arc<Mutex<Heard>>);

struct Heard {
    listener: Listener,
    /// What the token waits for when it asks for the user's presence.
    presence: Waiting,
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
            presence: Waiting::Touch,
            last: None,
            left: MOST_TOLD,
        })))
    }

    pub(super) fn tell(&self, waiting: Waiting) {
        // A listener that panicked once has nothing more to say.
        if let Ok(mut heard) = self.0.lock() {
            heard.tell(waiting);
        }
    }

    /// The token asks for the user's presence.
    pub(super) fn tell_presence(&self) {
        if let Ok(mut heard) = self.0.lock() {
            let presence = heard.presence;
            heard.tell(presence);
        }
    }

    /// From now on the user's presence means this, in the place of what is returned.
    pub(super) fn await_presence_by(&self, waiting: Waiting) -> Waiting {
        match self.0.lock() {
            Ok(mut heard) => mem::replace(&mut heard.presence, waiting),
            Err(_) => waiting,
        }
    }
}

impl Heard {
    fn tell(&mut self, waiting: Waiting) {
        let is_event = matches!(waiting, Waiting::Sample(_) | Waiting::NotRecognised(_));
        let is_news = is_event || self.last != Some(waiting);
        if is_news && self.left > 0 {
            self.left -= 1;
            self.last = Some(waiting);
            (self.listener)(waiting);
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
