//! authenticatorMakeCredential. CTAP 2.3 §6.1.

use super::attestation::{Attestation, Attested};
use super::credential::derived::{DERIVED_ID_LEN, derive_again, derive_new};
use super::credential::stored::{MAX_CRED_BLOB, MAX_RP_ID, Room, Stored, kept_name, kept_user};
use super::credential::{Algorithm, Protection, Usable};
use super::get_assertion::{MAX_USER_ID_LEN, flags};
use super::large_blob::SUPPORTED;
use super::record::record;
use super::secret::{Key, random};
use super::user_verification::UserVerified;
use super::{Authenticator, Environment, Present, other, parse, user_presence};
use crate::storage::{Change, Record, Storage};
use keysteward_core::cbor::{Raw, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::identifier::{
    CRED_BLOB, CRED_PROTECT, HMAC_SECRET, HMAC_SECRET_MC, LARGE_BLOB, LARGE_BLOB_KEY,
    MIN_PIN_LENGTH, PIN_COMPLEXITY_POLICY, THIRD_PARTY_PAYMENT,
};
use keysteward_core::ctap2::extension::{
    LargeBlobSupport, MakeCredentialInputs, MakeCredentialOutputs,
};
use keysteward_core::ctap2::make_credential::Request;
use keysteward_core::ctap2::{PUBLIC_KEY, PublicKeyCredentialRpEntity, Status};
use keysteward_core::webauthn::authenticator_data::{AttestedCredential, AuthenticatorData};

/// A request that was found right, and to which the user agreed.
struct Ceremony<'a> {
    request: &'a Request<'a>,
    rp_id_hash: [u8; 32],
    algorithm: Algorithm,
    protection: Protection,
    inputs: MakeCredentialInputs<'a>,
    attestation: Attestation,
    present: Present,
    verified: Option<UserVerified>,
}

