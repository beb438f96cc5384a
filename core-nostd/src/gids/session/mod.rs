//! What an administrator does to a card: blocking flows over any reader.
//!
//! | file | flows |
//! |---|---|
//! | `facts` | what the card tells without a secret |
//! | `initialise` | a blank card gets its files, PIN and admin key |
//! | `pin` | the PIN verified, changed, blocked; set by the administrator |
//! | `admin` | the admin key proven, in one go or in two halves; tried; changed |
//! | `containers` | containers with their keys and certificates: read, created, deleted |
//! | `certificate` | certificates read, written |
//! | `sign` | signatures and decipherment |
//! | `restore` | a card taken back to where its initialisation left it |
//!
//! Windows remembers what it read from a card until `cardcf` shows that the card was changed: every
//! flow that changes something counts before the change and after it, so that nobody keeps what was
//! read in between.
//!
//! A flow that needs the PIN or the admin key takes what [`verify_pin`](Session::verify_pin) or
//! [`authenticate_admin`](Session::authenticate_admin) gave. That holds until the card is reset, or
//! selected anew, or told to [forget](Session::deauthenticate) it: the connection to the card has to
//! be exclusive meanwhile.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use keysteward_core::crypto::RustCrypto;
//! use keysteward_core::gids::session::{Buffers, Error, Session};
//! use keysteward_core::iso7816::CardTransport;
//! use keysteward_core::time::Millis;
//!
//! /// A reader with some other card in it.
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
//!         _: &[u8],
//!         response: &'r mut [u8],
//!     ) -> Result<&'r [u8], core::fmt::Error> {
//!         let room = response.get_mut(..2).ok_or(core::fmt::Error)?;
//!         room.copy_from_slice(&[0x6A, 0x82]);
//!         Ok(room)
//!     }
//! }
//!
//! let (mut card, mut crypto) = (Other, RustCrypto(rand_core::OsRng));
//! let mut buffers = Box::new(Buffers::new());
//! let mut session = Session::new(&mut card, &mut crypto, &mut buffers, Millis(10_000));
//! assert_eq!(session.select(), Err(Error::NotGids));
//! # }
//! ```

mod admin;
mod certificate;
mod containers;
mod error;
mod facts;
mod files;
mod initialise;
mod pin;
mod restore;
mod sign;
#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use admin::{AdminAuthenticated, NewAdminKey};
pub use containers::{Authority, NewContainer};
pub use error::{AdminError, Error};
pub use facts::Facts;
pub use initialise::Initialisation;
pub use pin::PinVerified;
pub use restore::Restoration;

use super::data_object::PutData;
use super::select::{FileControlInformation, Protocols, select};
use crate::crypto::Crypto;
use crate::iso7816::tlv::EncodeError;
use crate::iso7816::{CardError, CardTransport, Command, Framing, Status, exchange};
use crate::time::Millis;
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One conversation with the applet of one card.
pub struct Session<'t, T, C> {
    card: &'t mut T,
    crypto: &'t mut C,
    buffers: &'t mut Buffers,
    deadline: Millis,
    /// How the administrator can be authenticated, as SELECT told; `None`: it did not.
    protocols: Option<Protocols>,
}

/// Longest file: the map of as many containers as there are names of keys for.
pub const MAX_FILE: usize = 127 * super::minidriver::cmapfile::RECORD;

/// Room for one command, one answer and one file of the greatest length there is: 32 KiB. Wiped
/// when dropped: what is deciphered lies here.
#[derive(Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "may hold what was deciphered")]
pub struct Buffers {
    apdu: [u8; 261],
    request: [u8; MAX_FILE + 16],
    response: [u8; MAX_FILE + 16],
    file: [u8; MAX_FILE],
}

/// An answer whose data lie in the response buffer.
#[derive(Clone, Copy)]
struct Outcome {
    instruction: u8,
    status: Status,
    len: usize,
}

impl<'t, T: CardTransport, C: Crypto> Session<'t, T, C> {
    /// Begins a conversation that ends by `deadline`, a moment on the transport's clock. Nothing is
    /// sent yet.
    pub fn new(
        card: &'t mut T,
        crypto: &'t mut C,
        buffers: &'t mut Buffers,
        deadline: Millis,
    ) -> Self {
        Self {
            card,
            crypto,
            buffers,
            deadline,
            protocols: None,
        }
    }

