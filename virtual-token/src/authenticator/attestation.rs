//! Which attestation a new credential gets, and its statement. CTAP 2.3 §6.1.2 (steps on
//! enterpriseAttestation and attestationFormatsPreference), §7.1; WebAuthn Level 3 §8.2, §8.7.

use super::state::AttestationKey;
use super::{Authenticator, other};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, List, Raw, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::make_credential::{Request, Response};
use keysteward_core::webauthn::attestation::{NONE, PACKED, Statement};
use keysteward_core::webauthn::cose::Algorithm;

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
        if let Some(kind) = request.enterprise_attestation {
            let enterprise = self.state.factory.enterprise.as_ref();
            let enterprise = enterprise
                .filter(|_| self.state.owner.enterprise_attestation)
                .ok_or(Status::InvalidParameter)?;
            let granted = match kind {
                VENDOR_FACILITATED => enterprise.rp_ids.iter().any(|id| id == request.rp.id),
                PLATFORM_MANAGED => true,
                _ => return Err(Status::InvalidOption),
            };
            if granted {
                return Ok(Attestation::Enterprise);
            }
        }
        let Some(preference) = request.attestation_formats_preference else {
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

    /// Writes the response of makeCredential.
    pub(super) fn attest(
        &mut self,
        attestation: Attestation,
        auth_data: &[u8],
        client_data_hash: &[u8; 32],
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let response = |fmt, att_stmt, ep_att| Response {
            fmt,
            auth_data,
            att_stmt,
            ep_att,
            large_blob_key: None,
            unsigned_extension_outputs: None,
        };
        let factory = &self.state.factory;
        let (key, ep_att) = match (attestation, &factory.enterprise) {
            (Attestation::Unwanted, _) => {
                return response(NONE, None, None).encode(w).map_err(other);
            }
            (Attestation::None, _) => {
                return response(NONE, Some(Raw::EMPTY_MAP), None)
                    .encode(w)
                    .map_err(other);
            }
            (Attestation::Enterprise, Some(enterprise)) => (&enterprise.attestation, Some(true)),
            (Attestation::Model | Attestation::Enterprise, _) => (&factory.attestation, None),
        };
        let AttestationKey { key, certificate } = key;
        let sig = self
            .crypto
            .es256_sign(&key.private(), &[auth_data, client_data_hash])
            .map_err(other)?;
        // The root stays out of x5c.
        let certificates = [certificate.as_slice()];
        let statement = Statement::Packed {
            alg: Algorithm::Es256,
            sig: &sig,
            x5c: Some(List::new(&certificates)),
        };
        let mut room = vec![0; certificate.len() + MAX_STATEMENT_REST];
        let statement = Raw::encode_in(&statement, &mut room).map_err(other)?;
        response(PACKED, Some(statement), ep_att)
            .encode(w)
            .map_err(other)
    }
}

/// enterpriseAttestation: the RP IDs were burned in by the vendor.
const VENDOR_FACILITATED: u8 = 1;
/// enterpriseAttestation: the platform's administrator chose the RP IDs.
const PLATFORM_MANAGED: u8 = 2;
/// A packed statement besides the certificate's bytes: names, heads, a signature of 72 bytes.
const MAX_STATEMENT_REST: usize = 128;
