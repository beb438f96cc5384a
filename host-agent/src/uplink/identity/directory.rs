//! The files of an enrolment, in `STATE-DIR/uplink/`.
//!
//! | file | holds |
//! |---|---|
//! | `identity.json` | the enrolment in use: one file, so that no part can be older than another |
//! | `enrolling.json` | the key of an enrolment that has been asked for and not answered |
//! | `renewing.json` | the key of a renewal likewise |
//!
//! A key is on the disk before the server hears of it, so an answer that got
//! lost can be asked for again. Files are 0600, written beside their place,
//! synced and renamed over it.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Identity, IdentityError, Key};
use crate::settings::ServerAddress;

/// `STATE-DIR/uplink`.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// In the agent's state directory; made, mode 0700, when something is first kept.
    #[must_use]
    pub fn new(state_dir: &Path) -> Self {
        Self(state_dir.join("uplink"))
    }

    /// The enrolment in use.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    pub fn identity(&self) -> Result<Option<Identity>, IdentityError> {
        let path = self.0.join(IDENTITY);
        let Some(kept) = self.read::<KeptIdentity>(&path)? else {
            return Ok(None);
        };
        let damaged = || IdentityError::Damaged { path: path.clone() };
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
        let roots = kept
            .roots
            .iter()
            .map(|root| bytes(root))
            .collect::<Result<_, _>>()?;
        let key = Key {
            pkcs8: Zeroizing::new(bytes(&kept.key)?),
        };
        let server = ServerAddress {
            host: kept.host.clone(),
            port: kept.port,
        };
        Identity::new(server, key, bytes(&kept.certificate)?, roots)
            .map(Some)
            .map_err(|_| damaged())
    }

    /// Takes `identity` into use. Whatever was asked for is answered.
    ///
    /// # Errors
    /// When the disk does not take it; the identity before it is untouched.
    pub fn keep(&self, identity: &Identity) -> Result<(), IdentityError> {
        self.write(
            IDENTITY,
            &KeptIdentity {
                host: identity.server.host.clone(),
                port: identity.server.port,
                key: STANDARD.encode(&*identity.key.pkcs8),
                certificate: STANDARD.encode(&identity.certificate),
                roots: identity
                    .roots
                    .iter()
                    .map(|root| STANDARD.encode(root))
                    .collect(),
            },
        )?;
        for request in [ENROLLING, RENEWING] {
            self.remove(request)?;
        }
        Ok(())
    }

    /// The key to enrol with: that of the enrolment already asked for with the
    /// same join token, else a new one, on the disk when this returns.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn enrolment_key(&self, join_token: &str) -> Result<Key, IdentityError> {
        self.pending_key(ENROLLING, &hex::encode(Sha256::digest(join_token)))
    }

    /// The key to renew `identity` with, likewise.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn renewal_key(&self, identity: &Identity) -> Result<Key, IdentityError> {
        self.pending_key(
            RENEWING,
            &hex::encode(Sha256::digest(&identity.certificate)),
        )
    }

    fn pending_key(&self, name: &str, asked_with: &str) -> Result<Key, IdentityError> {
        let path = self.0.join(name);
        if let Some(kept) = self.read::<KeptKey>(&path)?
            && kept.asked_with == asked_with
        {
            return match STANDARD.decode(&kept.key) {
                Ok(pkcs8) => Ok(Key {
                    pkcs8: Zeroizing::new(pkcs8),
                }),
                Err(_) => Err(IdentityError::Damaged { path }),
            };
        }
        let key = Key::generate()?;
        self.write(
            name,
            &KeptKey {
                asked_with: asked_with.to_owned(),
                key: STANDARD.encode(&*key.pkcs8),
            },
        )?;
        Ok(key)
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, path: &Path) -> Result<Option<T>, IdentityError> {
        let file = |source| IdentityError::File {
            path: path.to_owned(),
            source,
        };
        let bytes = match fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file(error)),
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(path).map_err(file)?.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(IdentityError::ReadableByOthers {
                    path: path.to_owned(),
                    mode,
                });
            }
        }
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| IdentityError::Damaged {
                path: path.to_owned(),
            })
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), IdentityError> {
        let path = self.0.join(name);
        let file = |source| IdentityError::File {
            path: path.clone(),
            source,
        };
        let bytes = Zeroizing::new(
            serde_json::to_vec_pretty(value).map_err(|error| file(io::Error::from(error)))?,
        );
        self.replace(&path, &bytes).map_err(file)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut directory = fs::DirBuilder::new();
        let mut options = fs::OpenOptions::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
            directory.mode(0o700);
            options.mode(0o600);
        }
        directory.recursive(true).create(&self.0)?;
        let beside = path.with_extension("new");
        // What a crash left there may have another mode.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = options.write(true).create_new(true).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        self.sync()
    }

    fn remove(&self, name: &str) -> Result<(), IdentityError> {
        let path = self.0.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(IdentityError::File { path, source })
            }
            _ => Ok(()),
        }
    }

    /// Makes renames last. Windows has no such call, and does not need it on NTFS.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) {
            fs::File::open(&self.0)?.sync_all()?;
        }
        Ok(())
    }
}

#[derive(Deserialize, Serialize)]
struct KeptIdentity {
    host: String,
    port: u16,
    key: String,
    certificate: String,
    roots: Vec<String>,
}

impl Drop for KeptIdentity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

#[derive(Deserialize, Serialize)]
struct KeptKey {
    /// SHA-256 of what it was asked with: another join token, another key.
    asked_with: String,
    key: String,
}

impl Drop for KeptKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

const IDENTITY: &str = "identity.json";
const ENROLLING: &str = "enrolling.json";
const RENEWING: &str = "renewing.json";
