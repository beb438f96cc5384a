//! Non-discoverable credentials. One is derived from the master secret, the RP ID and a nonce that
//! is its ID together with a MAC: nothing is stored, and a reset ends it.
//!
//! ```text
//!   01 ‖ algorithm ‖ credProtect ‖ thirdPartyPayment ‖ nonce (32) ‖ HMAC(master, "id" ‖ all before ‖ rpIdHash) (32)
//! ```

use super::{Algorithm, Protection, Usable};
use crate::authenticator::secret::Key;
use keysteward_core::crypto::{self, Crypto, PrivateKey, Secret};
use keysteward_core::ctap2::extension::CredProtect;
use subtle::ConstantTimeEq;

/// The ID of a derived credential.
pub type DerivedId = heapless::Vec<u8, DERIVED_ID_LEN>;

/// Makes a credential: its ID is all there is of it.
pub fn derive_new(
    crypto: &mut impl Crypto,
    master: &Key<32>,
    rp_id_hash: &[u8; 32],
    algorithm: Algorithm,
    protection: Protection,
    third_party_payment: bool,
) -> Result<DerivedId, crypto::Error> {
    let mut head = [0; HEAD_LEN];
    let (kind, nonce) = head.split_at_mut(KIND_LEN);
    kind.copy_from_slice(&[
        DERIVED_VERSION,
        algorithm.code(),
        CredProtect::from(protection).into(),
        third_party_payment.into(),
    ]);
    crypto.random(nonce)?;
    let mac = derive(crypto, master, b"id", &head, rp_id_hash);
    let id: DerivedId = head.into_iter().chain(mac.0).collect();
    // One digest in 2^32 is no P-256 scalar: then this is an error, and the next nonce is not.
    let usable = derive_again(crypto, master, rp_id_hash, &id).ok_or(crypto::Error)?;
    algorithm.public(crypto, &usable.key)?;
    Ok(id)
}

/// Finds a derived credential again. `None`: the ID is not of this key, of this RP, or of this
/// life.
pub fn derive_again<'a>(
    crypto: &mut impl Crypto,
    master: &Key<32>,
    rp_id_hash: &[u8; 32],
    id: &'a [u8],
) -> Option<Usable<'a>> {
    let (head, mac) = id.split_first_chunk::<HEAD_LEN>()?;
    let expected = derive(crypto, master, b"id", head, rp_id_hash);
    if !bool::from(expected.0.ct_eq(mac)) {
        return None;
    }
    let [_, algorithm, protection, third_party_payment, ..] = *head;
    let mut part = |label: &[u8]| derive(crypto, master, label, head, rp_id_hash).0;
    Some(Usable {
        id,
        algorithm: Algorithm::from_code(algorithm)?,
        protection: Protection::from_level(protection.into())?,
        key: PrivateKey::from_bytes(part(b"key")),
        random_with_uv: Key(part(b"hmac-secret uv")),
        random_without_uv: Key(part(b"hmac-secret")),
        third_party_payment: third_party_payment != 0,
        user: None,
        cred_blob: None,
        large_blob_key: None,
        large_blob: false,
    })
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

/// Bytes of an ID.
pub const DERIVED_ID_LEN: usize = HEAD_LEN + 32;

const HEAD_LEN: usize = KIND_LEN + 32;
const KIND_LEN: usize = 4;
const DERIVED_VERSION: u8 = 1;
