//! Who this host is to its server: key, certificate, roots; and the files they
//! are kept in.

mod directory;
mod key;

use std::{fmt, io, path::PathBuf};

use jiff::Timestamp;
use keysteward_proto::uplink::parse_agent_uri;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::settings::ServerAddress;

pub use self::{directory::Directory, key::Key};

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

/// Why there is no identity to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file that should be there or writable is not.
    #[error("cannot use {}", path.display())]
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
    #[error("the key cannot be used")]
    Key(#[from] rcgen::Error),
}

#[cfg(all(test, unix))]
mod tests;
