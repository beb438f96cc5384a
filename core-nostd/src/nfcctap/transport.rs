//! A blocking client over any reader. CTAP 2.3 §11.3.
//!
//! Every call ends by its deadline, as far as the reader lets it: the deadline is looked at
//! between APDUs.

#[cfg(test)]
mod tests;

use super::{
    AID, BY_NAME, CANCEL, CLA, CONTROL, END, GETRESPONSE, GETRESPONSE_KNOWN, KEEPALIVE, MSG,
    SELECT, Version,
};
use crate::ctaphid::{Keepalive, MAX_MESSAGE};
use crate::iso7816::{
    self, CardError, CardTransport, Command, Form, Framing, Le, MAX_SHORT_DATA, MAX_SHORT_RESPONSE,
    Response, Status,
};
use crate::time::Millis;
use core::fmt;
use core::ops::ControlFlow;

/// A token at a reader, its applet selected.
pub struct NfcTransport<T> {
    card: T,
    framing: Framing,
    version: Version,
    scratch: [u8; MAX_COMMAND],
}

/// Longest command of ours: a message in the extended form.
const MAX_COMMAND: usize = MAX_MESSAGE.saturating_add(EXTENDED_FRAME);

/// What the extended form adds to the data: header, Lc, Le.
const EXTENDED_FRAME: usize = 9;

/// Longest command of the short form.
const MAX_SHORT_COMMAND: usize = MAX_SHORT_DATA.saturating_add(6);

/// How long a working token is left alone, in milliseconds. As long as between the keep-alives of
/// a token on HID.
const POLL: u64 = 100;

impl<T: CardTransport> NfcTransport<T> {
    /// Selects the applet. Commands are extended where the reader says that it takes such, else
    /// chained.
    pub fn open(card: T, deadline: Millis) -> Result<Self, NfcError<T::Error>> {
        let framing = match card.max_command() {
            Some(max) if max > MAX_SHORT_COMMAND => Framing::Extended,
            _ => Framing::Short,
        };
        let mut transport = Self {
            card,
            framing,
            version: Version::Other,
            scratch: [0; MAX_COMMAND],
        };
        transport.select(deadline)?;
        Ok(transport)
    }

    /// Selects the applet again, as is due after a reset of the card and after
    /// [`deselect`](Self::deselect).
    pub fn select(&mut self, deadline: Millis) -> Result<Version, NfcError<T::Error>> {
        let select = Command {
            cla: 0x00,
            ins: SELECT,
            p1: BY_NAME,
            p2: 0x00,
            data: &AID,
            le: Some(Le::SHORT),
        };
        let mut room = [0; MAX_SHORT_RESPONSE];
        let card = &mut self.card;
        let scratch = &mut self.scratch;
        // SELECT is short: which framing the card takes is not known yet.
        let answer = iso7816::exchange(card, select, Framing::Short, scratch, &mut room, deadline)?;
        match answer.status {
            Status::Success => {
                self.version = Version::parse(answer.data);
                Ok(self.version)
            }
            Status::NotFound => Err(NfcError::NoApplet),
            status => Err(NfcError::Refused(status)),
        }
    }

    /// Lets the applet go; [`select`](Self::select) gets it back.
    pub fn deselect(&mut self, deadline: Millis) -> Result<(), NfcError<T::Error>> {
        let end = Command {
            cla: CLA,
            ins: CONTROL,
            p1: END,
            p2: 0x00,
            data: &[],
            le: None,
        };
        match self.exchange(end, &mut [0; 2], deadline)?.status {
            Status::Success => Ok(()),
            status => Err(NfcError::Refused(status)),
        }
    }

    /// What SELECT answered.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// How long commands are carried: chosen by what the reader says, and changed for good where
    /// the extended form is refused.
    #[must_use]
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Chooses how long commands are carried.
    pub const fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// The reader, for its clock.
    pub const fn card_mut(&mut self) -> &mut T {
        &mut self.card
    }

    /// Gives the reader back.
    pub fn into_card(self) -> T {
        self.card
    }

