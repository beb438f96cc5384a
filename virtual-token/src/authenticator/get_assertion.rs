//! authenticatorGetAssertion and authenticatorGetNextAssertion. CTAP 2.3 §6.2, §6.3.

use super::credential::Usable;
use super::credential::derived::derive_again;
use super::credential::search::Newest;
use super::credential::stored::Room;
use super::credential_management::SEQUENCE_TIMEOUT;
use super::get_info::MAX_CREDENTIAL_COUNT_IN_LIST;
use super::hmac_secret::Salts;
use super::large_blob::{Asked, Output, Told};
use super::user_verification::{Given, UserVerified};
use super::{Authenticator, Environment, Present, Sequence, other, parse, user_presence};
use crate::storage::Storage;
use keysteward_core::cbor::{List, Raw, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::identifier::{
    CRED_BLOB, HMAC_SECRET, LARGE_BLOB_KEY, THIRD_PARTY_PAYMENT,
};
use keysteward_core::ctap2::extension::{GetAssertionInputs, GetAssertionOutputs};
use keysteward_core::ctap2::get_assertion::{Request, Response};
use keysteward_core::ctap2::{
    LargeBlobKey, PUBLIC_KEY, PublicKeyCredentialDescriptor, PublicKeyCredentialUserEntity, Status,
};
use keysteward_core::time::Millis;
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};

/// What stays the same for every assertion of one request.
struct Ceremony {
    rp_id_hash: [u8; 32],
    client_data_hash: [u8; 32],
    present: Option<Present>,
    verified: Option<UserVerified>,
    hmac_secret: Option<Salts>,
    cred_blob: bool,
    large_blob: Option<Told>,
    large_blob_key: bool,
    third_party_payment: bool,
}

/// Assertions still to be given: of the RP's credentials that were made before this number.
pub(super) struct Pending {
    ceremony: Ceremony,
    before: u32,
    last: Millis,
}

