//! authenticatorMakeCredential. CTAP 2.3 §6.1.

use super::credential::{Algorithm, MAX_ID_LEN, Protection, ResidentCredential, Usable, User};
use super::get_assertion::flags;
use super::state::{Key, random};
use super::user_verification::{Given, UserVerified};
use super::{Authenticator, Environment, other, parse, user_presence};
use crate::storage::Storage;
use keysteward_core::cbor::{Raw, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{MakeCredentialInputs, MakeCredentialOutputs};
use keysteward_core::ctap2::make_credential::Request;
use keysteward_core::ctap2::{PUBLIC_KEY, Status};
use keysteward_core::webauthn::authenticator_data::{AttestedCredential, AuthenticatorData};

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn make_credential(
        &mut self,
        request: &Request<'_>,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if request.pin_uv_auth_param.is_some_and(<[u8]>::is_empty) {
            return Err(self.answer_empty_param(user_presence(environment)?));
        }
        let given = Given::read(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let algorithm = algorithm(request)?;
        let options = request.options.unwrap_or_default();
        let resident = options.rk.unwrap_or(false);
        // There is no built-in user verification to ask for.
        if options.up == Some(false) || (given.is_none() && options.uv == Some(true)) {
            return Err(Status::InvalidOption);
        }
        let attestation = self.attestation_for(request)?;
        let inputs = match request.extensions {
            Some(extensions) => parse(extensions.bytes())?,
            None => MakeCredentialInputs::default(),
        };
        let protection = protection(&inputs)?;
        if !(1..=MAX_USER_ID_LEN).contains(&request.user.id.len()) {
            return Err(Status::InvalidLength);
        }

        let verified = match given {
            Some(given) => Some(self.verify_token_for(
                given,
                request.client_data_hash,
                Permissions::MAKE_CREDENTIAL,
                request.rp.id,
            )?),
            None if self.make_credential_needs_verification(resident) => {
                return Err(Status::PuatRequired);
            }
            None => None,
        };
        let excluded = self.excluded(request, verified)?;
        let present = user_presence(environment)?;
        self.spend_token(present);
        if excluded {
            return Err(Status::CredentialExcluded);
        }

        let hmac_secret = match &inputs.hmac_secret_mc {
            Some(_) if inputs.hmac_secret != Some(true) => return Err(Status::MissingParameter),
            Some(salts) => Some(self.hmac_secret_input(salts)?),
            None => None,
        };
        let rp_id_hash = self.crypto.sha256(&[request.rp.id.as_bytes()]);
        let stored = match resident {
            true => Some(self.new_resident(request, algorithm, protection)?),
            false => None,
        };
        let credential = match &stored {
            Some(stored) => stored.usable(),
            None => {
                let master = self.state.owner.master.clone();
                Usable::derive_new(
                    &mut self.crypto,
                    &master,
                    &rp_id_hash,
                    algorithm,
                    protection,
                )
                .map_err(other)?
            }
        };
        let hmac_secret = match hmac_secret {
            Some(input) => Some(input.output(&mut self.crypto, &credential, verified)?),
            None => None,
        };
        let owner = &self.state.owner;
        let listed = owner
            .min_pin_length_rp_ids
            .iter()
            .any(|id| id == request.rp.id);
        let outputs = MakeCredentialOutputs {
            cred_protect: inputs.cred_protect.map(|_| protection.into()),
            hmac_secret: inputs.hmac_secret.filter(|&asked| asked),
            min_pin_length: inputs
                .min_pin_length
                .filter(|&asked| asked && listed)
                .map(|_| owner.min_pin_length.into()),
            hmac_secret_mc: hmac_secret.as_deref(),
            ..MakeCredentialOutputs::default()
        };
        let sign_count = self.next_sign_count();
        let public = algorithm
            .public(&mut self.crypto, &credential.key)
            .map_err(other)?;
        let mut room = [0; MAX_EXTENSIONS];
        let data = AuthenticatorData {
            rp_id_hash: &rp_id_hash,
            flags: flags(Some(present), verified),
            sign_count,
            attested_credential: Some(AttestedCredential {
                aaguid: &self.state.factory.aaguid,
                credential_id: &credential.id,
                public_key: public.cose(),
            }),
            extensions: if outputs == MakeCredentialOutputs::default() {
                None
            } else {
                Some(Raw::encode_in(&outputs, &mut room).map_err(other)?)
            },
        };
        let mut room = [0; MAX_AUTH_DATA];
        let auth_data = data.encode(&mut room).map_err(other)?;
        self.attest(attestation, auth_data, request.client_data_hash, w)?;
        self.keep(stored, sign_count)
    }

    /// Without a PIN there is nothing to verify by, and alwaysUv then allows nothing. With one,
    /// makeCredUvNotRqd leaves non-discoverable credentials free.
    fn make_credential_needs_verification(&self, resident: bool) -> bool {
        self.state.owner.always_uv || (self.protected() && resident)
    }

    /// Whether this key holds a credential of the exclude list that the platform may know of.
    fn excluded(
        &mut self,
        request: &Request<'_>,
        verified: Option<UserVerified>,
    ) -> Result<bool, Status> {
        let list = request.exclude_list.unwrap_or_default();
        let candidates = self.listed(&list, request.rp.id)?;
        Ok(candidates
            .iter()
            .any(|found| found.protection.permits(verified.is_some(), true)))
    }

    /// Makes a discoverable credential; nothing is stored yet.
    fn new_resident(
        &mut self,
        request: &Request<'_>,
        algorithm: Algorithm,
        protection: Protection,
    ) -> Result<ResidentCredential, Status> {
        let crypto = &mut self.crypto;
        let credential = ResidentCredential {
            id: random(crypto).map_err(other)?,
            rp_id: request.rp.id.into(),
            rp_name: request.rp.name.map(Into::into),
            user: User::new(&request.user),
            algorithm,
            protection,
            key: Key::from(&algorithm.generate(crypto).map_err(other)?),
            random_with_uv: Key::random(crypto).map_err(other)?,
            random_without_uv: Key::random(crypto).map_err(other)?,
        };
        let mut stored = self.state.owner.credentials.iter();
        if self.room() == 0 && !stored.any(|stored| stored.same_account(&credential)) {
            return Err(Status::KeyStoreFull);
        }
        Ok(credential)
    }

    /// Stores what was made, in one step; an older credential for the same account gives way.
    fn keep(&mut self, stored: Option<ResidentCredential>, sign_count: u32) -> Result<(), Status> {
        let store_state = random(&mut self.crypto).map_err(other)?;
        self.change(|owner| {
            owner.signature_counter = sign_count;
            if let Some(new) = stored {
                owner.credentials.retain(|older| !older.same_account(&new));
                owner.credentials.push(new);
                owner.store_state = store_state;
            }
        })
    }
}

/// The first algorithm of the request that this key has.
fn algorithm(request: &Request<'_>) -> Result<Algorithm, Status> {
    let params = request.pub_key_cred_params.iter();
    let mut known = params
        .filter(|params| params.type_ == PUBLIC_KEY)
        .filter_map(|params| Algorithm::from_cose(params.alg));
    known.next().ok_or(Status::UnsupportedAlgorithm)
}

fn protection(inputs: &MakeCredentialInputs<'_>) -> Result<Protection, Status> {
    match inputs.cred_protect {
        None => Ok(Protection::default()),
        Some(level) => Protection::from_level(level).ok_or(Status::InvalidOption),
    }
}

const MAX_USER_ID_LEN: usize = 64;
/// The longest outputs: hmac-secret-mc of two salts, and three small ones.
const MAX_EXTENSIONS: usize = 192;
const MAX_AUTH_DATA: usize = 37 + 18 + MAX_ID_LEN + 77 + MAX_EXTENSIONS;

#[cfg(test)]
mod tests;
