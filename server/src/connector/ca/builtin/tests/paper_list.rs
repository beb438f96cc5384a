//! A list of certificates on paper: it ends with the test.

use super::super::{IssuedCertificates, ListFault, Record, State};
use crate::connector::ca::Serial;
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

#[derive(Debug, Default)]
pub(super) struct PaperList {
    records: Mutex<Vec<Record>>,
    number: AtomicU64,
    gone: AtomicBool,
}

impl PaperList {
    pub(super) fn length(&self) -> usize {
        self.records.lock().unwrap().len()
    }

    /// From now on nothing can be read or written.
    pub(super) fn fail(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    fn records(&self) -> Result<MutexGuard<'_, Vec<Record>>, ListFault> {
        if self.gone.load(Ordering::Relaxed) {
            return Err(ListFault("the paper is gone".to_owned()));
        }
        Ok(self.records.lock().unwrap())
    }
}

#[async_trait]
impl IssuedCertificates for PaperList {
    async fn keep(&self, new: Record) -> Result<Record, ListFault> {
        let mut records = self.records()?;
        if let Some(known) = records.iter().find(|r| r.request_id == new.request_id) {
            return Ok(known.clone());
        }
        records.push(new.clone());
        Ok(new)
    }

    async fn by_request(&self, request_id: &str) -> Result<Option<Record>, ListFault> {
        let records = self.records()?;
        Ok(records.iter().find(|r| r.request_id == request_id).cloned())
    }

    async fn by_serial(&self, serial: &Serial) -> Result<Option<Record>, ListFault> {
        let records = self.records()?;
        Ok(records.iter().find(|r| r.serial == *serial).cloned())
    }

    async fn set_state(&self, serial: &Serial, from: State, to: State) -> Result<bool, ListFault> {
        let mut records = self.records()?;
        let found = records
            .iter_mut()
            .find(|r| r.serial == *serial && r.state == from);
        Ok(found.map(|record| record.state = to).is_some())
    }

    async fn not_good(&self, now: Timestamp) -> Result<Vec<Record>, ListFault> {
        let records = self.records()?;
        let bad = records
            .iter()
            .filter(|r| r.state != State::Good && r.not_after >= now);
        Ok(bad.cloned().collect())
    }

    async fn next_crl_number(&self) -> Result<u64, ListFault> {
        drop(self.records()?);
        Ok(self.number.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
