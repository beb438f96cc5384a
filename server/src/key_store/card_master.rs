//! Card master keys: where a generation is kept, and how it is used.

use core::fmt;

use chacha20poly1305::aead::OsRng;
use hmac::{Hmac, Mac as _};
use rand::RngCore as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{AdminKey, Context, Error, KeyStore};
use crate::store::{
    Micros,
    card::AdminKey as Which,
    card_master_key::{CardMasterKey, Custody},
};

/// HMAC-SHA-256 under a card master key, wherever that is.
pub trait Prf {
    /// Of `message`.
    ///
    /// # Errors
    /// When the key is not to be had.
    fn hmac_sha256(&self, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error>;
}

/// A card master key in memory, for as long as it takes.
struct Opened(Zeroizing<Vec<u8>>);

impl Prf for Opened {
    fn hmac_sha256(&self, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(message);
        Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
    }
}

/// Where card master keys are kept that no file of ours holds.
pub trait Hsm: fmt::Debug + Send + Sync {
    /// Makes a key that never leaves it, under `label`.
    ///
    /// # Errors
    /// When it does not.
    fn make(&self, label: &str) -> Result<(), Error>;

    /// HMAC-SHA-256 under the key that it calls `label`.
    ///
    /// # Errors
    /// When it does not.
    fn hmac_sha256(&self, label: &str, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error>;
}

struct InHsm<'a> {
    hsm: &'a dyn Hsm,
    label: &'a str,
}

impl Prf for InHsm<'_> {
    fn hmac_sha256(&self, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        self.hsm.hmac_sha256(self.label, message)
    }
}

impl KeyStore {
    /// A new generation of the card master key: in the PKCS #11 token where there
    /// is one, else sealed.
    ///
    /// # Errors
    /// When the token does not make one.
    pub fn new_card_master(
        &self,
        generation: u32,
        comment: &str,
        created_by: &str,
        now: Micros,
    ) -> Result<CardMasterKey, Error> {
        let (custody, sealed, label) = match &self.hsm {
            Some(hsm) => {
                // Other installations may use the same token.
                let mut suffix = [0; 4];
                OsRng.fill_bytes(&mut suffix);
                let label = format!(
                    "keysteward-card-master-{generation}-{}",
                    hex::encode(suffix)
                );
                hsm.make(&label)?;
                (Custody::Pkcs11, None, label)
            }
            None => {
                let mut key = Zeroizing::new([0; 32]);
                OsRng.fill_bytes(key.as_mut_slice());
                let sealed = self.seal(context(&generation.to_string()), key.as_slice());
                (Custody::Sealed, Some(sealed), String::new())
            }
        };
        Ok(CardMasterKey {
            generation,
            custody,
            sealed,
            label,
            comment: comment.to_owned(),
            created_by: created_by.to_owned(),
            created_at: now,
        })
    }

    /// The admin key of one card.
    ///
    /// # Errors
    /// When its generation is not among `generations`, or not to be had.
    pub fn admin_key(
        &self,
        generations: &[CardMasterKey],
        which: Which,
        card_id: &[u8; 16],
    ) -> Result<AdminKey, Error> {
        let lost = Error::NoCardMaster {
            generation: which.generation,
        };
        let Some(row) = generations
            .iter()
            .find(|row| row.generation == which.generation)
        else {
            return Err(lost);
        };
        match row.custody {
            Custody::Sealed => {
                let sealed = row.sealed.as_deref().ok_or(lost)?;
                let key = self.open(context(&row.generation.to_string()), sealed)?;
                AdminKey::derive(&Opened(key), which, card_id)
            }
            Custody::Pkcs11 => {
                let hsm = self.hsm.as_deref().ok_or(lost)?;
                let label = row.label.as_str();
                AdminKey::derive(&InHsm { hsm, label }, which, card_id)
            }
        }
    }
}

fn context(generation: &str) -> Context<'_> {
    Context {
        table: "card_master_key",
        id: generation,
        kind: "card-master-key",
    }
}
