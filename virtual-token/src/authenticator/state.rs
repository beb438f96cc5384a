//! What survives power loss: what the factory burned in, and what the owner made since the last
//! reset. Stored in postcard behind a version byte.

use super::credential::ResidentCredential;
use keysteward_core::crypto::{self, Crypto, PrivateKey};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Everything that is stored.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct State {
    pub factory: Factory,
    pub owner: Owner,
}

/// Burned in: a reset leaves it. CTAP 2.3 §6.6.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Factory {
    pub aaguid: [u8; 16],
    pub firmware_version: u32,
    /// Shown by enterprise attestation only; without one there is no enterprise attestation.
    pub serial: Option<String>,
    pub attestation: AttestationKey,
    pub enterprise: Option<EnterpriseAttestation>,
    /// The root of both certificates, in DER.
    pub root: Vec<u8>,
}

/// A key of the factory's and its certificate in DER.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct AttestationKey {
    pub key: Key<32>,
    pub certificate: Vec<u8>,
}

/// Attestation that names the device. CTAP 2.3 §7.1.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct EnterpriseAttestation {
    pub attestation: AttestationKey,
    /// RP IDs that get it when they ask for the vendor-facilitated kind.
    pub rp_ids: Vec<String>,
}

/// Made by the owner: a reset replaces it.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Owner {
    /// Non-discoverable credentials are derived from it, so that a reset ends them too.
    pub master: Key<32>,
    pub pin: Option<StoredPin>,
    pub pin_retries: u8,
    pub min_pin_length: u8,
    /// RP IDs that the extension minPinLength answers.
    pub min_pin_length_rp_ids: Vec<String>,
    pub force_pin_change: bool,
    pub enterprise_attestation: bool,
    pub always_uv: bool,
    /// Plaintext of encIdentifier: changes at a reset only.
    pub device_identifier: [u8; 16],
    /// Plaintext of encCredStoreState: changes with every discoverable credential too.
    pub store_state: [u8; 16],
    /// The pcmr token.
    pub persistent_token: Key<32>,
    pub signature_counter: u32,
    /// Oldest first.
    pub credentials: Vec<ResidentCredential>,
}

/// What is kept of a PIN.
#[derive(Clone, Serialize, Deserialize)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct StoredPin {
    /// The first half of its SHA-256.
    pub hash: Key<16>,
    pub code_points: u8,
}

/// Bytes of a secret in storage.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Key<const N: usize>(pub [u8; N]);

/// Why a blob is no state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the storage is empty")]
    Empty,
    #[error("the storage was written by a later version ({0}) of this program")]
    Version(u8),
    #[error("the storage is damaged")]
    Damaged(#[source] postcard::Error),
}

impl State {
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, postcard::Error> {
        // Sized first: growing would leave copies of secrets behind.
        let size = postcard::experimental::serialized_size(self)?;
        let mut blob = Zeroizing::new(vec![0; size + 1]);
        blob[0] = VERSION;
        postcard::to_slice(self, &mut blob[1..])?;
        Ok(blob)
    }

    pub fn decode(blob: &[u8]) -> Result<Self, Error> {
        match blob.split_first() {
            None => Err(Error::Empty),
            Some((&VERSION, body)) => postcard::from_bytes(body).map_err(Error::Damaged),
            Some((&version, _)) => Err(Error::Version(version)),
        }
    }
}

impl Owner {
    /// As after a reset.
    pub fn fresh(crypto: &mut impl Crypto) -> Result<Self, crypto::Error> {
        Ok(Self {
            master: Key::random(crypto)?,
            pin: None,
            pin_retries: PIN_RETRIES,
            min_pin_length: MIN_PIN_LENGTH,
            min_pin_length_rp_ids: Vec::new(),
            force_pin_change: false,
            enterprise_attestation: false,
            always_uv: false,
            device_identifier: random(crypto)?,
            store_state: random(crypto)?,
            persistent_token: Key::random(crypto)?,
            signature_counter: 0,
            credentials: Vec::new(),
        })
    }
}

impl<const N: usize> Key<N> {
    pub fn random(crypto: &mut impl Crypto) -> Result<Self, crypto::Error> {
        random(crypto).map(Self)
    }
}

impl Key<32> {
    pub fn private(&self) -> PrivateKey {
        PrivateKey::from_bytes(self.0)
    }
}

impl From<&PrivateKey> for Key<32> {
    fn from(key: &PrivateKey) -> Self {
        Self(*key.as_bytes())
    }
}

impl<const N: usize> Serialize for Key<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Key<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| serde::de::Error::invalid_length(bytes.len(), &"a key"))
    }
}

pub(super) fn random<const N: usize>(crypto: &mut impl Crypto) -> Result<[u8; N], crypto::Error> {
    let mut bytes = [0; N];
    crypto.random(&mut bytes)?;
    Ok(bytes)
}

/// CTAP 2.3 §6.5.2: at most 8.
pub const PIN_RETRIES: u8 = 8;
/// Code points. CTAP 2.3 §6.4: at least 4.
pub const MIN_PIN_LENGTH: u8 = 4;
/// Code points; bytes are limited to the same number. CTAP 2.3 §6.5.1.
pub const MAX_PIN_LENGTH: u8 = 63;
/// RP IDs that setMinPINLength takes.
pub const MAX_MIN_PIN_LENGTH_RP_IDS: usize = 8;
/// Discoverable credentials.
pub const MAX_RESIDENT_CREDENTIALS: usize = 100;

const VERSION: u8 = 1;