    /// One CTAP2 message there and back. `Break` from `on_keepalive` cancels once. `response`
    /// needs two bytes more than the answer.
    pub fn msg<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], NfcError<T::Error>> {
        let msg = Command {
            cla: CLA,
            ins: MSG,
            p1: GETRESPONSE_KNOWN,
            p2: 0x00,
            data: request,
            le: Some(Le::EXTENDED),
        };
        let mut answer = self.exchange(msg, response, deadline)?;
        let mut cancelled = false;
        loop {
            match answer.status {
                Status::Success => {
                    let len = answer.data.len();
                    return Ok(response.get(..len).unwrap_or_default());
                }
                KEEPALIVE => {}
                status => return Err(NfcError::Refused(status)),
            }
            let status = answer
                .data
                .first()
                .copied()
                .map_or(Keepalive::Processing, Keepalive::from);
            let cancel = on_keepalive(status).is_break() && !cancelled;
            if self.card.now() >= deadline {
                self.give_up();
                return Err(NfcError::Deadline);
            }
            if cancel {
                cancelled = true;
            } else {
                let next = self.card.now().after(POLL);
                self.card.pause(next.min(deadline));
            }
            answer = match self.exchange(poll(cancel), response, deadline) {
                Err(NfcError::Deadline) => {
                    self.give_up();
                    return Err(NfcError::Deadline);
                }
                outcome => outcome?,
            };
        }
    }

    /// One U2F message there and back, whatever its status. `response` needs two bytes more than
    /// the answer.
    pub fn u2f<'r>(
        &mut self,
        command: Command<'_>,
        response: &'r mut [u8],
        deadline: Millis,
    ) -> Result<Response<'r>, NfcError<T::Error>> {
        self.exchange(command, response, deadline)
    }

    fn exchange<'r>(
        &mut self,
        command: Command<'_>,
        response: &'r mut [u8],
        deadline: Millis,
    ) -> Result<Response<'r>, NfcError<T::Error>> {
        let len = command.data.len();
        if len > MAX_MESSAGE {
            return Err(NfcError::RequestTooLong { len });
        }
        let framing = self.framing_for(len);
        let mut outcome = self.attempt(command, framing, response, deadline);
        if framing == Framing::Extended && refused_extended::<T>(&outcome) {
            log::debug!("commands of the extended form are refused; chaining from now on");
            self.framing = Framing::Short;
            outcome = self.attempt(command, Framing::Short, response, deadline);
        }
        let (len, status) = outcome?;
        let data = response.get(..len).unwrap_or_default();
        Ok(Response { data, status })
    }

    fn framing_for(&self, len: usize) -> Framing {
        let apdu = len.saturating_add(EXTENDED_FRAME);
        match self.card.max_command() {
            Some(max) if apdu > max => Framing::Short,
            _ => self.framing,
        }
    }

    fn attempt(
        &mut self,
        command: Command<'_>,
        framing: Framing,
        response: &mut [u8],
        deadline: Millis,
    ) -> Result<(usize, Status), CardError<T::Error>> {
        let (card, scratch) = (&mut self.card, &mut self.scratch);
        iso7816::exchange(card, command, framing, scratch, response, deadline)
            .map(|answer| (answer.data.len(), answer.status))
    }

    /// Ends what the token is doing; what it makes of that is of no interest any more.
    fn give_up(&mut self) {
        let mut apdu = [0; 5];
        if let Ok(apdu) = poll(true).encode(Form::Short, &mut apdu)
            && let Err(error) = self.card.transmit(apdu, &mut [0; MAX_SHORT_RESPONSE])
        {
            log::debug!("the token was not told to stop: {error}");
        }
    }
}

fn refused_extended<T: CardTransport>(
    outcome: &Result<(usize, Status), CardError<T::Error>>,
) -> bool {
    match outcome {
        Ok((0, status)) => matches!(
            status,
            Status::WrongLength
                | Status::LogicalChannelNotSupported
                | Status::SecureMessagingNotSupported
                | Status::LastCommandExpected
                | Status::ChainingNotSupported
        ),
        Ok(_) => false,
        Err(CardError::Transport(error)) => T::refused_extended(error),
        Err(_) => false,
    }
}

const fn poll(cancel: bool) -> Command<'static> {
    Command {
        cla: CLA,
        ins: GETRESPONSE,
        p1: if cancel { CANCEL } else { 0x00 },
        p2: 0x00,
        data: &[],
        le: Some(Le::EXTENDED),
    }
}

/// Commands may hold secrets: not shown.
impl<T> fmt::Debug for NfcTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NfcTransport")
            .field("framing", &self.framing)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Why a message did not arrive. After an error of the card or the reader the applet is to be
/// selected again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NfcError<E> {
    /// The reader or the card failed. Whether the request had an effect is unknown.
    Card(CardError<E>),
    /// The card has no FIDO applet.
    NoApplet,
    /// The applet did not take the command.
    Refused(Status),
    /// The token did not answer in time. A running CTAP2 request was told to end; whether it had
    /// an effect is unknown.
    Deadline,
    /// Nothing was sent: the request is longer than CTAP messages are.
    RequestTooLong {
        /// Bytes.
        len: usize,
    },
}

impl<E> From<CardError<E>> for NfcError<E> {
    fn from(error: CardError<E>) -> Self {
        match error {
            CardError::Deadline => Self::Deadline,
            error => Self::Card(error),
        }
    }
}

impl<E: fmt::Display> fmt::Display for NfcError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card(error) => error.fmt(f),
            Self::NoApplet => f.write_str("the card at the reader is no FIDO token"),
            Self::Refused(status) => write!(f, "the token refused the command: {status}"),
            Self::Deadline => f.write_str("the token did not answer in time"),
            Self::RequestTooLong { len } => {
                write!(
                    f,
                    "a request of {len} bytes exceeds the {MAX_MESSAGE} of CTAP"
                )
            }
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for NfcError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Card(error) => Some(error),
            _ => None,
        }
    }
}
