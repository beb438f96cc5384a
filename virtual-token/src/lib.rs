//! A security key in software, on the same core as the client.
//!
//! | layer | module |
//! |---|---|
//! | what a key does | [`authenticator`]: CTAP 2.3 §6, no I/O, a file per command |
//! | as firmware | [`security_key`]: the authenticator behind CTAPHID; [`hid`]: CTAPHID for firmware that takes whole messages; [`firmware`]: the trait that lets other people's firmware take its place |
//! | as a thing | [`device`]: power, button, clock, faults |
//! | to a host | [`front_end`]: a local socket, uhid; and the control socket |
//! | in a unit test | [`in_process`]: a `CtapTransport` straight into the authenticator |
//! | at the factory | [`manufacture`]: identity and attestation certificates |
//! | at rest | [`storage`] |
//!
//! It reports `FIDO_2_3` and offers what [`authenticator`] names, no more: no CTAP1, no built-in
//! user verification, no large blobs. Its keys lie in a file: it is for tests, demonstrations and
//! development, never for people's accounts.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::cast_possible_truncation))]

pub mod authenticator;
pub mod device;
pub mod firmware;
pub mod front_end;
pub mod hid;
pub mod in_process;
pub mod manufacture;
pub mod security_key;
pub mod storage;
