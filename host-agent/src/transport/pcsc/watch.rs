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

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString},
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use pcsc::{
    Attribute, Context, Disposition, Error, PNP_NOTIFICATION, Protocols, ReaderState, Scope,
    ShareMode, State,
};

use super::{
    super::{Description, Kind, Listener, Notice, Place, Port, UsbPosition},
    PcscError, PcscPort, Reader,
};

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
        seen.update(readers.iter().map(|state| Sight::of(context, state)));
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

/// What a reader says of the card on it.
struct Sight<'s> {
    reader: &'s CStr,
    /// `None`: it is empty.
    card: Option<CardSight<'s>>,
}

struct CardSight<'s> {
    /// Of cards that came and went on this reader since the service runs.
    count: u32,
    is_mute: bool,
    /// Another program has it for itself.
    is_taken: bool,
    atr: &'s [u8],
    /// Asks the reader about itself.
    describe: Box<dyn Fn() -> Description + 's>,
}

impl<'s> Sight<'s> {
    fn of(context: &'s Context, state: &'s ReaderState) -> Self {
        let told = state.event_state();
        let card = told.contains(State::PRESENT).then(|| CardSight {
            count: state.event_count(),
            is_mute: told.contains(State::MUTE),
            is_taken: told.contains(State::EXCLUSIVE),
            atr: state.atr(),
            describe: Box::new(|| about_reader(context, state.name())),
        });
        Self {
            reader: state.name(),
            card,
        }
    }
}

/// The cards that were told of.
struct Seen {
    listener: Listener,
    cards: BTreeMap<CString, Told>,
}

/// A card that was told of.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Told {
    count: u32,
    is_mute: bool,
    is_taken: bool,
}

impl Seen {
    const fn nothing(listener: Listener) -> Self {
        Self {
            listener,
            cards: BTreeMap::new(),
        }
    }

    /// Tells of what came, changed and went since the last look at every reader.
    fn update<'s>(&mut self, sights: impl Iterator<Item = Sight<'s>>) {
        let mut before = std::mem::take(&mut self.cards);
        for Sight { reader, card } in sights {
            let told = before.remove(reader);
            let Some(card) = card else {
                if told.is_some() {
                    self.went(reader);
                }
                continue;
            };
            let now = Told {
                count: card.count,
                is_mute: card.is_mute,
                is_taken: card.is_taken,
            };
            match told {
                Some(told) if told.count == now.count && told.is_mute == now.is_mute => {
                    if told.is_taken && !now.is_taken {
                        (self.listener)(Notice::Changed {
                            place: place(reader),
                        });
                    }
                }
                told => {
                    if told.is_some() {
                        self.went(reader);
                    }
                    self.came(reader, &card);
                }
            }
            self.cards.insert(reader.to_owned(), now);
        }
        // Their readers are gone.
        for reader in before.keys() {
            self.went(reader);
        }
    }

    fn is_any_taken(&self) -> bool {
        self.cards.values().any(|card| card.is_taken)
    }

    fn forget_all(&mut self) {
        self.update(std::iter::empty());
    }

    fn came(&self, reader: &CStr, card: &CardSight<'_>) {
        (self.listener)(Notice::Came {
            place: place(reader),
            description: Description {
                kind: Kind::Pcsc,
                reader: reader.to_string_lossy().into_owned(),
                atr: card.atr.to_vec(),
                ..(card.describe)()
            },
            port: Port::Card(PcscPort::of(Reader {
                name: reader.to_owned(),
                has_card: !card.is_mute,
            })),
        });
    }

    fn went(&self, reader: &CStr) {
        (self.listener)(Notice::Went {
            place: place(reader),
        });
    }
}

fn place(reader: &CStr) -> Place {
    format!("reader {}", reader.to_string_lossy())
}

/// Where the reader is plugged in, and its serial number. The card is not touched; who has it for
/// themselves is not disturbed, and the reader then says nothing.
fn about_reader(context: &Context, reader: &CStr) -> Description {
    let Ok(connected) = context.connect(reader, ShareMode::Direct, Protocols::UNDEFINED) else {
        return Description::default();
    };
    let told = |attribute| connected.get_attribute_owned(attribute).unwrap_or_default();
    let description = Description {
        position: usb_position(&told(Attribute::ChannelId)),
        reader_serial: text(&told(Attribute::VendorIfdSerialNo)),
        ..Description::default()
    };
    if let Err((connected, error)) = connected.disconnect(Disposition::LeaveCard) {
        tracing::debug!(%error, "left a reader");
        // Dropped, it would be disconnected again, and the card be reset.
        std::mem::forget(connected);
    }
    description
}

/// SCARD_ATTR_CHANNEL_ID, a number 0xDDDDCCCC: kind of channel, and which. PC/SC 3 §3.1.2; of USB,
/// libccid tells bus and device. A reader on device 0 is on none: some drivers tell only the kind.
fn usb_position(channel: &[u8]) -> Option<UsbPosition> {
    const USB: u16 = 0x0020;
    let channel = u32::from_ne_bytes(channel.try_into().ok()?).to_be_bytes();
    let [kind_high, kind_low, bus, device] = channel;
    let is_usb = u16::from_be_bytes([kind_high, kind_low]) == USB;
    (is_usb && device != 0).then_some(UsbPosition { bus, device })
}

/// Text of the driver, which may end in a zero.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim_matches(|c: char| c == '\0' || c.is_whitespace())
        .to_owned()
}

#[cfg(test)]
mod tests;
