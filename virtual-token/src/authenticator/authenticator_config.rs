//! authenticatorConfig. CTAP 2.3 §6.11.

use super::credential::stored::MAX_RP_ID;
use super::owner::{MAX_MIN_PIN_LENGTH_RP_IDS, MAX_PIN_LENGTH};
use super::secret::Key;
use super::{Authenticator, other, parse};
use crate::storage::{Change, Record, Storage};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::authenticator_config::{
    Request, SetMinPinLength, Subcommand, authenticated_prefix,
};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::identifier::PIN_COMPLEXITY_POLICY;
use keysteward_core::ctap2::subcommand::authenticated_message;

/// Proof that whoever asks may configure the key.
struct Permitted(());

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn authenticator_config(&mut self, request: &Request<'_>) -> Result<(), Status> {
        if !self.config_commands().contains(&request.sub_command.into()) {
            return Err(Status::InvalidSubcommand);
        }
        let permitted = self.authorize_config(request)?;
        match request.sub_command {
            Subcommand::EnableEnterpriseAttestation => {
                self.enable_enterprise_attestation(permitted)
            }
            Subcommand::ToggleAlwaysUv => self.toggle_always_uv(permitted),
            Subcommand::SetMinPinLength => match request.sub_command_params {
                Some(params) => self.set_min_pin_length(&parse(params.bytes())?, permitted),
                None => Err(Status::MissingParameter),
            },
            Subcommand::EnableLongTouchForReset => self.enable_long_touch_for_reset(permitted),
            _ => Err(Status::InvalidSubcommand),
        }
    }

    /// Without any user verification set up, whoever holds the key may configure it, whatever
    /// stands in pinUvAuthParam; but not take alwaysUv for granted, except to switch it off again.
    fn authorize_config(&mut self, request: &Request<'_>) -> Result<Permitted, Status> {
        let toggle = request.sub_command == Subcommand::ToggleAlwaysUv;
        if !self.protected() && (toggle || !self.owner.always_uv) {
            return Ok(Permitted(()));
        }
        let given = self.given(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let given = given.ok_or(Status::PuatRequired)?;
        let prefix = authenticated_prefix(request.sub_command);
        let message = authenticated_message(&prefix, request.sub_command_params);
        let permission = Permissions::AUTHENTICATOR_CONFIG;
        self.verify_token(given, &message, permission)
            .map(|_| Permitted(()))
    }

    fn toggle_always_uv(&mut self, _: Permitted) -> Result<(), Status> {
        let mut next = self.owner.clone();
        next.always_uv = !next.always_uv;
        self.store(next, &[])
    }

    fn enable_enterprise_attestation(&mut self, _: Permitted) -> Result<(), Status> {
        let mut next = self.owner.clone();
        next.enterprise_attestation = true;
        self.store(next, &[])
    }

    fn enable_long_touch_for_reset(&mut self, _: Permitted) -> Result<(), Status> {
        let mut next = self.owner.clone();
        next.long_touch_for_reset = true;
        self.store(next, &[])
    }

    /// Subcommands of this key, for getInfo too.
    pub(super) fn config_commands(&self) -> &'static [u8] {
        let all = self.features().configuration;
        match (all, &self.factory.enterprise_key) {
            // Ascending: without a serial number the first one has nothing to enable.
            ([0x01, others @ ..], None) => others,
            _ => all,
        }
    }

    /// §6.11.4
    fn set_min_pin_length(
        &mut self,
        params: &SetMinPinLength<'_>,
        _: Permitted,
    ) -> Result<(), Status> {
        let owner = &self.owner;
        let current = owner.min_pin_length;
        let length = match params.new_min_pin_length {
            None => current,
            Some(length) => u8::try_from(length)
                .ok()
                .filter(|length| (current..=MAX_PIN_LENGTH).contains(length))
                .ok_or(Status::PinPolicyViolation)?,
        };
        let pin_too_short = owner
            .pin
            .as_ref()
            .is_some_and(|pin| pin.code_points < length);
        let enforce = params.pin_complexity_policy == Some(true);
        if enforce && !self.features().has_extension(PIN_COMPLEXITY_POLICY) {
            return Err(Status::InvalidParameter);
        }
        let pin_too_simple = enforce && owner.pin.as_ref().is_some_and(|pin| !pin.complex);
        let force = match (params.force_change_pin.unwrap_or(false), &owner.pin) {
            (true, None) => return Err(Status::PinNotSet),
            (asked, _) => asked || pin_too_short || pin_too_simple,
        };
        let mut next = owner.clone();
        next.min_pin_length = length;
        next.pin_complexity_policy |= enforce;
        let mut changes = heapless::Vec::<_, { MAX_MIN_PIN_LENGTH_RP_IDS as usize }>::new();
        if let Some(rp_ids) = params.min_pin_length_rp_ids {
            next.min_pin_length_rp_ids = 0;
            for rp_id in rp_ids.iter() {
                if rp_id.len() > MAX_RP_ID {
                    return Err(Status::InvalidLength);
                }
                let record = Record::MinPinLengthRpId(next.min_pin_length_rp_ids);
                changes
                    .push(Change::replace(record, rp_id.as_bytes()))
                    .map_err(|_| Status::KeyStoreFull)?;
                next.min_pin_length_rp_ids = next.min_pin_length_rp_ids.saturating_add(1);
            }
        }
        if force {
            next.force_pin_change = true;
            next.persistent_token = Key::random(&mut self.crypto).map_err(other)?;
        }
        self.store(next, &changes)?;
        if force {
            self.ram.token = None;
        }
        Ok(())
    }

    /// Whether minPinLength and pinComplexityPolicy answer this RP.
    pub(super) fn tells_pin_policy(&self, rp_id: &str) -> Result<bool, Status> {
        let mut listed = (0..self.owner.min_pin_length_rp_ids).map(Record::MinPinLengthRpId);
        self.lists(&mut listed, rp_id)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
