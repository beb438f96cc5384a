//! The list of what the CA inside this server has issued. Whoever has the
//! database implements it; one list belongs to one CA.

use crate::connector::ca::{Reason, Serial};
use async_trait::async_trait;
use jiff::Timestamp;
use std::fmt;
use thiserror::Error;

/// A list of certificates that survives a restart.
#[async_trait]
pub trait IssuedCertificates: fmt::Debug + Send + Sync {
    /// Adds a certificate, unless its request id is known already: then nothing
    /// changes. Gives the one that is on the list afterwards. It is on disk when
    /// this returns.
    async fn keep(&self, new: Record) -> Result<Record, ListFault>;

    async fn by_request(&self, request_id: &str) -> Result<Option<Record>, ListFault>;

    async fn by_serial(&self, serial: &Serial) -> Result<Option<Record>, ListFault>;

    /// Moves a certificate from a state to another, and says whether it was in
    /// the first.
    async fn set_state(&self, serial: &Serial, from: State, to: State) -> Result<bool, ListFault>;

    /// Those that are held or revoked, and whose `not_after` is not before `now`.
    async fn not_good(&self, now: Timestamp) -> Result<Vec<Record>, ListFault>;

    /// Higher at each call. RFC 5280 section 5.2.3.
    async fn next_crl_number(&self) -> Result<u64, ListFault>;
}

/// One certificate on the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// Unique on the list.
    pub request_id: String,
    /// Unique on the list.
    pub serial: Serial,
    /// DER.
    pub certificate: Vec<u8>,
    pub not_after: Timestamp,
    pub state: State,
}

/// In which state a certificate is, and since when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    Good,
    Held(Timestamp),
    Revoked(Timestamp, Reason),
}

/// Why the list cannot be used, as a sentence without a full stop.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct ListFault(pub String);
