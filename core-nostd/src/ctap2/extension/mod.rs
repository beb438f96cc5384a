//! Extensions, by their place: what goes into makeCredential and getAssertion, and what comes
//! back in the authenticator data, or unsigned beside it. CTAP 2.3 §12.
//!
//! Inputs that a token does not know count as absent, so unknown ones are passed over. So are
//! outputs, and outputs of an unexpected type too.
//!
//! ```
//! use keysteward_core::cbor::encode;
//! use keysteward_core::ctap2::extension::{CredProtect, MakeCredentialInputs};
//!
//! let inputs = MakeCredentialInputs {
//!     cred_protect: Some(CredProtect::UserVerificationRequired),
//!     ..MakeCredentialInputs::default()
//! };
//! assert_eq!(encode(&inputs, &mut [0; 16])?, b"\xa1\x6bcredProtect\x03");
//! # Ok::<(), keysteward_core::cbor::BufferFull>(())
//! ```

mod cred_protect;
mod get_assertion;
mod hmac_secret;
mod large_blob;
mod make_credential;

#[cfg(test)]
mod tests;

pub use cred_protect::CredProtect;
pub use get_assertion::{GetAssertionInputs, GetAssertionOutputs, UnsignedGetAssertionOutputs};
pub use hmac_secret::HmacSecretInput;
pub use large_blob::{
    LargeBlobCreated, LargeBlobCreation, LargeBlobInput, LargeBlobOutput, LargeBlobSupport,
};
pub use make_credential::{
    MakeCredentialInputs, MakeCredentialOutputs, UnsignedMakeCredentialOutputs,
};

/// Extension identifiers, as getInfo lists them.
pub mod identifier {
    /// A few bytes stored with the credential.
    pub const CRED_BLOB: &str = "credBlob";
    /// Whether a credential is shown and used without user verification.
    pub const CRED_PROTECT: &str = "credProtect";
    /// Secrets derived from the credential.
    pub const HMAC_SECRET: &str = "hmac-secret";
    /// The same while the credential is made; since 2.2.
    pub const HMAC_SECRET_MC: &str = "hmac-secret-mc";
    /// A blob that the key keeps with the credential.
    pub const LARGE_BLOB: &str = "largeBlob";
    /// A key for the large-blob array.
    pub const LARGE_BLOB_KEY: &str = "largeBlobKey";
    /// Tells the minimum PIN length to listed relying parties.
    pub const MIN_PIN_LENGTH: &str = "minPinLength";
    /// Tells the PIN complexity policy to listed relying parties; since 2.2.
    pub const PIN_COMPLEXITY_POLICY: &str = "pinComplexityPolicy";
    /// The credential may be used in payments that a third party starts; since 2.2.
    pub const THIRD_PARTY_PAYMENT: &str = "thirdPartyPayment";
}
