//! What an administrator does with a PIV card: blocking flows over any reader.
//!
//! A file per thing that is done; each is a few methods of [`PivSession`]. What a card can do is
//! asked of it, never guessed from a version. Tries are used up only by [`verify`], by what takes
//! a PIN or PUK, and by what blocks one.
//!
//! | file | does |
//! |---|---|
//! | `inspect` | everything that the card tells without a secret |
//! | `pin` | verify, change, set and block PIN and PUK, set their tries |
//! | `admin` | prove and change the admin key |
//! | `keys` | make, import, move and delete keys; what the card vouches for |
//! | `sign` | sign, and agree on keys |
//! | `objects` | data objects, and who the card is |
//! | `certificates` | certificates, and what Windows is to see of them |
//! | `reset` | the applet as it left the factory |
//!
//! What the card has been shown is a value, which what needs it takes: [`AdminVerified`],
//! [`PinVerified`].
//!
//! [`verify`]: PivSession::verify
//!
//! ```
//! use keysteward_core::piv::session::{Buffers, Error, PivSession};
//! # #[cfg(feature = "rust-crypto")] {
//! use keysteward_core::crypto::RustCrypto;
//! use keysteward_core::iso7816::CardTransport;
//! use keysteward_core::time::Millis;
//!
//! /// A card of another kind.
//! struct Other;
//!
//! impl CardTransport for Other {
//!     type Error = core::fmt::Error;
//!
//!     fn now(&mut self) -> Millis {
//!         Millis(0)
//!     }
//!
//!     fn pause(&mut self, _: Millis) {}
//!
//!     fn transmit<'r>(
//!         &mut self,
//!         command: &[u8],
//!         response: &'r mut [u8],
//!     ) -> Result<&'r [u8], core::fmt::Error> {
//!         assert_eq!(command, b"\x00\xA4\x04\x00\x09\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x00");
//!         response[..2].copy_from_slice(b"\x6A\x82");
//!         Ok(&response[..2])
//!     }
//! }
//!
//! let (mut card, mut crypto) = (Other, RustCrypto(rand_core::OsRng));
//! let mut buffers = Buffers::new();
//! let refused = PivSession::select(&mut card, &mut crypto, &mut buffers, Millis(10_000));
//! assert_eq!(refused.err(), Some(Error::NoApplet));
//! # }
//! ```

mod admin;
mod certificates;
mod error;
mod exchange;
mod inspect;
mod keys;
mod objects;
mod pin;
mod reset;
mod sign;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use admin::{AdminError, AdminVerified};
pub use certificates::Deleted;
pub use error::{Error, Instruction};
pub use exchange::Buffers;
pub use inspect::{Facts, PinFacts, Place};
pub use pin::PinVerified;

use super::select::{self, MAX_ALGORITHMS, Properties};
use crate::crypto::Crypto;
use crate::iso7816::{CardTransport, Framing, MAX_SHORT_DATA, Status};
use crate::time::Millis;
use heapless::Vec;

/// A card at a reader, its applet selected.
///
/// Between its commands nobody else may speak to the card: whoever holds the reader sees to that.
#[expect(missing_debug_implementations, reason = "its buffers may hold secrets")]
pub struct PivSession<'s, T: ?Sized, C: ?Sized> {
    card: &'s mut T,
    crypto: &'s mut C,
    buffers: &'s mut Buffers,
    deadline: Millis,
    /// How long answers are read.
    reading: Framing,
    /// `None`: not asked yet.
    has_metadata: Option<bool>,
    label: Vec<u8, MAX_LABEL>,
    algorithms: Vec<u8, MAX_ALGORITHMS>,
}

impl<'s, T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'s, T, C> {
    /// Selects the applet. All that follows ends by `deadline`, as far as the reader lets it.
    pub fn select(
        card: &'s mut T,
        crypto: &'s mut C,
        buffers: &'s mut Buffers,
        deadline: Millis,
    ) -> Result<Self, Error<T::Error>> {
        let reading = match card.max_command() {
            Some(max) if max > MAX_SHORT_COMMAND => Framing::Extended,
            _ => Framing::Short,
        };
        let mut session = Self {
            card,
            crypto,
            buffers,
            deadline,
            reading,
            has_metadata: None,
            label: Vec::new(),
            algorithms: Vec::new(),
        };
        session.select_again()?;
        Ok(session)
    }

    /// Selects the applet again: what was verified is forgotten.
    pub fn select_again(&mut self) -> Result<(), Error<T::Error>> {
        let (status, len) = self.say(Instruction::Select, select::request())?;
        match status {
            Status::Success => {}
            Status::NotFound => return Err(Error::NoApplet),
            status => return Err(Error::refused(Instruction::Select, status)),
        }
        let properties = Properties::parse(self.buffers.answer(len))
            .map_err(|_| Error::Malformed(Instruction::Select))?;
        let label = properties.label;
        let shown = label.get(..MAX_LABEL).unwrap_or(label);
        self.label = Vec::from_slice(shown).unwrap_or_default();
        self.algorithms = properties.algorithms;
        self.has_metadata = None;
        Ok(())
    }

    /// By when all that follows is to end.
    pub const fn set_deadline(&mut self, deadline: Millis) {
        self.deadline = deadline;
    }
}

/// Longest label that is kept, in bytes.
pub const MAX_LABEL: usize = 64;

/// Longest command of the short form.
const MAX_SHORT_COMMAND: usize = MAX_SHORT_DATA.saturating_add(6);