/// Which credential answers.
#[derive(Clone, Copy)]
pub(super) enum Chosen<'a> {
    Slot(u16),
    /// The ID carries it.
    Derived(&'a [u8]),
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
        let given = self.given(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let options = request.options.unwrap_or_default();
        if options.rk.is_some() {
            return Err(Status::UnsupportedOption);
        }
        let touch = options.up.unwrap_or(true);
        let by_finger = self.wants_finger(given, options.uv, touch)?;
        let rp_id_hash = self.crypto.sha256(&[request.rp_id.as_bytes()]);
        let mut present = None;
        let verified = match given {
            Some(given) => Some(self.verify_token_for(
                given,
                request.client_data_hash,
                Permissions::GET_ASSERTION,
                &rp_id_hash,
            )?),
            None if by_finger => {
                let matched = self.verify_by_finger(environment)?;
                present = Some(Present::from(matched));
                Some(matched.into())
            }
            None if self.owner.always_uv && touch => return Err(Status::PuatRequired),
            None => None,
        };
        let large_blob = self.large_blob_asked(request.extensions)?;
        let inputs = match request.extensions {
            Some(extensions) => self.known_inputs(parse(extensions.bytes())?),
            None => GetAssertionInputs::default(),
        };
        if inputs.large_blob_key == Some(false) {
            return Err(Status::InvalidOption);
        }
        let hmac_secret = match &inputs.hmac_secret {
            Some(_) if !touch => return Err(Status::UnsupportedOption),
            Some(salts) => Some(self.hmac_secret_input(salts)?),
            None => None,
        };

        let list = request.allow_list.unwrap_or_default();
        let (chosen, total, before) = if list.is_empty() {
            let newest = self.newest_of(&rp_id_hash, verified, u32::MAX)?;
            let (slot, made) = newest.found.ok_or(Status::NoCredentials)?;
            (Chosen::Slot(slot), newest.count, made)
        } else {
            let found = self.first_listed(&list, &rp_id_hash, verified.is_some())?;
            (found.ok_or(Status::NoCredentials)?, 1, 0)
        };
        let present = if touch {
            let present = match present {
                Some(present) => present,
                None => self.presence_for(given, environment)?,
            };
            self.spend_token(present);
            Some(present)
        } else {
            None
        };
        let large_blob = match large_blob {
            None => None,
            Some(Asked::Read) => Some(Told::Stored),
            Some(Asked::Write {
                blob,
                original_size,
            }) => {
                // What nobody touched the key for changes nothing on it.
                let named = (present.is_some() && !list.is_empty()).then_some(chosen);
                let written = self.write_large_blob(named, blob, original_size)?;
                Some(Told::Written(written))
            }
        };
        let ceremony = Ceremony {
            rp_id_hash,
            client_data_hash: *request.client_data_hash,
            present,
            verified,
            hmac_secret,
            cred_blob: inputs.cred_blob == Some(true),
            large_blob,
            large_blob_key: inputs.large_blob_key == Some(true),
            third_party_payment: inputs.third_party_payment == Some(true),
        };
        let several = total > 1;
        self.assert(&ceremony, chosen, several.then_some(total), w)?;
        if several {
            self.ram.sequence = Some(Sequence::Assertions(Pending {
                ceremony,
                before,
                last: environment.now(),
            }));
        }
        Ok(())
    }

    pub(super) fn get_next_assertion(
        &mut self,
        sequence: Option<Sequence>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let Some(Sequence::Assertions(pending)) = sequence else {
            return Err(Status::NotAllowed);
        };
        let Pending {
            ceremony,
            before,
            last,
        } = pending;
        if now.since(last) > SEQUENCE_TIMEOUT {
            return Err(Status::NotAllowed);
        }
        let newest = self.newest_of(&ceremony.rp_id_hash, ceremony.verified, before)?;
        let (slot, before) = newest.found.ok_or(Status::NotAllowed)?;
        self.assert(&ceremony, Chosen::Slot(slot), None, w)?;
        self.ram.sequence = Some(Sequence::Assertions(Pending {
            ceremony,
            before,
            last: now,
        }));
        Ok(())
    }

    /// What is asked of extensions that the key has; the others count as absent.
    fn known_inputs<'i>(&self, inputs: GetAssertionInputs<'i>) -> GetAssertionInputs<'i> {
        let has = |identifier| self.features().has_extension(identifier);
        GetAssertionInputs {
            cred_blob: inputs.cred_blob.filter(|_| has(CRED_BLOB)),
            hmac_secret: inputs.hmac_secret.filter(|_| has(HMAC_SECRET)),
            large_blob_key: inputs.large_blob_key.filter(|_| has(LARGE_BLOB_KEY)),
            third_party_payment: inputs
                .third_party_payment
                .filter(|_| has(THIRD_PARTY_PAYMENT)),
            ..GetAssertionInputs::default()
        }
    }

    /// Whether a finger is to be asked for: where the platform wants it, and where alwaysUv does
    /// and there is no token. A platform that wants it in vain is told so.
    pub(super) fn wants_finger(
        &self,
        given: Option<Given<'_>>,
        asked: Option<bool>,
        touch: bool,
    ) -> Result<bool, Status> {
        let ready = self.built_in_uv() == Some(true);
        match (given, asked.unwrap_or(false)) {
            (Some(_), _) => Ok(false),
            (None, true) if ready => Ok(true),
            (None, true) => Err(Status::InvalidOption),
            (None, false) => Ok(ready && self.owner.always_uv && touch),
        }
    }

    /// Of the RP's credentials that may answer without being named, those made before a number.
    fn newest_of(
        &self,
        rp_id_hash: &[u8; 32],
        verified: Option<UserVerified>,
        before: u32,
    ) -> Result<Newest, Status> {
        self.newest_stored(before, &mut |stored| {
            stored.rp_id_hash == rp_id_hash && stored.protection.permits(verified.is_some(), false)
        })
    }

    /// The first credential of a list that is this key's and the RP's, and that may be seen.
    #[inline(never)]
    pub(super) fn first_listed<'a>(
        &mut self,
        list: &List<'a, PublicKeyCredentialDescriptor<'a>>,
        rp_id_hash: &[u8; 32],
        verified: bool,
    ) -> Result<Option<Chosen<'a>>, Status> {
        if list.len() > MAX_CREDENTIAL_COUNT_IN_LIST {
            return Err(Status::LimitExceeded);
        }
        let named = list
            .iter()
            .filter(|descriptor| descriptor.type_ == PUBLIC_KEY);
        for descriptor in named {
            let mut protection = None;
            let slot = self.find_stored(&mut |stored| {
                let found = stored.id == descriptor.id && stored.rp_id_hash == rp_id_hash;
                if found {
                    protection = Some(stored.protection);
                }
                found
            })?;
            let chosen = match slot {
                Some(slot) => Chosen::Slot(slot),
                None => {
                    let master = &self.owner.master;
                    let id = descriptor.id;
                    let derived = derive_again(&mut self.crypto, master, rp_id_hash, id);
                    protection = derived.map(|derived| derived.protection);
                    Chosen::Derived(id)
                }
            };
            if protection.is_some_and(|protection| protection.permits(verified, true)) {
                return Ok(Some(chosen));
            }
        }
        Ok(None)
    }

    /// Fetches the credential and signs one assertion.
    #[inline(never)]
    fn assert(
        &mut self,
        ceremony: &Ceremony,
        chosen: Chosen<'_>,
        number_of_credentials: Option<u32>,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let mut room = Room::new([0; _]);
        let credential = match chosen {
            Chosen::Slot(slot) => self.stored(slot, &mut room)?.map(|stored| stored.usable()),
            Chosen::Derived(id) => {
                let master = &self.owner.master;
                derive_again(&mut self.crypto, master, &ceremony.rp_id_hash, id)
            }
        };
        let credential = credential.ok_or(Status::NoCredentials)?;
        let unsigned = self.unsigned_output(ceremony.large_blob, chosen)?;
        self.sign(ceremony, &credential, number_of_credentials, unsigned, w)
    }

    #[inline(never)]
    fn sign(
        &mut self,
        ceremony: &Ceremony,
        credential: &Usable<'_>,
        number_of_credentials: Option<u32>,
        unsigned: Option<Output>,
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
        let outputs = GetAssertionOutputs {
            cred_blob: ceremony
                .cred_blob
                .then_some(credential.cred_blob.unwrap_or_default()),
            hmac_secret: hmac_secret.as_deref(),
            third_party_payment: ceremony
                .third_party_payment
                .then_some(credential.third_party_payment),
        };
        let extensions = if outputs == GetAssertionOutputs::default() {
            None
        } else {
            Some(Raw::encode_in(&outputs, &mut room).map_err(other)?)
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
        let signature = credential
            .algorithm
            .sign(&mut self.crypto, &credential.key, &parts)
            .map_err(other)?;
        let user = credential.user.map(|user| match verified {
            Some(_) => user,
            None => PublicKeyCredentialUserEntity {
                name: None,
                display_name: None,
                ..user
            },
        });
        let response = Response {
            credential: Some(PublicKeyCredentialDescriptor::new(credential.id)),
            auth_data,
            signature: &signature,
            user,
            number_of_credentials,
            user_selected: None,
            large_blob_key: credential
                .large_blob_key
                .filter(|_| ceremony.large_blob_key)
                .map(LargeBlobKey),
            unsigned_extension_outputs: None,
        };
        self.write_assertion(&response, unsigned, w)?;
        // Before the signature leaves: a counter never goes back.
        let mut next = self.owner.clone();
        next.signature_counter = sign_count;
        self.store(next, &[])
    }

    /// One counter for the whole key.
    pub(super) fn next_sign_count(&self) -> u32 {
        self.owner.signature_counter.saturating_add(1)
    }
}

/// UP and UV, each by its proof.
pub(super) fn flags(present: Option<Present>, verified: Option<UserVerified>) -> Flags {
    let present = present.map_or(Flags::default(), |_| Flags::USER_PRESENT);
    let verified = verified.map_or(Flags::default(), |_| Flags::USER_VERIFIED);
    present | verified
}

/// CTAP 2.3 §6.1: a user handle has 1 to 64 bytes.
pub(super) const MAX_USER_ID_LEN: usize = 64;
/// hmac-secret of two salts, credBlob, and thirdPartyPayment.
const MAX_EXTENSIONS: usize = 176;

#[cfg(all(test, feature = "std"))]
mod tests;
