//! What CTAP2 messages carry for the relying party: authenticator data, public keys, attestation.
//! WebAuthn Level 3 §6, RFC 9052 and RFC 9053 (COSE).

pub mod cose;
