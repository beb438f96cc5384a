//! A security key in software, on the same core as the client.
//!
//! | layer | module | feature |
//! |---|---|---|
//! | what a key does | [`authenticator`]: CTAP 2.3 §6, no I/O, a file per command | |
//! | as a card | [`card`]: its FIDO applet over NFC, around any handler of messages | |
//! | as a PIV card | [`piv`]: an applet beside FIDO's, SP 800-73-5 | |
//! | as a card of Windows' | [`gids`]: an applet that stands beside FIDO's; RSA needs an allocator | `gids` |
//! | at rest | [`storage`]: records that change at once or not at all | |
//! | as firmware | [`security_key`]: the authenticator behind CTAPHID; [`hid`]: CTAPHID for firmware that takes whole messages; [`firmware`]: the trait that lets other people's firmware take its place | `std` |
//! | as a thing | [`device`]: power, button, clock, faults | `std` |
//! | as a foe | [`hostile`]: keys that lie, by name | `std` |
//! | to a host | [`front_end`]: a local socket, uhid, a PC/SC reader; and the control socket | `std` |
//! | in a unit test | [`in_process`]: a `CtapTransport` straight into the authenticator | `std` |
//! | at the factory | [`manufacture`]: identity and attestation certificates | `std` |
//!
//! Without the features (`std` is on by default, and has `gids`) neither `std` nor an allocator is needed: what is
//! left runs on a microcontroller, given a storage, a clock, a button and the primitives.
//!
//! What a key has is the business of its [profile](authenticator::profile): CTAP 2.3, or an earlier
//! edition, or U2F alone; with a fingerprint sensor that is a number, not a finger. Its keys lie in
//! a file: it is for tests, demonstrations and development, never for people's accounts.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::cast_possible_truncation))]

#[cfg(feature = "gids")]
extern crate alloc;

pub mod authenticator;
pub mod card;
#[cfg(feature = "std")]
pub mod device;
#[cfg(feature = "std")]
pub mod firmware;
#[cfg(feature = "std")]
pub mod front_end;
#[cfg(feature = "gids")]
pub mod gids;
#[cfg(feature = "std")]
pub mod hid;
#[cfg(feature = "std")]
pub mod hostile;
#[cfg(feature = "std")]
pub mod in_process;
#[cfg(feature = "std")]
pub mod manufacture;
pub mod piv;
#[cfg(feature = "std")]
pub mod security_key;
pub mod storage;
