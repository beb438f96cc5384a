//! The platform's side of one channel, sans-IO. CTAP 2.3 §11.2.5.
//!
//! Deadlines are the driver's: the machine waits for as long as it is fed.

#[cfg(test)]
mod tests;

use super::body::Body;
use super::{
    ChannelId, Command, ErrorCode, Fragments, InitResponse, Keepalive, MessageTooLong, Packet,
    ReceiveError, Report, packet,
};
use core::{fmt, mem};

/// One channel.
///
/// ```text
///   open, resync                 request                 first packet
///  ------------> Opening ---> Idle -----> Waiting --------------------> Body
///                  |  INIT     ^ ^         |   |                         |
///                  '-----------' |         |   '-- cancel -> Cancelling -|
///                                '---------'--- message, ERROR, loss ----'
/// ```
#[derive(Debug)]
pub struct Channel {
    id: ChannelId,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// INIT was sent on `id`.
    Opening { nonce: [u8; 8] },
    #[default]
    Idle,
    /// A request was sent.
    Waiting { command: Command },
    /// CANCEL was sent after it.
    Cancelling { command: Command },
    /// A part of the response is there.
    Body { command: Command, body: Body },
}

/// What a report meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// The channel is ours and idle.
    Opened(InitResponse),
    /// The token works on the request.
    Keepalive(Keepalive),
    /// More of the response is due.
    Partial,
    /// The response: the first `len` bytes of the buffer.
    Response {
        /// Bytes.
        len: usize,
    },
    /// The token did not take the request (or the INIT).
    Refused(ErrorCode),
    /// The report is for somebody else.
    OtherChannel,
    /// The report answers nothing that was asked, and was dropped.
    Spurious,
}

impl Channel {
    /// Asks for a channel. `nonce` tells the answer from those to others.
    #[must_use]
    pub fn open(nonce: [u8; 8]) -> (Self, Report) {
        let mut channel = Self {
            id: ChannelId::BROADCAST,
            state: State::Idle,
        };
        let request = channel.resync(nonce);
        (channel, request)
    }

    /// Asks again on the same channel: the token drops what it was doing for
    /// us, and what it sends of that is ignored.
    #[must_use]
    pub fn resync(&mut self, nonce: [u8; 8]) -> Report {
        self.state = State::Opening { nonce };
        packet::init_request(self.id, &nonce)
    }

    /// The channel; broadcast until it is open.
    #[must_use]
    pub const fn id(&self) -> ChannelId {
        self.id
    }

    /// Begins a transaction. The caller sends all the reports.
    pub fn request<'m>(
        &mut self,
        command: Command,
        message: &'m [u8],
    ) -> Result<Fragments<'m>, RequestError> {
        let State::Idle = self.state else {
            return Err(RequestError::NotIdle);
        };
        let fragments =
            Fragments::new(self.id, command, message).map_err(RequestError::MessageTooLong)?;
        self.state = State::Waiting { command };
        Ok(fragments)
    }

    /// CANCEL, if a CTAP2 or U2F request is under way and was not yet cancelled. The response still
    /// comes: of CTAP2 usually with status 0x2D, of U2F with a status word of the token's choice.
    pub fn cancel(&mut self) -> Option<Report> {
        let State::Waiting {
            command: command @ (Command::Cbor | Command::Msg),
        } = self.state
        else {
            return None;
        };
        self.state = State::Cancelling { command };
        Some(packet::empty(self.id, Command::Cancel))
    }

    /// Takes one report in. `buffer` is the same for all of a response.
    pub fn handle_report(
        &mut self,
        report: &Report,
        buffer: &mut [u8],
    ) -> Result<Event, ReceiveError> {
        let packet = Packet::parse(report);
        if packet.channel() != self.id {
            return Ok(Event::OtherChannel);
        }
        // Taken, so that an error leaves `Idle`.
        match (mem::take(&mut self.state), packet) {
            (State::Opening { nonce }, packet) => Ok(self.opening(nonce, packet)),
            (State::Idle, _) => Ok(Event::Spurious),
            (
                state @ (State::Waiting { .. } | State::Cancelling { .. }),
                Packet::Init {
                    command: Command::Keepalive,
                    data: [status, ..],
                    ..
                },
            ) => {
                self.state = state;
                Ok(Event::Keepalive(Keepalive::from(*status)))
            }
            (
                State::Waiting { .. } | State::Cancelling { .. },
                Packet::Init {
                    command: Command::Error,
                    data: [code, ..],
                    ..
                },
            ) => Ok(Event::Refused(ErrorCode::from(*code))),
            (
                State::Waiting { command } | State::Cancelling { command },
                Packet::Init {
                    command: answered,
                    bcnt,
                    data,
                    ..
                },
            ) if answered == command => {
                let body = Body::start(bcnt, data, buffer)?;
                Ok(self.proceed(command, body))
            }
            (state @ (State::Waiting { .. } | State::Cancelling { .. }), _) => {
                self.state = state;
                Ok(Event::Spurious)
            }
            (State::Body { command, mut body }, Packet::Cont { seq, data, .. }) => {
                body.append(seq, data, buffer)?;
                Ok(self.proceed(command, body))
            }
            (State::Body { .. }, Packet::Init { .. }) => Err(ReceiveError::Interrupted),
        }
    }

    fn opening(&mut self, nonce: [u8; 8], packet: Packet<'_>) -> Event {
        // Whatever does not open the channel leaves it opening: others ask on
        // the broadcast channel too.
        self.state = State::Opening { nonce };
        let Packet::Init {
            command,
            bcnt,
            data,
            ..
        } = packet
        else {
            return Event::Spurious;
        };
        if let (Command::Error, [code, ..]) = (command, data) {
            return Event::Refused(ErrorCode::from(*code));
        }
        let answer = data.get(..usize::from(bcnt)).and_then(InitResponse::parse);
        match (command, answer) {
            (Command::Init, Some(answer))
                if answer.nonce == nonce
                    && answer.channel != ChannelId::RESERVED
                    && answer.channel != ChannelId::BROADCAST =>
            {
                self.id = answer.channel;
                self.state = State::Idle;
                Event::Opened(answer)
            }
            _ => Event::Spurious,
        }
    }

    fn proceed(&mut self, command: Command, body: Body) -> Event {
        if let Some(len) = body.complete() {
            return Event::Response { len };
        }
        self.state = State::Body { command, body };
        Event::Partial
    }
}

/// Why a request could not begin. Nothing was sent, nothing changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// The last transaction has not ended: finish it, or resynchronise.
    NotIdle,
    /// The message does not fit CTAPHID.
    MessageTooLong(MessageTooLong),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotIdle => f.write_str("the last transaction on this channel has not ended"),
            Self::MessageTooLong(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RequestError {}
