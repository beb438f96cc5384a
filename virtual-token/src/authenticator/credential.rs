//! Credentials: stored ones (discoverable), and ones that the credential ID carries itself.
//! CTAP 2.3 §6.1.2.
//!
//! A non-discoverable credential is derived from the master secret, the RP ID and a nonce that is
//! its ID together with a MAC: nothing is stored, and a reset ends it.
//!
//! ```text
//!   01 ‖ algorithm ‖ credProtect ‖ nonce (32) ‖ HMAC(master, "id" ‖ all before ‖ rpIdHash) (32)
//! ```

use super::state::{Key, random};
use keysteward_core::crypto::{self, Crypto, PrivateKey, Secret};
use keysteward_core::ctap2::PublicKeyCredentialUserEntity;
use keysteward_core::ctap2::extension::CredProtect;
use keysteward_core::webauthn::cose;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// A discoverable credential.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct ResidentCredential {
    pub id: [u8; RESIDENT_ID_LEN],
    pub rp_id: String,
    pub rp_name: Option<String>,
    pub user: User,
    pub algorithm: Algorithm,
    pub protection: Protection,
    pub key: Key<32>,
    /// CredRandom of hmac-secret: with user verification and without. Made for every credential.
    pub random_with_uv: Key<32>,
    pub random_without_uv: Key<32>,
}

/// Whose credential it is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: Vec<u8>,
    pub name: Option<String>,
    pub display_name: Option<String>,
}

/// Signature algorithms, preferred first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Algorithm {
    Es256,
    EdDsa,
}

/// credProtect. CTAP 2.3 §12.1.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub enum Protection {
    #[default]
    UvOptional,
    UvOptionalWithAllowList,
    UvRequired,
}

/// What a signature needs of a credential, wherever it came from.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Usable {
    pub id: Vec<u8>,
    pub algorithm: Algorithm,
    pub protection: Protection,
    pub key: PrivateKey,
    pub random_with_uv: Key<32>,
    pub random_without_uv: Key<32>,
    /// Of a discoverable credential.
    pub user: Option<User>,
}

/// Public half of a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublicKey {
    Es256(crypto::PublicPoint),
    EdDsa([u8; 32]),
}

impl User {
    /// Empty names count as none.
    pub fn new(entity: &PublicKeyCredentialUserEntity<'_>) -> Self {
        let name = |name: Option<&str>| name.filter(|name| !name.is_empty()).map(Into::into);
        Self {
            id: entity.id.to_vec(),
            name: name(entity.name),
            display_name: name(entity.display_name),
        }
    }

    pub fn entity(&self) -> PublicKeyCredentialUserEntity<'_> {
        PublicKeyCredentialUserEntity {
            id: &self.id,
            name: self.name.as_deref(),
            display_name: self.display_name.as_deref(),
        }
    }
}

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
    ) -> Result<Vec<u8>, crypto::Error> {
        Ok(match self {
            Self::Es256 => crypto.es256_sign(key, parts)?.to_vec(),
            Self::EdDsa => crypto.ed25519_sign(key, parts)?.to_vec(),
        })
    }

    fn code(self) -> u8 {
        match self {
            Self::Es256 => 1,
            Self::EdDsa => 2,
        }
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

impl ResidentCredential {
    /// Whether both are for the same user at the same RP: a key keeps one of them.
    pub fn same_account(&self, other: &Self) -> bool {
        self.rp_id == other.rp_id && self.user.id == other.user.id
    }

    pub fn usable(&self) -> Usable {
        Usable {
            id: self.id.to_vec(),
            algorithm: self.algorithm,
            protection: self.protection,
            key: self.key.private(),
            random_with_uv: self.random_with_uv.clone(),
            random_without_uv: self.random_without_uv.clone(),
            user: Some(self.user.clone()),
        }
    }
}

impl Usable {
    /// Makes a credential that its ID carries.
    pub fn derive_new(
        crypto: &mut impl Crypto,
        master: &Key<32>,
        rp_id_hash: &[u8; 32],
        algorithm: Algorithm,
        protection: Protection,
    ) -> Result<Self, crypto::Error> {
        let mut head = [0; HEAD_LEN];
        head[..3].copy_from_slice(&[
            DERIVED_VERSION,
            algorithm.code(),
            CredProtect::from(protection).into(),
        ]);
        head[3..].copy_from_slice(&random::<32>(crypto)?);
        Self::derive(crypto, master, rp_id_hash, &head, algorithm, protection)
    }

    /// Finds a derived credential again. `None`: the ID is not of this key, of this RP, or of this
    /// life.
    pub fn derive_again(
        crypto: &mut impl Crypto,
        master: &Key<32>,
        rp_id_hash: &[u8; 32],
        id: &[u8],
    ) -> Option<Self> {
        let (head, mac) = id.split_first_chunk::<HEAD_LEN>()?;
        let expected = derive(crypto, master, b"id", head, rp_id_hash);
        if !bool::from(expected.0.ct_eq(mac)) {
            return None;
        }
        let algorithm = Algorithm::ALL.into_iter().find(|a| a.code() == head[1])?;
        let protection = Protection::from_level(head[2].into())?;
        Self::derive(crypto, master, rp_id_hash, head, algorithm, protection).ok()
    }

    fn derive(
        crypto: &mut impl Crypto,
        master: &Key<32>,
        rp_id_hash: &[u8; 32],
        head: &[u8; HEAD_LEN],
        algorithm: Algorithm,
        protection: Protection,
    ) -> Result<Self, crypto::Error> {
        let mut part = |label: &[u8]| derive(crypto, master, label, head, rp_id_hash).0;
        let mac = part(b"id");
        let usable = Self {
            id: [head.as_slice(), &mac].concat(),
            algorithm,
            protection,
            key: PrivateKey::from_bytes(part(b"key")),
            random_with_uv: Key(part(b"hmac-secret uv")),
            random_without_uv: Key(part(b"hmac-secret")),
            user: None,
        };
        // One digest in 2^32 is no P-256 scalar: then this is an error, and the next nonce is not.
        algorithm.public(crypto, &usable.key)?;
        Ok(usable)
    }

    pub fn sign(
        &self,
        crypto: &mut impl Crypto,
        parts: &[&[u8]],
    ) -> Result<Vec<u8>, crypto::Error> {
        self.algorithm.sign(crypto, &self.key, parts)
    }
}

fn derive(
    crypto: &mut impl Crypto,
    master: &Key<32>,
    label: &[u8],
    head: &[u8; HEAD_LEN],
    rp_id_hash: &[u8; 32],
) -> Secret<32> {
    crypto.hmac_sha256(&master.0, &[label, &[0], head, rp_id_hash])
}

/// Discoverable credentials have random IDs.
pub const RESIDENT_ID_LEN: usize = 32;
/// Derived ones are the longest.
pub const MAX_ID_LEN: usize = HEAD_LEN + 32;

const HEAD_LEN: usize = 3 + 32;
const DERIVED_VERSION: u8 = 1;