/// What a stored credential is to be, before it is one.
struct Fresh {
    id: [u8; 32],
    key: Key<32>,
    random_with_uv: Key<32>,
    random_without_uv: Key<32>,
    /// Kept only where it is asked for.
    large_blob_key: Key<32>,
    /// Free, or of the credential that gives way.
    slot: u16,
}

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
        let given = self.given(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let algorithm = algorithm(request)?;
        let options = request.options.unwrap_or_default();
        let resident = options.rk.unwrap_or(false);
        if options.up == Some(false) {
            return Err(Status::InvalidOption);
        }
        let by_finger = self.wants_finger(given, options.uv, true)?;
        let attestation = self.attestation_for(request)?;
        let large_blob = self.large_blob_wanted(request.extensions)?;
        let inputs = match request.extensions {
            Some(extensions) => self.known(parse(extensions.bytes())?),
            None => MakeCredentialInputs::default(),
        };
        if large_blob == Some(LargeBlobSupport::Required) && !resident {
            return Err(Status::LargeBlobStorageFull);
        }
        let protection = protection(&inputs)?;
        match inputs.large_blob_key {
            None => {}
            Some(true) if resident => {}
            Some(_) => return Err(Status::InvalidOption),
        }
        if !(1..=MAX_USER_ID_LEN).contains(&request.user.id.len()) {
            return Err(Status::InvalidLength);
        }
        let rp_id_hash = self.crypto.sha256(&[request.rp.id.as_bytes()]);

        let mut present = None;
        let verified = match given {
            Some(given) => Some(self.verify_token_for(
                given,
                request.client_data_hash,
                Permissions::MAKE_CREDENTIAL,
                &rp_id_hash,
            )?),
            None if by_finger => {
                let matched = self.verify_by_finger(environment)?;
                present = Some(Present::from(matched));
                Some(matched.into())
            }
            None if self.make_credential_needs_verification(resident) => {
                return Err(Status::PuatRequired);
            }
            None => None,
        };
        let excluded = self.excluded(request, &rp_id_hash, verified)?;
        let present = match present {
            Some(present) => present,
            None => self.presence_for(given, environment)?,
        };
        self.spend_token(present);
        if excluded {
            return Err(Status::CredentialExcluded);
        }
        let ceremony = Ceremony {
            request,
            rp_id_hash,
            algorithm,
            protection,
            inputs,
            attestation,
            present,
            verified,
        };
        if resident {
            self.make_stored(&ceremony, w)
        } else {
            self.make_derived(&ceremony, w)
        }
    }

    /// Without a PIN there is nothing to verify by, and alwaysUv then allows nothing. With one,
    /// makeCredUvNotRqd leaves non-discoverable credentials free.
    fn make_credential_needs_verification(&self, resident: bool) -> bool {
        let free = !resident && self.features().make_cred_uv_not_required;
        self.owner.always_uv || (self.protected() && !free)
    }

    /// What is asked of extensions that the key has; the others count as absent.
    fn known<'i>(&self, inputs: MakeCredentialInputs<'i>) -> MakeCredentialInputs<'i> {
        let has = |identifier| self.features().has_extension(identifier);
        MakeCredentialInputs {
            cred_blob: inputs.cred_blob.filter(|_| has(CRED_BLOB)),
            cred_protect: inputs.cred_protect.filter(|_| has(CRED_PROTECT)),
            hmac_secret: inputs.hmac_secret.filter(|_| has(HMAC_SECRET)),
            large_blob_key: inputs.large_blob_key.filter(|_| has(LARGE_BLOB_KEY)),
            min_pin_length: inputs.min_pin_length.filter(|_| has(MIN_PIN_LENGTH)),
            hmac_secret_mc: inputs.hmac_secret_mc.filter(|_| has(HMAC_SECRET_MC)),
            third_party_payment: inputs
                .third_party_payment
                .filter(|_| has(THIRD_PARTY_PAYMENT)),
            large_blob: inputs.large_blob.filter(|_| has(LARGE_BLOB)),
            pin_complexity_policy: inputs
                .pin_complexity_policy
                .filter(|_| has(PIN_COMPLEXITY_POLICY)),
        }
    }

    /// Whether this key holds a credential of the exclude list that the platform may know of.
    #[inline(never)]
    fn excluded(
        &mut self,
        request: &Request<'_>,
        rp_id_hash: &[u8; 32],
        verified: Option<UserVerified>,
    ) -> Result<bool, Status> {
        let list = request.exclude_list.unwrap_or_default();
        let found = self.first_listed(&list, rp_id_hash, verified.is_some())?;
        Ok(found.is_some())
    }

    /// Makes a credential that its ID carries.
    #[inline(never)]
    fn make_derived(&mut self, ceremony: &Ceremony<'_>, w: &mut Writer<'_>) -> Result<(), Status> {
        let master = self.owner.master.clone();
        let rp_id_hash = &ceremony.rp_id_hash;
        let crypto = &mut self.crypto;
        let (algorithm, protection) = (ceremony.algorithm, ceremony.protection);
        let payment = ceremony.inputs.third_party_payment == Some(true);
        let id = derive_new(crypto, &master, rp_id_hash, algorithm, protection, payment);
        let id = id.map_err(other)?;
        let usable = derive_again(crypto, &master, rp_id_hash, &id).ok_or(Status::OtherError)?;
        self.answer(ceremony, &usable, w)?;
        let mut next = self.owner.clone();
        next.signature_counter = self.next_sign_count();
        self.store(next, &[])
    }

    /// Makes a discoverable credential, and stores it when the answer stands.
    #[inline(never)]
    fn make_stored(&mut self, ceremony: &Ceremony<'_>, w: &mut Writer<'_>) -> Result<(), Status> {
        let Ceremony { request, .. } = *ceremony;
        if request.rp.id.len() > MAX_RP_ID {
            return Err(Status::InvalidLength);
        }
        let fresh = self.fresh(ceremony)?;
        let stored = Stored {
            made: self.owner.credentials_made,
            rp_id_hash: &ceremony.rp_id_hash,
            id: &fresh.id,
            rp: PublicKeyCredentialRpEntity {
                id: request.rp.id,
                name: kept_name(request.rp.name),
            },
            user: kept_user(&request.user),
            algorithm: ceremony.algorithm,
            protection: ceremony.protection,
            key: &fresh.key.0,
            random_with_uv: &fresh.random_with_uv.0,
            random_without_uv: &fresh.random_without_uv.0,
            cred_blob: ceremony.inputs.cred_blob.filter(|blob| storable(blob)),
            large_blob_key: ceremony
                .inputs
                .large_blob_key
                .map(|_| &fresh.large_blob_key.0),
            third_party_payment: ceremony.inputs.third_party_payment == Some(true),
            large_blob: ceremony.inputs.large_blob.is_some(),
        };
        self.answer(ceremony, &stored.usable(), w)?;
        self.keep(fresh.slot, &stored)
    }

    /// Secrets and a slot for a discoverable credential; nothing is stored yet.
    fn fresh(&mut self, ceremony: &Ceremony<'_>) -> Result<Fresh, Status> {
        let user_id = ceremony.request.user.id;
        let older =
            self.find_stored(&mut |stored| stored.is_account(&ceremony.rp_id_hash, user_id))?;
        let slot = match older {
            Some(slot) => slot,
            None => self.free_slot()?.ok_or(Status::KeyStoreFull)?,
        };
        let crypto = &mut self.crypto;
        Ok(Fresh {
            id: random(crypto).map_err(other)?,
            key: Key::from(&ceremony.algorithm.generate(crypto).map_err(other)?),
            random_with_uv: Key::random(crypto).map_err(other)?,
            random_without_uv: Key::random(crypto).map_err(other)?,
            large_blob_key: Key::random(crypto).map_err(other)?,
            slot,
        })
    }

    /// Stores what was made, in one step; an older credential for the same account gives way.
    #[inline(never)]
    fn keep(&mut self, slot: u16, stored: &Stored<'_>) -> Result<(), Status> {
        let mut next = self.owner.clone();
        next.signature_counter = self.next_sign_count();
        next.credentials_made = next.credentials_made.saturating_add(1);
        next.store_state = random(&mut self.crypto).map_err(other)?;
        let mut room = Room::new([0; _]);
        let bytes = record(stored, room.as_mut_slice()).map_err(other)?;
        let change = Change::replace(Record::Credential(slot), bytes);
        self.store(next, &self.without_blob(slot, change))
    }

    /// Writes the response.
    #[inline(never)]
    fn answer(
        &mut self,
        ceremony: &Ceremony<'_>,
        credential: &Usable<'_>,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let Ceremony {
            request, verified, ..
        } = *ceremony;
        let inputs = &ceremony.inputs;
        let hmac_secret = match &inputs.hmac_secret_mc {
            Some(_) if inputs.hmac_secret != Some(true) => return Err(Status::MissingParameter),
            Some(salts) => {
                let salts = self.hmac_secret_input(salts)?;
                Some(salts.output(&mut self.crypto, credential, verified)?)
            }
            None => None,
        };
        let listed = self.tells_pin_policy(request.rp.id)?;
        let policy = inputs.pin_complexity_policy;
        let outputs = MakeCredentialOutputs {
            // Whether it was stored.
            cred_blob: inputs.cred_blob.map(|_| credential.cred_blob.is_some()),
            cred_protect: inputs.cred_protect.map(|_| ceremony.protection.into()),
            hmac_secret: inputs.hmac_secret.filter(|&asked| asked),
            min_pin_length: inputs
                .min_pin_length
                .filter(|&asked| asked && listed)
                .map(|_| self.owner.min_pin_length.into()),
            hmac_secret_mc: hmac_secret.as_deref(),
            pin_complexity_policy: policy
                .filter(|&asked| asked && listed)
                .map(|_| self.owner.pin_complexity_policy),
        };
        let public = credential
            .algorithm
            .public(&mut self.crypto, &credential.key)
            .map_err(other)?;
        let mut room = [0; MAX_EXTENSIONS];
        let data = AuthenticatorData {
            rp_id_hash: &ceremony.rp_id_hash,
            flags: flags(Some(ceremony.present), verified),
            sign_count: self.next_sign_count(),
            attested_credential: Some(AttestedCredential {
                aaguid: &self.factory.aaguid,
                credential_id: credential.id,
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
        let mut room = [0; MAX_UNSIGNED];
        let attested = Attested {
            auth_data,
            client_data_hash: request.client_data_hash,
            large_blob_key: credential.large_blob_key,
            unsigned: if credential.large_blob {
                Some(Raw::encode_in(&SUPPORTED, &mut room).map_err(other)?)
            } else {
                None
            },
        };
        self.attest(ceremony.attestation, &attested, w)
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

/// A credBlob that is too long is not kept. CTAP 2.3 §12.2.
fn storable(blob: &[u8]) -> bool {
    blob.len() <= MAX_CRED_BLOB
}

fn protection(inputs: &MakeCredentialInputs<'_>) -> Result<Protection, Status> {
    match inputs.cred_protect {
        None => Ok(Protection::default()),
        Some(level) => Protection::from_level(level).ok_or(Status::InvalidOption),
    }
}

/// The longest outputs: hmac-secret-mc of two salts, and five small ones.
const MAX_EXTENSIONS: usize = 224;
/// `{"largeBlob": {"supported": true}}`
const MAX_UNSIGNED: usize = 23;
const MAX_AUTH_DATA: usize = 37 + 18 + DERIVED_ID_LEN + 77 + MAX_EXTENSIONS;

#[cfg(all(test, feature = "std"))]
mod tests;
