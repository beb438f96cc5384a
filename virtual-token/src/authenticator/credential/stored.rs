//! Discoverable credentials: a record each, read through a buffer of its size.

use super::{Algorithm, Protection, Usable};
use crate::authenticator::secret::Key;
use crate::storage::MAX_RECORD;
use keysteward_core::cbor::{self, BufferFull, Encode, Parse, Reader, Writer};
use keysteward_core::crypto::PrivateKey;
use keysteward_core::ctap2::extension::CredProtect;
use keysteward_core::ctap2::{PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity};
use zeroize::Zeroizing;

/// A discoverable credential, as its record holds it.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Stored<'a> {
    /// The number of credentials made before it since the last reset: the newest has the highest.
    pub made: u32,
    pub rp_id_hash: &'a [u8; 32],
    pub id: &'a [u8; STORED_ID_LEN],
    pub rp: PublicKeyCredentialRpEntity<'a>,
    pub user: PublicKeyCredentialUserEntity<'a>,
    pub algorithm: Algorithm,
    pub protection: Protection,
    pub key: &'a [u8; 32],
    /// CredRandom of hmac-secret: with user verification and without.
    pub random_with_uv: &'a [u8; 32],
    pub random_without_uv: &'a [u8; 32],
    /// At most [`MAX_CRED_BLOB`] bytes.
    pub cred_blob: Option<&'a [u8]>,
    pub large_blob_key: Option<&'a [u8; 32]>,
    pub third_party_payment: bool,
    /// There may be a [`Record::CredentialBlob`](crate::storage::Record::CredentialBlob) beside it.
    pub large_blob: bool,
}

impl<'a> Stored<'a> {
    /// Whether it is of this RP and this user: a key keeps one of them.
    pub fn is_account(&self, rp_id_hash: &[u8; 32], user_id: &[u8]) -> bool {
        self.rp_id_hash == rp_id_hash && self.user.id == user_id
    }

    pub fn usable(&self) -> Usable<'a> {
        Usable {
            id: self.id,
            algorithm: self.algorithm,
            protection: self.protection,
            key: PrivateKey::from_bytes(*self.key),
            random_with_uv: Key(*self.random_with_uv),
            random_without_uv: Key(*self.random_without_uv),
            third_party_payment: self.third_party_payment,
            user: Some(self.user),
            cred_blob: self.cred_blob,
            large_blob_key: self.large_blob_key,
            large_blob: self.large_blob,
        }
    }
}

/// The names as they are kept: empty ones not at all, long ones cut. CTAP 2.3 §6.1.2 lets a key
/// cut them behind 64 bytes.
pub fn kept_user<'a>(
    entity: &PublicKeyCredentialUserEntity<'a>,
) -> PublicKeyCredentialUserEntity<'a> {
    PublicKeyCredentialUserEntity {
        id: entity.id,
        name: kept_name(entity.name),
        display_name: kept_name(entity.display_name),
    }
}

/// As [`kept_user`], for one name.
pub fn kept_name(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty()).map(|name| {
        name.get(..name.floor_char_boundary(MAX_NAME))
            .unwrap_or(name)
    })
}

impl Encode for Stored<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.made)?;
            m.entry(0x02, self.rp_id_hash)?;
            m.entry(0x03, self.id)?;
            m.entry(0x04, self.rp)?;
            m.entry(0x05, self.user)?;
            m.entry(0x06, self.algorithm.code())?;
            m.entry(0x07, CredProtect::from(self.protection))?;
            m.entry(0x08, self.key)?;
            m.entry(0x09, self.random_with_uv)?;
            m.entry(0x0A, self.random_without_uv)?;
            m.optional(0x0B, self.cred_blob)?;
            m.optional(0x0C, self.large_blob_key)?;
            m.optional(0x0D, self.third_party_payment.then_some(true))?;
            m.optional(0x0E, self.large_blob.then_some(true))
        })
    }
}

impl<'b> Parse<'b> for Stored<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, cbor::Error> {
        const NOTHING: &[u8; 32] = &[0; 32];
        let mut stored = Self {
            made: 0,
            rp_id_hash: NOTHING,
            id: NOTHING,
            rp: PublicKeyCredentialRpEntity { id: "", name: None },
            user: PublicKeyCredentialUserEntity {
                id: &[],
                name: None,
                display_name: None,
            },
            algorithm: Algorithm::Es256,
            protection: Protection::UvRequired,
            key: NOTHING,
            random_with_uv: NOTHING,
            random_without_uv: NOTHING,
            cred_blob: None,
            large_blob_key: None,
            third_party_payment: false,
            large_blob: false,
        };
        r.map(|key, r| {
            let position = r.position();
            let unknown = |expected| cbor::Error::OutOfRange { position, expected };
            match key {
                cbor::Key::Int(0x01) => stored.made = r.read()?,
                cbor::Key::Int(0x02) => stored.rp_id_hash = r.read()?,
                cbor::Key::Int(0x03) => stored.id = r.read()?,
                cbor::Key::Int(0x04) => stored.rp = r.read()?,
                cbor::Key::Int(0x05) => stored.user = r.read()?,
                cbor::Key::Int(0x06) => {
                    let algorithm = Algorithm::from_code(r.read()?);
                    stored.algorithm = algorithm.ok_or(unknown("an algorithm of this key"))?;
                }
                cbor::Key::Int(0x07) => {
                    let protection = Protection::from_level(r.read()?);
                    stored.protection = protection.ok_or(unknown("a level of protection"))?;
                }
                cbor::Key::Int(0x08) => stored.key = r.read()?,
                cbor::Key::Int(0x09) => stored.random_with_uv = r.read()?,
                cbor::Key::Int(0x0A) => stored.random_without_uv = r.read()?,
                cbor::Key::Int(0x0B) => stored.cred_blob = Some(r.read()?),
                cbor::Key::Int(0x0C) => stored.large_blob_key = Some(r.read()?),
                cbor::Key::Int(0x0D) => stored.third_party_payment = r.read()?,
                cbor::Key::Int(0x0E) => stored.large_blob = r.read()?,
                other => r.skip_unknown(other)?,
            }
            Ok(())
        })?;
        Ok(stored)
    }
}

/// Takes the record of any credential.
pub type Room = Zeroizing<[u8; MAX_RECORD]>;

/// Discoverable credentials have random IDs.
pub const STORED_ID_LEN: usize = 32;
/// Bytes of an RP ID that can be stored: a domain name has 253 at most.
pub const MAX_RP_ID: usize = 255;
/// Bytes of a credBlob. CTAP 2.3 §12.2: at least 32.
pub const MAX_CRED_BLOB: usize = 32;

const MAX_NAME: usize = 64;
