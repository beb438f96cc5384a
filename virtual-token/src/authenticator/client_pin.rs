//! authenticatorClientPIN. CTAP 2.3 §6.5.5.
//!
//! Subcommands 0x06 and 0x07 exist on keys with a fingerprint sensor.

use super::built_in_uv::FingerMatched;
use super::owner::{MAX_PIN_LENGTH, PIN_RETRIES, StoredPin, UV_RETRIES};
use super::secret::Key;
use super::token::{DEFAULT_PERMISSIONS, Grant, Token};
use super::{Authenticator, Environment, other};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, Writer};
use keysteward_core::crypto::{Crypto, PublicPoint, Secret};
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::client_pin::{Permissions, Request, Response, Subcommand};
use keysteward_core::pin_protocol::{
    KeyAgreementKey, MacVerified, PADDED_PIN, PinProtocol, PinUvAuthToken, SharedSecret,
};
use keysteward_core::time::Millis;
use keysteward_core::webauthn::cose;
use subtle::ConstantTimeEq;

/// Proof that the platform knows the PIN.
struct PinVerified(());

/// Proof that a token may be given.
struct Verified {
    /// The user touched the key for it.
    user_present: bool,
}

impl From<PinVerified> for Verified {
    fn from(_: PinVerified) -> Self {
        Self {
            user_present: false,
        }
    }
}

impl From<FingerMatched> for Verified {
    fn from(_: FingerMatched) -> Self {
        Self { user_present: true }
    }
}

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

    /// §6.5.5.7.1
    fn pin_token(
        &mut self,
        request: &Request<'_>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if request.permissions.is_some() || request.rp_id.is_some() {
            return Err(Status::InvalidParameter);
        }
        let (secret, verified) = self.verify_pin_of(request)?;
        if self.owner.force_pin_change {
            return Err(Status::PinInvalid);
        }
        self.issue(&secret, verified.into(), Grant::Legacy, now, w)
    }

    /// §6.5.5.7.2
    fn pin_token_with_permissions(
        &mut self,
        request: &Request<'_>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let permissions = self.permissions(request)?;
        let (secret, verified) = self.verify_pin_of(request)?;
        if self.owner.force_pin_change {
            return Err(Status::PinPolicyViolation);
        }
        self.grant(&secret, verified.into(), permissions, request, now, w)
    }

    /// §6.5.5.7.3
    fn uv_token_with_permissions(
        &mut self,
        request: &Request<'_>,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let protocol = request
            .pin_uv_auth_protocol
            .ok_or(Status::MissingParameter)?;
        let peer = request.key_agreement.ok_or(Status::MissingParameter)?;
        let protocol = self.supported(protocol)?;
        let permissions = self.permissions(request)?;
        if self.built_in_uv() != Some(true) {
            return Err(Status::NotAllowed);
        }
        let matched = self.match_finger(1, environment)?;
        let secret = self.decapsulate(protocol, &peer)?;
        let now = environment.now();
        self.grant(&secret, matched.into(), permissions, request, now, w)
    }

    /// The permissions of a request, if this key gives them.
    fn permissions(&self, request: &Request<'_>) -> Result<Permissions, Status> {
        let permissions = request.permissions.ok_or(Status::MissingParameter)?;
        if permissions.0 == 0 {
            return Err(Status::InvalidParameter);
        }
        let permissions = Permissions(permissions.0 & DEFINED);
        if intersects(permissions, DEFAULT_PERMISSIONS) && request.rp_id.is_none() {
            return Err(Status::MissingParameter);
        }
        let features = self.features();
        let read_only = Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY;
        for (permission, offered) in [
            (
                Permissions::CREDENTIAL_MANAGEMENT,
                features.credential_management,
            ),
            (Permissions::BIO_ENROLLMENT, features.fingerprints.is_some()),
            (Permissions::LARGE_BLOB_WRITE, features.large_blobs),
            (
                Permissions::AUTHENTICATOR_CONFIG,
                !features.configuration.is_empty(),
            ),
            (
                read_only,
                features.persistent_token && permissions == read_only,
            ),
        ] {
            if intersects(permissions, permission) && !offered {
                return Err(Status::UnauthorizedPermission);
            }
        }
        Ok(permissions)
    }

    /// Hands out the persistent token, or makes another.
    fn grant(
        &mut self,
        secret: &SharedSecret,
        verified: Verified,
        permissions: Permissions,
        request: &Request<'_>,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if permissions == Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY {
            let bytes = Secret(self.owner.persistent_token.0);
            let token = PinUvAuthToken::restore(secret.protocol(), bytes);
            return self.hand_out(secret, verified, &token, w);
        }
        let rp_id_hash = request
            .rp_id
            .map(|rp_id| self.crypto.sha256(&[rp_id.as_bytes()]));
        let grant = Grant::Permissions(permissions, rp_id_hash);
        self.issue(secret, verified, grant, now, w)
    }

    /// The PIN steps that both token subcommands share.
    fn verify_pin_of(
        &mut self,
        request: &Request<'_>,
    ) -> Result<(SharedSecret, PinVerified), Status> {
        let protocol = request
            .pin_uv_auth_protocol
            .ok_or(Status::MissingParameter)?;
        let peer = request.key_agreement.ok_or(Status::MissingParameter)?;
        let pin_hash_enc = request.pin_hash_enc.ok_or(Status::MissingParameter)?;
        let protocol = self.supported(protocol)?;
        self.check_pin_can_be_tried()?;
        let secret = self.decapsulate(protocol, &peer)?;
        let verified = self.verify_pin(&secret, pin_hash_enc)?;
        Ok((secret, verified))
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

    /// Makes the token; the one before it is void.
    fn issue(
        &mut self,
        secret: &SharedSecret,
        verified: Verified,
        grant: Grant,
        now: Millis,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let value = PinUvAuthToken::generate(&mut self.crypto, secret.protocol()).map_err(other)?;
        let user_present = verified.user_present;
        self.hand_out(secret, verified, &value, w)?;
        self.ram.token = Some(Token::issue(value, grant, user_present, now));
        Ok(())
    }

    fn hand_out(
        &mut self,
        secret: &SharedSecret,
        _: Verified,
        token: &PinUvAuthToken,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let encrypted = token.encrypt(&mut self.crypto, secret).map_err(other)?;
        let response = Response {
            pin_uv_auth_token: Some(&encrypted),
            ..Response::default()
        };
        response.encode(w).map_err(other)
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

fn intersects(these: Permissions, those: Permissions) -> bool {
    these.0 & those.0 != 0
}

/// Wrong PINs since power-up after which the key wants a power cycle.
const WRONG_PINS_IN_A_ROW: u8 = 3;
/// Bits that mean something.
const DEFINED: u32 = 0x7F;

#[cfg(all(test, feature = "std"))]
mod tests;
