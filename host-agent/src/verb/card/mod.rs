//! What can be done to a smart card, at its PIV or its GIDS applet: a file for each verb.
//!
//! As the rest of [`crate::verb`], over the core's sessions of the applets. What is asked is a
//! [`Request`]; whether it changed the card when it was cut off, `settle` tells.

mod facts;
mod fingerprint;
mod request;
mod settle;

pub use crate::token::{CardFacts, GidsFacts, PinFacts, PivFacts};
pub use facts::{CardInspection, Container};
pub(super) use fingerprint::fingerprint;
pub(crate) use request::{
    AdminProof, Ask, Authority, CardPin, KeyAlgorithm, NewCard, PinPolicy, Request,
    SignatureAlgorithm, TouchPolicy,
};
pub use request::{Applet, PinReference};
pub(super) use settle::{Sight, Verdict, hidden, name, verdict};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
