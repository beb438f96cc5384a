//! The token's side of all channels, sans-IO. CTAP 2.3 §11.2.5 to §11.2.9.
//!
//! The machine allocates channels, keeps one transaction at a time, answers
//! INIT and LOCK and every error itself, and hands out whole requests. The
//! firmware around it executes them and sends what it is told to.

#[cfg(test)]
mod tests;

use super::body::Body;
use super::{
    Capabilities, ChannelId, Command, DeviceVersion, ErrorCode, Fragments, InitResponse, Keepalive,
    MessageTooLong, PROTOCOL_VERSION, Packet, ReceiveError, Report, packet,
};
use crate::time::Millis;
use core::mem;

/// All channels of one token. Buffers are the caller's.
///
/// ```text
///          init packet            last packet               respond
///   Idle --------------> Receiving -----------> Executing ----------> Idle
///    ^------ bad SEQ, INIT, time-out ---'            |
///    ^--------------------- INIT --------------------'
/// ```
#[derive(Debug)]
pub struct Device {
    version: DeviceVersion,
    capabilities: Capabilities,
    /// Channels 1 to this one are allocated.
    last_channel: u32,
    lock: Option<Lock>,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Receiving {
        channel: ChannelId,
        command: Command,
        body: Body,
        since: Millis,
    },
    Executing {
        channel: ChannelId,
        command: Command,
    },
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    channel: ChannelId,
    until: Millis,
}

/// What the firmware does about a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Event {
    /// Nothing.
    None,
    /// Send this.
    Reply(Report),
    /// Execute the request in the first `len` bytes of the buffer, then
    /// [`respond`](Device::respond).
    Request {
        /// Who asks.
        channel: ChannelId,
        /// PING, MSG, WINK, CBOR or a vendor's.
        command: Command,
        /// Bytes.
        len: usize,
    },
    /// End the running CTAP2 request with status 0x2D.
    Cancel,
    /// Drop the running request, answer it with nothing, and send this.
    Abort(Report),
}

/// Longest pause between the packets of one request. The prescribed value
/// differs between sources; firmware in the field waits 100 to 800 ms.
pub const PACKET_TIMEOUT: u64 = 500;

/// Commands from here on are vendors'. CTAP 2.3 §11.2.9.3.
const FIRST_VENDOR: u8 = 0x40;

/// Longest LOCK, in seconds. CTAP 2.3 §11.2.9.2.2.
const MAX_LOCK: u8 = 10;

impl Device {
    /// A token just powered up.
    #[must_use]
    pub const fn new(version: DeviceVersion, capabilities: Capabilities) -> Self {
        Self {
            version,
            capabilities,
            last_channel: 0,
            lock: None,
            state: State::Idle,
        }
    }

    /// The request being executed, if there is one.
    #[must_use]
    pub const fn executing(&self) -> Option<(ChannelId, Command)> {
        match self.state {
            State::Executing { channel, command } => Some((channel, command)),
            State::Idle | State::Receiving { .. } => None,
        }
    }

    /// Takes one report in. `buffer` is the same for all of a request.
    pub fn handle_report(&mut self, now: Millis, report: &Report, buffer: &mut [u8]) -> Event {
        let packet = Packet::parse(report);
        match packet {
            Packet::Init {
                channel,
                command: Command::Init,
                bcnt,
                data,
            } => self.init(channel, bcnt, data),
            Packet::Init {
                channel, command, ..
            } if !self.is_allocated(channel) => {
                if command == Command::Cancel {
                    return Event::None;
                }
                refuse(channel, ErrorCode::InvalidChannel)
            }
            Packet::Init {
                channel,
                command: Command::Cancel,
                ..
            } => self.cancel(channel),
            Packet::Init {
                channel,
                command,
                bcnt,
                data,
            } => {
                self.expire(now);
                self.begin(now, channel, command, bcnt, data, buffer)
            }
            Packet::Cont { channel, seq, data } => self.append(now, channel, seq, data, buffer),
        }
    }

    /// Drops a request whose packets stopped coming; the reply tells its
    /// sender. To be called now and then, at least every 100 ms.
    #[must_use]
    pub fn poll_timeout(&mut self, now: Millis) -> Option<Report> {
        match self.state {
            State::Receiving { channel, since, .. } if is_late(now, since) => {
                self.state = State::Idle;
                Some(packet::error(channel, ErrorCode::Timeout))
            }
            _ => None,
        }
    }

    /// When [`poll_timeout`](Self::poll_timeout) has something to do if no report
    /// comes before; `None`: never, so that firmware may sleep.
    #[must_use]
    pub const fn deadline(&self) -> Option<Millis> {
        match self.state {
            State::Receiving { since, .. } => Some(since.after(PACKET_TIMEOUT).after(1)),
            State::Idle | State::Executing { .. } => None,
        }
    }

    /// KEEPALIVE for the running CTAP2 request; due every 100 ms.
    #[must_use]
    pub fn keepalive(&self, status: Keepalive) -> Option<Report> {
        match self.state {
            State::Executing {
                channel,
                command: Command::Cbor,
            } => Some(packet::keepalive(channel, status)),
            _ => None,
        }
    }

