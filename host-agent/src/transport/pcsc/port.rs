//! A way to a card on a reader, also while another program holds the card.
//!
//! PC/SC 5 §3.2.2 knows no transaction that is begun within a time: who begins one waits, and
//! nothing but the other program or the card's leaving ends that. So a thread waits there, and
//! whoever wants the card waits for the thread, until a deadline. At most one thread waits at a
//! reader: who comes back later waits for the same one. A card that it gets when nobody wants it
//! any more it lets go at once, and says that the card can be reached now.
//!
//! ```text
//!           wanted                    held
//!   Idle -----------> Asked -------------------> Got ---- taken ----> (Idle)
//!    ^           deadline | ^ wanted
//!    |                    v |
//!    '--- let go, told -- Unwanted
//! ```

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use keysteward_core::session::Millis;

use super::{PcscCard, PcscError, PcscLink, Reader, Service};
use crate::transport::now;

/// Stack of a thread that waits for a card.
const STACK: usize = 128 * 1024;

/// A card that lies on a reader. Opened for as long as somebody needs it, so that other programs
/// get at it in between.
#[derive(Clone)]
pub(crate) struct PcscPort {
    line: Arc<Line>,
}

struct Line {
    reader: Reader,
    state: Mutex<State>,
    moved: Condvar,
    /// Told when a card that was given up can be reached.
    reachable: Box<dyn Fn() + Send + Sync>,
}

enum State {
    /// No thread waits.
    Idle,
    /// One does, and somebody for it.
    Asked,
    /// One does, and nobody for it any more.
    Unwanted,
    /// It has ended with this.
    Got(Result<PcscLink, PcscError>),
}

impl PcscPort {
    /// `reachable` is called when another program has let a card go that it held for too long.
    pub(super) fn of(reader: Reader, reachable: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            line: Arc::new(Line {
                reader,
                state: Mutex::new(State::Idle),
                moved: Condvar::new(),
                reachable: Box::new(reachable),
            }),
        }
    }

    /// Connects to the card, and keeps other programs out until the link is dropped. Waits until
    /// `deadline` for another program that holds the card.
    pub(crate) fn open(&self, deadline: Millis) -> Result<PcscLink, PcscError> {
        let mut state = self.line.lock();
        loop {
            let before = std::mem::replace(&mut *state, State::Asked);
            match before {
                State::Asked | State::Unwanted => {}
                State::Idle => {
                    if let Err(error) = self.wait_there() {
                        *state = State::Idle;
                        return Err(error);
                    }
                }
                State::Got(result) => {
                    *state = State::Idle;
                    return result;
                }
            }
            let left = deadline.since(now());
            if left == 0 {
                *state = State::Unwanted;
                return Err(PcscError::HeldElsewhere {
                    reader: self.line.reader.name(),
                });
            }
            state = self
                .line
                .moved
                .wait_timeout(state, Duration::from_millis(left))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn wait_there(&self) -> Result<(), PcscError> {
        let line = Arc::clone(&self.line);
        let reader = line.reader.name();
        thread::Builder::new()
            .name("card-wait".to_owned())
            .stack_size(STACK)
            .spawn(move || line.wait())
            .map(drop)
            .map_err(|source| PcscError::NoThread {
                reader,
                reason: source.to_string(),
            })
    }
}

impl Line {
    /// On a thread of its own.
    fn wait(&self) {
        // A connection to the service of its own: calls on one wait for each other.
        let got = Service::connect()
            .and_then(|service| service.open(&self.reader))
            .and_then(PcscCard::hold);
        let mut state = self.lock();
        if matches!(*state, State::Unwanted) {
            *state = State::Idle;
            drop(state);
            let is_there = got.is_ok();
            drop(got);
            if is_there {
                (self.reachable)();
            }
        } else {
            *state = State::Got(got);
        }
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A state is replaced whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PcscPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcscPort")
            .field("reader", &self.line.reader)
            .finish_non_exhaustive()
    }
}
