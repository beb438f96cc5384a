//! Cards at readers, through PC/SC: pcscd on Linux, the service "Smart Card" on Windows.
//!
//! A card is connected to shared, and held in a transaction for as long as somebody speaks to it:
//! other programs wait, and get it back as it is. PC/SC 3 and 10; pcsc-lite's API.
//!
//! | module | what |
//! |---|---|
//! | here | the service and its readers |
//! | `watch` | tells of cards that come and go |
//! | `card` | one card: connected to, held, spoken to |
//! | `port` | a way to a card, also while another program holds it |
//! | `properties` | what its reader can carry |
//! | `error` | why a card cannot be reached |
//!
//! ```no_run
//! use keysteward_agent::transport::pcsc::Service;
//! use keysteward_core::{nfcctap::NfcTransport, session::Millis};
//!
//! let service = Service::connect()?;
//! for reader in service.readers()? {
//!     println!("{}: {}", reader.name(), if reader.has_card() { "a card" } else { "empty" });
//!     if reader.has_card() {
//!         let card = service.open(&reader)?.hold()?;
//!         let token = NfcTransport::open(card, Millis(5_000))?;
//!         println!("a FIDO token: {:?}", token.version());
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod card;
mod error;
mod port;
mod properties;
mod watch;

pub use card::{PcscCard, PcscLink};
pub use error::PcscError;
pub(crate) use port::PcscPort;
pub(super) use watch::Watch;

use std::{ffi::CString, fmt, time::Duration};

use pcsc::{Context, Error, Protocols, ReaderState, Scope, ShareMode, State};

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
            .map(|card| PcscCard::new(card, name.clone()))
            .map_err(|error| PcscError::new(error, &name))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}
