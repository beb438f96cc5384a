//! A blocking client over any link. CTAP 2.3 §11.2.
//!
//! Every call ends by its deadline. After a call that ended early (deadline,
//! lost packet) the channel is synchronised anew before the next, so that a
//! late answer is never taken for the answer to something else.

#[cfg(test)]
mod chaos;
#[cfg(test)]
mod tests;

use super::client::{Channel, Event, RequestError};
use super::{
    Capabilities, Command, ErrorCode, InitResponse, Keepalive, Link, ReceiveError, Report,
};
use crate::time::Millis;
use core::fmt;
use core::ops::ControlFlow;

/// One channel to one token, over a link of its own.
#[derive(Debug)]
pub struct HidTransport<L> {
    link: L,
    channel: Channel,
    nonce: [u8; 8],
    info: InitResponse,
    sync: Sync,
}

/// Whether the token and we agree on what is going on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sync {
    Good,
    /// Something may still come, or still run.
    Lost,
    /// The token forgot the channel.
    Closed,
}

/// How long to leave a busy token alone. CTAP 2.3 §11.2.5.
const BUSY_PAUSE: u64 = 100;

/// How often INIT is repeated while nothing answers: other programs' traffic
/// and tokens that are still waking up lose some.
const INIT_PATIENCE: u64 = 1000;

/// Reports of the longest answer there is.
const MOST_STALE: usize = 129;

impl<L: Link> HidTransport<L> {
    /// Gets a channel. `nonce` is random: it tells our answer from others'.
    pub fn open(
        mut link: L,
        nonce: [u8; 8],
        deadline: Millis,
    ) -> Result<Self, TransportError<L::Error>> {
        let (mut channel, request) = Channel::open(nonce);
        let info = synchronise(&mut link, &mut channel, &request, deadline)?;
        Ok(Self {
            link,
            channel,
            nonce,
            info,
            sync: Sync::Good,
        })
    }

    /// What the token said at INIT: version and capabilities.
    #[must_use]
    pub const fn info(&self) -> &InitResponse {
        &self.info
    }

