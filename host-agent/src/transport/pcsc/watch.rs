//! Cards that come and go, on readers that are plugged in and out, while the service that tells of
//! them may be absent, restarted or killed.
//!
//! ```text
//!            connected                reader came or went
//!  Absent ------------> [ list ] ---------> [ sleep ] ----.
//!    ^ back-off             ^                  |  |       | card came or went: told
//!    |                      '------------------'  '<------'
//!    '---- the service is gone: so is every card ----'
//! ```
//!
//! The system wakes the thread, by way of the pseudo-reader that stands for all of them; where it
//! has none, readers are listed every second. PC/SC 5 §3.2.5; pcsc-lite's SCardGetStatusChange.

mod about_reader;
mod seen;

use std::{
    ffi::CString,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use self::seen::{Seen, Sight};
use super::{super::Listener, PcscError};

/// Stack of the watching thread.
const STACK: usize = 128 * 1024;

/// Between two tries to reach a service that is absent.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Readers are listed anew after this long: one that came between the list and the sleep is told
/// of by nobody.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The same where the system does not tell of readers, or a program may let a card go, of which
/// pcscd does not tell.
const WITHOUT_NOTICE: Duration = Duration::from_secs(1);

/// How long whoever stops the thread waits for it.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// The watching thread; it ends when this is dropped.
#[derive(Debug)]
pub(in super::super) struct Watch {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<Running>,
    moved: Condvar,
}

#[derive(Default)]
struct Running {
    /// What the thread sleeps on, if it does.
    context: Option<Context>,
    stop: bool,
    ended: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Watch {
    /// Tells of the cards that are there, then of each change.
    pub(in super::super) fn start(listener: Listener) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let watched = Arc::clone(&shared);
        thread::Builder::new()
            .name("readers".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                run(&watched, &mut Seen::nothing(listener));
                watched.lock().ended = true;
                watched.moved.notify_all();
            })?;
        Ok(Self { shared })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stop = true;
        self.shared.moved.notify_all();
        // A cancel that comes just before the thread sleeps is lost.
        for _ in 0..(END_PATIENCE.as_millis() / CANCEL_EVERY.as_millis()) {
            if state.ended {
                return;
            }
            if let Some(context) = &state.context
                && let Err(error) = context.cancel()
            {
                tracing::debug!(%error, "cannot wake the thread that watches readers");
            }
            state = self
                .shared
                .moved
                .wait_timeout(state, CANCEL_EVERY)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

const CANCEL_EVERY: Duration = Duration::from_millis(20);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Running> {
        // Nothing under this lock is ever half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.lock().stop
    }

    fn pause(&self, pause: Duration) {
        let state = self.lock();
        drop(
            self.moved
                .wait_timeout_while(state, pause, |state| !state.stop),
        );
    }
}

/// Until it is stopped.
fn run(shared: &Shared, seen: &mut Seen) {
    let mut pause = FIRST_PAUSE;
    let mut told = None;
    while !shared.is_stopped() {
        let Err(Lost { error, was_there }) = watch(shared, seen) else {
            return;
        };
        seen.forget_all();
        if was_there {
            pause = FIRST_PAUSE;
            told = None;
        }
        // A service that is absent stays so for long: once is enough.
        if told.as_ref() != Some(&error) {
            tracing::info!(%error, "cards at readers are not seen");
            told = Some(error);
        }
        shared.pause(pause);
        pause = LONGEST_PAUSE.min(2 * pause);
    }
}

/// The service does not answer any more.
struct Lost {
    error: PcscError,
    /// It did at first.
    was_there: bool,
}

impl Lost {
    fn never_there(error: Error) -> Self {
        Self {
            error: PcscError::of_service(error),
            was_there: false,
        }
    }

    fn gone(error: Error) -> Self {
        Self {
            error: PcscError::of_service(error),
            was_there: true,
        }
    }
}

/// One life of the service; it ends well when the thread is to stop.
fn watch(shared: &Shared, seen: &mut Seen) -> Result<(), Lost> {
    let context = Context::establish(Scope::User).map_err(Lost::never_there)?;
    // A pcscd that dies may still take a connection, to drop it.
    let mut readers = list(&context).map_err(Lost::never_there)?;
    shared.lock().context = Some(context.clone());
    tracing::debug!(readers = readers.len(), "the smart card service answers");
    let mut states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
    let ended = loop {
        states.truncate(1);
        let unknown = |name| ReaderState::new(name, State::UNAWARE);
        states.extend(readers.into_iter().map(unknown));
        match sleep(shared, &context, &mut states, seen) {
            Ok(Woken::Stopped) => break Ok(()),
            Ok(Woken::ReadersChanged) => {}
            Err(error) => break Err(Lost::gone(error)),
        }
        readers = match list(&context) {
            Ok(readers) => readers,
            Err(error) => break Err(Lost::gone(error)),
        };
    };
    shared.lock().context = None;
    ended
}

fn list(context: &Context) -> Result<Vec<CString>, Error> {
    match context.list_readers_owned() {
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        listed => listed,
    }
}

enum Woken {
    Stopped,
    ReadersChanged,
}

/// Tells of cards that come and go, until the readers are to be listed anew.
fn sleep(
    shared: &Shared,
    context: &Context,
    states: &mut [ReaderState],
    seen: &mut Seen,
) -> Result<Woken, Error> {
    let mut tells_of_readers = true;
    loop {
        if shared.is_stopped() {
            return Ok(Woken::Stopped);
        }
        let patience = if tells_of_readers && !seen.is_any_taken() {
            LONGEST_SLEEP
        } else {
            WITHOUT_NOTICE
        };
        let slept = context.get_status_change(patience, states);
        if shared.is_stopped() {
            return Ok(Woken::Stopped);
        }
        match slept {
            Ok(()) | Err(Error::Cancelled) => {}
            Err(Error::Timeout | Error::UnknownReader | Error::ReaderUnavailable) => {
                return Ok(Woken::ReadersChanged);
            }
            Err(error) => return Err(error),
        }
        for state in states.iter_mut() {
            state.sync_current_state();
        }
        let Some((notice, readers)) = states.split_first() else {
            return Ok(Woken::ReadersChanged);
        };
        seen.update(readers.iter().map(Sight::of));
        let gone = State::UNKNOWN | State::UNAVAILABLE | State::IGNORE;
        if notice.event_state().intersects(gone) {
            tells_of_readers = false;
        } else if notice.event_state().contains(State::CHANGED) {
            return Ok(Woken::ReadersChanged);
        }
        if readers
            .iter()
            .any(|state| state.event_state().intersects(gone))
        {
            return Ok(Woken::ReadersChanged);
        }
    }
}