    /// Ends the transaction with a response. All reports are sent before the
    /// next one is taken in. `None` when the request was aborted meanwhile.
    pub fn respond<'m>(
        &mut self,
        message: &'m [u8],
    ) -> Result<Option<Fragments<'m>>, MessageTooLong> {
        let State::Executing { channel, command } = self.state else {
            return Ok(None);
        };
        let fragments = Fragments::new(channel, command, message)?;
        self.state = State::Idle;
        Ok(Some(fragments))
    }

    /// Ends the transaction with an error. `None` when the request was aborted
    /// meanwhile.
    pub fn refuse(&mut self, code: ErrorCode) -> Option<Report> {
        let State::Executing { channel, .. } = self.state else {
            return None;
        };
        self.state = State::Idle;
        Some(packet::error(channel, code))
    }

    /// INIT always works: others may be busy, but a program must be able to get
    /// a channel to be told so. On a channel of its own it also frees that one.
    fn init(&mut self, on: ChannelId, bcnt: u16, data: &[u8]) -> Event {
        let (8, Some(nonce)) = (bcnt, data.first_chunk()) else {
            return refuse(on, ErrorCode::InvalidLength);
        };
        let channel = if on == ChannelId::BROADCAST {
            self.allocate()
        } else if self.is_allocated(on) {
            on
        } else {
            return refuse(on, ErrorCode::InvalidChannel);
        };
        let reply = packet::init_response(
            on,
            &InitResponse {
                nonce: *nonce,
                channel,
                protocol_version: PROTOCOL_VERSION,
                device_version: self.version,
                capabilities: self.capabilities,
            },
        );
        match self.state {
            State::Executing { channel: busy, .. } if busy == on => {
                self.state = State::Idle;
                Event::Abort(reply)
            }
            State::Receiving { channel: busy, .. } if busy == on => {
                self.state = State::Idle;
                Event::Reply(reply)
            }
            _ => Event::Reply(reply),
        }
    }

    fn cancel(&self, on: ChannelId) -> Event {
        match self.state {
            State::Executing {
                channel,
                command: Command::Cbor,
            } if channel == on => Event::Cancel,
            _ => Event::None,
        }
    }

    fn begin(
        &mut self,
        now: Millis,
        channel: ChannelId,
        command: Command,
        bcnt: u16,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Event {
        match self.state {
            State::Receiving { channel: busy, .. } if busy == channel => {
                self.state = State::Idle;
                return refuse(channel, ErrorCode::InvalidSeq);
            }
            State::Receiving { .. } | State::Executing { .. } => {
                return refuse(channel, ErrorCode::ChannelBusy);
            }
            State::Idle => {}
        }
        if self.lock.is_some_and(|lock| lock.channel != channel) {
            return refuse(channel, ErrorCode::ChannelBusy);
        }
        match command {
            Command::Keepalive | Command::Error | Command::Other(..FIRST_VENDOR) => {
                refuse(channel, ErrorCode::InvalidCommand)
            }
            Command::Cbor if !self.capabilities.cbor() => {
                refuse(channel, ErrorCode::InvalidCommand)
            }
            Command::Msg if !self.capabilities.msg() => refuse(channel, ErrorCode::InvalidCommand),
            Command::Wink if !self.capabilities.wink() => {
                refuse(channel, ErrorCode::InvalidCommand)
            }
            Command::Wink if bcnt != 0 => refuse(channel, ErrorCode::InvalidLength),
            Command::Lock => self.lock(now, channel, bcnt, data),
            _ => match Body::start(bcnt, data, buffer) {
                Ok(body) => self.proceed(now, channel, command, body),
                Err(_) => refuse(channel, ErrorCode::InvalidLength),
            },
        }
    }

    fn lock(&mut self, now: Millis, channel: ChannelId, bcnt: u16, data: &[u8]) -> Event {
        let (1, [seconds, ..]) = (bcnt, data) else {
            return refuse(channel, ErrorCode::InvalidLength);
        };
        self.lock = match *seconds {
            0 => None,
            1..=MAX_LOCK => Some(Lock {
                channel,
                until: now.after(u64::from(*seconds).saturating_mul(1000)),
            }),
            _ => return refuse(channel, ErrorCode::InvalidParameter),
        };
        Event::Reply(packet::empty(channel, Command::Lock))
    }

    fn append(
        &mut self,
        now: Millis,
        on: ChannelId,
        seq: u8,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Event {
        // Taken, so that an error leaves `Idle`.
        match mem::take(&mut self.state) {
            State::Receiving { channel, since, .. } if channel == on && is_late(now, since) => {
                refuse(channel, ErrorCode::Timeout)
            }
            State::Receiving {
                channel,
                command,
                mut body,
                ..
            } if channel == on => match body.append(seq, data, buffer) {
                Ok(()) => self.proceed(now, channel, command, body),
                Err(ReceiveError::MessageTooLong { .. }) => {
                    refuse(channel, ErrorCode::InvalidLength)
                }
                Err(_) => refuse(channel, ErrorCode::InvalidSeq),
            },
            state => {
                self.state = state;
                Event::None
            }
        }
    }

    fn proceed(&mut self, now: Millis, channel: ChannelId, command: Command, body: Body) -> Event {
        if let Some(len) = body.complete() {
            self.state = State::Executing { channel, command };
            return Event::Request {
                channel,
                command,
                len,
            };
        }
        self.state = State::Receiving {
            channel,
            command,
            body,
            since: now,
        };
        Event::None
    }

    /// Ends what ran out, for firmware that did not poll in time, too.
    fn expire(&mut self, now: Millis) {
        self.lock = self.lock.filter(|lock| now < lock.until);
        if matches!(self.state, State::Receiving { since, .. } if is_late(now, since)) {
            self.state = State::Idle;
        }
    }

    fn allocate(&mut self) -> ChannelId {
        self.last_channel = match self.last_channel.saturating_add(1) {
            u32::MAX => 1,
            next => next,
        };
        ChannelId(self.last_channel)
    }

    const fn is_allocated(&self, channel: ChannelId) -> bool {
        channel.0 != 0 && channel.0 <= self.last_channel
    }
}

const fn is_late(now: Millis, since: Millis) -> bool {
    now.since(since) > PACKET_TIMEOUT
}

fn refuse(channel: ChannelId, code: ErrorCode) -> Event {
    Event::Reply(packet::error(channel, code))
}
