//! authenticatorCredentialManagement. CTAP 2.3 §6.8.
//!
//! The preview (0x41) is the same command for older platforms: their token has no permissions of
//! its own, so what getPinToken grants must do; it cannot update.

use super::credential::{RESIDENT_ID_LEN, ResidentCredential, User};
use super::state::random;
use super::user_verification::Given;
use super::{Authenticator, Sequence, other, parse};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::credential_management::{
    Request, Response, Subcommand, SubcommandParams, authenticated_prefix,
};
use keysteward_core::ctap2::extension::CredProtect;
use keysteward_core::ctap2::{PublicKeyCredentialDescriptor, PublicKeyCredentialRpEntity, Status};
use keysteward_core::session::Millis;

/// Relying parties still to be told, the next one last.
pub(super) struct PendingRps {
    rp_ids: Vec<String>,
    last: Millis,
}

/// Credentials still to be told, the next one last.
pub(super) struct PendingCredentials {
    ids: Vec<[u8; RESIDENT_ID_LEN]>,
    last: Millis,
}

/// Proof that whoever asks may do it.
struct Permitted(());

/// Which of the two command bytes asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Edition {
    Final,
    Preview,
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn credential_management(
        &mut self,
        request: &Request<'_>,
        edition: Edition,
        sequence: Option<Sequence>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        match request.sub_command {
            Subcommand::CredsMetadata => {
                let permitted = self.authorize(request, edition, Scope::Everything)?;
                self.creds_metadata(permitted, w)
            }
            Subcommand::EnumerateRpsBegin => {
                let permitted = self.authorize(request, edition, Scope::Everything)?;
                self.enumerate_rps_begin(permitted, now, w)
            }
            Subcommand::EnumerateRpsGetNextRp => match sequence {
                Some(Sequence::RelyingParties(pending)) => self.next_rp(pending, None, now, w),
                _ => Err(Status::NotAllowed),
            },
            Subcommand::EnumerateCredentialsBegin => {
                let rp_id_hash = params(request)?
                    .rp_id_hash
                    .ok_or(Status::MissingParameter)?;
                let permitted =
                    self.authorize(request, edition, Scope::RelyingParty(rp_id_hash))?;
                self.enumerate_credentials_begin(permitted, rp_id_hash, now, w)
            }
            Subcommand::EnumerateCredentialsGetNextCredential => match sequence {
                Some(Sequence::Credentials(pending)) => self.next_credential(pending, None, now, w),
                _ => Err(Status::NotAllowed),
            },
            Subcommand::DeleteCredential => self.delete_credential(request, edition),
            Subcommand::UpdateUserInformation if edition == Edition::Final => {
                self.update_user_information(request)
            }
            _ => Err(Status::InvalidSubcommand),
        }
    }

    /// §6.8.1: the persistent token first, where reading is asked for, then the ordinary one.
    fn authorize(
        &mut self,
        request: &Request<'_>,
        edition: Edition,
        scope: Scope<'_>,
    ) -> Result<Permitted, Status> {
        let given = Given::read(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let given = given.ok_or(Status::PuatRequired)?;
        let prefix = authenticated_prefix(request.sub_command);
        let params = request
            .sub_command_params
            .map_or(&[][..], |params| params.bytes());
        let message = [prefix.as_slice(), params];
        if scope.reads() && self.verify_persistent_token(given, &message).is_ok() {
            return Ok(Permitted(()));
        }
        match edition {
            Edition::Final => {
                self.verify_token(given, &message, Permissions::CREDENTIAL_MANAGEMENT)?;
            }
            Edition::Preview => {
                self.verify_preview_token(given, &message)?;
            }
        }
        let bound = self.ram.token.as_ref().and_then(|token| token.rp_id());
        let Some(bound) = bound else {
            return Ok(Permitted(()));
        };
        let inside = match scope {
            Scope::Everything | Scope::Nothing => false,
            Scope::RelyingParty(rp_id_hash) => {
                self.crypto.sha256(&[bound.as_bytes()]) == *rp_id_hash
            }
            Scope::Credential(credential) => credential.rp_id == bound,
        };
        if inside {
            Ok(Permitted(()))
        } else {
            Err(Status::PinAuthInvalid)
        }
    }

    fn creds_metadata(&self, _: Permitted, w: &mut Writer<'_>) -> Result<(), Status> {
        let response = Response {
            existing_resident_credentials_count: Some(count(self.state.owner.credentials.len())),
            max_possible_remaining_resident_credentials_count: Some(count(self.room())),
            ..Response::default()
        };
        response.encode(w).map_err(other)
    }

    fn enumerate_rps_begin(
        &mut self,
        _: Permitted,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let mut rp_ids: Vec<String> = Vec::new();
        for credential in self.state.owner.credentials.iter().rev() {
            if !rp_ids.contains(&credential.rp_id) {
                rp_ids.push(credential.rp_id.clone());
            }
        }
        if rp_ids.is_empty() {
            return Err(Status::NoCredentials);
        }
        let total = count(rp_ids.len());
        self.next_rp(PendingRps { rp_ids, last: now }, Some(total), now, w)
    }

    fn next_rp(
        &mut self,
        mut pending: PendingRps,
        total_rps: Option<u32>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let rp_id = pending
            .rp_ids
            .pop()
            .filter(|_| now.since(pending.last) <= SEQUENCE_TIMEOUT);
        let rp_id = rp_id.ok_or(Status::NotAllowed)?;
        let credentials = &self.state.owner.credentials;
        let name = credentials
            .iter()
            .rev()
            .find(|credential| credential.rp_id == rp_id)
            .and_then(|credential| credential.rp_name.as_deref());
        let rp_id_hash = self.crypto.sha256(&[rp_id.as_bytes()]);
        let response = Response {
            rp: Some(PublicKeyCredentialRpEntity { id: &rp_id, name }),
            rp_id_hash: Some(&rp_id_hash),
            total_rps,
            ..Response::default()
        };
        response.encode(w).map_err(other)?;
        pending.last = now;
        self.ram.sequence = Some(Sequence::RelyingParties(pending));
        Ok(())
    }

    fn enumerate_credentials_begin(
        &mut self,
        _: Permitted,
        rp_id_hash: &[u8; 32],
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let credentials = self.state.owner.credentials.iter();
        let ids: Vec<_> = credentials
            .filter(|credential| self.crypto.sha256(&[credential.rp_id.as_bytes()]) == *rp_id_hash)
            .map(|credential| credential.id)
            .collect();
        if ids.is_empty() {
            return Err(Status::NoCredentials);
        }
        let total = count(ids.len());
        self.next_credential(PendingCredentials { ids, last: now }, Some(total), now, w)
    }

    fn next_credential(
        &mut self,
        mut pending: PendingCredentials,
        total_credentials: Option<u32>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let id = pending
            .ids
            .pop()
            .filter(|_| now.since(pending.last) <= SEQUENCE_TIMEOUT);
        let id = id.ok_or(Status::NotAllowed)?;
        let credential = self.resident(&id).ok_or(Status::NotAllowed)?.clone();
        let public = credential
            .algorithm
            .public(&mut self.crypto, &credential.key.private())
            .map_err(other)?;
        let response = Response {
            user: Some(credential.user.entity()),
            credential_id: Some(PublicKeyCredentialDescriptor::new(&id)),
            public_key: Some(public.cose()),
            total_credentials,
            cred_protect: Some(CredProtect::from(credential.protection).into()),
            ..Response::default()
        };
        response.encode(w).map_err(other)?;
        pending.last = now;
        self.ram.sequence = Some(Sequence::Credentials(pending));
        Ok(())
    }

    fn delete_credential(&mut self, request: &Request<'_>, edition: Edition) -> Result<(), Status> {
        let id = params(request)?
            .credential_id
            .ok_or(Status::MissingParameter)?
            .id;
        let credential = self.authorize_for_credential(request, edition, id)?;
        let store_state = random(&mut self.crypto).map_err(other)?;
        self.change(|owner| {
            owner.credentials.retain(|kept| kept.id != credential.id);
            owner.store_state = store_state;
        })
    }

    /// The names that are not sent, or empty, are deleted.
    fn update_user_information(&mut self, request: &Request<'_>) -> Result<(), Status> {
        let params = params(request)?;
        let id = params.credential_id.ok_or(Status::MissingParameter)?.id;
        let user = params.user.ok_or(Status::MissingParameter)?;
        let credential = self.authorize_for_credential(request, Edition::Final, id)?;
        if credential.user.id != user.id {
            return Err(Status::InvalidParameter);
        }
        let store_state = random(&mut self.crypto).map_err(other)?;
        let user = User::new(&user);
        self.change(|owner| {
            for kept in owner
                .credentials
                .iter_mut()
                .filter(|kept| kept.id == credential.id)
            {
                kept.user = user.clone();
            }
            owner.store_state = store_state;
        })
    }

    /// The credential, if it exists and this request may change it. Whether it does is told to those only who may know.
    fn authorize_for_credential(
        &mut self,
        request: &Request<'_>,
        edition: Edition,
        id: &[u8],
    ) -> Result<ResidentCredential, Status> {
        match self.resident(id).cloned() {
            Some(credential) => {
                self.authorize(request, edition, Scope::Credential(&credential))?;
                Ok(credential)
            }
            None => {
                self.authorize(request, edition, Scope::Nothing)?;
                Err(Status::NoCredentials)
            }
        }
    }

    pub(super) fn resident(&self, id: &[u8]) -> Option<&ResidentCredential> {
        self.state
            .owner
            .credentials
            .iter()
            .find(|credential| credential.id == id)
    }
}

/// What a request is about: an RP ID in the token must cover it.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Everything,
    RelyingParty(&'a [u8; 32]),
    Credential(&'a ResidentCredential),
    /// A credential that does not exist.
    Nothing,
}

impl Scope<'_> {
    /// Whether the persistent token is enough.
    fn reads(self) -> bool {
        match self {
            Self::Everything | Self::RelyingParty(_) => true,
            Self::Credential(_) | Self::Nothing => false,
        }
    }
}

fn params<'a>(request: &Request<'a>) -> Result<SubcommandParams<'a>, Status> {
    parse(
        request
            .sub_command_params
            .ok_or(Status::MissingParameter)?
            .bytes(),
    )
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// Milliseconds between the items of a list.
pub(super) const SEQUENCE_TIMEOUT: u64 = 30_000;

#[cfg(test)]
mod tests;
