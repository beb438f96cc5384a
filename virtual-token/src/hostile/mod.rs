//! Keys that lie: what a malicious, broken or counterfeit key could send, so that clients can be
//! shown to survive it. CTAP 2.3 §6, §8, §11.2.
//!
//! A [`Hostile`] is a row of a table: a name, what it does, and a function that changes what an
//! honest key would have said. Everything but the lie is honest, so that a flow gets as far as the
//! lie. What is random in a lie comes from a fixed seed: the same name does the same thing.
//!
//! | family | lies about | |
//! |---|---|---|
//! | `opening` | its channel, at INIT | §11.2.9 |
//! | `packets` | lengths, sequence, channels, keep-alives, errors, silence | §11.2 |
//! | `answers` | CBOR: depth, lengths, duplicates, types | §8 |
//! | `info` | what it is and can do, and changes its mind | §6.4 |
//! | `pins` | its key, its token, the tries left | §6.5 |
//! | `lists` | how much there is, and when it ends | §6.3, §6.8 |
//! | `credentials` | what it made and signed | §6.1, §6.2 |
//! | `blobs`, `fingerprints` | large blobs and enrolling | §6.10, §6.7 |
//! | [`cards`] | APDUs and what is in them, at a reader: a table of its own | §11.3 |
//!
//! [`Liar`] is the machine, sans-IO, so that a test runs hours of keep-alives in no time;
//! [`HostileKey`] is that machine as [`Firmware`](crate::firmware::Firmware).

mod answers;
mod blobs;
pub mod cards;
mod cbor;
mod credentials;
mod fingerprints;
mod info;
mod key;
mod liar;
mod lists;
mod opening;
mod packets;
mod pins;
mod script;
mod wire;

#[cfg(test)]
mod tests;

use crate::firmware::Contents;
use keysteward_core::session::Millis;

pub use key::HostileKey;
pub use liar::{Liar, Output};

/// One way to lie.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// As the command line spells it.
    pub name: &'static str,
    /// "The key ..".
    pub does: &'static str,
    lie: Lie,
}

/// Where a lie takes the place of the truth.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// The answer to INIT.
    Init(fn(&wire::Answer<'_>, &mut script::Script)),
    /// The packets of the answer to a CTAP2 request.
    Packets(fn(&wire::Answer<'_>, &mut script::Script)),
    /// ERROR instead of the answer to a CTAP2 request.
    Refusal(u8),
    /// The members of getInfo.
    Info(fn(&mut cbor::Members)),
    /// Any answer.
    Words(fn(&mut answers::Exchange<'_>)),
}

/// The honest half of a key: takes whole CTAP2 messages, and is touched whenever it asks.
pub trait Honest {
    /// The power comes.
    fn power_up(&mut self, now: Millis);

    /// The answer to one request: status, then CBOR.
    fn answer(&mut self, now: Millis, request: &[u8]) -> Vec<u8>;

    /// For the control socket.
    fn contents(&self) -> Contents {
        Contents::default()
    }
}

/// No lie at all: what the others are measured by. Not among [`all`].
pub static HONEST: Hostile = answers::words("honest", "says what it knows", |_| {});

/// Every way to lie, family by family.
pub fn all() -> impl Iterator<Item = &'static Hostile> {
    [
        opening::ALL,
        packets::ALL,
        answers::ALL,
        info::ALL,
        pins::ALL,
        lists::ALL,
        credentials::ALL,
        blobs::ALL,
        fingerprints::ALL,
    ]
    .into_iter()
    .flatten()
}

/// The hostile key of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Hostile> {
    all().find(|hostile| hostile.name == name)
}
