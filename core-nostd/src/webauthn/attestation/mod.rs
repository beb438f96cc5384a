//! Attestation: what a key says about itself when it makes a credential. WebAuthn Level 3 §6.5
//! and §8.

mod object;
mod statement;
mod verify;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use object::AttestationObject;
pub use statement::{FIDO_U2F, NONE, PACKED, Statement};
pub use verify::VerifyError;
