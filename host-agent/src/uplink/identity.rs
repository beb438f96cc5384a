//! Who this host is to its server: key, certificate, roots; and the files they
//! are kept in.
//!
//! | file in `STATE-DIR/uplink/` | holds |
//! |---|---|
//! | `identity.json` | the enrolment in use: one file, so that no part can be older than another |
//! | `enrolling.json` | the key of an enrolment that has been asked for and not answered |
//! | `renewing.json` | the key of a renewal likewise |
//!
//! A key is on the disk before the server hears of it, so an answer that got
//! lost can be asked for again. Files are 0600, written beside their place,
//! synced and renamed over it.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use keysteward_proto::uplink::parse_agent_uri;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use zeroize::{Zeroize as _, Zeroizing};

use crate::settings::ServerAddress;

/// An enrolment: the right to be called by one server as one host.
#[derive(Clone)]
pub struct Identity {
    /// Where the server was when this host enrolled.
    pub server: ServerAddress,
    /// The server's own id.
    pub server_id: String,
    /// This host's id there.
    pub host_id: String,
    /// The leaf.
    pub certificate: CertificateDer<'static>,
    /// Roots to trust: the one in use, then the next.
    pub roots: Vec<CertificateDer<'static>>,
    /// Begin of the leaf's life.
    pub not_before: Timestamp,
    /// End of the leaf's life.
    pub not_after: Timestamp,
    key: Key,
}

impl Identity {
    /// Puts together what the server answered, after checking that it fits:
    /// the certificate is for this key, in the form of an agent's identity, and
    /// no root is missing.
    ///
    /// # Errors
    /// Names what does not fit.
    pub fn new(
        server: ServerAddress,
        key: Key,
        certificate: Vec<u8>,
        roots: Vec<Vec<u8>>,
    ) -> Result<Self, IdentityError> {
        let unfit = IdentityError::Unfit;
        let (_, leaf) = X509Certificate::from_der(&certificate)
            .map_err(|_| unfit("the certificate is not X.509"))?;
        if leaf.public_key().subject_public_key.data.as_ref() != key.pair()?.public_key_raw() {
            return Err(unfit("the certificate is for another key"));
        }
        let (server_id, host_id) = leaf
            .subject_alternative_name()
            .ok()
            .flatten()
            .and_then(|names| {
                names
                    .value
                    .general_names
                    .iter()
                    .find_map(|name| match name {
                        GeneralName::URI(uri) => parse_agent_uri(uri),
                        _ => None,
                    })
            })
            .map(|(server, host)| (server.to_owned(), host.to_owned()))
            .ok_or(unfit("the certificate names no host"))?;
        let validity = leaf.validity();
        let time = |at: i64| {
            Timestamp::from_second(at).map_err(|_| unfit("the certificate's life is out of range"))
        };
        let (not_before, not_after) = (
            time(validity.not_before.timestamp())?,
            time(validity.not_after.timestamp())?,
        );
        if roots.is_empty() {
            return Err(unfit("there is no root to trust"));
        }
        Ok(Self {
            server,
            server_id,
            host_id,
            certificate: certificate.into(),
            roots: roots.into_iter().map(CertificateDer::from).collect(),
            not_before,
            not_after,
            key,
        })
    }

    /// When to ask for a new certificate: at half its life, give or take 10 % of
    /// that. Drawn from the certificate itself, so a restart changes nothing and
    /// two hosts enrolled in one minute renew at different times.
    #[must_use]
    pub fn renewal_due(&self) -> Timestamp {
        let life = self.not_after.duration_since(self.not_before).as_millis();
        let drawn = i128::from(u16::from_be_bytes(
            Sha256::digest(&self.certificate)
                .first_chunk()
                .copied()
                .unwrap_or_default(),
        ));
        // 45 % to 55 % of the life.
        let share = 45_000 + drawn * 10_000 / i128::from(u16::MAX);
        let after = i64::try_from(life * share / 100_000).unwrap_or(0);
        self.not_before
            .saturating_add(jiff::SignedDuration::from_millis(after))
            .unwrap_or(self.not_after)
    }

    pub(super) fn tls_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.pkcs8.to_vec()))
    }
}

/// Without the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("server", &self.server)
            .field("server_id", &self.server_id)
            .field("host_id", &self.host_id)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// A private key, PKCS#8.
#[derive(Clone)]
pub struct Key {
    pkcs8: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A new P-256 key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, IdentityError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Self {
            pkcs8: Zeroizing::new(pair.serialize_der()),
        })
    }

    /// PKCS#10, DER: a proof that we have the key, and nothing else; the server
    /// decides what stands in the certificate.
    ///
    /// # Errors
    /// When the key on disk is damaged.
    pub fn certificate_request(&self) -> Result<Vec<u8>, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&self.pair()?)?.der().to_vec())
    }

    fn pair(&self) -> Result<KeyPair, IdentityError> {
        Ok(KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(self.pkcs8.as_slice()),
            &PKCS_ECDSA_P256_SHA256,
        )?)
    }
}

/// Without the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<hidden>)")
    }
}

/// Why there is no identity to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file that should be there or writable is not.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others may read a file with a key.
    #[error("{} has mode {mode:o}, allowed is 600: it holds a key; chmod it, and enrol anew if others are on this machine", path.display())]
    ReadableByOthers {
        /// Which.
        path: PathBuf,
        /// As found.
        mode: u32,
    },
    /// Not what this program wrote.
    #[error("{} is damaged: remove it and enrol this host with a new join token", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// The server's answer is no identity for this host.
    #[error("the server's answer cannot be used: {0}")]
    Unfit(&'static str),
    /// The key cannot be made or used.
    #[error("the key cannot be used: {0}")]
    Key(#[from] rcgen::Error),
}

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

#[cfg(all(test, unix))]
mod tests;
