//! Our own firmware: the authenticator behind CTAPHID. CTAP 2.3 §11.2.
//!
//! Blocks inside a command while it waits for a touch, and serves the other channels meanwhile.

use crate::authenticator::{Authenticator, Environment, Touch};
use crate::device::{Io, PowerCut};
use crate::firmware::{Contents, Firmware};
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctaphid::device::{Device as Channels, Event};
use keysteward_core::ctaphid::{
    Capabilities, Command, DeviceVersion, ErrorCode, Keepalive, MAX_MESSAGE,
};
use keysteward_core::session::Millis;

/// An authenticator that speaks CTAPHID.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct SecurityKey<S, C> {
    authenticator: Authenticator<S, C>,
}

impl<S: Storage, C: Crypto> SecurityKey<S, C> {
    pub fn new(authenticator: Authenticator<S, C>) -> Self {
        Self { authenticator }
    }

    fn live(&mut self, io: &Io) -> Result<std::convert::Infallible, PowerCut> {
        self.authenticator.power_up(io.powered_at());
        let mut hid = Hid {
            io,
            channels: Channels::new(VERSION, CAPABILITIES),
            buffer: vec![0; MAX_MESSAGE].into(),
            receiving: false,
        };
        loop {
            let (command, request) = hid.next_request()?;
            match command {
                Command::Ping => hid.respond(&request)?,
                Command::Wink => {
                    tracing::info!("wink");
                    hid.respond(&[])?;
                }
                Command::Cbor => self.execute(&mut hid, &request)?,
                _ => hid.refuse(ErrorCode::InvalidCommand)?,
            }
        }
    }

    fn execute(&mut self, hid: &mut Hid<'_>, request: &[u8]) -> Result<(), PowerCut> {
        hid.keepalive(Keepalive::Processing)?;
        let mut response = [0; MAX_MESSAGE];
        let mut at_the_button = Button {
            hid,
            power_cut: None,
        };
        let response = self
            .authenticator
            .process(request, &mut at_the_button, &mut response);
        let power_cut = at_the_button.power_cut;
        hid.io.publish(self.authenticator.contents());
        match power_cut {
            Some(cut) => Err(cut),
            None => hid.respond(response),
        }
    }
}

impl<S: Storage, C: Crypto> Firmware for SecurityKey<S, C> {
    fn run(&mut self, io: &Io) -> PowerCut {
        match self.live(io) {
            Err(cut) => cut,
        }
    }

    fn contents(&self) -> Contents {
        self.authenticator.contents()
    }
}

/// The channels of one life.
struct Hid<'a> {
    io: &'a Io,
    channels: Channels,
    buffer: Box<[u8]>,
    /// A request is in the middle of its packets: its time-out has to be watched.
    receiving: bool,
}

impl Hid<'_> {
    fn next_request(&mut self) -> Result<(Command, Vec<u8>), PowerCut> {
        loop {
            let report = if self.receiving {
                self.io.receive(self.io.now().after(POLL))?
            } else {
                Some(self.io.receive_any()?)
            };
            let now = self.io.now();
            let Some(report) = report else {
                if let Some(reply) = self.channels.poll_timeout(now) {
                    self.receiving = false;
                    self.io.send(&reply)?;
                }
                continue;
            };
            match self.channels.handle_report(now, &report, &mut self.buffer) {
                Event::None => self.receiving = true,
                Event::Reply(reply) => self.io.send(&reply)?,
                Event::Request { command, len, .. } => {
                    self.receiving = false;
                    let request = self.buffer.get(..len).unwrap_or_default().to_vec();
                    return Ok((command, request));
                }
                // Neither comes while nothing is executed.
                Event::Cancel => {}
                Event::Abort(reply) => self.io.send(&reply)?,
            }
        }
    }

    fn respond(&mut self, message: &[u8]) -> Result<(), PowerCut> {
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

    fn refuse(&mut self, code: ErrorCode) -> Result<(), PowerCut> {
        match self.channels.refuse(code) {
            Some(report) => self.io.send(&report),
            None => Ok(()),
        }
    }

    fn keepalive(&self, status: Keepalive) -> Result<(), PowerCut> {
        match self.channels.keepalive(status) {
            Some(report) => self.io.send(&report),
            None => Ok(()),
        }
    }

    /// Asks for a touch until it comes, is not wanted any more, or [`TOUCH_TIMEOUT`] is over.
    fn wait_for_touch(&mut self) -> Result<Touch, PowerCut> {
        let lamp = self.io.ask_for_touch();
        let end = self.io.now().after(TOUCH_TIMEOUT);
        let mut next_keepalive = self.io.now();
        loop {
            if lamp.touched()? {
                return Ok(Touch::Touched);
            }
            let now = self.io.now();
            if now >= end {
                return Ok(Touch::TimedOut);
            }
            if now >= next_keepalive {
                self.keepalive(Keepalive::UserPresenceNeeded)?;
                next_keepalive = now.after(POLL);
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

/// The authenticator's view of the world while it executes one command.
struct Button<'h, 'a> {
    hid: &'h mut Hid<'a>,
    /// The power was cut inside the command: it ends as cancelled, and no answer goes out.
    power_cut: Option<PowerCut>,
}

impl Environment for Button<'_, '_> {
    fn now(&mut self) -> Millis {
        self.hid.io.now()
    }

    fn wait_for_touch(&mut self) -> Touch {
        self.hid.wait_for_touch().unwrap_or_else(|cut| {
            self.power_cut = Some(cut);
            Touch::Cancelled
        })
    }
}

const VERSION: DeviceVersion = DeviceVersion {
    major: 0,
    minor: 1,
    build: 0,
};
/// No CTAP1: NMSG.
const CAPABILITIES: Capabilities =
    Capabilities(Capabilities::WINK | Capabilities::CBOR | Capabilities::NMSG);
/// Milliseconds between keep-alives, and between looks at a half-received request.
const POLL: u64 = 100;
/// Milliseconds that a user has to touch the key.
const TOUCH_TIMEOUT: u64 = 30_000;
