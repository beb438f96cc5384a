//! What is done with a key that speaks U2F alone. CTAP 2.3 §10.
//!
//! Such a key has no PIN and keeps no list of its credentials; it registers, authenticates, and
//! says whether a key handle is its own. It cannot wait for a touch: it refuses, and is asked
//! again until it was touched or the deadline is over.
//!
//! ```
//! use core::ops::ControlFlow;
//! use keysteward_core::iso7816::{Command, Response};
//! use keysteward_core::session::{Keepalive, Millis};
//! use keysteward_core::session::ctap1::{Error, U2fBuffers, U2fSession, U2fTransport};
//!
//! /// A key that holds every key handle, and is never touched.
//! struct Scripted(Millis);
//!
//! impl U2fTransport for Scripted {
//!     type Error = core::fmt::Error;
//!
//!     fn now(&mut self) -> Millis {
//!         self.0
//!     }
//!
//!     fn pause(&mut self, until: Millis) -> Result<(), core::fmt::Error> {
//!         self.0 = until;
//!         Ok(())
//!     }
//!
//!     fn exchange_apdu<'r>(
//!         &mut self,
//!         _: Command<'_>,
//!         _: &'r mut [u8],
//!         _: Millis,
//!         _: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
//!     ) -> Result<Response<'r>, core::fmt::Error> {
//!         Response::parse(b"\x69\x85").map_err(|_| core::fmt::Error)
//!     }
//! }
//!
//! let mut link = Scripted(Millis(0));
//! let (mut buffers, mut wait) = (U2fBuffers::new(), |_| ControlFlow::Continue(()));
//! let mut session = U2fSession::new(&mut link, &mut buffers, Millis(30_000), &mut wait);
//! assert!(session.check(&[7; 32], b"key handle")?);
//! let request = keysteward_core::ctap1::register::Request {
//!     challenge: &[1; 32],
//!     application: &[7; 32],
//! };
//! assert_eq!(session.register(&request), Err(Error::NotTouched));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
#[cfg(all(test, feature = "rust-crypto"))]
mod tests;
mod transport;

pub use error::{Error, Limit};
pub use transport::{MsgError, U2fTransport};

use super::{Keepalive, Millis};
use crate::crypto::Crypto;
use crate::ctap1::authenticate::{self, Control};
use crate::ctap1::{self, MAX_DATA, register};
use crate::ctap2::{get_assertion, make_credential};
use crate::ctaphid::MAX_MESSAGE;
use crate::iso7816::{Command, Status};
use crate::webauthn::cose::Algorithm;
use core::fmt;
use core::ops::ControlFlow;

/// One conversation with one U2F key.
pub struct U2fSession<'t, T> {
    transport: &'t mut T,
    buffers: &'t mut U2fBuffers,
    deadline: Millis,
    on_keepalive: &'t mut dyn FnMut(Keepalive) -> ControlFlow<()>,
}

/// Room for one answer of the greatest length there is, and for what it means in CTAP2.
pub struct U2fBuffers {
    response: [u8; MAX_MESSAGE],
    result: [u8; MAX_MESSAGE],
}

/// How long a key that waits for a touch is left alone, in milliseconds.
const POLL: u64 = 200;

impl<'t, T: U2fTransport> U2fSession<'t, T> {
    /// Begins a conversation that ends by `deadline`, a moment on the transport's clock. Nothing
    /// is sent yet. `on_keepalive` hears when a touch is due; its `Break` gives up:
    /// a key that is at work is told to end, and what it did all the same counts.
    pub fn new(
        transport: &'t mut T,
        buffers: &'t mut U2fBuffers,
        deadline: Millis,
        on_keepalive: &'t mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Self {
        Self {
            transport,
            buffers,
            deadline,
            on_keepalive,
        }
    }

    /// Makes sure that the key speaks U2F_V2, the only version there is.
    pub fn version(&mut self) -> Result<(), Error<T::Error>> {
        let len = self.exchange(ctap1::version())?.done()?;
        if self.answer(len) == ctap1::VERSION {
            Ok(())
        } else {
            Err(Error::NotU2f)
        }
    }

