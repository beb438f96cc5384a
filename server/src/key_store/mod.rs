//! Secrets at rest: sealed under a master key that is not in the database.
//!
//! The master key is 32 random bytes in a file of mode 0600. Keys for use are
//! derived from it (HKDF-SHA256, RFC 5869), so that it encrypts nothing itself.
//! Sealing is XChaCha20-Poly1305 with a random nonce; where a secret belongs
//! (table, row, kind) is authenticated with it, so that a ciphertext moved to
//! another row does not open.
//!
//! ```text
//! sealed = version 1 ‖ nonce, 24 bytes ‖ ciphertext and tag
//! ```
//!
//! Admin keys of cards are derived from card master keys, which are sealed like the
//! others or live in a PKCS #11 token.

mod card_key;
mod card_master;
mod factory;
mod pkcs11;

pub use card_key::{AdminKey, Answered};
pub use card_master::{Hsm, Prf};
pub use factory::FactorySecrets;
#[cfg(test)]
pub(crate) use pkcs11::soft_hsm;
pub use pkcs11::{Pkcs11, Pkcs11Error, Pkcs11Settings};

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use chacha20poly1305::{
    AeadInPlace as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce, aead::OsRng,
};
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use rand::RngCore as _;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Where a sealed secret belongs. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Table: `sealed_secret`, `connection`.
    pub table: &'a str,
    /// Row.
    pub id: &'a str,
    /// What it is: `pin`, `api-key`.
    pub kind: &'a str,
}

/// Why a secret is not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file of the master key, and what the system says about it.
    #[error("cannot use the master key {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Other people can read the master key.
    #[error("master key {path} has mode {mode:04o}, allowed is 0600: run chmod 600 {path}")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not 32 bytes.
    #[error("master key {path} is {found} bytes long, 32 are allowed: restore it from its backup")]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
    /// Sealed under another master key, for another place, or damaged.
    #[error(
        "a sealed {kind} does not open: it was sealed under another master key, or moved, or damaged"
    )]
    Sealed {
        /// What it was to be.
        kind: String,
    },
    /// An admin key of a card is derived from a key that is not there.
    #[error(
        "generation {generation} of the card master key is not to be had: restore the database, or \
         give the server the PKCS #11 token that holds it"
    )]
    NoCardMaster {
        /// Which.
        generation: u32,
    },
    /// No admin key could be derived: never with a sound master key.
    #[error("the card master key gives no usable admin key")]
    Degenerate,
    /// The PKCS #11 token.
    #[error("the PKCS #11 token: {0}")]
    Hsm(String),
}

/// Seals and opens.
pub struct KeyStore {
    seal: Zeroizing<[u8; 32]>,
    sign: SigningKey,
    hsm: Option<Arc<dyn Hsm>>,
}

impl core::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyStore").finish_non_exhaustive()
    }
}

impl KeyStore {
    /// Makes a master key in a new file.
    ///
    /// # Errors
    /// When the file exists: a master key is never written over.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut master = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(master.as_mut_slice());
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)?;
            file.write_all(master.as_slice())?;
            file.sync_all()?;
            // The name must survive a power cut too.
            match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
                _ => File::open(".")?.sync_all(),
            }
        };
        write().map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::derive(&master))
    }

    /// Reads the master key.
    ///
    /// # Errors
    /// When it is not there, not 32 bytes, or readable by others.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file_error = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(file_error)?;
        let mode = file.metadata().map_err(file_error)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::Mode {
                path: path.to_owned(),
                mode,
            });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        file.take(64).read_to_end(&mut bytes).map_err(file_error)?;
        let master: Zeroizing<[u8; 32]> =
            Zeroizing::new(bytes.as_slice().try_into().map_err(|_| Error::Length {
                path: path.to_owned(),
                found: bytes.len(),
            })?);
        Ok(Self::derive(&master))
    }

    /// From now on, card master keys are made in `hsm`.
    #[must_use]
    pub fn with_hsm(mut self, hsm: Arc<dyn Hsm>) -> Self {
        self.hsm = Some(hsm);
        self
    }

    /// Encrypts `secret` for `context`.
    #[must_use]
    pub fn seal(&self, context: Context<'_>, secret: &[u8]) -> Vec<u8> {
        let mut nonce = XNonce::default();
        OsRng.fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(OVERHEAD + secret.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        let mut body = Zeroizing::new(secret.to_vec());
        let tag = self
            .cipher()
            .encrypt_in_place_detached(&nonce, &context.bytes(), &mut body)
            .unwrap_or_else(|_| unreachable!("only beyond 256 GiB"));
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Decrypts what was sealed for the same `context`.
    ///
    /// # Errors
    /// [`Error::Sealed`], whatever is wrong with it.
    pub fn open(&self, context: Context<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let parts = || {
            let (version, rest) = sealed.split_first()?;
            let (nonce, rest) = rest.split_at_checked(NONCE)?;
            let (body, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
            (*version == VERSION).then_some((nonce, body, tag))
        };
        let refused = || Error::Sealed {
            kind: context.kind.to_owned(),
        };
        let (nonce, body, tag) = parts().ok_or_else(refused)?;
        let mut secret = Zeroizing::new(body.to_vec());
        self.cipher()
            .decrypt_in_place_detached(
                XNonce::from_slice(nonce),
                &context.bytes(),
                &mut secret,
                Tag::from_slice(tag),
            )
            .map_err(|_| refused())?;
        Ok(secret)
    }

    /// Signs checkpoints of the audit.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.sign
    }

    fn derive(master: &[u8; 32]) -> Self {
        let expand = |info: &[u8]| {
            let mut key = Zeroizing::new([0; 32]);
            Hkdf::<Sha256>::new(None, master)
                .expand(info, key.as_mut_slice())
                .unwrap_or_else(|_| unreachable!("32 bytes are one block"));
            key
        };
        Self {
            seal: expand(b"keysteward key store v1: seal"),
            sign: SigningKey::from_bytes(&expand(b"keysteward key store v1: sign checkpoints")),
            hsm: None,
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.seal).into())
    }
}

impl Context<'_> {
    /// Lengths first, so that two contexts never spell the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.table, self.id, self.kind] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

const VERSION: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
const OVERHEAD: usize = 1 + NONCE + TAG;

#[cfg(test)]
mod tests;
