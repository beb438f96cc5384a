//! One request of a session, there and back.

use super::hmac_secret::SealedSalts;
use super::{CtapTransport, Error, Facts, Keepalive, Millis};
use crate::cbor::{BufferFull, Encode, Parse, Raw, Writer};
use crate::crypto::Crypto;
use crate::ctap2::get_info::DEFAULT_MAX_MSG_SIZE;
use crate::ctap2::subcommand::{Members, authenticated_message};
use crate::ctap2::{self, Command, Status};
use crate::ctaphid::MAX_MESSAGE;
use crate::pin_protocol::PinUvAuthToken;
use core::fmt;
use core::ops::ControlFlow;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// One conversation with one token.
pub struct Session<'t, T, C> {
    transport: &'t mut T,
    pub(super) crypto: &'t mut C,
    buffers: &'t mut Buffers,
    deadline: Millis,
    on_keepalive: &'t mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    facts: Option<Facts>,
    /// Of the last getAssertion, until the token forgets it.
    pub(super) salts: Option<SealedSalts>,
}

/// Room for one request and one response of the greatest length there is.
/// Wiped when dropped: answers hold largeBlobKeys.
#[derive(Zeroize, ZeroizeOnDrop)]
#[expect(
    missing_debug_implementations,
    reason = "holds user names and credential ids"
)]
pub struct Buffers {
    request: [u8; MAX_MESSAGE],
    response: [u8; MAX_MESSAGE],
}

/// A good answer, which lies in the response buffer.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    command: Command,
    len: usize,
}

impl<'t, T: CtapTransport, C: Crypto> Session<'t, T, C> {
    /// Begins a conversation that ends by `deadline`, a moment on the
    /// transport's clock. Nothing is sent yet.
    pub fn new(
        transport: &'t mut T,
        crypto: &'t mut C,
        buffers: &'t mut Buffers,
        deadline: Millis,
        on_keepalive: &'t mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Self {
        Self {
            transport,
            crypto,
            buffers,
            deadline,
            on_keepalive,
            facts: None,
            salts: None,
        }
    }

    /// Gives what follows another deadline.
    pub fn set_deadline(&mut self, deadline: Millis) {
        self.deadline = deadline;
    }

    /// What the token can do, asked at first use and after every change.
    pub fn facts(&mut self) -> Result<Facts, Error<T::Error>> {
        match self.facts {
            Some(facts) => Ok(facts),
            None => self.refresh(),
        }
    }

    /// The same where they were asked for already; nothing is sent.
    pub(super) const fn known_facts(&self) -> Option<Facts> {
        self.facts
    }

    /// Takes over what another session learnt of this token, so that nothing
    /// need be asked: for a reset, which wants to be the first thing said to a
    /// token that was plugged in again.
    pub fn remember(&mut self, facts: Facts) {
        self.facts = Some(facts);
    }

    /// The next flow asks the token anew.
    pub(super) fn forget_facts(&mut self) {
        self.facts = None;
    }

    /// Sends a request and takes a good answer in; a refusal is an error.
    pub(super) fn exchange(
        &mut self,
        command: Command,
        parameters: Option<&dyn Encode>,
    ) -> Result<Answer, Error<T::Error>> {
        self.exchange_around(command, None, &mut |_, _, w| match parameters {
            Some(parameters) => parameters.encode(w),
            None => Ok(()),
        })
    }

    /// The same for a request that `write` writes around `part`, which is
    /// encoded before it: what a MAC covers, byte for byte, or what is too long
    /// for a stack. Until the answer comes it lies where the answer will.
    pub(super) fn exchange_around(
        &mut self,
        command: Command,
        part: Option<&dyn Encode>,
        write: &mut dyn FnMut(Option<Raw<'_>>, &mut C, &mut Writer<'_>) -> Result<(), BufferFull>,
    ) -> Result<Answer, Error<T::Error>> {
        let max = self.max_request();
        let too_long = |BufferFull| Error::RequestTooLong { command, max };
        let Buffers { request, response } = &mut *self.buffers;
        let part = match part {
            Some(part) => Some(Raw::encode_in(part, response).map_err(too_long)?),
            None => None,
        };
        let room = request.get_mut(..max).unwrap_or_default();
        let (head, room) = room.split_first_mut().ok_or(BufferFull).map_err(too_long)?;
        *head = command.into();
        let mut writer = Writer::new(room);
        write(part, self.crypto, &mut writer).map_err(too_long)?;
        let len = writer.written().len().saturating_add(1);
        self.transmit(command, len)
    }

    /// The same for a subcommand: `write` gets the parameters and, where there
    /// is a token, its MAC of `prefix` and them.
    pub(super) fn exchange_authenticated(
        &mut self,
        command: Command,
        prefix: &[u8],
        params: Option<&dyn Encode>,
        token: Option<&PinUvAuthToken>,
        write: &mut dyn FnMut(Members<'_>, &mut Writer<'_>) -> Result<(), BufferFull>,
    ) -> Result<Answer, Error<T::Error>> {
        self.exchange_around(command, params, &mut |params, crypto, w| {
            let message = authenticated_message(prefix, params);
            let param = token.map(|token| token.authenticate(crypto, &message));
            let members = Members {
                params,
                protocol: token.map(|token| token.protocol().id()),
                param: param.as_deref(),
            };
            write(members, w)
        })
    }

    /// Bytes of the longest request that the token takes.
    pub(super) fn max_request(&self) -> usize {
        let max = self
            .facts
            .map_or(DEFAULT_MAX_MSG_SIZE, |facts| facts.max_msg_size);
        usize::try_from(max).unwrap_or(MAX_MESSAGE).min(MAX_MESSAGE)
    }

    fn transmit(&mut self, command: Command, len: usize) -> Result<Answer, Error<T::Error>> {
        if command != Command::GetNextAssertion {
            self.salts = None;
        }
        let response = self
            .transport
            .exchange(
                self.buffers.request.get(..len).unwrap_or_default(),
                &mut self.buffers.response,
                self.deadline,
                self.on_keepalive,
            )
            .map_err(Error::Transport)?;
        let (status, map) =
            ctap2::response(response).map_err(|_| Error::EmptyAnswer { command })?;
        log::debug!("{command:?}: {status}, {} bytes", map.len());
        match status {
            Status::Ok => Ok(Answer {
                command,
                len: response.len(),
            }),
            status => Err(Error::from_status(command, status)),
        }
    }

    /// Reads the map of an answer that was just taken in.
    pub(super) fn read<'s, R: Parse<'s>>(&'s self, answer: Answer) -> Result<R, Error<T::Error>> {
        let Answer { command, len } = answer;
        let map = self.buffers.response.get(1..len).unwrap_or_default();
        R::parse(map).map_err(|error| Error::Malformed { command, error })
    }

    /// The same where some tokens answer nothing at all for an empty list.
    pub(super) fn read_or_default<'s, R: Parse<'s> + Default>(
        &'s self,
        answer: Answer,
    ) -> Result<R, Error<T::Error>> {
        if answer.is_empty() {
            return Ok(R::default());
        }
        self.read(answer)
    }
}

impl Answer {
    /// Whether there is nothing beside the status.
    const fn is_empty(self) -> bool {
        self.len <= 1
    }
}

impl Buffers {
    /// Empty buffers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            request: [0; MAX_MESSAGE],
            response: [0; MAX_MESSAGE],
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
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
