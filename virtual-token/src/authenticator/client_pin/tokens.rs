//! Tokens by PIN and by finger, with permissions and without. CTAP 2.3 §6.5.5.7.

use super::PinVerified;
use crate::authenticator::built_in_uv::FingerMatched;
use crate::authenticator::token::{DEFAULT_PERMISSIONS, Grant, Token};
use crate::authenticator::{Authenticator, Environment, other};
use crate::storage::Storage;
use keysteward_core::cbor::{Encode, Writer};
use keysteward_core::crypto::{Crypto, Secret};
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::client_pin::{Permissions, Request, Response};
use keysteward_core::pin_protocol::{PinUvAuthToken, SharedSecret};
use keysteward_core::time::Millis;

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
    /// §6.5.5.7.1
    pub(super) fn pin_token(
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
    pub(super) fn pin_token_with_permissions(
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
    pub(super) fn uv_token_with_permissions(
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
}

fn intersects(these: Permissions, those: Permissions) -> bool {
    these.0 & those.0 != 0
}

/// Bits that mean something.
const DEFINED: u32 = 0x7F;