    /// Makes a credential, with a touch.
    pub fn register(
        &mut self,
        request: &register::Request<'_>,
    ) -> Result<register::Response<'_>, Error<T::Error>> {
        let mut data = [0; 64];
        let len = self.when_touched(request.command(&mut data))?.done()?;
        register::Response::parse(self.answer(len)).map_err(Error::Malformed)
    }

    /// Waits for a touch, which changes nothing: the key is asked for a credential of an
    /// application that does not exist, keeps nothing of it, and nobody is given it. CTAP 2.3
    /// §6.9 has no command for such keys.
    pub fn select(&mut self) -> Result<(), Error<T::Error>> {
        let request = register::Request {
            challenge: &[0; 32],
            application: &[0; 32],
        };
        let mut data = [0; 64];
        self.when_touched(request.command(&mut data))?
            .done()
            .map(drop)
    }

    /// Has a challenge signed: with a touch, or without where `control` says so.
    /// [`Error::NoCredentials`] when the key handle is of another key.
    pub fn authenticate(
        &mut self,
        request: &authenticate::Request<'_>,
    ) -> Result<authenticate::Response<'_>, Error<T::Error>> {
        let mut data = [0; MAX_DATA];
        let command = request.command(&mut data)?;
        let outcome = match request.control {
            Control::EnforceUserPresence => self.when_touched(command)?,
            _ => self.exchange(command)?,
        };
        if is_unknown(outcome.status) {
            return Err(Error::NoCredentials);
        }
        let len = outcome.done()?;
        authenticate::Response::parse(self.answer(len)).map_err(Error::Malformed)
    }

    /// Whether the key handle is of this key and this application. Without a touch.
    pub fn check(
        &mut self,
        application: &[u8; 32],
        key_handle: &[u8],
    ) -> Result<bool, Error<T::Error>> {
        let request = authenticate::Request {
            control: Control::CheckOnly,
            // Never signed.
            challenge: &[0; 32],
            application,
            key_handle,
        };
        let mut data = [0; MAX_DATA];
        let Ok(command) = request.command(&mut data) else {
            return Ok(false);
        };
        let outcome = self.exchange(command)?;
        match outcome.status {
            Status::ConditionsNotSatisfied => Ok(true),
            status if is_unknown(status) => Ok(false),
            _ => outcome.done().map(|_| true),
        }
    }

    /// authenticatorMakeCredential, as far as a U2F key can: ES256, neither discoverable nor with
    /// user verification.
    pub fn make_credential(
        &mut self,
        crypto: &impl Crypto,
        request: &make_credential::Request<'_>,
    ) -> Result<make_credential::Response<'_>, Error<T::Error>> {
        let options = request.options.unwrap_or_default();
        let es256 = |alg| alg == Algorithm::Es256;
        if options.rk == Some(true) {
            return Err(Error::Unsupported(Limit::Discoverable));
        }
        if options.uv == Some(true) || request.pin_uv_auth_param.is_some() {
            return Err(Error::Unsupported(Limit::UserVerification));
        }
        if !request.pub_key_cred_params.iter().any(|one| es256(one.alg)) {
            return Err(Error::Unsupported(Limit::Algorithm));
        }
        let rp_id_hash = crypto.sha256(&[request.rp.id.as_bytes()]);
        for excluded in request.exclude_list.unwrap_or_default().iter() {
            if self.check(&rp_id_hash, excluded.id)? {
                return Err(Error::CredentialExcluded);
            }
        }
        let registration = register::Request {
            challenge: request.client_data_hash,
            application: &rp_id_hash,
        };
        let mut data = [0; 64];
        let len = self.when_touched(registration.command(&mut data))?.done()?;
        let U2fBuffers { response, result } = &mut *self.buffers;
        let response = response.get(..len).unwrap_or_default();
        register::Response::parse(response)
            .map_err(Error::Malformed)?
            .make_credential(&rp_id_hash, result)
            .map_err(|_| Error::AnswerTooLong)
    }

    /// authenticatorGetAssertion with the first credential of the allow list that the key holds.
    /// `up` false signs without a touch.
    pub fn get_assertion<'s>(
        &'s mut self,
        crypto: &impl Crypto,
        request: &get_assertion::Request<'s>,
    ) -> Result<get_assertion::Response<'s>, Error<T::Error>> {
        let options = request.options.unwrap_or_default();
        if options.uv == Some(true) || request.pin_uv_auth_param.is_some() {
            return Err(Error::Unsupported(Limit::UserVerification));
        }
        let allowed = request.allow_list.unwrap_or_default();
        if allowed.is_empty() {
            return Err(Error::Unsupported(Limit::Discoverable));
        }
        let rp_id_hash = crypto.sha256(&[request.rp_id.as_bytes()]);
        let mut held = None;
        for one in allowed.iter() {
            if self.check(&rp_id_hash, one.id)? {
                held = Some(one.id);
                break;
            }
        }
        let key_handle = held.ok_or(Error::NoCredentials)?;
        let control = match options.up {
            Some(false) => Control::DontEnforceUserPresence,
            _ => Control::EnforceUserPresence,
        };
        let authentication = authenticate::Request {
            control,
            challenge: request.client_data_hash,
            application: &rp_id_hash,
            key_handle,
        };
        let mut data = [0; MAX_DATA];
        let command = authentication.command(&mut data)?;
        let len = match control {
            Control::EnforceUserPresence => self.when_touched(command)?,
            _ => self.exchange(command)?,
        }
        .done()?;
        let U2fBuffers { response, result } = &mut *self.buffers;
        let response = response.get(..len).unwrap_or_default();
        authenticate::Response::parse(response)
            .map_err(Error::Malformed)?
            .get_assertion(&rp_id_hash, key_handle, result)
            .map_err(|_| Error::AnswerTooLong)
    }

    /// Asks until the key was touched.
    fn when_touched(&mut self, command: Command<'_>) -> Result<Outcome, Error<T::Error>> {
        loop {
            let outcome = self.exchange(command)?;
            if outcome.status != Status::ConditionsNotSatisfied {
                return Ok(outcome);
            }
            if (self.on_keepalive)(Keepalive::UserPresenceNeeded).is_break() {
                return Err(Error::Cancelled);
            }
            let next = self.transport.now().after(POLL);
            if next >= self.deadline {
                return Err(Error::NotTouched);
            }
            self.transport.pause(next).map_err(Error::Transport)?;
        }
    }

    /// U2F has no status for "cancelled": whatever a key refuses with after it was told to end, it
    /// says of its ending.
    fn exchange(&mut self, command: Command<'_>) -> Result<Outcome, Error<T::Error>> {
        let Self {
            transport,
            buffers,
            deadline,
            on_keepalive,
        } = self;
        let mut flow = ControlFlow::Continue(());
        let mut listen = |status| {
            if flow.is_continue() {
                flow = on_keepalive(status);
            }
            flow
        };
        let response = transport
            .exchange_apdu(command, &mut buffers.response, *deadline, &mut listen)
            .map_err(Error::Transport)?;
        log::debug!("U2F instruction {:02X}: {}", command.ins, response.status);
        if flow.is_break() && response.status != Status::Success {
            return Err(Error::Cancelled);
        }
        Ok(Outcome {
            len: response.data.len(),
            status: response.status,
        })
    }

    fn answer(&self, len: usize) -> &[u8] {
        self.buffers.response.get(..len).unwrap_or_default()
    }
}

/// An answer whose data lie in the buffer.
#[derive(Clone, Copy)]
struct Outcome {
    len: usize,
    status: Status,
}

impl Outcome {
    fn done<E>(self) -> Result<usize, Error<E>> {
        match self.status {
            Status::Success => Ok(self.len),
            status => Err(Error::Refused(status)),
        }
    }
}

/// Some keys find the length of other keys' handles wrong.
const fn is_unknown(status: Status) -> bool {
    matches!(status, Status::IncorrectData | Status::WrongLength)
}

impl U2fBuffers {
    /// Empty buffers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            response: [0; MAX_MESSAGE],
            result: [0; MAX_MESSAGE],
        }
    }
}

impl Default for U2fBuffers {
    fn default() -> Self {
        Self::new()
    }
}

/// Messages hold credential ids: not for logs.
impl fmt::Debug for U2fBuffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("U2fBuffers").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for U2fSession<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("U2fSession")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
