//! Signatures by COSE keys. WebAuthn Level 3 §6.5.5.

use core::fmt;

use super::{Algorithm, PublicKey};
use crate::crypto::{Crypto, PublicPoint, SignatureVerified};

impl PublicKey<'_> {
    /// Checks a signature over the concatenated parts. For an assertion these are the
    /// authenticator data and the hash of the client data.
    pub fn verify<C: Crypto>(
        &self,
        crypto: &C,
        parts: &[&[u8]],
        signature: &[u8],
    ) -> Result<SignatureVerified, VerifyError> {
        let verified = match self {
            Self::Es256 { x, y } => {
                let key = PublicPoint { x: **x, y: **y };
                crypto.es256_verify(&key, parts, signature)
            }
            Self::Ed25519 { x } => crypto.ed25519_verify(x, parts, signature),
            Self::Ec2(key) => match (key.algorithm(), key.x().try_into(), key.y().try_into()) {
                (Algorithm::Esp256, Ok(x), Ok(y)) => {
                    crypto.es256_verify(&PublicPoint { x, y }, parts, signature)
                }
                (algorithm, ..) => return Err(VerifyError::UnsupportedAlgorithm(algorithm)),
            },
            Self::Okp(key) => match (key.algorithm(), key.x().try_into()) {
                (Algorithm::Ed25519, Ok(x)) => crypto.ed25519_verify(x, parts, signature),
                (algorithm, _) => return Err(VerifyError::UnsupportedAlgorithm(algorithm)),
            },
            Self::Rsa(_) | Self::MlDsa(_) | Self::Other { .. } => {
                return Err(VerifyError::UnsupportedAlgorithm(self.algorithm()));
            }
        };
        verified.map_err(|_| VerifyError::WrongSignature)
    }
}

/// Why a signature is not proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The core verifies ECDSA on P-256 with SHA-256, and Ed25519; others are for the host.
    UnsupportedAlgorithm(Algorithm),
    /// The signature is not this key's over these bytes, or the key is no point of its curve.
    WrongSignature,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedAlgorithm(algorithm) => write!(
                f,
                "signatures of COSE algorithm {} are not verified here",
                i64::from(*algorithm)
            ),
            Self::WrongSignature => f.write_str("the signature does not fit the key and the data"),
        }
    }
}

impl core::error::Error for VerifyError {}
