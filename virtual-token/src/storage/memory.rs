//! Storage that lasts as long as the test that looks into it.

use super::Storage;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// A blob in memory. Clones share it, so that a test can cut the power, keep the storage, and make
/// writes fail.
#[derive(Clone, Default)]
pub struct MemoryStorage(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    blob: Option<Zeroizing<Vec<u8>>>,
    worn_out: bool,
}

impl MemoryStorage {
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on writes fail (or work again).
    pub fn set_worn_out(&self, worn_out: bool) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .worn_out = worn_out;
    }
}

impl Storage for MemoryStorage {
    fn load(&self) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blob
            .clone())
    }

    fn save(&mut self, blob: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.worn_out {
            return Err(io::ErrorKind::StorageFull.into());
        }
        inner.blob = Some(Zeroizing::new(blob.to_vec()));
        Ok(())
    }
}

impl std::fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStorage").finish_non_exhaustive()
    }
}
