//! Authenticator data and COSE keys. WebAuthn Level 3 §6.1 and §6.5.1.1.

use super::Wrong;
use ciborium::Value;
use p256::{EncodedPoint, ecdsa::VerifyingKey};
use sha2::{Digest, Sha256};

pub(in crate::sta_stand_in) type CredentialKey = VerifyingKey;

#[derive(Debug)]
pub(super) struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) credential: Option<AttestedCredential>,
}

#[derive(Debug)]
pub(super) struct AttestedCredential {
    pub(super) aaguid: [u8; 16],
    pub(super) id: Vec<u8>,
    pub(super) key: CredentialKey,
}

impl AuthenticatorData {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Wrong> {
        let mut rest = bytes;
        let rp_id_hash = take(&mut rest)?;
        let [flags] = take(&mut rest)?;
        let sign_count = u32::from_be_bytes(take(&mut rest)?);
        let mut data = Self {
            rp_id_hash,
            flags,
            sign_count,
            credential: None,
        };
        if data.has(ATTESTED) {
            data.credential = Some(attested(&mut rest)?);
        }
        if data.has(EXTENSIONS) && !cbor(&mut rest)?.is_map() {
            return Err(Wrong::new("the extensions are not a map"));
        }
        if !rest.is_empty() {
            return Err(Wrong::new("bytes follow the authenticator data"));
        }
        Ok(data)
    }

    /// For this relying party, by a user who was there and proved to be it.
    pub(super) fn check(&self, rp_id: &str) -> Result<(), Wrong> {
        if self.rp_id_hash != <[u8; 32]>::from(Sha256::digest(rp_id)) {
            return Err(Wrong::new(format!(
                "the authenticator data are not for {rp_id}"
            )));
        }
        if !self.has(USER_PRESENT) {
            return Err(Wrong::new("the user was not present"));
        }
        if !self.has(USER_VERIFIED) {
            return Err(Wrong::new("the user was not verified"));
        }
        if self.has(BACKUP_STATE) && !self.has(BACKUP_ELIGIBLE) {
            return Err(Wrong::new("backed up without being eligible for backup"));
        }
        Ok(())
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

fn attested(rest: &mut &[u8]) -> Result<AttestedCredential, Wrong> {
    let aaguid = take(rest)?;
    let length = usize::from(u16::from_be_bytes(take(rest)?));
    if !(1..=1023).contains(&length) {
        return Err(Wrong::new(format!("a credential id of {length} bytes")));
    }
    let (id, after) = rest
        .split_at_checked(length)
        .ok_or_else(|| Wrong::new("the credential id is cut off"))?;
    *rest = after;
    let key = cose_key(&cbor(rest)?)?;
    Ok(AttestedCredential {
        aaguid,
        id: id.to_vec(),
        key,
    })
}

/// ES256: `{1: 2, 3: -7, -1: 1, -2: x, -3: y}`.
fn cose_key(value: &Value) -> Result<CredentialKey, Wrong> {
    let members = value
        .as_map()
        .ok_or_else(|| Wrong::new("the public key is not a map"))?;
    let member = |label: i64| {
        let label = Value::from(label);
        members
            .iter()
            .find(|(key, _)| *key == label)
            .map(|(_, value)| value)
    };
    for (label, expected) in [(1, 2), (3, -7), (-1, 1)] {
        if member(label) != Some(&Value::from(expected)) {
            return Err(Wrong::new(format!(
                "the public key is no ES256 key: member {label} is not {expected}"
            )));
        }
    }
    let coordinate = |label| {
        let bytes = member(label).and_then(Value::as_bytes);
        bytes
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok())
            .ok_or_else(|| Wrong::new(format!("member {label} of the public key is no coordinate")))
    };
    let (x, y) = (coordinate(-2)?, coordinate(-3)?);
    let point = EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
    CredentialKey::from_encoded_point(&point)
        .map_err(|_| Wrong::new("the public key is no point on P-256"))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Wrong> {
    let (head, after) = rest
        .split_first_chunk()
        .ok_or_else(|| Wrong::new("the authenticator data are cut off"))?;
    *rest = after;
    Ok(*head)
}

/// One item; leaves `rest` behind it.
pub(super) fn cbor(rest: &mut &[u8]) -> Result<Value, Wrong> {
    ciborium::from_reader(rest)
        .map_err(|error| Wrong::new(format!("CBOR that is not readable: {error}")))
}

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKUP_STATE: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;
