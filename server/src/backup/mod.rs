//! Backup and restore of everything that the server knows, in one sealed file.
//!
//! A backup is taken while the server works: SQLite makes a consistent copy, which is sealed
//! under the master key in pieces. The master key itself goes along only when asked: with it, the
//! file is all that anybody needs.
//!
//! After a restore nothing runs until the journals of the agents were read: what happened since
//! the backup is known to them alone.

mod file;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use self::file::Header;
use crate::{
    audit::{self, Entry, Outcome},
    key_store::{self, KeyStore},
    settings::Settings,
    store::{self, Micros, ServerId, Store},
};

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not one of our files, or cut off, or changed.
    #[error("{path} is no whole backup of this program: {why}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A backup is for an empty place.
    #[error("{path} exists: a backup is restored into a folder without a database")]
    NotEmpty {
        /// The database that is there.
        path: PathBuf,
    },
    /// Sealed under a key that is not here.
    #[error("the backup is sealed under the server's master key: put it at {path}, mode 0600")]
    NoMasterKey {
        /// Where it should be.
        path: PathBuf,
    },
    /// The master key.
    #[error(transparent)]
    KeyStore(#[from] key_store::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What was written, or read.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Whose.
    #[serde(rename = "server_id")]
    pub server: ServerId,
    /// When it was taken.
    #[serde(rename = "taken_at_us")]
    pub taken_at: Micros,
    /// Size of the database.
    pub bytes: u64,
    /// Whether the master key is inside.
    pub has_master_key: bool,
}

/// Writes a backup to the new file `to`.
///
/// # Errors
/// See [`BackupError`]; then there is no file.
pub async fn create(
    settings: &Settings,
    to: &Path,
    with_master_key: bool,
    now: Micros,
) -> Result<Summary, BackupError> {
    let keys = KeyStore::load(&settings.master_key)?;
    let master_key = if with_master_key {
        Some(Zeroizing::new(
            fs::read(&settings.master_key).map_err(at(&settings.master_key))?,
        ))
    } else {
        None
    };
    let store = Store::open(&settings.database()).await?;
    let mut tx = store.write().await?;
    let server = store::server::ensure(&mut tx, now).await?.id;
    let facts = [("with_master_key", json!(with_master_key))];
    record(&mut tx, now, "server.backup", facts).await?;
    tx.commit().await?;

    let copy = Scratch(
        settings
            .data_dir
            .join(format!("backup-{}.tmp", uuid::Uuid::new_v4())),
    );
    store.copy_to(&copy.0).await?;
    store.close().await;
    let header = Header::new(server, now, master_key.as_deref().map(Vec::as_slice));
    let bytes = file::seal(&header, &keys, &copy.0, to)?;
    Ok(Summary {
        server,
        taken_at: now,
        bytes,
        has_master_key: with_master_key,
    })
}

/// Puts the backup `from` in place of a database that is not there.
///
/// # Errors
/// See [`BackupError`]; then there is no database.
pub async fn restore(
    settings: &Settings,
    from: &Path,
    now: Micros,
) -> Result<Summary, BackupError> {
    let database = settings.database();
    if database.exists() {
        return Err(BackupError::NotEmpty { path: database });
    }
    fs::create_dir_all(&settings.data_dir).map_err(at(&settings.data_dir))?;
    let (header, sealed) = file::open(from)?;
    let has_master_key = header.master_key().is_some();
    if !settings.master_key.exists() {
        let key = header
            .master_key()
            .ok_or_else(|| BackupError::NoMasterKey {
                path: settings.master_key.clone(),
            })?;
        file::write_new(&settings.master_key, &key).map_err(at(&settings.master_key))?;
    }
    let keys = KeyStore::load(&settings.master_key)?;
    let part = Scratch(settings.data_dir.join("restore.tmp"));
    // Left by a restore that was cut off.
    let _ = fs::remove_file(&part.0);
    let bytes = file::unseal(&header, sealed, &keys, from, &part.0)?;
    fs::rename(&part.0, &database).map_err(at(&database))?;

    let store = Store::open(&database).await?;
    let mut tx = store.write().await?;
    store::server::set_reconcile_since(&mut tx, Some(now)).await?;
    let facts = [("taken_at", json!(header.taken_at().to_string()))];
    record(&mut tx, now, "server.restore", facts).await?;
    tx.commit().await?;
    store.close().await;
    Ok(Summary {
        server: header.server(),
        taken_at: header.taken_at(),
        bytes,
        has_master_key,
    })
}

async fn record<const N: usize>(
    tx: &mut store::Write<'_>,
    now: Micros,
    verb: &'static str,
    facts: [(&str, Value); N],
) -> store::Result<()> {
    let entry = Entry {
        at: now,
        actor: "system".to_owned(),
        verb,
        object: "server".to_owned(),
        operation: None,
        outcome: Outcome::Ok,
        facts: facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    };
    audit::append(tx, entry).await.map(drop)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}

/// A file that is gone afterwards, whatever happens.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // Renamed or never made: nothing to do.
        let _ = fs::remove_file(&self.0);
    }
}
