//! Which attestation a new credential gets, and its statement. CTAP 2.3 §6.1.2 (steps on
//! enterpriseAttestation and attestationFormatsPreference), §7.1; WebAuthn Level 3 §8.2, §8.7.

use super::credential::stored::MAX_RP_ID;
use super::{Authenticator, other};
use crate::storage::{MAX_RECORD, Record, Storage, whole};
use keysteward_core::cbor::{Encode, List, Raw, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::make_credential::{Request, Response};
use keysteward_core::ctap2::{LargeBlobKey, Status};
use keysteward_core::webauthn::attestation::{NONE, PACKED, Statement};
use keysteward_core::webauthn::cose::Algorithm;

/// A new credential, and what else the response tells.
#[derive(Clone, Copy)]
pub(super) struct Attested<'a> {
    pub(super) auth_data: &'a [u8],
    pub(super) client_data_hash: &'a [u8; 32],
    pub(super) large_blob_key: Option<&'a [u8; 32]>,
    /// That a blob can be kept with it, where that was asked.
    pub(super) unsigned: Option<Raw<'a>>,
}

/// What is said about a new credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Attestation {
    /// The platform wants none: no statement at all.
    Unwanted,
    /// Format `none`.
    None,
    /// Signed by the model's attestation key.
    Model,
    /// Signed by this device's own, which names its serial number.
    Enterprise,
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn attestation_for(&self, request: &Request<'_>) -> Result<Attestation, Status> {
        // Editions before 2.1 do not know the member, and pass it over.
        let knows = self.features().configuration.contains(&0x01);
        if let Some(kind) = request.enterprise_attestation.filter(|_| knows) {
            if self.factory.enterprise_key.is_none() || !self.owner.enterprise_attestation {
                return Err(Status::InvalidParameter);
            }
            let granted = match kind {
                VENDOR_FACILITATED => {
                    let mut listed =
                        (0..self.factory.enterprise_rp_ids).map(Record::EnterpriseRpId);
                    self.lists(&mut listed, request.rp.id)?
                }
                PLATFORM_MANAGED => true,
                _ => return Err(Status::InvalidOption),
            };
            if granted {
                return Ok(Attestation::Enterprise);
            }
        }
        let preference = request.attestation_formats_preference;
        let Some(preference) = preference.filter(|_| self.features().attestation_preference) else {
            return Ok(Attestation::Model);
        };
        let first = preference
            .iter()
            .find(|&format| format == NONE || format == PACKED);
        Ok(match first {
            Some(NONE) if preference.len() == 1 => Attestation::Unwanted,
            Some(NONE) => Attestation::None,
            _ => Attestation::Model,
        })
    }

    /// Whether one of the records holds this RP ID.
    pub(super) fn lists(
        &self,
        records: &mut dyn Iterator<Item = Record>,
        rp_id: &str,
    ) -> Result<bool, Status> {
        let mut room = [0; MAX_RP_ID];
        for record in records {
            let listed = whole(&self.storage, record, &mut room).map_err(other)?;
            if listed == Some(rp_id.as_bytes()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the response of makeCredential.
    #[inline(never)]
    pub(super) fn attest(
        &mut self,
        attestation: Attestation,
        attested: &Attested<'_>,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let Attested {
            auth_data,
            client_data_hash,
            unsigned,
            ..
        } = *attested;
        let large_blob_key = attested.large_blob_key.map(LargeBlobKey);
        let response = Response {
            fmt: NONE,
            auth_data,
            att_stmt: None,
            ep_att: None,
            large_blob_key,
            unsigned_extension_outputs: unsigned,
        };
        let own = self.factory.enterprise_key.as_ref();
        let (key, certificate, ep_att) = match (attestation, own) {
            (Attestation::Unwanted, _) => return response.encode(w).map_err(other),
            (Attestation::None, _) => {
                let att_stmt = Some(Raw::EMPTY_MAP);
                let response = Response {
                    att_stmt,
                    ..response
                };
                return response.encode(w).map_err(other);
            }
            (Attestation::Enterprise, Some(key)) => {
                (key, Record::EnterpriseCertificate, Some(true))
            }
            (Attestation::Model | Attestation::Enterprise, _) => {
                (&self.factory.attestation_key, Record::Certificate, None)
            }
        };
        let sig = self
            .crypto
            .es256_sign(&key.private(), &[auth_data, client_data_hash])
            .map_err(other)?;
        let mut room = [0; MAX_RECORD];
        let certificate = whole(&self.storage, certificate, &mut room)
            .map_err(other)?
            .ok_or(Status::OtherError)?;
        // The root stays out of x5c.
        let certificates = [certificate];
        let statement = Statement::Packed {
            alg: Algorithm::Es256,
            sig: &sig,
            x5c: Some(List::new(&certificates)),
        };
        // Member by member, so that nobody needs a second buffer for the statement.
        w.map(|m| {
            m.entry(0x01, PACKED)?;
            m.entry(0x02, auth_data)?;
            m.entry(0x03, &statement)?;
            m.optional(0x04, ep_att)?;
            m.optional(0x05, large_blob_key)?;
            m.optional(0x06, unsigned)
        })
        .map_err(other)
    }
}

/// enterpriseAttestation: the RP IDs were burned in by the vendor.
const VENDOR_FACILITATED: u8 = 1;
/// enterpriseAttestation: the platform's administrator chose the RP IDs.
const PLATFORM_MANAGED: u8 = 2;
