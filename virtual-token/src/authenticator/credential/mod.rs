//! Credentials: [`stored`] ones (discoverable), and [`derived`] ones, which the credential ID
//! carries itself. CTAP 2.3 §6.1.2.

pub mod derived;
pub(super) mod search;
pub mod stored;

use super::secret::Key;
use keysteward_core::crypto::{self, Crypto, PrivateKey};
use keysteward_core::ctap2::PublicKeyCredentialUserEntity;
use keysteward_core::ctap2::extension::CredProtect;
use keysteward_core::webauthn::cose;

/// What a signature needs of a credential, wherever it came from.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Usable<'a> {
    pub id: &'a [u8],
    pub algorithm: Algorithm,
    pub protection: Protection,
    pub key: PrivateKey,
    /// CredRandom of hmac-secret: with user verification and without. Made for every credential.
    pub random_with_uv: Key<32>,
    pub random_without_uv: Key<32>,
    /// Payments that a third party starts are allowed.
    pub third_party_payment: bool,
    /// Of a discoverable credential.
    pub user: Option<PublicKeyCredentialUserEntity<'a>>,
    /// Of a discoverable credential.
    pub cred_blob: Option<&'a [u8]>,
    /// Of a discoverable credential.
    pub large_blob_key: Option<&'a [u8; 32]>,
    /// The key may keep a large blob with it; of a discoverable credential.
    pub large_blob: bool,
}

/// Signature algorithms, preferred first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    Es256,
    EdDsa,
}

/// credProtect. CTAP 2.3 §12.1.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Protection {
    #[default]
    UvOptional,
    UvOptionalWithAllowList,
    UvRequired,
}

/// Public half of a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublicKey {
    Es256(crypto::PublicPoint),
    EdDsa([u8; 32]),
}

/// A signature of any of the algorithms.
pub type Signature = heapless::Vec<u8, { crypto::MAX_DER_SIGNATURE }>;

impl PublicKey {
    pub fn cose(&self) -> cose::PublicKey<'_> {
        match self {
            Self::Es256(point) => cose::PublicKey::Es256 {
                x: &point.x,
                y: &point.y,
            },
            Self::EdDsa(x) => cose::PublicKey::Ed25519 { x },
        }
    }
}

impl From<Algorithm> for cose::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::Es256,
            Algorithm::EdDsa => Self::EdDsa,
        }
    }
}

impl Algorithm {
    pub const ALL: [Self; 2] = [Self::Es256, Self::EdDsa];

    /// `None`: not one of this key's.
    pub fn from_cose(algorithm: cose::Algorithm) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|&known| cose::Algorithm::from(known) == algorithm)
    }

    pub fn generate(self, crypto: &mut impl Crypto) -> Result<PrivateKey, crypto::Error> {
        match self {
            Self::Es256 => crypto.p256_generate(),
            Self::EdDsa => crypto.ed25519_generate(),
        }
    }

    pub fn public(
        self,
        crypto: &mut impl Crypto,
        key: &PrivateKey,
    ) -> Result<PublicKey, crypto::Error> {
        Ok(match self {
            Self::Es256 => PublicKey::Es256(crypto.p256_public(key)?),
            Self::EdDsa => PublicKey::EdDsa(crypto.ed25519_public(key)?),
        })
    }

    pub fn sign(
        self,
        crypto: &mut impl Crypto,
        key: &PrivateKey,
        parts: &[&[u8]],
    ) -> Result<Signature, crypto::Error> {
        match self {
            Self::Es256 => crypto.es256_sign(key, parts),
            Self::EdDsa => {
                let signature = crypto.ed25519_sign(key, parts)?;
                Signature::from_slice(&signature).map_err(|_| crypto::Error)
            }
        }
    }

    /// In records and in credential IDs.
    const fn code(self) -> u8 {
        match self {
            Self::Es256 => 1,
            Self::EdDsa => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

impl Protection {
    pub const ALL: [Self; 3] = [
        Self::UvOptional,
        Self::UvOptionalWithAllowList,
        Self::UvRequired,
    ];

    /// `None`: not one that this key knows.
    pub fn from_level(level: CredProtect) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|&protection| CredProtect::from(protection) == level)
    }

    /// Whether a credential may be seen by a request.
    pub fn permits(self, user_verified: bool, named_in_allow_list: bool) -> bool {
        match self {
            Self::UvOptional => true,
            Self::UvOptionalWithAllowList => user_verified || named_in_allow_list,
            Self::UvRequired => user_verified,
        }
    }
}

impl From<Protection> for CredProtect {
    fn from(protection: Protection) -> Self {
        match protection {
            Protection::UvOptional => Self::UserVerificationOptional,
            Protection::UvOptionalWithAllowList => {
                Self::UserVerificationOptionalWithCredentialIdList
            }
            Protection::UvRequired => Self::UserVerificationRequired,
        }
    }
}
