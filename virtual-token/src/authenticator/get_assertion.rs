//! authenticatorGetAssertion and authenticatorGetNextAssertion. CTAP 2.3 §6.2, §6.3.

use super::credential::Usable;
use super::credential_management::SEQUENCE_TIMEOUT;
use super::get_info::MAX_CREDENTIAL_COUNT_IN_LIST;
use super::hmac_secret::Salts;
use super::user_verification::{Given, UserVerified};
use super::{Authenticator, Environment, Present, Sequence, other, parse, user_presence};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, List, Raw, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{GetAssertionInputs, GetAssertionOutputs};
use keysteward_core::ctap2::get_assertion::{Request, Response};
use keysteward_core::ctap2::{
    PUBLIC_KEY, PublicKeyCredentialDescriptor, PublicKeyCredentialUserEntity, Status,
};
use keysteward_core::session::Millis;
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};

/// What stays the same for every assertion of one request.
struct Ceremony {
    rp_id_hash: [u8; 32],
    client_data_hash: [u8; 32],
    present: Option<Present>,
    verified: Option<UserVerified>,
    hmac_secret: Option<Salts>,
}

/// Assertions still to be given, the next one last.
pub(super) struct Pending {
    ceremony: Ceremony,
    credentials: Vec<Usable>,
    last: Millis,
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn get_assertion(
        &mut self,
        request: &Request<'_>,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if request.pin_uv_auth_param.is_some_and(<[u8]>::is_empty) {
            return Err(self.answer_empty_param(user_presence(environment)?));
        }
        let given = Given::read(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let options = request.options.unwrap_or_default();
        if options.rk.is_some() {
            return Err(Status::UnsupportedOption);
        }
        if given.is_none() && options.uv == Some(true) {
            return Err(Status::InvalidOption);
        }
        let touch = options.up.unwrap_or(true);
        let verified = match given {
            Some(given) => Some(self.verify_token_for(
                given,
                request.client_data_hash,
                Permissions::GET_ASSERTION,
                request.rp_id,
            )?),
            None if self.state.owner.always_uv && touch => return Err(Status::PuatRequired),
            None => None,
        };
        let inputs = match request.extensions {
            Some(extensions) => parse(extensions.bytes())?,
            None => GetAssertionInputs::default(),
        };
        let hmac_secret = match &inputs.hmac_secret {
            Some(_) if !touch => return Err(Status::UnsupportedOption),
            Some(salts) => Some(self.hmac_secret_input(salts)?),
            None => None,
        };

        let mut credentials = self.applicable(request, verified)?;
        let Some(credential) = credentials.pop() else {
            return Err(Status::NoCredentials);
        };
        let present = if touch {
            let present = user_presence(environment)?;
            self.spend_token(present);
            Some(present)
        } else {
            None
        };
        let ceremony = Ceremony {
            rp_id_hash: self.crypto.sha256(&[request.rp_id.as_bytes()]),
            client_data_hash: *request.client_data_hash,
            present,
            verified,
            hmac_secret,
        };
        let total = match credentials.len() {
            0 => None,
            more => u32::try_from(more + 1).ok(),
        };
        self.assert(&ceremony, &credential, total, w)?;
        if !credentials.is_empty() {
            let last = environment.now();
            let pending = Pending {
                ceremony,
                credentials,
                last,
            };
            self.ram.sequence = Some(Sequence::Assertions(Box::new(pending)));
        }
        Ok(())
    }

    pub(super) fn get_next_assertion(
        &mut self,
        sequence: Option<Sequence>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let Some(Sequence::Assertions(mut pending)) = sequence else {
            return Err(Status::NotAllowed);
        };
        if now.since(pending.last) > SEQUENCE_TIMEOUT {
            return Err(Status::NotAllowed);
        }
        let credential = pending.credentials.pop().ok_or(Status::NotAllowed)?;
        self.assert(&pending.ceremony, &credential, None, w)?;
        pending.last = now;
        self.ram.sequence = Some(Sequence::Assertions(pending));
        Ok(())
    }

