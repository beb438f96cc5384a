//! What CTAP2 messages carry for the relying party: authenticator data, public keys, attestation.
//! Used by the messages, and by whoever checks them. WebAuthn Level 3 §6 and §8, RFC 9052 and
//! RFC 9053 (COSE).
//!
//! Signatures are checked here where the key is at hand. Certificate paths, their profiles and
//! trust are for a host: they need an allocator, a clock and somebody's decision.

pub mod attestation;
pub mod authenticator_data;
pub mod cose;
