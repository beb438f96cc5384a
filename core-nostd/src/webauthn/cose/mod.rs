//! COSE keys and algorithms. RFC 9052 §7, RFC 9053, and the COSE registry of IANA.

mod algorithm;
mod key;
mod verify;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use key::{KeyAgreementKey, PublicKey};
pub use verify::VerifyError;
