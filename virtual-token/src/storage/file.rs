//! Storage in a file of mode 0600. A write goes to a file beside it, to the disk, and is renamed
//! into place, so `kill -9` and a power cut leave the old blob or the new one.

use super::Storage;
use nix::fcntl::{Flock, FlockArg};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// One key's blob on disk, held by one process at a time.
#[derive(Debug)]
pub struct FileStorage {
    path: PathBuf,
    fresh: PathBuf,
    _lock: Flock<File>,
}

impl FileStorage {
    /// Takes the file at `path` for this process; it need not exist yet. Fails when another
    /// process has it: a key is plugged in at one place.
    pub fn open(path: &Path) -> io::Result<Self> {
        let lock = private().truncate(false).open(beside(path, ".lock"))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| {
            let text = format!("another process uses {} ({errno})", path.display());
            io::Error::new(io::ErrorKind::ResourceBusy, text)
        })?;
        Ok(Self {
            path: path.into(),
            fresh: beside(path, ".new"),
            _lock: lock,
        })
    }

    /// Reads the blob at `path` without taking the file.
    pub fn peek(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let mut blob = Zeroizing::new(Vec::new());
        match File::open(path) {
            Ok(mut file) => file.read_to_end(&mut blob).map(|_| Some(blob)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Storage for FileStorage {
    fn load(&self) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        Self::peek(&self.path)
    }

    fn save(&mut self, blob: &[u8]) -> io::Result<()> {
        let mut file = private().truncate(true).open(&self.fresh)?;
        file.write_all(blob)?;
        file.sync_all()?;
        std::fs::rename(&self.fresh, &self.path)?;
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_blob_comes_back_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut storage = FileStorage::open(&path).unwrap();
        assert!(storage.load().unwrap().is_none());
        storage.save(b"one, a long one").unwrap();
        storage.save(b"two").unwrap();
        drop(storage);
        let storage = FileStorage::open(&path).unwrap();
        assert_eq!(storage.load().unwrap().unwrap().as_slice(), b"two");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_write_that_was_cut_short_leaves_the_old_blob() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut storage = FileStorage::open(&path).unwrap();
        storage.save(b"old").unwrap();
        std::fs::write(beside(&path, ".new"), b"ha").unwrap();
        assert_eq!(storage.load().unwrap().unwrap().as_slice(), b"old");
        storage.save(b"new").unwrap();
        assert!(!beside(&path, ".new").exists());
        assert_eq!(storage.load().unwrap().unwrap().as_slice(), b"new");
    }

    #[test]
    fn a_second_process_cannot_have_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let _first = FileStorage::open(&path).unwrap();
        let error = FileStorage::open(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        assert!(FileStorage::peek(&path).unwrap().is_none());
    }
}
