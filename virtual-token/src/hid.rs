//! CTAPHID for firmware that takes whole messages. CTAP 2.3 §11.2, the device's role.

use crate::authenticator::Touch;
use crate::device::{Io, PowerCut};
use keysteward_core::ctaphid::device::{Device as Channels, Event};
use keysteward_core::ctaphid::{
    Capabilities, Command, DeviceVersion, ErrorCode, Keepalive, MAX_MESSAGE, Report,
};

/// The CTAPHID channels of one life.
#[expect(missing_debug_implementations, reason = "requests may hold secrets")]
pub struct Hid<'a> {
    io: &'a Io,
    channels: Channels,
    buffer: Box<[u8]>,
}

impl<'a> Hid<'a> {
    /// No channel is open yet. `capabilities` as in CTAP 2.3 §11.2.9.1.3.
    pub fn new(io: &'a Io, capabilities: u8) -> Self {
        Self {
            io,
            channels: Channels::new(VERSION, Capabilities(capabilities)),
            buffer: vec![0; MAX_MESSAGE].into(),
        }
    }

    /// The device it runs on.
    pub fn io(&self) -> &'a Io {
        self.io
    }

    /// The next request, from whichever channel. It must be answered before the next.
    pub fn next_request(&mut self) -> Result<(Command, Vec<u8>), PowerCut> {
        loop {
            let report = match self.channels.deadline() {
                Some(until) => self.io.receive(until)?,
                None => Some(self.io.receive_any()?),
            };
            let now = self.io.now();
            let Some(report) = report else {
                if let Some(reply) = self.channels.poll_timeout(now) {
                    self.io.send(&reply)?;
                }
                continue;
            };
            match self.channels.handle_report(now, &report, &mut self.buffer) {
                // Nothing is executed, so there is nothing to cancel.
                Event::None | Event::Cancel => {}
                Event::Reply(reply) | Event::Abort(reply) => self.io.send(&reply)?,
                Event::Request { command, len, .. } => {
                    let request = self.buffer.get(..len).unwrap_or_default().to_vec();
                    return Ok((command, request));
                }
            }
        }
    }

    /// Answers the request.
    pub fn respond(&mut self, message: &[u8]) -> Result<(), PowerCut> {
        let reports = match self.channels.respond(message) {
            Ok(Some(reports)) => reports,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::error!(%error, "response");
                return self.refuse(ErrorCode::Other(0x7F));
            }
        };
        for report in reports {
            self.io.send(&report)?;
        }
        Ok(())
    }

    /// Answers the request with a CTAPHID error.
    pub fn refuse(&mut self, code: ErrorCode) -> Result<(), PowerCut> {
        match self.channels.refuse(code) {
            Some(report) => self.io.send(&report),
            None => Ok(()),
        }
    }

    /// The report that tells the waiting host how it stands; none when nobody waits.
    pub fn keepalive_report(&self, status: Keepalive) -> Option<Report> {
        self.channels.keepalive(status)
    }

    /// Tells the waiting host how it stands.
    pub fn keepalive(&self, status: Keepalive) -> Result<(), PowerCut> {
        match self.keepalive_report(status) {
            Some(report) => self.io.send(&report),
            None => Ok(()),
        }
    }

    /// Asks for a touch until it comes, is not wanted any more, or so many milliseconds are over.
    pub fn wait_for_touch(&mut self, milliseconds: u64) -> Result<Touch, PowerCut> {
        let lamp = self.io.ask_for_touch();
        self.serve(milliseconds, Touch::TimedOut, &mut || lamp.touched())
    }

    /// Lets so many milliseconds pass while the user holds the button, as users here always do.
    pub fn wait_while_held(&mut self, milliseconds: u64) -> Result<Touch, PowerCut> {
        self.serve(milliseconds, Touch::Touched, &mut || Ok(false))
    }

    /// Serves the channels until the key is touched, the request is not wanted any more, or so
    /// many milliseconds are over, which ends in `late`.
    fn serve(
        &mut self,
        milliseconds: u64,
        late: Touch,
        touched: &mut dyn FnMut() -> Result<bool, PowerCut>,
    ) -> Result<Touch, PowerCut> {
        let end = self.io.now().after(milliseconds);
        let mut next_keepalive = self.io.now();
        loop {
            if touched()? {
                return Ok(Touch::Touched);
            }
            let now = self.io.now();
            if now >= end {
                return Ok(late);
            }
            if now >= next_keepalive {
                self.keepalive(Keepalive::UserPresenceNeeded)?;
                next_keepalive = now.after(KEEPALIVE);
            }
            let Some(report) = self.io.receive(next_keepalive.min(end))? else {
                continue;
            };
            match self
                .channels
                .handle_report(self.io.now(), &report, &mut self.buffer)
            {
                Event::None => {}
                Event::Reply(reply) => self.io.send(&reply)?,
                Event::Cancel => return Ok(Touch::Cancelled),
                Event::Abort(reply) => {
                    self.io.send(&reply)?;
                    return Ok(Touch::Cancelled);
                }
                Event::Request { .. } => {
                    // The machine takes one transaction at a time.
                    tracing::error!("a second request while one is executed");
                    return Ok(Touch::Cancelled);
                }
            }
        }
    }
}

const VERSION: DeviceVersion = DeviceVersion {
    major: 0,
    minor: 1,
    build: 0,
};
/// Milliseconds between keep-alives.
const KEEPALIVE: u64 = 100;

#[cfg(test)]
mod tests;
