//! Algorithm identifiers of the COSE registry.

use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// A COSE algorithm.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// -7: ECDSA with SHA-256, as WebAuthn uses it: on P-256
    Es256,
    /// -8: EdDSA, as WebAuthn uses it: Ed25519
    EdDsa,
    /// -9: ECDSA with SHA-256 on P-256
    Esp256,
    /// -19: Ed25519
    Ed25519,
    /// -25: the label of key agreement keys in PIN/UV auth protocols
    EcdhEsHkdf256,
    /// -35: ECDSA with SHA-384, as WebAuthn uses it: on P-384
    Es384,
    /// -36: ECDSA with SHA-512, as WebAuthn uses it: on P-521
    Es512,
    /// -48: ML-DSA-44
    MlDsa44,
    /// -49: ML-DSA-65
    MlDsa65,
    /// -50: ML-DSA-87
    MlDsa87,
    /// -51: ECDSA with SHA-384 on P-384
    Esp384,
    /// -52: ECDSA with SHA-512 on P-521
    Esp512,
    /// -53: Ed448
    Ed448,
    /// -257: RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
    /// -65535: RSASSA-PKCS1-v1_5 with SHA-1, of old TPMs
    Rs1,
    /// One that this code has no name for.
    Other(i64),
}

impl Algorithm {
    /// The same signatures under the identifier that names the curve too (RFC 9864), as WebAuthn
    /// uses them: ES256 is ESP256, EdDSA is Ed25519.
    #[must_use]
    pub const fn fully_specified(self) -> Self {
        match self {
            Self::Es256 => Self::Esp256,
            Self::EdDsa => Self::Ed25519,
            Self::Es384 => Self::Esp384,
            Self::Es512 => Self::Esp512,
            other => other,
        }
    }
}

impl From<i64> for Algorithm {
    fn from(identifier: i64) -> Self {
        // All that have names fit, and a microcontroller compares them at once.
        match i32::try_from(identifier).unwrap_or_default() {
            -7 => Self::Es256,
            -8 => Self::EdDsa,
            -9 => Self::Esp256,
            -19 => Self::Ed25519,
            -25 => Self::EcdhEsHkdf256,
            -35 => Self::Es384,
            -36 => Self::Es512,
            -48 => Self::MlDsa44,
            -49 => Self::MlDsa65,
            -50 => Self::MlDsa87,
            -51 => Self::Esp384,
            -52 => Self::Esp512,
            -53 => Self::Ed448,
            -257 => Self::Rs256,
            -65535 => Self::Rs1,
            _ => Self::Other(identifier),
        }
    }
}

impl From<Algorithm> for i64 {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => -7,
            Algorithm::EdDsa => -8,
            Algorithm::Esp256 => -9,
            Algorithm::Ed25519 => -19,
            Algorithm::EcdhEsHkdf256 => -25,
            Algorithm::Es384 => -35,
            Algorithm::Es512 => -36,
            Algorithm::MlDsa44 => -48,
            Algorithm::MlDsa65 => -49,
            Algorithm::MlDsa87 => -50,
            Algorithm::Esp384 => -51,
            Algorithm::Esp512 => -52,
            Algorithm::Ed448 => -53,
            Algorithm::Rs256 => -257,
            Algorithm::Rs1 => -65535,
            Algorithm::Other(identifier) => identifier,
        }
    }
}

impl Encode for Algorithm {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.integer((*self).into())
    }
}

impl<'b> Parse<'b> for Algorithm {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.integer().map(Self::from)
    }
}
