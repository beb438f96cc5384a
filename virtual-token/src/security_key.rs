//! Our own firmware: the authenticator behind CTAPHID. CTAP 2.3 §11.2.
//!
//! Blocks inside a command while it waits for a touch, and serves the other channels meanwhile.

use crate::authenticator::{Authenticator, Environment, Touch};
use crate::device::{Io, PowerCut};
use crate::firmware::{Contents, Firmware};
use crate::hid::Hid;
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctaphid::{Capabilities, Command, ErrorCode, Keepalive, MAX_MESSAGE};
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
        // No CTAP1: NMSG.
        let mut hid = Hid::new(
            io,
            Capabilities::WINK | Capabilities::CBOR | Capabilities::NMSG,
        );
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

impl Environment for Button<'_, '_> {
    fn now(&mut self) -> Millis {
        self.hid.io().now()
    }

    fn wait_for_touch(&mut self) -> Touch {
        self.hid.wait_for_touch().unwrap_or_else(|cut| {
            self.power_cut = Some(cut);
            Touch::Cancelled
        })
    }
}
