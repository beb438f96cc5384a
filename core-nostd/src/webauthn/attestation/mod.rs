//! Attestation: what a key says about itself when it makes a credential. WebAuthn Level 3 §6.5
//! and §8.
//!
//! | format | read as | proven here |
//! |---|---|---|
//! | `none` | [`Statement::None`] | nothing |
//! | `packed` | [`Statement::Packed`] | its signature |
//! | `fido-u2f` | [`Statement::FidoU2f`] | its signature |
//! | `tpm` | [`Statement::Tpm`], [`tpm`] | what the TPM signed, and its signature if it is ES256 |
//! | `android-key` | [`Statement::AndroidKey`] | its signature; the certificate's extension is for the host |
//! | `apple` | [`Statement::Apple`] | nothing: all is in the certificate |
//! | others | [`Statement::Other`] | nothing |
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
pub mod tpm;
mod verify;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use object::AttestationObject;
pub use statement::{ANDROID_KEY, APPLE, FIDO_U2F, NONE, PACKED, Statement, TPM};
pub use verify::VerifyError;
