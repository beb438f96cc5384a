//! What a TPM says in a `tpm` statement. WebAuthn Level 3 §8.3; TPM 2.0 Library, Part 2.
//!
//! Two structures: [`PublicArea`] is the credential's key as the TPM holds it, [`CertInfo`] what
//! the TPM signed about it. [`check`] ties them to each other, to the credential and to the
//! ceremony. The signature over certInfo and the certificate of the TPM are left: they are mostly
//! RSA, and X.509 always, so they are for the host.
//!
//! ```
//! use keysteward_core::webauthn::attestation::tpm::{HashAlgorithm, PublicArea, TpmError};
//! use keysteward_core::webauthn::cose::PublicKey;
//!
//! // TPM_ALG_ECC, named by SHA-256, may sign; no policy, cipher, scheme; P-256, no KDF.
//! let mut area = [0; 90];
//! area[..20].copy_from_slice(b"\0\x23\0\x0b\0\x04\0\0\0\0\0\x10\0\x10\0\x03\0\x10\0\x20");
//! area[20..52].fill(1);
//! area[52..54].copy_from_slice(b"\0\x20");
//! area[54..86].fill(2);
//! let parsed = PublicArea::parse(&area[..86])?;
//! assert_eq!(parsed.name_algorithm, HashAlgorithm::Sha256);
//! assert!(parsed.key.is(&PublicKey::Es256 { x: &[1; 32], y: &[2; 32] }));
//! assert_eq!(
//!     PublicArea::parse(&area),
//!     Err(TpmError::TrailingBytes { structure: "pubArea" })
//! );
//! # Ok::<(), TpmError>(())
//! ```

mod cert_info;
mod public_area;
mod structure;

#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use cert_info::{CertInfo, ClockInfo, Name};
pub use public_area::{PublicArea, TpmKey};

use core::fmt;

use crate::webauthn::cose::{Algorithm, PublicKey};

/// The only version of a statement there is.
pub const VERSION: &str = "2.0";

/// Bytes of the longest digest.
pub const MAX_DIGEST: usize = 64;

/// A digest of one of the [`HashAlgorithm`]s.
pub type Digest = heapless::Vec<u8, MAX_DIGEST>;

/// TPM_ALG_ID of a hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HashAlgorithm {
    /// 0x0004
    Sha1,
    /// 0x000B
    Sha256,
    /// 0x000C
    Sha384,
    /// 0x000D
    Sha512,
    /// Another, or an algorithm that is no hash.
    Other(u16),
}

impl HashAlgorithm {
    /// The hash that a signature algorithm of a TPM implies.
    pub const fn of(algorithm: Algorithm) -> Option<Self> {
        Some(match algorithm {
            Algorithm::Rs1 => Self::Sha1,
            Algorithm::Es256 | Algorithm::Esp256 | Algorithm::Rs256 => Self::Sha256,
            Algorithm::Es384 | Algorithm::Esp384 => Self::Sha384,
            Algorithm::Es512 | Algorithm::Esp512 => Self::Sha512,
            _ => return None,
        })
    }
}

impl From<u16> for HashAlgorithm {
    fn from(id: u16) -> Self {
        match id {
            0x0004 => Self::Sha1,
            0x000b => Self::Sha256,
            0x000c => Self::Sha384,
            0x000d => Self::Sha512,
            other => Self::Other(other),
        }
    }
}

impl From<HashAlgorithm> for u16 {
    fn from(algorithm: HashAlgorithm) -> Self {
        match algorithm {
            HashAlgorithm::Sha1 => 0x0004,
            HashAlgorithm::Sha256 => 0x000b,
            HashAlgorithm::Sha384 => 0x000c,
            HashAlgorithm::Sha512 => 0x000d,
            HashAlgorithm::Other(id) => id,
        }
    }
}

/// Proof that a TPM's words are about this credential and this ceremony, if it was a TPM that
/// signed them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "what believes a TPM takes this"]
pub struct KeyCertified(());

