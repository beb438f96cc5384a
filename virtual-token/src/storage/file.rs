//! Storage in a file of mode 0600. A write goes to a file beside it, to the disk, and is renamed
//! into place, so `kill -9` and a power cut leave the old records or the new ones.

use super::records::{CAPACITY, Records};
use super::{Capacity, Change, Failure, Record, Storage};
use nix::fcntl::{Flock, FlockArg};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// One key's records on disk, held by one process at a time.
pub struct FileStorage {
    path: PathBuf,
    fresh: PathBuf,
    records: Records,
    /// `None` when the file was only looked into.
    lock: Option<Flock<File>>,
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
        Self::read_file(path, Some(lock))
    }

    /// Looks into the file at `path` without taking it: it cannot be changed.
    pub fn peek(path: &Path) -> io::Result<Self> {
        Self::read_file(path, None)
    }

    fn read_file(path: &Path, lock: Option<Flock<File>>) -> io::Result<Self> {
        let mut blob = Zeroizing::new(Vec::new());
        let records = match File::open(path) {
            Ok(mut file) => {
                file.read_to_end(&mut blob)?;
                Records::decode(&blob).map_err(|error| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("{}: {error}", path.display()),
                    )
                })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Records::default(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: path.into(),
            fresh: beside(path, ".new"),
            records,
            lock,
        })
    }

    fn write_file(&self, records: &Records) -> io::Result<()> {
        if self.lock.is_none() {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let mut file = private().truncate(true).open(&self.fresh)?;
        file.write_all(&records.encode())?;
        file.sync_all()?;
        std::fs::rename(&self.fresh, &self.path)?;
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }
}

impl Storage for FileStorage {
    fn read(
        &self,
        record: Record,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Failure> {
        self.records.read(record, offset, buffer)
    }

    fn commit(&mut self, changes: &[Change<'_>]) -> Result<(), Failure> {
        let next = self.records.changed(changes)?;
        self.write_file(&next).map_err(|error| {
            log::error!("{}: {error}", self.path.display());
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::Full,
                _ => Failure::Medium,
            }
        })?;
        self.records = next;
        Ok(())
    }

    fn capacity(&self) -> Capacity {
        CAPACITY
    }
}

impl std::fmt::Debug for FileStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStorage")
            .field("path", &self.path)
            .finish_non_exhaustive()
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

    fn write(storage: &mut FileStorage, serial: &[u8]) -> Result<(), Failure> {
        storage.commit(&[Change::replace(Record::Serial, serial)])
    }

    fn serial(path: &Path) -> Option<Vec<u8>> {
        let mut buffer = [0; 32];
        let storage = FileStorage::peek(path).unwrap();
        let serial = crate::storage::whole(&storage, Record::Serial, &mut buffer);
        serial.unwrap().map(<[u8]>::to_vec)
    }

    #[test]
    fn records_come_back_and_only_their_owner_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut storage = FileStorage::open(&path).unwrap();
        assert_eq!(storage.read(Record::Serial, 0, &mut []), Ok(None));
        write(&mut storage, b"one, a long one").unwrap();
        write(&mut storage, b"two").unwrap();
        drop(storage);
        assert_eq!(serial(&path).unwrap(), b"two");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_write_that_was_cut_short_leaves_the_old_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut storage = FileStorage::open(&path).unwrap();
        write(&mut storage, b"old").unwrap();
        std::fs::write(beside(&path, ".new"), b"ha").unwrap();
        assert_eq!(serial(&path).unwrap(), b"old");
        write(&mut storage, b"new").unwrap();
        assert!(!beside(&path, ".new").exists());
        assert_eq!(serial(&path).unwrap(), b"new");
    }

    #[test]
    fn a_write_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut storage = FileStorage::open(&path).unwrap();
        write(&mut storage, b"old").unwrap();
        std::fs::create_dir(beside(&path, ".new")).unwrap();
        assert_eq!(write(&mut storage, b"new"), Err(Failure::Medium));
        assert_eq!(storage.read(Record::Serial, 0, &mut [0; 8]), Ok(Some(3)));
        assert_eq!(serial(&path).unwrap(), b"old");
    }

    #[test]
    fn a_file_that_was_only_looked_into_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut storage = FileStorage::peek(&path).unwrap();
        assert_eq!(write(&mut storage, b"new"), Err(Failure::Medium));
        assert!(!path.exists());
    }

    #[test]
    fn a_second_process_cannot_have_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let _first = FileStorage::open(&path).unwrap();
        let error = FileStorage::open(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        assert_eq!(serial(&path), None);
    }
}
