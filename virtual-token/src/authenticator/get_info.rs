//! authenticatorGetInfo. CTAP 2.3 §6.4. Says what this key does, and nothing that it does not.

use super::credential::Algorithm;
use super::credential::derived::DERIVED_ID_LEN;
use super::owner::{MAX_MIN_PIN_LENGTH_RP_IDS, MAX_PIN_LENGTH};
use super::secret::random;
use super::{Authenticator, authenticator_config, other};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, Entries, List, Writer};
use keysteward_core::crypto::{self, Crypto};
use keysteward_core::ctap2::extension::identifier::{
    CRED_PROTECT, HMAC_SECRET, HMAC_SECRET_MC, MIN_PIN_LENGTH,
};
use keysteward_core::ctap2::get_info::{
    FIDO_2_0, FIDO_2_1, FIDO_2_1_PRE, FIDO_2_3, Options, Response,
};
use keysteward_core::ctap2::{PublicKeyCredentialParameters, Status};
use keysteward_core::ctaphid::MAX_MESSAGE;

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn get_info(&mut self, w: &mut Writer<'_>) -> Result<(), Status> {
        let room = self.room()?;
        let owner = &self.owner;
        let token = owner.persistent_token.clone();
        let (identifier, store_state) = (owner.device_identifier, owner.store_state);
        let identifier = self
            .encrypted(&token.0, b"encIdentifier", identifier)
            .map_err(other)?;
        let store_state = self
            .encrypted(&token.0, b"encCredStoreState", store_state)
            .map_err(other)?;

        let owner = &self.owner;
        let factory = &self.factory;
        let algorithms = Algorithm::ALL.map(|a| PublicKeyCredentialParameters::new(a.into()));
        // In canonical order: shorter names first. An option that is not supported has no place.
        let ep = factory
            .enterprise_key
            .as_ref()
            .map(|_| ("ep", owner.enterprise_attestation));
        let options: heapless::Vec<_, 24> = ep
            .into_iter()
            .chain([
                ("rk", true),
                ("up", true),
                ("alwaysUv", owner.always_uv),
                ("credMgmt", true),
                ("authnrCfg", true),
                ("clientPin", owner.pin.is_some()),
                ("perCredMgmtRO", true),
                ("pinUvAuthToken", true),
                ("setMinPINLength", true),
                ("makeCredUvNotRqd", !owner.always_uv),
                ("credentialMgmtPreview", true),
            ])
            .collect();
        let commands = authenticator_config::commands(factory.enterprise_key.is_some());
        let info = Response {
            extensions: Some(List::new(&EXTENSIONS)),
            options: Options(Entries::new(&options)),
            max_msg_size: u32::try_from(MAX_MESSAGE).ok(),
            pin_uv_auth_protocols: Some(List::new(&[2, 1])),
            max_credential_count_in_list: u32::try_from(MAX_CREDENTIAL_COUNT_IN_LIST).ok(),
            max_credential_id_length: u32::try_from(DERIVED_ID_LEN).ok(),
            transports: Some(List::new(&["usb"])),
            algorithms: Some(List::new(&algorithms)),
            force_pin_change: Some(owner.force_pin_change),
            min_pin_length: Some(owner.min_pin_length.into()),
            firmware_version: Some(factory.firmware_version.into()),
            max_rp_ids_for_set_min_pin_length: Some(MAX_MIN_PIN_LENGTH_RP_IDS.into()),
            remaining_discoverable_credentials: Some(room.into()),
            attestation_formats: Some(List::new(&["packed"])),
            enc_identifier: Some(&identifier),
            transports_for_reset: Some(List::new(&["usb"])),
            max_pin_length: Some(MAX_PIN_LENGTH.into()),
            enc_cred_store_state: Some(&store_state),
            authenticator_config_commands: Some(List::new(commands)),
            ..Response::new(List::new(&VERSIONS), &factory.aaguid)
        };
        info.encode(w).map_err(other)
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

const VERSIONS: [&str; 4] = [FIDO_2_0, FIDO_2_1_PRE, FIDO_2_1, FIDO_2_3];
const EXTENSIONS: [&str; 4] = [CRED_PROTECT, HMAC_SECRET, MIN_PIN_LENGTH, HMAC_SECRET_MC];
/// Entries of an excludeList or allowList.
pub(super) const MAX_CREDENTIAL_COUNT_IN_LIST: usize = 16;

#[cfg(all(test, feature = "std"))]
mod tests;
