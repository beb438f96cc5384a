//! Cards at readers, through PC/SC: pcscd on Linux, the service "Smart Card" on Windows.
//!
//! A card is connected to shared, and held in a transaction for as long as somebody speaks to it:
//! other programs wait, and get it back as it is. PC/SC 3 and 10; pcsc-lite's API.
//!
//! ```no_run
//! use keysteward_agent::transport::pcsc::Service;
//! use keysteward_core::{nfcctap::NfcTransport, session::Millis};
//!
//! let service = Service::connect()?;
//! for reader in service.readers()? {
//!     println!("{}: {}", reader.name(), if reader.has_card() { "a card" } else { "empty" });
//!     if reader.has_card() {
//!         let mut card = service.open(&reader)?;
//!         let token = NfcTransport::open(card.hold()?, Millis(5_000))?;
//!         println!("a FIDO token: {:?}", token.version());
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod properties;

pub use error::PcscError;

use std::{ffi::CString, fmt, thread, time::Duration};

use keysteward_core::{
    iso7816::{CardTransport, Form},
    session::Millis,
};
use pcsc::{
    Card, Context, Disposition, Error, Protocol, Protocols, ReaderState, Scope, ShareMode, State,
    Transaction,
};

use super::now;

/// The system's smart card service.
#[derive(Clone)]
pub struct Service {
    context: Context,
}

/// A reader, as it was when the readers were listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reader {
    name: CString,
    has_card: bool,
}

impl Reader {
    /// The system's name for it.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    /// Whether a card lies on it that answers.
    #[must_use]
    pub const fn has_card(&self) -> bool {
        self.has_card
    }
}

impl Service {
    /// Finds the service.
    pub fn connect() -> Result<Self, PcscError> {
        let context = Context::establish(Scope::User).map_err(PcscError::of_service)?;
        Ok(Self { context })
    }

    /// Every reader, with whether a card lies on it.
    pub fn readers(&self) -> Result<Vec<Reader>, PcscError> {
        let names = match self.context.list_readers_owned() {
            Ok(names) => names,
            Err(Error::NoReadersAvailable) => return Ok(Vec::new()),
            Err(error) => return Err(PcscError::of_service(error)),
        };
        let mut states: Vec<ReaderState> = names
            .iter()
            .map(|name| ReaderState::new(name.clone(), State::UNAWARE))
            .collect();
        match self.context.get_status_change(Duration::ZERO, &mut states) {
            Ok(()) | Err(Error::Timeout) => {}
            // One was unplugged meanwhile; the others tell on the next look.
            Err(Error::UnknownReader) => {}
            Err(error) => return Err(PcscError::of_service(error)),
        }
        let has_card = |state: &ReaderState| {
            let state = state.event_state();
            state.contains(State::PRESENT) && !state.contains(State::MUTE)
        };
        Ok(names
            .into_iter()
            .zip(&states)
            .map(|(name, state)| Reader {
                name,
                has_card: has_card(state),
            })
            .collect())
    }