/// Checks all of a `tpm` statement but its signature and certificates: that the TPM made what it
/// signed (TPM_GENERATED_VALUE) to certify a key, over `auth_data` and `client_data_hash`; that
/// this key is the one in `pub_area`; and that it is the credential's.
///
/// `hash` computes a digest over concatenated parts; `None` for a hash that it does not have.
pub fn check(
    cert_info: &CertInfo<'_>,
    pub_area: &PublicArea<'_>,
    alg: Algorithm,
    credential_key: &PublicKey<'_>,
    signed: [&[u8]; 2],
    hash: &mut dyn FnMut(HashAlgorithm, &[&[u8]]) -> Option<Digest>,
) -> Result<KeyCertified, TpmError> {
    let of_signature = HashAlgorithm::of(alg).ok_or(TpmError::UnknownHashOf(alg))?;
    let mut digest = |algorithm, parts: &[&[u8]]| {
        hash(algorithm, parts).ok_or(TpmError::UnsupportedHash(algorithm))
    };
    if !pub_area.key.is(credential_key) {
        return Err(TpmError::OtherKey);
    }
    if cert_info.name.algorithm != pub_area.name_algorithm
        || cert_info.name.digest != digest(pub_area.name_algorithm, &[pub_area.bytes])?
    {
        return Err(TpmError::OtherName);
    }
    if cert_info.extra_data != digest(of_signature, &signed)? {
        return Err(TpmError::OtherCeremony);
    }
    Ok(KeyCertified(()))
}

/// Why a TPM's words prove nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TpmError {
    /// A structure ends before this member does.
    EndOfInput {
        /// Its name in the TPM specification.
        member: &'static str,
    },
    /// Bytes follow a structure.
    TrailingBytes {
        /// Its name in the TPM specification.
        structure: &'static str,
    },
    /// certInfo does not begin with TPM_GENERATED_VALUE: no TPM made it.
    NotGeneratedByTpm {
        /// What it begins with.
        magic: u32,
    },
    /// certInfo is of another type than TPM_ST_ATTEST_CERTIFY.
    NotCertify {
        /// TPMI_ST_ATTEST
        kind: u16,
    },
    /// The key in pubArea is neither RSA nor ECC.
    UnknownKeyType {
        /// TPMI_ALG_PUBLIC
        kind: u16,
    },
    /// Whoever checks does not have this hash.
    UnsupportedHash(HashAlgorithm),
    /// No hash goes with this signature algorithm.
    UnknownHashOf(Algorithm),
    /// The key in pubArea is not the credential's.
    OtherKey,
    /// extraData is not the hash of this authenticator data and client data.
    OtherCeremony,
    /// The TPM certified another key than the one in pubArea.
    OtherName,
}

impl fmt::Display for TpmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfInput { member } => {
                write!(f, "the bytes of the TPM end inside {member}")
            }
            Self::TrailingBytes { structure } => write!(f, "bytes follow the {structure}"),
            Self::NotGeneratedByTpm { magic } => write!(
                f,
                "certInfo begins with {magic:#010x}, so it was not made by a TPM"
            ),
            Self::NotCertify { kind } => write!(
                f,
                "certInfo is of type {kind:#06x}, which does not certify a key"
            ),
            Self::UnknownKeyType { kind } => {
                write!(
                    f,
                    "the key in pubArea is of type {kind:#06x}, not RSA or ECC"
                )
            }
            Self::UnsupportedHash(algorithm) => write!(
                f,
                "the TPM used the hash {:#06x}, which is not computed here",
                u16::from(*algorithm)
            ),
            Self::UnknownHashOf(algorithm) => write!(
                f,
                "no hash goes with COSE algorithm {} in a tpm attestation",
                i64::from(*algorithm)
            ),
            Self::OtherKey => f.write_str("the key in pubArea is not the credential's"),
            Self::OtherCeremony => {
                f.write_str("the TPM signed for other authenticator data or client data")
            }
            Self::OtherName => f.write_str("the TPM certified another key than the one in pubArea"),
        }
    }
}

impl core::error::Error for TpmError {}
