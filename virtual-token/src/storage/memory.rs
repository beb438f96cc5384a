//! Storage that lasts as long as the test that looks into it.

use super::records::{CAPACITY, Records};
use super::{Capacity, Change, Failure, Record, Storage};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Records in memory. Clones share them, so that a test can cut the power, keep the storage, and
/// make writes fail.
#[derive(Clone)]
pub struct MemoryStorage {
    inner: Arc<Mutex<Inner>>,
    capacity: Capacity,
}

#[derive(Default)]
struct Inner {
    records: Records,
    worn_out: bool,
}

impl MemoryStorage {
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// With room for less, as in a small key.
    pub fn with_capacity(capacity: Capacity) -> Self {
        Self {
            inner: Arc::default(),
            capacity,
        }
    }

    /// From now on writes fail (or work again).
    pub fn set_worn_out(&self, worn_out: bool) {
        self.lock().worn_out = worn_out;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl Storage for MemoryStorage {
    fn read(
        &self,
        record: Record,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Failure> {
        self.lock().records.read(record, offset, buffer)
    }

    fn commit(&mut self, changes: &[Change<'_>]) -> Result<(), Failure> {
        let mut inner = self.lock();
        if inner.worn_out {
            return Err(Failure::Medium);
        }
        inner.records = inner.records.changed(changes)?;
        Ok(())
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }
}

impl std::fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStorage").finish_non_exhaustive()
    }
}