    /// The credentials that may answer, the newest last; one only where a list names them.
    fn applicable(
        &mut self,
        request: &Request<'_>,
        verified: Option<UserVerified>,
    ) -> Result<Vec<Usable>, Status> {
        let list = request.allow_list.unwrap_or_default();
        let verified = verified.is_some();
        if list.is_empty() {
            let stored = self.state.owner.credentials.iter();
            return Ok(stored
                .filter(|credential| credential.rp_id == request.rp_id)
                .filter(|credential| credential.protection.permits(verified, false))
                .map(|credential| credential.usable())
                .collect());
        }
        let mut listed = self.listed(&list, request.rp_id)?;
        listed.retain(|credential| credential.protection.permits(verified, true));
        listed.truncate(1);
        Ok(listed)
    }

    /// Those credentials of a list that are this key's and the RP's.
    pub(super) fn listed(
        &mut self,
        list: &List<'_, PublicKeyCredentialDescriptor<'_>>,
        rp_id: &str,
    ) -> Result<Vec<Usable>, Status> {
        if list.len() > MAX_CREDENTIAL_COUNT_IN_LIST {
            return Err(Status::LimitExceeded);
        }
        let rp_id_hash = self.crypto.sha256(&[rp_id.as_bytes()]);
        let master = self.state.owner.master.clone();
        let mut found = Vec::new();
        for descriptor in list
            .iter()
            .filter(|descriptor| descriptor.type_ == PUBLIC_KEY)
        {
            let stored = self
                .resident(descriptor.id)
                .filter(|stored| stored.rp_id == rp_id);
            found.extend(match stored {
                Some(stored) => Some(stored.usable()),
                None => Usable::derive_again(&mut self.crypto, &master, &rp_id_hash, descriptor.id),
            });
        }
        Ok(found)
    }

    /// Signs one assertion.
    fn assert(
        &mut self,
        ceremony: &Ceremony,
        credential: &Usable,
        number_of_credentials: Option<u32>,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let Ceremony {
            present, verified, ..
        } = *ceremony;
        let sign_count = self.next_sign_count();
        let hmac_secret = match &ceremony.hmac_secret {
            Some(salts) => Some(salts.output(&mut self.crypto, credential, verified)?),
            None => None,
        };
        let mut room = [0; MAX_EXTENSIONS];
        let extensions = match hmac_secret.as_deref() {
            None => None,
            hmac_secret => {
                let outputs = GetAssertionOutputs {
                    hmac_secret,
                    ..GetAssertionOutputs::default()
                };
                Some(Raw::encode_in(&outputs, &mut room).map_err(other)?)
            }
        };
        let data = AuthenticatorData {
            rp_id_hash: &ceremony.rp_id_hash,
            flags: flags(present, verified),
            sign_count,
            attested_credential: None,
            extensions,
        };
        let mut room = [0; 37 + MAX_EXTENSIONS];
        let auth_data = data.encode(&mut room).map_err(other)?;
        let parts = [auth_data, &ceremony.client_data_hash];
        let signature = credential.sign(&mut self.crypto, &parts).map_err(other)?;
        let user = credential.user.as_ref().map(|user| match verified {
            Some(_) => user.entity(),
            None => PublicKeyCredentialUserEntity {
                name: None,
                display_name: None,
                ..user.entity()
            },
        });
        let response = Response {
            credential: Some(PublicKeyCredentialDescriptor::new(&credential.id)),
            auth_data,
            signature: &signature,
            user,
            number_of_credentials,
            user_selected: None,
            large_blob_key: None,
            unsigned_extension_outputs: None,
        };
        response.encode(w).map_err(other)?;
        // Before the signature leaves: a counter never goes back.
        self.change(|owner| owner.signature_counter = sign_count)
    }

    /// One counter for the whole key.
    pub(super) fn next_sign_count(&self) -> u32 {
        self.state.owner.signature_counter.saturating_add(1)
    }
}

/// UP and UV, each by its proof.
pub(super) fn flags(present: Option<Present>, verified: Option<UserVerified>) -> Flags {
    let present = present.map_or(Flags::default(), |_| Flags::USER_PRESENT);
    let verified = verified.map_or(Flags::default(), |_| Flags::USER_VERIFIED);
    present | verified
}

/// hmac-secret of two salts.
const MAX_EXTENSIONS: usize = 96;

#[cfg(test)]
mod tests;
