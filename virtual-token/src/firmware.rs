//! What a front end runs: firmware, ours or other people's.
//!
//! Firmware is a thread that takes 64-byte CTAPHID reports and gives reports back.
//! It may block inside one command while it waits for a touch, as most firmware for real keys
//! does: it keeps asking its [`Io`] for reports meanwhile, so a CANCEL or another channel's packet
//! still reaches it.
//!
//! ```
//! use keysteward_virtual_token::device::{Device, Io, PowerCut, TouchPolicy};
//! use keysteward_virtual_token::firmware::Firmware;
//!
//! /// Sends back what it gets.
//! struct Echo;
//!
//! impl Firmware for Echo {
//!     fn run(&mut self, io: &Io) -> PowerCut {
//!         loop {
//!             if let Err(cut) = io.receive_any().and_then(|report| io.send(&report)) {
//!                 return cut;
//!             }
//!         }
//!     }
//! }
//!
//! let device = Device::new(TouchPolicy::Always);
//! let powered = device.clone();
//! std::thread::spawn(move || powered.run(&mut Echo));
//! device.plug();
//! assert_eq!(device.state().power_ups, 1);
//! ```

use crate::device::{Io, PowerCut};
use serde::Serialize;

/// Firmware of a security key, from the front ends' side.
///
/// It is made on the thread it runs on, so it need not be [`Send`].
pub trait Firmware {
    /// One life: from power-up until [`Io`] says that the power was cut.
    ///
    /// What lives in RAM starts anew at each call; what is stored survives in `self`.
    fn run(&mut self, io: &Io) -> PowerCut;

    /// What is stored, for the control socket's `state`. Firmware that cannot tell says nothing.
    fn contents(&self) -> Contents {
        Contents::default()
    }
}

/// What a key holds, as far as the control socket shows it. Nothing in it is secret.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Contents {
    pub credentials: Vec<StoredCredential>,
    pub pin_set: bool,
    pub pin_retries: u8,
}

/// One discoverable credential.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct StoredCredential {
    pub rp_id: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub credential_id: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub user_id: Vec<u8>,
}