    /// What the token can do.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        self.info.capabilities
    }

    /// The link, for its clock.
    pub const fn link_mut(&mut self) -> &mut L {
        &mut self.link
    }

    /// Gives the link back.
    pub fn into_link(self) -> L {
        self.link
    }

    /// Echo: `payload` there and back. `response` is as long or longer.
    pub fn ping<'r>(
        &mut self,
        payload: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
    ) -> Result<&'r [u8], TransportError<L::Error>> {
        self.transact(Command::Ping, payload, response, deadline, &mut silent)
    }

    /// Makes the token draw attention to itself.
    pub fn wink(&mut self, deadline: Millis) -> Result<(), TransportError<L::Error>> {
        self.transact(Command::Wink, &[], &mut [], deadline, &mut silent)
            .map(drop)
    }

    /// Keeps other channels out for up to 10 seconds; 0 lets them in again.
    pub fn lock(&mut self, seconds: u8, deadline: Millis) -> Result<(), TransportError<L::Error>> {
        self.transact(Command::Lock, &[seconds], &mut [], deadline, &mut silent)
            .map(drop)
    }

    /// One CTAP2 message there and back.
    pub fn cbor<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], TransportError<L::Error>> {
        self.transact(Command::Cbor, request, response, deadline, on_keepalive)
    }

    /// One request of any command there and back. Waits while other programs
    /// keep the token busy. `Break` from `on_keepalive` sends CANCEL once.
    pub fn transact<'r>(
        &mut self,
        command: Command,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], TransportError<L::Error>> {
        let mut reopened = false;
        loop {
            self.recover(deadline)?;
            match self.attempt(command, request, response, deadline, on_keepalive) {
                Ok(len) => return Ok(response.get(..len).unwrap_or_default()),
                // The token took nothing: asking again is safe.
                Err(TransportError::Refused(ErrorCode::ChannelBusy)) => {
                    pause(&mut self.link, deadline)?;
                }
                // Once: a token that forgets a new channel at once would keep us here.
                Err(TransportError::Refused(ErrorCode::InvalidChannel)) if !reopened => {
                    self.sync = Sync::Closed;
                    reopened = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn attempt(
        &mut self,
        command: Command,
        request: &[u8],
        response: &mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<usize, TransportError<L::Error>> {
        let fragments = self
            .channel
            .request(command, request)
            .map_err(TransportError::Request)?;
        // Until the answer is whole, whatever `?` leaves by loses the thread.
        self.sync = Sync::Lost;
        discard(&mut self.link)?;
        for report in fragments {
            send(&mut self.link, &report)?;
        }
        loop {
            let Some(report) = receive(&mut self.link, deadline)? else {
                if let Some(cancel) = self.channel.cancel() {
                    send(&mut self.link, &cancel)?;
                }
                return Err(TransportError::Deadline);
            };
            match self
                .channel
                .handle_report(&report, response)
                .map_err(TransportError::Receive)?
            {
                Event::Response { len } => {
                    self.sync = Sync::Good;
                    return Ok(len);
                }
                Event::Refused(code) => {
                    self.sync = Sync::Good;
                    return Err(TransportError::Refused(code));
                }
                Event::Keepalive(status) => {
                    if on_keepalive(status).is_break()
                        && let Some(cancel) = self.channel.cancel()
                    {
                        send(&mut self.link, &cancel)?;
                    }
                }
                Event::Opened(_) | Event::Partial | Event::OtherChannel | Event::Spurious => {}
            }
        }
    }

    fn recover(&mut self, deadline: Millis) -> Result<(), TransportError<L::Error>> {
        if self.sync == Sync::Lost {
            let nonce = self.fresh_nonce();
            let request = self.channel.resync(nonce);
            match synchronise(&mut self.link, &mut self.channel, &request, deadline) {
                Ok(_) => self.sync = Sync::Good,
                Err(TransportError::Refused(ErrorCode::InvalidChannel)) => {
                    self.sync = Sync::Closed;
                }
                Err(error) => return Err(error),
            }
        }
        if self.sync == Sync::Closed {
            let (channel, request) = Channel::open(self.fresh_nonce());
            self.channel = channel;
            self.info = synchronise(&mut self.link, &mut self.channel, &request, deadline)?;
            self.sync = Sync::Good;
        }
        Ok(())
    }

    fn fresh_nonce(&mut self) -> [u8; 8] {
        self.nonce = u64::from_be_bytes(self.nonce).wrapping_add(1).to_be_bytes();
        self.nonce
    }
}

/// Sends INIT until it is answered.
fn synchronise<L: Link>(
    link: &mut L,
    channel: &mut Channel,
    request: &Report,
    deadline: Millis,
) -> Result<InitResponse, TransportError<L::Error>> {
    loop {
        send(link, request)?;
        let patience = link.now().after(INIT_PATIENCE).min(deadline);
        while let Some(report) = receive(link, patience)? {
            let event = channel
                .handle_report(&report, &mut [])
                .map_err(TransportError::Receive)?;
            match event {
                Event::Opened(info) => return Ok(info),
                Event::Refused(ErrorCode::ChannelBusy) => {
                    pause(link, deadline)?;
                    break;
                }
                Event::Refused(code) => return Err(TransportError::Refused(code)),
                _ => {}
            }
        }
        if link.now() >= deadline {
            return Err(TransportError::Deadline);
        }
    }
}

/// Drops what lies there before a request is sent: a second answer to the last one, which would
/// be taken for the answer to this one, and so on for ever.
fn discard<L: Link>(link: &mut L) -> Result<(), TransportError<L::Error>> {
    for _ in 0..MOST_STALE {
        let now = link.now();
        if link
            .receive_report(now)
            .map_err(TransportError::Link)?
            .is_none()
        {
            break;
        }
    }
    Ok(())
}

/// Leaves a busy token alone for a while. What comes meanwhile is not ours.
fn pause<L: Link>(link: &mut L, deadline: Millis) -> Result<(), TransportError<L::Error>> {
    let end = link.now().after(BUSY_PAUSE);
    while receive(link, end.min(deadline))?.is_some() {}
    if end > deadline {
        return Err(TransportError::Deadline);
    }
    Ok(())
}

fn send<L: Link>(link: &mut L, report: &Report) -> Result<(), TransportError<L::Error>> {
    link.send_report(report).map_err(TransportError::Link)
}

/// Like the link's own, but a token that floods cannot hold us past `until`.
fn receive<L: Link>(
    link: &mut L,
    until: Millis,
) -> Result<Option<Report>, TransportError<L::Error>> {
    if link.now() >= until {
        return Ok(None);
    }
    link.receive_report(until).map_err(TransportError::Link)
}

fn silent(_: Keepalive) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Why a message did not arrive. The transport can be used again, unless the
/// link itself is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TransportError<E> {
    /// The link failed; usually the token was unplugged.
    Link(E),
    /// The token did not answer in time. A running CTAP2 or U2F request was told
    /// to end; whether it had an effect is unknown.
    Deadline,
    /// The token did not take the request; it had no effect.
    Refused(ErrorCode),
    /// A part of the answer was lost; the request may have had its effect.
    Receive(ReceiveError),
    /// Nothing was sent: the request is longer than CTAPHID carries.
    Request(RequestError),
}

impl<E: fmt::Display> fmt::Display for TransportError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(error) => write!(f, "the link to the token failed: {error}"),
            Self::Deadline => f.write_str("the token did not answer in time"),
            Self::Refused(code) => code.fmt(f),
            Self::Receive(error) => write!(f, "the token's answer was lost: {error}"),
            Self::Request(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for TransportError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Link(error) => Some(error),
            Self::Receive(error) => Some(error),
            Self::Request(error) => Some(error),
            Self::Deadline | Self::Refused(_) => None,
        }
    }
}
