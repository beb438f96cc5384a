//! Attestation: what a key says about itself when it makes a credential. WebAuthn Level 3 §6.5
//! and §8.
//!
//! ```
//! use keysteward_core::webauthn::attestation::{AttestationObject, Statement};
//!
//! let object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x43\x01\x02\x03";
//! let object = AttestationObject::parse(object)?;
//! assert_eq!(object.statement()?, Statement::None);
//! # Ok::<(), keysteward_core::cbor::Error>(())
//! ```

mod object;
mod statement;
mod verify;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use object::AttestationObject;
pub use statement::{FIDO_U2F, NONE, PACKED, Statement};
pub use verify::VerifyError;
