//! What an administrator does with a token: blocking flows over any transport.
//!
//! The layer above messages and PIN protocols; it knows neither HID nor NFC.
//! A file per thing that is done; each is a few methods of [`Session`]. The
//! flows follow the platform's side of CTAP 2.3 §6 and serve tokens of 2.0,
//! 2.1-PRE and 2.1 as well: what a token can do is asked once
//! ([`Facts`]), never guessed from a version.
//!
//! | file | does |
//! |---|---|
//! | `info` | getInfo |
//! | `pin` | retries, set and change the PIN |
//! | `token` | a PIN becomes a pinUvAuthToken |
//! | `make_credential`, `get_assertion` | make, use and silently look for credentials |
//! | `credentials` | count, list, delete credentials, change their user |
//! | `config` | PIN policy, enterprise attestation, alwaysUv, long touch |
//! | `reset`, `selection` | erase a token, find out which one is meant |
//!
//! Every exchange ends by the session's deadline, whatever the token does. The
//! keep-alive callback hears when a touch is due; its `Break` cancels.

mod config;
mod credentials;
mod error;
mod exchange;
mod facts;
mod get_assertion;
mod hid;
mod info;
mod make_credential;
mod pin;
mod reset;
mod selection;
mod token;
mod transport;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use crate::ctaphid::Keepalive;
pub use crate::time::Millis;
pub use credentials::{Credential, CredentialsMetadata, RelyingParty};
pub use error::{Error, Feature, PinRule};
pub use exchange::{Buffers, Session};
pub use facts::Facts;
pub use pin::PinRetries;
pub use transport::CtapTransport;
