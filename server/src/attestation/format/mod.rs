//! Attestation statement formats, a file each. WebAuthn Level 3 §8.
//!
//! | format | file | believed |
//! |---|---|---|
//! | `packed`, with certificates, by itself, for enterprises | `packed` | yes |
//! | `packed` with ECDAA | | no: withdrawn in Level 2 |
//! | `tpm` | `tpm` | yes |
//! | `android-key` | `android_key` | where the key is held by hardware |
//! | `android-safetynet` | | no: its service was switched off |
//! | `fido-u2f` | `fido_u2f` | yes |
//! | `none` | here | where the token type says so |
//! | `apple` | `apple` | yes |
//! | `compound` | `compound` | where each of its statements is |

mod android_key;
mod apple;
mod compound;
mod fido_u2f;
mod packed;
mod tpm;

pub use android_key::AndroidKeyFault;
pub use apple::AppleFault;
pub use tpm::TpmFault;

use super::{
    Refusal,
    certificate::Chain,
    key::{Key, Scheme, Verified},
};
use keysteward_core::{
    cbor::Raw,
    webauthn::{
        attestation::{ANDROID_KEY, APPLE, FIDO_U2F, NONE, PACKED, TPM},
        authenticator_data::{AttestedCredential, AuthenticatorData},
        cose::Algorithm,
    },
};

/// What an attestation is about.
pub(super) struct Signed<'a> {
    pub(super) auth_data: &'a [u8],
    pub(super) client_data_hash: &'a [u8; 32],
    pub(super) data: &'a AuthenticatorData<'a>,
    pub(super) credential: &'a AttestedCredential<'a>,
    /// None: of an algorithm that is not read here.
    pub(super) credential_key: Option<&'a Key>,
}

impl Signed<'_> {
    /// Authenticator data, then the hash of the client data.
    fn message(&self) -> Vec<u8> {
        [self.auth_data, self.client_data_hash].concat()
    }

    /// That the certificate is for the credential's key itself.
    fn is_of_credential(&self, key: &Key) -> bool {
        self.credential_key == Some(key)
    }
}

/// What a statement of good form and signature says. Whether that is enough is
/// for the trust to say.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a check holds one")]
pub(super) enum Evidence<'a> {
    Nothing,
    /// By the credential's own key.
    Itself(Verified),
    /// By a key that this chain certifies.
    Certified {
        chain: Chain<'a>,
        /// Which of the metadata's attestation types it may be.
        types: &'static [&'static str],
        /// Of the one device, where it was asked for.
        serial: Option<Vec<u8>>,
    },
}

impl<'a> Evidence<'a> {
    pub(super) const fn chain(&self) -> Option<&Chain<'a>> {
        match self {
            Self::Certified { chain, .. } => Some(chain),
            Self::Nothing | Self::Itself(_) => None,
        }
    }

    pub(super) fn serial(&self) -> Option<&[u8]> {
        match self {
            Self::Certified { serial, .. } => serial.as_deref(),
            Self::Nothing | Self::Itself(_) => None,
        }
    }

    /// As the metadata call it. FIDO Registry of Predefined Values 2.2 §3.6.3.
    pub(super) const fn types(&self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &["none"],
            Self::Itself(_) => &["basic_surrogate"],
            Self::Certified { types, .. } => types,
        }
    }
}

/// Reads the statement and checks what it says; several of them where it is compound.
pub(super) fn evidence<'a>(
    fmt: &str,
    att_stmt: Raw<'a>,
    signed: &Signed<'_>,
) -> Result<Vec<Evidence<'a>>, Refusal> {
    match fmt {
        compound::COMPOUND => compound::evidence(att_stmt, signed),
        _ => one(fmt, att_stmt, signed).map(|evidence| vec![evidence]),
    }
}

fn one<'a>(fmt: &str, att_stmt: Raw<'a>, signed: &Signed<'_>) -> Result<Evidence<'a>, Refusal> {
    match fmt {
        NONE if att_stmt.bytes() != EMPTY_MAP => Err(Refusal::NoneWithStatement),
        NONE => Ok(Evidence::Nothing),
        PACKED => packed::evidence(att_stmt, signed),
        FIDO_U2F => fido_u2f::evidence(att_stmt, signed),
        TPM => tpm::evidence(att_stmt, signed),
        ANDROID_KEY => android_key::evidence(att_stmt, signed),
        APPLE => apple::evidence(att_stmt, signed),
        "android-safetynet" => Err(Refusal::Withdrawn {
            what: "attestation format android-safetynet",
        }),
        other => Err(Refusal::UnsupportedFormat(other.to_owned())),
    }
}

/// SHA-1 is believed from TPMs alone; see `tpm`.
fn verify(
    key: &Key,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<Verified, Refusal> {
    let scheme =
        Scheme::of_cose(algorithm).filter(|_| algorithm != Algorithm::Rs1 && key.signs(algorithm));
    let Some((scheme, _)) = scheme else {
        return Err(Refusal::SignatureAlgorithm {
            algorithm: algorithm.into(),
            key: key.to_string(),
        });
    };
    key.verify(scheme, message, signature)
        .map_err(|_| Refusal::WrongSignature)
}

const EMPTY_MAP: &[u8] = &[0xA0];
const MAKER: &[&str] = &["basic_full", "attca"];
