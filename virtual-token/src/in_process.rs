//! The authenticator without any link, for unit tests: a [`CtapTransport`] whose user, clock and
//! storage the test holds.
//!
//! ```
//! use keysteward_core::crypto::RustCrypto;
//! use keysteward_core::session::{CtapTransport, Millis};
//! use keysteward_virtual_token::authenticator::Touch;
//! use keysteward_virtual_token::in_process::InProcess;
//! use keysteward_virtual_token::manufacture::{Manufacturer, Order};
//! use rand_core::OsRng;
//! use std::ops::ControlFlow;
//!
//! let manufacturer = Manufacturer::found()?;
//! let (mut token, _storage) =
//!     InProcess::manufacture(&manufacturer, &Order::default(), RustCrypto(OsRng))?;
//! token.world().touches.push_back(Touch::Refused);
//! let mut response = [0; 64];
//! let selection = [0x0B];
//! let deadline = Millis(1_000);
//! let mut go_on = |_| ControlFlow::Continue(());
//! assert_eq!(token.exchange(&selection, &mut response, deadline, &mut go_on)?, [0x27]);
//! assert_eq!(token.exchange(&selection, &mut response, deadline, &mut go_on)?, [0x00]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::authenticator::{Authenticator, Environment, Error, Scan, Touch};
use crate::manufacture::{self, Manufacturer, Order};
use crate::storage::{MemoryStorage, Storage};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctaphid::{Keepalive, MAX_MESSAGE};
use keysteward_core::session::{CtapTransport, Millis};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// A token in the same process.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct InProcess<S, C> {
    authenticator: Authenticator<S, C>,
    world: World,
}

/// What the test decides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct World {
    pub now: Millis,
    /// What comes of the next requests for a touch, in order.
    pub touches: VecDeque<Touch>,
    /// What comes of all later ones.
    pub then: Touch,
    /// How many touches were asked for.
    pub asked: usize,
    /// What the fingerprint sensor sees next, in order.
    pub scans: VecDeque<Scan>,
    /// What it sees ever after.
    pub then_scan: Scan,
    /// How long the user takes, in milliseconds; a request with an earlier deadline is lost.
    pub reaction: u64,
    /// How long a touch lasts, in milliseconds.
    pub hold: u64,
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LinkError {
    #[error("no answer by the deadline")]
    Deadline,
    #[error("the response buffer is too small")]
    BufferTooSmall,
}

impl Default for World {
    /// A user who touches at once.
    fn default() -> Self {
        Self {
            now: Millis(0),
            touches: VecDeque::new(),
            then: Touch::Touched,
            asked: 0,
            scans: VecDeque::new(),
            then_scan: Scan::TimedOut,
            reaction: 0,
            hold: LONG_TOUCH,
        }
    }
}

impl<S: Storage, C: Crypto> InProcess<S, C> {
    /// Plugs in a key that was manufactured into `storage`.
    pub fn plug_in(storage: S, crypto: C) -> Result<Self, Error> {
        let mut token = Self {
            authenticator: Authenticator::new(storage, crypto)?,
            world: World::default(),
        };
        token.replug();
        Ok(token)
    }

    /// A power cycle.
    pub fn replug(&mut self) {
        self.authenticator.power_up(self.world.now);
    }

    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// One command of CTAP1: an APDU in, data and status word out.
    pub fn exchange_ctap1(&mut self, apdu: &[u8]) -> Vec<u8> {
        let mut room = vec![0; MAX_MESSAGE];
        let mut hand = Hand {
            world: &mut self.world,
            on_keepalive: &mut |_| ControlFlow::Continue(()),
        };
        self.authenticator
            .process_ctap1(apdu, &mut hand, &mut room)
            .to_vec()
    }

    pub fn authenticator(&self) -> &Authenticator<S, C> {
        &self.authenticator
    }
}

impl<C: Crypto> InProcess<MemoryStorage, C> {
    /// Manufactures a key and plugs it in. The storage comes back, to be plugged in again later.
    pub fn manufacture(
        manufacturer: &Manufacturer,
        order: &Order,
        mut crypto: C,
    ) -> Result<(Self, MemoryStorage), manufacture::Error> {
        let mut storage = MemoryStorage::new();
        let made = manufacturer.make(order, &mut crypto)?;
        made.burn_in(&mut storage, &mut crypto)?;
        let token = Self::plug_in(storage.clone(), crypto)?;
        Ok((token, storage))
    }
}

impl<S: Storage, C: Crypto> CtapTransport for InProcess<S, C> {
    type Error = LinkError;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Self::Error> {
        let mut room = vec![0; MAX_MESSAGE];
        let mut hand = Hand {
            world: &mut self.world,
            on_keepalive,
        };
        let answer = self.authenticator.process(request, &mut hand, &mut room);
        if self.world.now > deadline {
            return Err(LinkError::Deadline);
        }
        let response = response
            .get_mut(..answer.len())
            .ok_or(LinkError::BufferTooSmall)?;
        response.copy_from_slice(answer);
        Ok(response)
    }
}

/// The user's hand on the key, and the platform's on CANCEL.
struct Hand<'a> {
    world: &'a mut World,
    on_keepalive: &'a mut dyn FnMut(Keepalive) -> ControlFlow<()>,
}

impl Environment for Hand<'_> {
    fn now(&mut self) -> Millis {
        self.world.now
    }

    fn wait_for_touch(&mut self) -> Touch {
        self.world.asked += 1;
        if (self.on_keepalive)(Keepalive::UserPresenceNeeded).is_break() {
            return Touch::Cancelled;
        }
        self.world.now = self.world.now.after(self.world.reaction);
        self.world.touches.pop_front().unwrap_or(self.world.then)
    }

    fn wait_for_long_touch(&mut self) -> Touch {
        match self.wait_for_touch() {
            Touch::Touched if self.world.hold < LONG_TOUCH => Touch::TimedOut,
            touch => touch,
        }
    }

    fn wait_for_finger(&mut self, _: u64) -> Scan {
        self.world.asked += 1;
        if (self.on_keepalive)(Keepalive::UserPresenceNeeded).is_break() {
            return Scan::Cancelled;
        }
        self.world.now = self.world.now.after(self.world.reaction);
        self.world.scans.pop_front().unwrap_or(self.world.then_scan)
    }
}

/// Milliseconds. CTAP 2.3 §6.6.
const LONG_TOUCH: u64 = 5_000;

#[cfg(test)]
mod tests;
