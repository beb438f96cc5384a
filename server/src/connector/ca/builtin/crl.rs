//! The certificate revocation list: pure. RFC 5280 section 5.

use super::{
    issued_certificates::{Record, State},
    leaf::making,
};
use crate::connector::ca::{Reason, Why};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevocationReason,
    RevokedCertParams, SerialNumber,
};
use std::time::SystemTime;

/// Signs the list of those that are held or revoked. One that is released is on
/// no list any more, as a full list wants it.
pub(super) fn sign(
    records: &[Record],
    number: u64,
    now: Timestamp,
    issuer: &Issuer<'static, KeyPair>,
    key_identifier: &KeyIdMethod,
) -> Result<Vec<u8>, Why> {
    let revoked_certs = records
        .iter()
        .filter_map(|record| {
            let (since, reason) = match record.state {
                State::Good => return None,
                State::Held(since) => (since, Some(RevocationReason::CertificateHold)),
                State::Revoked(since, reason) => (since, code(reason)),
            };
            Some(RevokedCertParams {
                serial_number: SerialNumber::from_slice(record.serial.as_bytes()),
                revocation_time: SystemTime::from(since).into(),
                reason_code: reason,
                invalidity_date: None,
            })
        })
        .collect();
    let params = CertificateRevocationListParams {
        this_update: SystemTime::from(now - SKEW).into(),
        next_update: SystemTime::from(now + LIFE).into(),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: key_identifier.clone(),
    };
    Ok(params.signed_by(issuer).map_err(making)?.der().to_vec())
}

/// RFC 5280 section 5.3.1: "unspecified" is left out.
fn code(reason: Reason) -> Option<RevocationReason> {
    Some(match reason {
        Reason::Unspecified => return None,
        Reason::KeyCompromise => RevocationReason::KeyCompromise,
        Reason::CaCompromise => RevocationReason::CaCompromise,
        Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
        Reason::Superseded => RevocationReason::Superseded,
        Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
        Reason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
    })
}

/// Clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// How long a reader may use a list that it has. A new one is made at each
/// change and each hour.
const LIFE: SignedDuration = SignedDuration::from_hours(24);
