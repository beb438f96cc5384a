//! COSE keys and algorithms. RFC 9052 §7, RFC 9053, and the COSE registry of IANA.
//!
//! ```
//! use keysteward_core::cbor::{Parse, encode};
//! use keysteward_core::webauthn::cose::{Algorithm, PublicKey};
//!
//! let key = PublicKey::Es256 { x: &[1; 32], y: &[2; 32] };
//! let mut buffer = [0; 80];
//! let bytes = encode(&key, &mut buffer)?;
//! assert_eq!(bytes.len(), 77);
//! assert_eq!(PublicKey::parse(bytes)?, key);
//! assert_eq!(key.algorithm(), Algorithm::Es256);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod key;
mod key_agreement;
mod members;
mod shapes;
mod verify;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use key::PublicKey;
pub use key_agreement::KeyAgreementKey;
pub use shapes::{Curve, Ec2Key, MlDsaKey, OkpKey, RsaKey};
pub use verify::VerifyError;
