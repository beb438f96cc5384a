//! What the tests that cross crates stand on.
//!
//! | module | is |
//! |---|---|
//! | [`mod@bench`] | what is measured, and how it is told |
//! | [`browser`] | a person at a browser, with a key |
//! | [`ca_gateway_stand_in`] | stands in for Entrust CA Gateway |
//! | [`card_life`] | smart cards from the factory and back |
//! | [`demo`] | what both demonstrations are told |
//! | [`firmware`] | other people's security keys |
//! | [`guest`] | another machine with a real kernel |
//! | [`mail_catcher`] | everybody's mailbox |
//! | [`paper_key`] | a credential in a test's hand |
//! | [`pcscd`] | a smart card service of one's own |
//! | [`site`] | one installation, every party a process of its own |
//! | [`sta_stand_in`] | stands in for SafeNet Trusted Access |

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so and ends"
)]

pub mod bench;
pub mod browser;
pub mod ca_gateway_stand_in;
pub mod card_life;
pub mod demo;
pub mod firmware;
pub mod guest;
pub mod mail_catcher;
pub mod paper_key;
pub mod pcscd;
pub mod site;
pub mod sta_stand_in;
