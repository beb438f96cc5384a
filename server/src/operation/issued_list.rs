//! The list of the certification authority inside this server, in its database.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    connector::ca::{
        Reason, Serial,
        builtin::{IssuedCertificates, ListFault, Record, State},
    },
    store::{
        self, ConnectionId, Micros, Store,
        issued_certificate::{self as list, IssuedCertificate},
    },
};

/// The list of one connection.
#[derive(Clone, Debug)]
pub(crate) struct IssuedList {
    pub(crate) store: Store,
    pub(crate) connection: ConnectionId,
}

#[async_trait]
impl IssuedCertificates for IssuedList {
    async fn keep(&self, new: Record) -> Result<Record, ListFault> {
        let mut tx = self.store.write().await.map_err(fault)?;
        let row = self.row(&new);
        list::keep(&mut tx, &row).await.map_err(fault)?;
        let kept = list::find(&mut tx, self.connection, &new.request_id, "")
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        kept.map_or(Ok(new), |row| record(&row))
    }

    async fn by_request(&self, request_id: &str) -> Result<Option<Record>, ListFault> {
        self.find(request_id, "").await
    }

    async fn by_serial(&self, serial: &Serial) -> Result<Option<Record>, ListFault> {
        self.find("", &serial.to_string()).await
    }

    async fn set_state(&self, serial: &Serial, from: State, to: State) -> Result<bool, ListFault> {
        let mut tx = self.store.write().await.map_err(fault)?;
        let (state, since, reason) = columns(to);
        let serial = serial.to_string();
        let moved = list::set_state(
            &mut tx,
            self.connection,
            &serial,
            columns(from).0,
            (state, since, reason),
        )
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(moved)
    }

    async fn not_good(&self, now: Timestamp) -> Result<Vec<Record>, ListFault> {
        let mut read = self.store.read().await.map_err(fault)?;
        let now = Micros(now.as_microsecond());
        let rows = list::not_good(&mut read, self.connection, now)
            .await
            .map_err(fault)?;
        rows.iter().map(record).collect()
    }

    async fn next_crl_number(&self) -> Result<u64, ListFault> {
        let mut tx = self.store.write().await.map_err(fault)?;
        let number = list::next_crl_number(&mut tx, self.connection)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(number)
    }
}

impl IssuedList {
    async fn find(&self, request_id: &str, serial: &str) -> Result<Option<Record>, ListFault> {
        let mut read = self.store.read().await.map_err(fault)?;
        let found = list::find(&mut read, self.connection, request_id, serial)
            .await
            .map_err(fault)?;
        found.as_ref().map(record).transpose()
    }

    fn row(&self, new: &Record) -> IssuedCertificate {
        let (state, since, reason) = columns(new.state);
        IssuedCertificate {
            connection_id: self.connection,
            request_id: new.request_id.clone(),
            serial: new.serial.to_string(),
            certificate: new.certificate.clone(),
            not_after: Micros(new.not_after.as_microsecond()),
            state,
            since,
            reason: reason.to_owned(),
        }
    }
}

fn columns(state: State) -> (list::State, Option<Micros>, &'static str) {
    let at = |since: Timestamp| Some(Micros(since.as_microsecond()));
    match state {
        State::Good => (list::State::Good, None, ""),
        State::Held(since) => (list::State::Held, at(since), ""),
        State::Revoked(since, reason) => (list::State::Revoked, at(since), reason.as_str()),
    }
}

fn record(row: &IssuedCertificate) -> Result<Record, ListFault> {
    let time = |at: Micros| Timestamp::from_microsecond(at.0).unwrap_or(Timestamp::MAX);
    let since = row.since.map_or(Timestamp::MIN, time);
    let serial = Serial::from_hex(&row.serial);
    Ok(Record {
        request_id: row.request_id.clone(),
        serial: serial.ok_or_else(|| ListFault("a serial number is not readable".into()))?,
        certificate: row.certificate.clone(),
        not_after: time(row.not_after),
        state: match row.state {
            list::State::Good => State::Good,
            list::State::Held => State::Held(since),
            list::State::Revoked => {
                State::Revoked(since, Reason::parse(&row.reason).unwrap_or_default())
            }
        },
    })
}

fn fault(error: store::Error) -> ListFault {
    ListFault(error.to_string())
}
