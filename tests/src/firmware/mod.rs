//! Other people's firmware, behind the front ends of the virtual token.
//!
//! | module | firmware | stands for |
//! |---|---|---|
//! | [`opensk`] | `opensk` 0.1 | a CTAP 2.1 key with self attestation |
//! | [`trussed`] | `fido-authenticator` 0.4 on `trussed` | a CTAP 2.3 key with an attestation certificate |
//! | [`piv_authenticator`] | `piv-authenticator` 0.7 on `trussed` | a PIV card |
//!
//! What they store lives as long as their process; unplugging does not touch it.

pub mod opensk;
pub mod piv_authenticator;
pub mod trussed;
