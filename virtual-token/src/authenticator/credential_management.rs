//! authenticatorCredentialManagement. CTAP 2.3 §6.8.
//!
//! The preview (0x41) is the same command for older platforms: their token has no permissions of
//! its own, so what getPinToken grants must do; it cannot update.

use super::credential::stored::{Room, Stored, kept_user};
use super::profile::Edition;
use super::record::record;
use super::secret::random;
use super::{Authenticator, Sequence, other, parse};
use crate::storage::{Change, Record, Storage};
use core::ops::ControlFlow;
use keysteward_core::cbor::{Encode, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::credential_management::{
    Request, Response, Subcommand, SubcommandParams, authenticated_prefix,
};
use keysteward_core::ctap2::extension::CredProtect;
use keysteward_core::ctap2::extension::identifier::THIRD_PARTY_PAYMENT;
use keysteward_core::ctap2::subcommand::authenticated_message;
use keysteward_core::ctap2::{
    LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialUserEntity, Status,
};
use keysteward_core::time::Millis;

/// Relying parties still to be told: those whose first credential lies in this slot or behind it.
pub(super) struct PendingRps {
    from: u16,
    last: Millis,
}

/// Credentials of a relying party still to be told: those made before this number.
pub(super) struct PendingCredentials {
    rp_id_hash: [u8; 32],
    before: u32,
    last: Millis,
}

/// Proof that whoever asks may do it.
struct Permitted(());

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
                let permitted = self.authorize(request, edition, Scope::Reading(rp_id_hash))?;
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
        let given = self.given(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let given = given.ok_or(Status::PuatRequired)?;
        let prefix = authenticated_prefix(request.sub_command);
        let message = authenticated_message(&prefix, request.sub_command_params);
        let permission = Permissions::CREDENTIAL_MANAGEMENT;
        let persistent = self.features().persistent_token && scope.reads();
        if persistent && self.verify_persistent_token(given, &message).is_ok() {
            return Ok(Permitted(()));
        }
        match edition {
            Edition::Final => {
                self.verify_token(given, &message, permission)?;
            }
            Edition::Preview => {
                self.verify_preview_token(given, &message, permission)?;
            }
        }
        let bound = self.ram.token.as_ref().and_then(|token| token.rp_id_hash());
        let inside = match (bound, scope) {
            (None, _) => true,
            (Some(_), Scope::Everything | Scope::Nothing) => false,
            (Some(bound), Scope::Reading(rp_id_hash) | Scope::Changing(rp_id_hash)) => {
                bound == rp_id_hash
            }
        };
        if inside {
            Ok(Permitted(()))
        } else {
            Err(Status::PinAuthInvalid)
        }
    }

    fn creds_metadata(&self, _: Permitted, w: &mut Writer<'_>) -> Result<(), Status> {
        let response = Response {
            existing_resident_credentials_count: Some(self.count_stored()?.into()),
            max_possible_remaining_resident_credentials_count: Some(self.room()?.into()),
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
        let mut total = 0_u32;
        let mut from = 0;
        while let Some(slot) = self.first_of_an_rp(from)? {
            total = total.saturating_add(1);
            from = slot.saturating_add(1);
        }
        if total == 0 {
            return Err(Status::NoCredentials);
        }
        let all = PendingRps { from: 0, last: now };
        self.next_rp(all, Some(total), now, w)
    }

    #[inline(never)]
    fn next_rp(
        &mut self,
        pending: PendingRps,
        total_rps: Option<u32>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if now.since(pending.last) > SEQUENCE_TIMEOUT {
            return Err(Status::NotAllowed);
        }
        let slot = self
            .first_of_an_rp(pending.from)?
            .ok_or(Status::NotAllowed)?;
        let mut room = Room::new([0; _]);
        let stored = self.stored(slot, &mut room)?.ok_or(Status::OtherError)?;
        let response = Response {
            rp: Some(stored.rp),
            rp_id_hash: Some(stored.rp_id_hash),
            total_rps,
            ..Response::default()
        };
        response.encode(w).map_err(other)?;
        self.ram.sequence = Some(Sequence::RelyingParties(PendingRps {
            from: slot.saturating_add(1),
            last: now,
        }));
        Ok(())
    }

    /// The first slot from `from` on whose relying party has no credential in an earlier slot.
    fn first_of_an_rp(&self, from: u16) -> Result<Option<u16>, Status> {
        for slot in from..self.slots().end {
            let Some(rp_id_hash) = self.rp_in(slot)? else {
                continue;
            };
            let first = self.find_stored(&mut |stored| *stored.rp_id_hash == rp_id_hash)?;
            if first == Some(slot) {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    #[inline(never)]
    fn rp_in(&self, slot: u16) -> Result<Option<[u8; 32]>, Status> {
        let mut room = Room::new([0; _]);
        let stored = self.stored(slot, &mut room)?;
        Ok(stored.map(|stored| *stored.rp_id_hash))
    }

    fn enumerate_credentials_begin(
        &mut self,
        _: Permitted,
        rp_id_hash: &[u8; 32],
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let mut total = 0_u32;
        self.visit_stored(&mut |_, stored| {
            total = total.saturating_add((stored.rp_id_hash == rp_id_hash).into());
            ControlFlow::Continue(())
        })?;
        if total == 0 {
            return Err(Status::NoCredentials);
        }
        let all = PendingCredentials {
            rp_id_hash: *rp_id_hash,
            before: u32::MAX,
            last: now,
        };
        self.next_credential(all, Some(total), now, w)
    }

    #[inline(never)]
    fn next_credential(
        &mut self,
        pending: PendingCredentials,
        total_credentials: Option<u32>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let PendingCredentials {
            rp_id_hash,
            before,
            last,
        } = pending;
        if now.since(last) > SEQUENCE_TIMEOUT {
            return Err(Status::NotAllowed);
        }
        let newest = self.newest_stored(before, &mut |stored| *stored.rp_id_hash == rp_id_hash)?;
        let (slot, before) = newest.found.ok_or(Status::NotAllowed)?;
        let mut room = Room::new([0; _]);
        let stored = self.stored(slot, &mut room)?.ok_or(Status::OtherError)?;
        let usable = stored.usable();
        let public = usable
            .algorithm
            .public(&mut self.crypto, &usable.key)
            .map_err(other)?;
        let response = Response {
            user: Some(stored.user),
            credential_id: Some(PublicKeyCredentialDescriptor::new(stored.id)),
            public_key: Some(public.cose()),
            total_credentials,
            cred_protect: Some(CredProtect::from(stored.protection).into()),
            large_blob_key: stored.large_blob_key.map(LargeBlobKey),
            third_party_payment: self
                .features()
                .has_extension(THIRD_PARTY_PAYMENT)
                .then_some(stored.third_party_payment),
            ..Response::default()
        };
        response.encode(w).map_err(other)?;
        self.ram.sequence = Some(Sequence::Credentials(PendingCredentials {
            rp_id_hash,
            before,
            last: now,
        }));
        Ok(())
    }

    fn delete_credential(&mut self, request: &Request<'_>, edition: Edition) -> Result<(), Status> {
        let id = params(request)?
            .credential_id
            .ok_or(Status::MissingParameter)?
            .id;
        let slot = self.authorize_for_credential(request, edition, id)?;
        let mut next = self.owner.clone();
        next.store_state = random(&mut self.crypto).map_err(other)?;
        let change = Change::Delete(Record::Credential(slot));
        self.store(next, &self.without_blob(slot, change))
    }

    /// The names that are not sent, or empty, are deleted.
    #[inline(never)]
    fn update_user_information(&mut self, request: &Request<'_>) -> Result<(), Status> {
        let params = params(request)?;
        let id = params.credential_id.ok_or(Status::MissingParameter)?.id;
        let user = params.user.ok_or(Status::MissingParameter)?;
        let slot = self.authorize_for_credential(request, Edition::Final, id)?;
        let mut room = Room::new([0; _]);
        let length = self.renamed(slot, &user, room.as_mut_slice())?;
        let bytes = room.get(..length).ok_or(Status::OtherError)?;
        let mut next = self.owner.clone();
        next.store_state = random(&mut self.crypto).map_err(other)?;
        self.store(next, &[Change::replace(Record::Credential(slot), bytes)])
    }

    /// Encodes the record of a credential with other names of its user; tells its length.
    #[inline(never)]
    fn renamed(
        &self,
        slot: u16,
        user: &PublicKeyCredentialUserEntity<'_>,
        bytes: &mut [u8],
    ) -> Result<usize, Status> {
        let mut room = Room::new([0; _]);
        let stored = self.stored(slot, &mut room)?.ok_or(Status::OtherError)?;
        if stored.user.id != user.id {
            return Err(Status::InvalidParameter);
        }
        let renamed = Stored {
            user: kept_user(user),
            ..stored
        };
        record(&renamed, bytes).map(<[u8]>::len).map_err(other)
    }

    /// The slot of the credential, if it exists and this request may change it. Whether it does is
    /// told to those only who may know.
    fn authorize_for_credential(
        &mut self,
        request: &Request<'_>,
        edition: Edition,
        id: &[u8],
    ) -> Result<u16, Status> {
        let mut rp_id_hash = [0; 32];
        let slot = self.find_stored(&mut |stored| {
            rp_id_hash = *stored.rp_id_hash;
            stored.id == id
        })?;
        match slot {
            Some(slot) => {
                self.authorize(request, edition, Scope::Changing(&rp_id_hash))?;
                Ok(slot)
            }
            None => {
                self.authorize(request, edition, Scope::Nothing)?;
                Err(Status::NoCredentials)
            }
        }
    }
}

/// What a request is about: an RP ID in the token must cover it.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Everything,
    /// Credentials of this RP.
    Reading(&'a [u8; 32]),
    /// A credential of this RP.
    Changing(&'a [u8; 32]),
    /// A credential that does not exist.
    Nothing,
}

impl Scope<'_> {
    /// Whether the persistent token is enough.
    fn reads(self) -> bool {
        match self {
            Self::Everything | Self::Reading(_) => true,
            Self::Changing(_) | Self::Nothing => false,
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

/// Milliseconds between the items of a list.
pub(super) const SEQUENCE_TIMEOUT: u64 = 30_000;

#[cfg(all(test, feature = "std"))]
mod tests;
