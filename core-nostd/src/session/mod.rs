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
//! | `token`, `user_verification` | a PIN, finger or face becomes a pinUvAuthToken |
//! | `identity` | a persistent token reads who a token is, and its credentials |
//! | `make_credential`, `get_assertion` | make and use credentials |
//! | `extensions`, `hmac_secret` | the same with extensions, and secrets derived from salts |
//! | `pre_flight` | look for credentials without a touch |
//! | `credentials` | count, list, delete credentials, change their user |
//! | `fingerprints` | enrol, list, rename and remove fingers |
//! | `large_blobs` | read and write the array of blobs, and one credential's blob in it |
//! | `config` | PIN policy, enterprise attestation, alwaysUv, long touch |
//! | [`ctap1`] | register and authenticate with a key that speaks U2F alone |
//! | `reset`, `selection` | erase a token, find out which one is meant |
//!
//! Every exchange ends by the session's deadline, whatever the token does. The
//! keep-alive callback hears when a touch is due; its `Break` cancels.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use core::ops::ControlFlow;
//! use keysteward_core::crypto::RustCrypto;
//! use keysteward_core::pin_protocol::Pin;
//! use keysteward_core::session::{Buffers, CtapTransport, Error, Keepalive, Millis, Session};
//!
//! /// A token of CTAP 2.0 that knows getInfo only.
//! struct Scripted;
//!
//! impl CtapTransport for Scripted {
//!     type Error = core::fmt::Error;
//!
//!     fn exchange<'r>(
//!         &mut self,
//!         request: &[u8],
//!         response: &'r mut [u8],
//!         deadline: Millis,
//!         on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
//!     ) -> Result<&'r [u8], core::fmt::Error> {
//!         assert_eq!(request, [0x04]);
//!         let answer = b"\x00\xa3\x01\x81\x68FIDO_2_0\x03\x50sixteen bytes ..\
//!                        \x04\xa1\x69clientPin\xf4";
//!         let room = response.get_mut(..answer.len()).ok_or(core::fmt::Error)?;
//!         room.copy_from_slice(answer);
//!         Ok(room)
//!     }
//! }
//!
//! let (mut link, mut crypto) = (Scripted, RustCrypto(rand_core::OsRng));
//! let mut buffers = Buffers::new();
//! let mut wait = |_| ControlFlow::Continue(());
//! let deadline = Millis(30_000);
//! let mut session = Session::new(&mut link, &mut crypto, &mut buffers, deadline, &mut wait);
//!
//! assert_eq!(session.info()?.aaguid, b"sixteen bytes ..");
//! let (old, new) = (Pin::new("1234")?, Pin::new("5678")?);
//! let refused = session.change_pin(&old, &new).unwrap_err();
//! assert_eq!(refused, Error::PinNotSet);
//! assert_eq!(refused.to_string(), "the token has no PIN; set one first");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod credentials;
pub mod ctap1;
mod enumeration;
mod error;
mod exchange;
mod extension;
mod extensions;
mod facts;
mod feature;
mod fingerprints;
mod get_assertion;
mod hid;
mod hmac_secret;
mod identity;
mod info;
mod large_blobs;
mod make_credential;
mod nfc;
mod pin;
mod pin_rule;
mod pre_flight;
mod reset;
mod selection;
mod token;
mod transport;
mod user_verification;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use crate::ctaphid::Keepalive;
pub use crate::iso7816::CardTransport;
pub use crate::time::Millis;
pub use credentials::{Credential, CredentialsMetadata, RelyingParty};
pub use error::Error;
pub use exchange::{Buffers, Session};
pub use extension::Extension;
pub use extensions::{Assertion, NewCredential};
pub use facts::Facts;
pub use feature::Feature;
pub use fingerprints::{FingerprintSensor, MAX_TEMPLATE_ID, Sample, TemplateId};
pub use hmac_secret::{HmacSecrets, Salts, prf_salt};
pub use identity::Identity;
pub use large_blobs::LargeBlob;
pub use pin::PinRetries;
pub use pin_rule::PinRule;
pub use transport::CtapTransport;
pub use user_verification::UvMismatch;