    /// Connects to the card at the reader. Other programs may do so, too.
    pub fn open(&self, reader: &Reader) -> Result<PcscCard, PcscError> {
        let name = reader.name();
        self.context
            .connect(&reader.name, ShareMode::Shared, Protocols::ANY)
            .map(|card| PcscCard {
                card: Some(card),
                reader: name.clone(),
            })
            .map_err(|error| PcscError::new(error, &name))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// A card that is connected to. Dropped, it is left as it is.
pub struct PcscCard {
    /// `None` only while it is dropped.
    card: Option<Card>,
    reader: String,
}

impl PcscCard {
    /// Keeps other programs out until the link is dropped; waits until they let the card go. The
    /// applet is to be selected: another program may have selected one of its own. Windows resets
    /// a card that is held and not spoken to for five seconds.
    pub fn hold(&mut self) -> Result<PcscLink<'_>, PcscError> {
        let reader = self.reader.clone();
        let card = self.connected()?;
        let (transaction, protocol) =
            begin(card).map_err(|error| PcscError::of_open_card(error, &reader))?;
        let max_command = match protocol {
            // Its extended form goes by ENVELOPE, which few cards know.
            Some(Protocol::T0) => Some(properties::MAX_SHORT_COMMAND),
            _ => properties::max_command(&transaction),
        };
        Ok(PcscLink {
            transaction,
            reader,
            max_command,
            extended: Extended::Untried,
        })
    }

    /// Cuts the card's power and gives it back, as if it was taken away and put on again.
    pub fn power_cycle(&mut self) -> Result<(), PcscError> {
        let reader = self.reader.clone();
        self.connected()?
            .reconnect(ShareMode::Shared, Protocols::ANY, Disposition::UnpowerCard)
            .map_err(|error| PcscError::of_open_card(error, &reader))
    }

    fn connected(&mut self) -> Result<&mut Card, PcscError> {
        let reader = &self.reader;
        self.card.as_mut().ok_or_else(|| PcscError::Removed {
            reader: reader.clone(),
        })
    }
}

/// Begins a transaction. A card that was reset by another program since is taken as it is now.
fn begin(mut card: &mut Card) -> Result<(Transaction<'_>, Option<Protocol>), Error> {
    for _ in 0..RESETS {
        match card.transaction2() {
            Ok(transaction) => {
                let protocol = transaction.status2_owned()?.protocol2();
                return Ok((transaction, protocol));
            }
            Err((reset, Error::ResetCard | Error::UnpoweredCard)) => {
                card = reset;
                card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)?;
            }
            Err((_, error)) => return Err(error),
        }
    }
    Err(Error::ResetCard)
}

impl Drop for PcscCard {
    fn drop(&mut self) {
        if let Some(card) = self.card.take()
            && let Err((card, error)) = card.disconnect(Disposition::LeaveCard)
        {
            tracing::debug!(reader = self.reader, %error, "left a card");
            // Disconnecting again would fail again, and do no more.
            std::mem::forget(card);
        }
    }
}

impl fmt::Debug for PcscCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcscCard")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

/// A card that is held.
pub struct PcscLink<'c> {
    transaction: Transaction<'c>,
    reader: String,
    max_command: Option<usize>,
    extended: Extended,
}

/// What is known of commands of the extended form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Extended {
    Untried,
    Works,
}

impl CardTransport for PcscLink<'_> {
    type Error = PcscError;

    fn now(&mut self) -> Millis {
        now()
    }

    fn pause(&mut self, until: Millis) {
        thread::sleep(Duration::from_millis(until.since(now())));
    }

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], PcscError> {
        let extended = keysteward_core::iso7816::Command::parse(command)
            .is_ok_and(|(_, form)| form == Form::Extended);
        match self.transaction.transmit(command, response) {
            Ok(answer) => {
                if extended {
                    self.extended = Extended::Works;
                }
                Ok(answer)
            }
            // A reader that took one such command has another reason, and may have carried this.
            Err(error)
                if extended
                    && self.extended == Extended::Untried
                    && error::is_refusal_of_form(error) =>
            {
                Err(PcscError::ExtendedRefused)
            }
            Err(error) => Err(PcscError::of_open_card(error, &self.reader)),
        }
    }

    /// Where the reader does not say, it is tried.
    fn max_command(&self) -> Option<usize> {
        Some(self.max_command.unwrap_or(usize::MAX))
    }

    fn refused_extended(error: &PcscError) -> bool {
        matches!(error, PcscError::ExtendedRefused)
    }
}

impl fmt::Debug for PcscLink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcscLink")
            .field("reader", &self.reader)
            .field("max_command", &self.max_command)
            .field("extended", &self.extended)
            .finish_non_exhaustive()
    }
}

/// How often a card may be reset by others before we give up.
const RESETS: usize = 3;
