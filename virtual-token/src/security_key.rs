//! Our own firmware: the authenticator behind CTAPHID. CTAP 2.3 §11.2.
//!
//! Blocks inside a command while it waits for a touch, and serves the other channels meanwhile.

use crate::authenticator::{Authenticator, Environment, Scan, Touch};
use crate::device::{Io, PowerCut};
use crate::firmware::{Contents, Firmware};
use crate::hid::Hid;
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctaphid::{Capabilities, Command, ErrorCode, Keepalive, MAX_MESSAGE};
use keysteward_core::session::Millis;
use std::time::Duration;

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
        let mut hid = Hid::new(io, self.capabilities());
        loop {
            let (command, request) = hid.next_request()?;
            match command {
                Command::Ping => hid.respond(&request)?,
                Command::Wink => {
                    tracing::info!("wink");
                    hid.respond(&[])?;
                }
                Command::Cbor if self.authenticator.features().ctap2() => {
                    self.execute(&mut hid, &request)?;
                }
                Command::Msg if self.authenticator.features().ctap1 => {
                    self.execute_ctap1(&mut hid, &request)?;
                }
                _ => hid.refuse(ErrorCode::InvalidCommand)?,
            }
        }
    }

    /// CTAP 2.3 §11.2.9.1.3. NMSG says that CTAP1 is not spoken.
    fn capabilities(&self) -> u8 {
        let features = self.authenticator.features();
        let cbor = if features.ctap2() {
            Capabilities::CBOR
        } else {
            0
        };
        let no_msg = if features.ctap1 {
            0
        } else {
            Capabilities::NMSG
        };
        Capabilities::WINK | cbor | no_msg
    }

    fn execute_ctap1(&mut self, hid: &mut Hid<'_>, request: &[u8]) -> Result<(), PowerCut> {
        let mut response = [0; MAX_MESSAGE];
        let mut at_the_button = Button {
            hid,
            power_cut: None,
        };
        let response = self
            .authenticator
            .process_ctap1(request, &mut at_the_button, &mut response);
        match at_the_button.power_cut {
            Some(cut) => Err(cut),
            None => hid.respond(response),
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
        hid.io().publish(self.authenticator.contents());
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

/// The authenticator's view of the world while it executes one command.
struct Button<'h, 'a> {
    hid: &'h mut Hid<'a>,
    /// The power was cut inside the command: it ends as cancelled, and no answer goes out.
    power_cut: Option<PowerCut>,
}

impl Button<'_, '_> {
    fn or_power_cut(&mut self, touch: Result<Touch, PowerCut>) -> Touch {
        touch.unwrap_or_else(|cut| {
            self.power_cut = Some(cut);
            Touch::Cancelled
        })
    }
}

impl Environment for Button<'_, '_> {
    fn now(&mut self) -> Millis {
        self.hid.io().now()
    }

    fn wait_for_touch(&mut self) -> Touch {
        let touch = self.hid.wait_for_touch(TOUCH_TIMEOUT);
        self.or_power_cut(touch)
    }

    fn wait_for_long_touch(&mut self) -> Touch {
        match self.wait_for_touch() {
            Touch::Touched => {
                let held = self.hid.wait_while_held(LONG_TOUCH);
                self.or_power_cut(held)
            }
            touch => touch,
        }
    }

    fn touched(&mut self) -> bool {
        let touched = self.hid.io().wait_for_touch(GLANCE).map(|touched| {
            if touched {
                Touch::Touched
            } else {
                Touch::TimedOut
            }
        });
        self.or_power_cut(touched) == Touch::Touched
    }

    fn wait_for_finger(&mut self, milliseconds: u64) -> Scan {
        let touch = self.hid.wait_for_touch(milliseconds);
        match self.or_power_cut(touch) {
            Touch::Touched => Scan::Sample(self.hid.io().finger()),
            Touch::TimedOut | Touch::Refused => Scan::TimedOut,
            Touch::Cancelled => Scan::Cancelled,
        }
    }
}

/// Milliseconds that a user has to touch the key.
const TOUCH_TIMEOUT: u64 = 30_000;
/// Milliseconds. CTAP 2.3 §6.6.
const LONG_TOUCH: u64 = 5_000;
/// How long CTAP1 looks at the button before it says "not yet".
const GLANCE: Duration = Duration::from_millis(200);
