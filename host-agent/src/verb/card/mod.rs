//! What can be done to a smart card, at its PIV or its GIDS applet: a file for each verb.
//!
//! As the rest of [`crate::verb`], over the core's sessions of the applets. What is asked is a
//! [`Request`]; whether it changed the card when it was cut off, `settle` tells.

mod admin;
mod admin_keys;
mod certification_request;
mod challenge;
mod compression;
mod container;
mod delete_container;
mod facts;
mod fingerprint;
mod generate_key;
mod inspect;
mod move_key;
mod perform;
mod personalise;
mod pins;
mod probe;
mod public_key;
mod raw;
mod request;
mod reset;
mod retired;
mod session;
mod set_pin_tries;
mod settle;
mod sign_certification_request;
#[cfg(test)]
mod tests;
mod trouble;
mod watched;
mod write_certificate;

pub use crate::token::{CardFacts, GidsFacts, PinFacts, PivFacts};
pub(crate) use admin::{AdminProof, AskCaller, Blocks, Question};
pub use facts::{CardInspection, Container};
pub(super) use fingerprint::fingerprint;
pub(super) use perform::{CardStep, look};
pub use request::{Applet, PinReference, PinTries};
pub(crate) use request::{
    Ask, Authority, CardPin, KeyAlgorithm, LeftWith, NewCard, PinPolicy, Request,
    SignatureAlgorithm, TouchPolicy,
};
pub(super) use settle::{Sight, Verdict, hidden, verdict};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