    /// Gives what follows another deadline.
    pub const fn set_deadline(&mut self, deadline: Millis) {
        self.deadline = deadline;
    }

    /// Selects the applet, with which everything begins. What was verified and authenticated before
    /// counts no more.
    pub fn select(&mut self) -> Result<(), Error<T::Error>> {
        let outcome = self.send(select())?;
        if matches!(outcome.status, Status::NotFound | Status::Terminated) {
            return Err(Error::NotGids);
        }
        let len = outcome.done()?;
        let answer = self.buffers.response.get(..len).unwrap_or_default();
        let said = FileControlInformation::parse(answer).map_err(Error::Malformed)?;
        self.protocols = said.and_then(|said| said.protocols);
        Ok(())
    }

    /// How the administrator can be authenticated, as the card told when it was selected; `None`: it
    /// did not tell.
    pub const fn protocols(&self) -> Option<Protocols> {
        self.protocols
    }

    /// The card itself, between two flows.
    pub const fn card_mut(&mut self) -> &mut T {
        self.card
    }

    /// Sends a command that is whole already.
    fn send(&mut self, command: Command<'_>) -> Result<Outcome, Error<T::Error>> {
        let Buffers { apdu, response, .. } = &mut *self.buffers;
        transact(self.card, command, self.deadline, apdu, response)
    }

    /// Sends a command whose data are written first.
    fn send_built(
        &mut self,
        build: impl for<'b> FnOnce(&'b mut [u8]) -> Result<Command<'b>, EncodeError>,
    ) -> Result<Outcome, Error<T::Error>> {
        let Buffers {
            apdu,
            request,
            response,
            ..
        } = &mut *self.buffers;
        let command = build(request).map_err(unsent)?;
        transact(self.card, command, self.deadline, apdu, response)
    }

    /// PUT DATA, which may be a key.
    fn put(&mut self, put: PutData<'_>) -> Result<Outcome, Error<T::Error>> {
        let outcome = self.send_built(|room| put.command(room));
        self.buffers.request.zeroize();
        outcome
    }

    fn answer(&self, len: usize) -> &[u8] {
        self.buffers.response.get(..len).unwrap_or_default()
    }
}

fn transact<T: CardTransport>(
    card: &mut T,
    command: Command<'_>,
    deadline: Millis,
    apdu: &mut [u8],
    response: &mut [u8],
) -> Result<Outcome, Error<T::Error>> {
    let answered = exchange(card, command, Framing::Short, apdu, response, deadline);
    // It may hold a PIN.
    apdu.zeroize();
    let response = answered.map_err(Error::Card)?;
    log::debug!(
        "GIDS instruction {:02X}: {} bytes, {}",
        command.ins,
        response.data.len(),
        response.status
    );
    Ok(Outcome {
        instruction: command.ins,
        status: response.status,
        len: response.data.len(),
    })
}

const fn unsent<E>(error: EncodeError) -> Error<E> {
    match error {
        EncodeError::BufferFull | EncodeError::ValueTooLong => Error::TooLong,
    }
}

impl Outcome {
    /// How long the answer is, if it is a good one.
    const fn done<E>(self) -> Result<usize, Error<E>> {
        match self.status {
            Status::Success => Ok(self.len),
            status => Err(self.refused(status)),
        }
    }

    /// The same, or `None` where there is no such object, file or key.
    const fn found<E>(self) -> Result<Option<usize>, Error<E>> {
        match self.status {
            Status::Success => Ok(Some(self.len)),
            Status::NotFound | Status::ReferenceNotFound => Ok(None),
            status => Err(self.refused(status)),
        }
    }

    const fn refused<E>(self, status: Status) -> Error<E> {
        match status {
            Status::SecurityStatusNotSatisfied => Error::NotPermitted {
                instruction: self.instruction,
            },
            Status::NotEnoughMemory => Error::CardFull,
            status => Error::Refused {
                instruction: self.instruction,
                status,
            },
        }
    }
}

impl Buffers {
    /// Empty buffers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            apdu: [0; 261],
            request: [0; MAX_FILE + 16],
            response: [0; MAX_FILE + 16],
            file: [0; MAX_FILE],
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, C> fmt::Debug for Session<'_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("deadline", &self.deadline)
            .field("protocols", &self.protocols)
            .finish_non_exhaustive()
    }
}

impl<E> From<CardError<E>> for Error<E> {
    fn from(error: CardError<E>) -> Self {
        Self::Card(error)
    }
}
