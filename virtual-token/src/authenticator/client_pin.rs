//! authenticatorClientPIN. CTAP 2.3 §6.5.5.
//!
//! Subcommands 0x06 and 0x07 exist on keys with a fingerprint sensor.

mod tokens;

use super::owner::{MAX_PIN_LENGTH, PIN_RETRIES, StoredPin, UV_RETRIES};
use super::secret::Key;
use super::{Authenticator, Environment, other};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, Writer};
use keysteward_core::crypto::{Crypto, PublicPoint};
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::client_pin::{Request, Response, Subcommand};
use keysteward_core::pin_protocol::{
    KeyAgreementKey, MacVerified, PADDED_PIN, PinProtocol, SharedSecret,
};
use keysteward_core::webauthn::cose;
use subtle::ConstantTimeEq;

/// Proof that the platform knows the PIN.
struct PinVerified(());

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn client_pin(
        &mut self,
        request: &Request<'_>,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let features = self.features();
        let by_finger = features.permissions && features.fingerprints.is_some();
        let now = environment.now();
        match request.sub_command {
            Subcommand::PinRetries => self.pin_retries(w),
            Subcommand::KeyAgreement => self.key_agreement(request, w),
            Subcommand::SetPin => self.set_pin(request),
            Subcommand::ChangePin => self.change_pin(request),
            Subcommand::PinToken => self.pin_token(request, now, w),
            Subcommand::PinUvAuthTokenUsingPinWithPermissions if features.permissions => {
                self.pin_token_with_permissions(request, now, w)
            }
            Subcommand::PinUvAuthTokenUsingUvWithPermissions if by_finger => {
                self.uv_token_with_permissions(request, environment, w)
            }
            Subcommand::UvRetries if by_finger => self.uv_retries(w),
            _ if features.permissions => Err(Status::InvalidSubcommand),
            // The status for subcommands came with 2.1.
            _ => Err(Status::InvalidParameter),
        }
    }

    fn pin_retries(&self, w: &mut Writer<'_>) -> Result<(), Status> {
        let response = Response {
            pin_retries: Some(self.owner.pin_retries),
            power_cycle_state: Some(self.power_cycle_needed()),
            ..Response::default()
        };
        response.encode(w).map_err(other)
    }

    fn uv_retries(&self, w: &mut Writer<'_>) -> Result<(), Status> {
        let response = Response {
            uv_retries: Some(self.owner.uv_retries),
            ..Response::default()
        };
        response.encode(w).map_err(other)
    }

    fn key_agreement(&mut self, request: &Request<'_>, w: &mut Writer<'_>) -> Result<(), Status> {
        let protocol = request
            .pin_uv_auth_protocol
            .ok_or(Status::MissingParameter)?;
        self.supported(protocol)?;
        let key = match self.ram.key_agreement.take() {
            Some(key) => key,
            None => KeyAgreementKey::generate(&mut self.crypto).map_err(other)?,
        };
        let public = key.public(&mut self.crypto).map_err(other)?;
        self.ram.key_agreement = Some(key);
        let key_agreement = cose::KeyAgreementKey {
            x: &public.x,
            y: &public.y,
        };
        let response = Response {
            key_agreement: Some(key_agreement),
            ..Response::default()
        };
        response.encode(w).map_err(other)
    }

    /// §6.5.5.5
    fn set_pin(&mut self, request: &Request<'_>) -> Result<(), Status> {
        let protocol = request
            .pin_uv_auth_protocol
            .ok_or(Status::MissingParameter)?;
        let peer = request.key_agreement.ok_or(Status::MissingParameter)?;
        let new_pin_enc = request.new_pin_enc.ok_or(Status::MissingParameter)?;
        let mac = request.pin_uv_auth_param.ok_or(Status::MissingParameter)?;
        let protocol = self.supported(protocol)?;
        if self.owner.pin.is_some() {
            return Err(Status::PinAuthInvalid);
        }
        let secret = self.decapsulate(protocol, &peer)?;
        let _: MacVerified = secret
            .verify(&mut self.crypto, &[new_pin_enc], mac)
            .map_err(|_| Status::PinAuthInvalid)?;
        let pin = self.new_pin(&secret, new_pin_enc)?;
        self.store_pin(pin)
    }

    /// §6.5.5.6
    fn change_pin(&mut self, request: &Request<'_>) -> Result<(), Status> {
        let protocol = request
            .pin_uv_auth_protocol
            .ok_or(Status::MissingParameter)?;
        let peer = request.key_agreement.ok_or(Status::MissingParameter)?;
        let new_pin_enc = request.new_pin_enc.ok_or(Status::MissingParameter)?;
        let pin_hash_enc = request.pin_hash_enc.ok_or(Status::MissingParameter)?;
        let mac = request.pin_uv_auth_param.ok_or(Status::MissingParameter)?;
        let protocol = self.supported(protocol)?;
        self.check_pin_can_be_tried()?;
        let secret = self.decapsulate(protocol, &peer)?;
        let _: MacVerified = secret
            .verify(&mut self.crypto, &[new_pin_enc, pin_hash_enc], mac)
            .map_err(|_| Status::PinAuthInvalid)?;
        let verified = self.verify_pin(&secret, pin_hash_enc)?;
        let pin = self.new_pin(&secret, new_pin_enc)?;
        let owner = &self.owner;
        let same = owner
            .pin
            .as_ref()
            .is_some_and(|old| old.hash.0.ct_eq(&pin.hash.0).into());
        if owner.force_pin_change && same {
            return Err(Status::PinPolicyViolation);
        }
        self.replace_pin(verified, pin)
    }

    fn check_pin_can_be_tried(&self) -> Result<(), Status> {
        let owner = &self.owner;
        if owner.pin.is_none() {
            Err(Status::PinNotSet)
        } else if owner.pin_retries == 0 {
            Err(Status::PinBlocked)
        } else if self.power_cycle_needed() {
            Err(Status::PinAuthBlocked)
        } else {
            Ok(())
        }
    }

    fn power_cycle_needed(&self) -> bool {
        self.ram.wrong_pins >= WRONG_PINS_IN_A_ROW
    }

    /// Compares the PIN's hash. The try is stored as spent before the comparison, so that cutting
    /// the power in between gains nothing.
    fn verify_pin(
        &mut self,
        secret: &SharedSecret,
        pin_hash_enc: &[u8],
    ) -> Result<PinVerified, Status> {
        let mut spent = self.owner.clone();
        spent.pin_retries = spent.pin_retries.saturating_sub(1);
        self.store(spent, &[])?;
        let hash = secret.decrypt(&mut self.crypto, pin_hash_enc);
        let right = match (&self.owner.pin, &hash) {
            (Some(pin), Ok(hash)) => bool::from(pin.hash.0.as_slice().ct_eq(hash.as_slice())),
            _ => false,
        };
        if right {
            self.ram.wrong_pins = 0;
            let mut restored = self.owner.clone();
            restored.pin_retries = PIN_RETRIES;
            restored.uv_retries = UV_RETRIES;
            restored.uv_count = 0;
            self.store(restored, &[])?;
            return Ok(PinVerified(()));
        }
        self.ram.key_agreement = None;
        self.ram.wrong_pins = self.ram.wrong_pins.saturating_add(1);
        Err(if self.owner.pin_retries == 0 {
            Status::PinBlocked
        } else if self.power_cycle_needed() {
            Status::PinAuthBlocked
        } else {
            Status::PinInvalid
        })
    }

    /// The new PIN of setPIN and changePIN, checked against the policy.
    fn new_pin(&mut self, secret: &SharedSecret, new_pin_enc: &[u8]) -> Result<StoredPin, Status> {
        let padded = secret
            .decrypt(&mut self.crypto, new_pin_enc)
            .map_err(|_| Status::PinAuthInvalid)?;
        let padded = padded.as_slice();
        if padded.len() != PADDED_PIN {
            return Err(Status::InvalidParameter);
        }
        let length = padded
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last.saturating_add(1));
        let pin = padded.get(..length).unwrap_or_default();
        let text = core::str::from_utf8(pin).map_err(|_| Status::PinPolicyViolation)?;
        let code_points = u8::try_from(text.chars().count()).unwrap_or(u8::MAX);
        let complex = complex(text);
        if pin.len() > MAX_PIN_LENGTH.into()
            || code_points < self.owner.min_pin_length
            || (self.owner.pin_complexity_policy && !complex)
        {
            return Err(Status::PinPolicyViolation);
        }
        let hash = self.crypto.sha256(&[pin]);
        let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
        Ok(StoredPin {
            hash: Key(half),
            code_points,
            complex,
        })
    }

    fn replace_pin(&mut self, _: PinVerified, pin: StoredPin) -> Result<(), Status> {
        self.store_pin(pin)
    }

    /// Stores the PIN. Every token, the persistent one too, is void.
    fn store_pin(&mut self, pin: StoredPin) -> Result<(), Status> {
        let mut next = self.owner.clone();
        next.pin = Some(pin);
        next.pin_retries = PIN_RETRIES;
        next.force_pin_change = false;
        next.persistent_token = Key::random(&mut self.crypto).map_err(other)?;
        self.store(next, &[])?;
        self.ram.token = None;
        Ok(())
    }

    /// The secret shared with a platform's key, by the key that getKeyAgreement told last.
    pub(super) fn decapsulate(
        &mut self,
        protocol: PinProtocol,
        peer: &cose::KeyAgreementKey<'_>,
    ) -> Result<SharedSecret, Status> {
        let key = self
            .ram
            .key_agreement
            .as_ref()
            .ok_or(Status::InvalidParameter)?;
        let peer = PublicPoint {
            x: *peer.x,
            y: *peer.y,
        };
        key.decapsulate(&mut self.crypto, protocol, &peer)
            .map_err(|_| Status::InvalidParameter)
    }
}

/// The complexity policy: neither one character repeated nor a run such as 1234 or 4321.
fn complex(pin: &str) -> bool {
    let following = pin.chars().skip(1);
    let mut steps = pin
        .chars()
        .zip(following)
        .map(|(this, next)| i64::from(u32::from(next)).saturating_sub(u32::from(this).into()));
    match steps.next() {
        Some(first @ -1..=1) => steps.any(|step| step != first),
        _ => true,
    }
}

/// Wrong PINs since power-up after which the key wants a power cycle.
const WRONG_PINS_IN_A_ROW: u8 = 3;
#[cfg(all(test, feature = "std"))]
mod tests;
