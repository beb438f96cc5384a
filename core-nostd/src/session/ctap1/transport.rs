//! The one thing a U2F session needs of a link.

use super::super::{Keepalive, Millis};
use crate::ctap1::MAX_APDU;
use crate::ctaphid::{Command as HidCommand, HidTransport, Link, TransportError};
use crate::iso7816::{CardTransport, Command, EncodeError, Form, Response, ResponseTooShort};
use crate::nfcctap::{NfcError, NfcTransport};
use core::fmt;
use core::ops::ControlFlow;

/// Carries U2F messages: over HID, over NFC.
pub trait U2fTransport {
    /// Why a message did not arrive; never why the key refused.
    type Error: core::error::Error + Send + Sync + 'static;

    /// The transport's clock, on which every deadline is given.
    fn now(&mut self) -> Millis;

    /// Leaves the key alone until the clock shows `until`.
    fn pause(&mut self, until: Millis) -> Result<(), Self::Error>;

    /// Sends `command` and waits for the answer, which it puts at the front of `response`, in
    /// which the status needs two bytes more than the data. `Break` from `on_keepalive` asks the
    /// key to end, where the link has a way to; its answer is still waited for.
    fn exchange_apdu<'r>(
        &mut self,
        command: Command<'_>,
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<Response<'r>, Self::Error>;
}

/// U2F over NFC. U2F NFC Protocol §3: a card answers at once, and has no keep-alives for U2F.
impl<T: CardTransport> U2fTransport for NfcTransport<T> {
    type Error = NfcError<T::Error>;

    fn now(&mut self) -> Millis {
        self.card_mut().now()
    }

    fn pause(&mut self, until: Millis) -> Result<(), Self::Error> {
        self.card_mut().pause(until);
        Ok(())
    }

    fn exchange_apdu<'r>(
        &mut self,
        command: Command<'_>,
        response: &'r mut [u8],
        deadline: Millis,
        _on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<Response<'r>, Self::Error> {
        self.u2f(command, response, deadline)
    }
}

/// U2F over HID. U2F HID Protocol 1.2 §4.1: APDUs of the extended form in CTAPHID_MSG.
impl<L: Link> U2fTransport for HidTransport<L> {
    type Error = MsgError<L::Error>;

    fn now(&mut self) -> Millis {
        self.link_mut().now()
    }

    fn pause(&mut self, until: Millis) -> Result<(), Self::Error> {
        let link = self.link_mut();
        while link.now() < until {
            // Nothing was asked, so whatever comes is for others.
            let report = link.receive_report(until);
            report.map_err(|error| MsgError::Transport(TransportError::Link(error)))?;
        }
        Ok(())
    }

    fn exchange_apdu<'r>(
        &mut self,
        command: Command<'_>,
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<Response<'r>, Self::Error> {
        let mut apdu = [0; MAX_APDU];
        let apdu = command
            .encode(Form::Extended, &mut apdu)
            .map_err(MsgError::Command)?;
        let answer = self
            .transact(HidCommand::Msg, apdu, response, deadline, on_keepalive)
            .map_err(MsgError::Transport)?;
        Response::parse(answer).map_err(MsgError::Response)
    }
}

/// Why a U2F message did not arrive over HID.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MsgError<E> {
    /// It was not carried.
    Transport(TransportError<E>),
    /// The command is no U2F message: it is too long.
    Command(EncodeError),
    /// The answer has no status.
    Response(ResponseTooShort),
}

impl<E: fmt::Display> fmt::Display for MsgError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Command(error) => error.fmt(f),
            Self::Response(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for MsgError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Command(error) => Some(error),
            Self::Response(error) => Some(error),
        }
    }
}
