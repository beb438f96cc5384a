//! authenticatorGetInfo. CTAP 2.3 §6.4. Says what this key does, and nothing that it does not.

use super::built_in_uv::INTERNAL_TRIES;
use super::credential::Algorithm;
use super::credential::derived::DERIVED_ID_LEN;
use super::credential::stored::MAX_CRED_BLOB;
use super::owner::{MAX_MIN_PIN_LENGTH_RP_IDS, MAX_PIN_LENGTH};
use super::profile::Edition;
use super::secret::random;
use super::{Authenticator, other};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, Entries, List, Writer};
use keysteward_core::crypto::{self, Crypto};
use keysteward_core::ctap2::extension::identifier::{
    CRED_BLOB, MIN_PIN_LENGTH, PIN_COMPLEXITY_POLICY,
};
use keysteward_core::ctap2::get_info::{Options, Response, U2F_V2, UvModality};
use keysteward_core::ctap2::{PublicKeyCredentialParameters, Status};
use keysteward_core::ctaphid::MAX_MESSAGE;

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    #[inline(never)]
    pub(super) fn get_info(&mut self, w: &mut Writer<'_>) -> Result<(), Status> {
        let token = self.owner.persistent_token.clone();
        let (identifier, state) = (self.owner.device_identifier, self.owner.store_state);
        let identifier = self
            .encrypted(&token.0, b"encIdentifier", identifier)
            .map_err(other)?;
        let store_state = self
            .encrypted(&token.0, b"encCredStoreState", state)
            .map_err(other)?;
        let options = self.options();
        let versions = self.versions();

        let owner = &self.owner;
        let features = self.features();
        let capacity = self.storage.capacity();
        let has = |member| features.has_info_member(member);
        let protocols = features.pin_uv_auth_protocols;
        let extension = |identifier| features.has_extension(identifier);
        let min_pin_length_rp_ids = extension(MIN_PIN_LENGTH) && has(0x10);
        let finger = features.fingerprints.is_some() && has(0x17);
        let policy = extension(PIN_COMPLEXITY_POLICY) && has(0x1C);
        let algorithms = Algorithm::ALL.map(|a| PublicKeyCredentialParameters::new(a.into()));
        let config_commands = self.config_commands();
        let long_touch = config_commands.contains(&ENABLE_LONG_TOUCH) && has(0x18);
        let persistent = features.persistent_token;
        let info = Response {
            extensions: Some(List::new(features.extensions)),
            options: Options(Entries::new(&options)),
            max_msg_size: u32::try_from(MAX_MESSAGE).ok(),
            pin_uv_auth_protocols: Some(List::new(protocols)),
            max_credential_count_in_list: u32::try_from(MAX_CREDENTIAL_COUNT_IN_LIST)
                .ok()
                .filter(|_| has(0x07)),
            max_credential_id_length: u32::try_from(DERIVED_ID_LEN).ok().filter(|_| has(0x08)),
            transports: has(0x09).then_some(List::new(features.transports)),
            algorithms: has(0x0A).then_some(List::new(&algorithms)),
            max_serialized_large_blob_array: features
                .large_blobs
                .then_some(capacity.large_blobs.into()),
            force_pin_change: has(0x0C).then_some(owner.force_pin_change),
            min_pin_length: has(0x0D).then_some(owner.min_pin_length.into()),
            firmware_version: has(0x0E).then_some(self.factory.firmware_version.into()),
            max_cred_blob_length: u32::try_from(MAX_CRED_BLOB)
                .ok()
                .filter(|_| extension(CRED_BLOB)),
            max_rp_ids_for_set_min_pin_length: min_pin_length_rp_ids
                .then_some(MAX_MIN_PIN_LENGTH_RP_IDS.into()),
            preferred_platform_uv_attempts: finger.then_some(INTERNAL_TRIES.into()),
            uv_modality: finger.then_some(UvModality::FINGERPRINT_INTERNAL),
            remaining_discoverable_credentials: match has(0x14) {
                true => Some(self.room()?.into()),
                false => None,
            },
            attestation_formats: has(0x16).then_some(List::new(&["packed"])),
            uv_count_since_last_pin_entry: finger.then_some(owner.uv_count),
            long_touch_for_reset: long_touch.then_some(owner.long_touch_for_reset),
            enc_identifier: persistent.then_some(&identifier),
            transports_for_reset: has(0x1A).then_some(List::new(features.transports)),
            pin_complexity_policy: policy.then_some(owner.pin_complexity_policy),
            pin_complexity_policy_url: policy.then_some(PIN_COMPLEXITY_POLICY_URL),
            max_pin_length: has(0x1D).then_some(MAX_PIN_LENGTH.into()),
            enc_cred_store_state: persistent.then_some(&store_state),
            authenticator_config_commands: has(0x1F).then_some(List::new(config_commands)),
            ..Response::new(List::new(&versions), &self.factory.aaguid)
        };
        info.encode(w).map_err(other)
    }

    /// The editions of a key that speaks several; without U2F where that is forbidden.
    fn versions(&self) -> heapless::Vec<&'static str, 8> {
        let all = self.features().versions.iter().copied();
        all.filter(|&version| version != U2F_V2 || self.offers_ctap1())
            .collect()
    }

    /// In canonical order: shorter names first. An option that is not supported has no place.
    fn options(&self) -> heapless::Vec<(&'static str, bool), 24> {
        let features = self.features();
        let owner = &self.owner;
        let commands = self.config_commands();
        let has = |supported: bool| supported.then_some(true);
        let finger = |edition| {
            let configured = self.built_in_uv();
            configured.filter(|_| features.fingerprints == Some(edition))
        };
        let token_by_finger = features.permissions && features.fingerprints.is_some();
        let configuration = !features.configuration.is_empty();
        let rules = features.make_cred_uv_not_required;
        let options = [
            (
                "ep",
                commands
                    .contains(&ENABLE_ENTERPRISE_ATTESTATION)
                    .then_some(owner.enterprise_attestation),
            ),
            ("rk", Some(true)),
            ("up", Some(true)),
            ("uv", self.built_in_uv()),
            ("uvAcfg", has(token_by_finger && configuration)),
            (
                "alwaysUv",
                commands
                    .contains(&TOGGLE_ALWAYS_UV)
                    .then_some(owner.always_uv),
            ),
            ("credMgmt", has(features.credential_management)),
            ("authnrCfg", has(configuration)),
            ("bioEnroll", finger(Edition::Final)),
            ("clientPin", Some(owner.pin.is_some())),
            ("largeBlobs", has(features.large_blobs)),
            ("uvBioEnroll", has(token_by_finger)),
            ("perCredMgmtRO", has(features.persistent_token)),
            ("pinUvAuthToken", has(features.permissions)),
            (
                "setMinPINLength",
                has(commands.contains(&SET_MIN_PIN_LENGTH)),
            ),
            ("makeCredUvNotRqd", rules.then_some(!owner.always_uv)),
            (
                "credentialMgmtPreview",
                has(features.credential_management_preview),
            ),
            ("userVerificationMgmtPreview", finger(Edition::Preview)),
        ];
        options
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)))
            .collect()
    }

    /// Discoverable credentials that still fit.
    pub(super) fn room(&self) -> Result<u16, Status> {
        Ok(self.slots().end.saturating_sub(self.count_stored()?))
    }

    /// encIdentifier and encCredStoreState: readable for who holds the persistent token, and
    /// different at every look for everybody else.
    fn encrypted(
        &mut self,
        persistent_token: &[u8; 32],
        member: &[u8],
        plaintext: [u8; 16],
    ) -> Result<[u8; 32], crypto::Error> {
        let mut key = [0; 16];
        self.crypto
            .hkdf_sha256(&[0; 32], persistent_token, member, &mut key)?;
        let iv: [u8; 16] = random(&mut self.crypto)?;
        // One block of CBC.
        let mut block = plaintext;
        for (byte, mask) in block.iter_mut().zip(iv) {
            *byte ^= mask;
        }
        self.crypto.aes128_encrypt_block(&key, &mut block);
        let mut whole = [0; 32];
        for (to, from) in whole.iter_mut().zip(iv.into_iter().chain(block)) {
            *to = from;
        }
        Ok(whole)
    }
}

/// What the policy wants, for people. The host is one that never exists (RFC 2606).
const PIN_COMPLEXITY_POLICY_URL: &[u8] = b"https://keysteward.example/pin-complexity";
const ENABLE_ENTERPRISE_ATTESTATION: u8 = 0x01;
const TOGGLE_ALWAYS_UV: u8 = 0x02;
const SET_MIN_PIN_LENGTH: u8 = 0x03;
const ENABLE_LONG_TOUCH: u8 = 0x04;
/// Entries of an excludeList or allowList.
pub(super) const MAX_CREDENTIAL_COUNT_IN_LIST: usize = 16;

#[cfg(all(test, feature = "std"))]
mod tests;
