//! The server's own files of trust: roots for every token type that asks for them,
//! and the FIDO metadata. Read when the server starts, whole or not at all.

use super::{Metadata, MetadataFault, Refusal, Root, RootError, Signer, Stale, Trust, Unrooted};
use jiff::{Timestamp, civil::Date};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;

/// Where the files are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Files {
    /// PEM certificates: one file, or a folder of them.
    pub truststore: Option<PathBuf>,
    /// FIDO metadata.
    pub metadata: Option<MetadataFiles>,
}

/// FIDO metadata, and who must have signed them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MetadataFiles {
    /// The blob, as it was downloaded.
    pub blob: PathBuf,
    /// PEM: what the certificates of the blob lead to.
    pub root: PathBuf,
    /// Whom the first of them is for.
    pub signer: String,
    /// What becomes of them when they are overdue.
    pub stale: Stale,
}

/// Why a file of trust cannot be used. The server does not start then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnchorError {
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{} has more than {LONGEST_FILE} bytes, which no file of certificates or metadata has",
        path.display()
    )]
    TooLong { path: PathBuf },
    #[error(
        "{} holds no PEM certificate: put one there, or take the file away",
        path.display()
    )]
    Empty { path: PathBuf },
    #[error("{} holds a certificate that is not readable: {why}", path.display())]
    Root { path: PathBuf, why: String },
    #[error("the FIDO metadata {} are not believed: {fault}", path.display())]
    Metadata { path: PathBuf, fault: MetadataFault },
}

/// Beside its own roots, whom a token type may trust.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    Truststore,
    Metadata,
}

/// What the files hold.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    truststore: Option<Vec<Root>>,
    metadata: Option<Arc<Metadata>>,
}

/// Why there is no trust for a token type.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TrustError {
    #[error(transparent)]
    Root(#[from] RootError),
    #[error(transparent)]
    Source(#[from] Refusal),
}

/// The metadata that are in use, for the log and for people.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MetadataFacts {
    pub number: u64,
    pub next_update: Date,
    pub models: usize,
    pub stale: bool,
}

impl Anchors {
    /// Reads every file that is named.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn load(files: &Files, now: Timestamp) -> Result<Self, AnchorError> {
        Ok(Self {
            truststore: files.truststore.as_deref().map(truststore).transpose()?,
            metadata: files
                .metadata
                .as_ref()
                .map(|files| metadata(files, now).map(Arc::new))
                .transpose()?,
        })
    }

    /// What a token type trusts: its own roots, and what it asks for of these.
    ///
    /// # Errors
    /// Where a root is unreadable, or the settings do not name what is asked for.
    pub fn trust<S: AsRef<str>>(
        &self,
        roots: &[S],
        sources: &[Source],
        unrooted: Unrooted,
    ) -> Result<Trust, TrustError> {
        let mut trust = Trust::new(roots, unrooted)?;
        for source in sources {
            trust = match source {
                Source::Truststore => trust.with_roots(self.truststore()?),
                Source::Metadata => trust.with_metadata(self.metadata()?.clone()),
            };
        }
        Ok(trust)
    }

    /// Whether what is asked for is there, and fresh enough to be believed.
    ///
    /// # Errors
    /// Where it is not.
    pub fn check(&self, sources: &[Source], now: Timestamp) -> Result<(), Refusal> {
        for source in sources {
            match source {
                Source::Truststore => drop(self.truststore()?),
                Source::Metadata => self.metadata()?.check_fresh(now)?,
            }
        }
        Ok(())
    }

    /// What the metadata are, where there are any.
    #[must_use]
    pub fn facts(&self, now: Timestamp) -> Option<MetadataFacts> {
        self.metadata.as_ref().map(|metadata| MetadataFacts {
            number: metadata.number(),
            next_update: metadata.next_update(),
            models: metadata.models(),
            stale: metadata.is_stale(now),
        })
    }

    fn truststore(&self) -> Result<&[Root], Refusal> {
        self.truststore
            .as_deref()
            .ok_or(Refusal::NotConfigured("truststore", "truststore"))
    }

    fn metadata(&self) -> Result<&Arc<Metadata>, Refusal> {
        self.metadata
            .as_ref()
            .ok_or(Refusal::NotConfigured("FIDO metadata", "metadata"))
    }
}

/// A folder is read whole: a file in it that is no root is a mistake, not a stranger.
fn truststore(path: &Path) -> Result<Vec<Root>, AnchorError> {
    let unreadable = |source| AnchorError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if !path.is_dir() {
        return roots(path);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.push(entry.path());
        }
    }
    if files.is_empty() {
        return Err(AnchorError::Empty {
            path: path.to_owned(),
        });
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        found.extend(roots(&file)?);
    }
    Ok(found)
}

fn roots(path: &Path) -> Result<Vec<Root>, AnchorError> {
    let path = path.to_owned();
    match Root::read_pem(&read(&path)?) {
        Err(why) => Err(AnchorError::Root { path, why }),
        Ok(roots) if roots.is_empty() => Err(AnchorError::Empty { path }),
        Ok(roots) => Ok(roots),
    }
}

fn metadata(files: &MetadataFiles, now: Timestamp) -> Result<Metadata, AnchorError> {
    let roots = roots(&files.root)?;
    let signer = Signer {
        roots: &roots,
        name: &files.signer,
    };
    Metadata::read(&read(&files.blob)?, signer, files.stale, now).map_err(|fault| {
        AnchorError::Metadata {
            path: files.blob.clone(),
            fault,
        }
    })
}

fn read(path: &Path) -> Result<Vec<u8>, AnchorError> {
    let unreadable = |source| AnchorError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > LONGEST_FILE {
        return Err(AnchorError::TooLong {
            path: path.to_owned(),
        });
    }
    fs::read(path).map_err(unreadable)
}

/// The blob of the FIDO Alliance has about 10 MB, icons included.
const LONGEST_FILE: u64 = 64 * 1024 * 1024;
