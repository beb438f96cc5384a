//! What is said to a security key, and in which order: wire formats and sessions, without `std`,
//! without an allocator, without `unsafe`, and without a way to panic.
//!
//! Every message goes both ways, encoded and parsed, because a token needs the other half.
//!
//! | layer | module | standard |
//! |---|---|---|
//! | framing | [`ctaphid`] | CTAP 2.3 §11.2 |
//! | framing of cards | [`iso7816`] | ISO/IEC 7816-4 §5 |
//! | framing over NFC | [`nfcctap`] | CTAP 2.3 §11.3 |
//! | data objects, written | [`der`] | ISO/IEC 8825-1 |
//! | encoding | [`cbor`] | RFC 8949 and CTAP 2.3 §8 (canonical form) |
//! | messages of U2F | [`ctap1`] | U2F Raw Message Formats 1.2, CTAP 2.3 §10 |
//! | messages | [`ctap2`] | CTAP 2.3 §6, serving 2.1, 2.1-PRE and 2.0 |
//! | what the messages carry | [`webauthn`] | WebAuthn Level 3 §6, RFC 9052, RFC 9053 |
//! | PIN secrets | [`pin_protocol`] | CTAP 2.3 §6.5.6, §6.5.7 |
//! | the administrator's key of a card | [`admin_key`] | SP 800-73-5, generic identity device specification 2.0 |
//! | messages of PIV cards | [`piv`] | SP 800-73-5, SP 800-78-5 |
//! | messages of Windows' smart cards | [`gids`] | Generic Identity Device Specification 2.0 |
//! | flows | [`session`] | what an administrator does to a key |
//! | primitives | [`crypto`] | one trait; RustCrypto behind the feature `rust-crypto` |
//! | moments | [`time`] | milliseconds on whatever clock the caller holds |
//!
//! A layer never names the one that calls it. Clock and randomness are arguments. Features:
//! `rust-crypto` (default) implements [`crypto`]'s trait; without it, bring a secure element.
//!
//! Where the specification is left on purpose, `DEVIATIONS.md` says why.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(test)]
extern crate std;

pub mod admin_key;
pub mod cbor;
pub mod crypto;
pub mod ctap1;
pub mod ctap2;
pub mod ctaphid;
pub mod der;
pub mod gids;
pub mod iso7816;
pub mod nfcctap;
pub mod pin_protocol;
pub mod piv;
pub mod session;
pub mod time;
pub mod webauthn;
