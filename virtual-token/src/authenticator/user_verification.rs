//! Who may do this: the pinUvAuthToken's MAC, permissions and RP ID, checked in one place.
//! CTAP 2.3 §6.5.5.7, §6.5.6 and §6.5.7 (verify).

use super::built_in_uv::FingerMatched;
use super::token::Token;
use super::{Authenticator, Environment, Present, user_presence};
use crate::storage::Storage;
use keysteward_core::crypto::{Crypto, Secret};
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::pin_protocol::{MacVerified, PinProtocol, PinUvAuthToken};
use keysteward_core::time::Millis;

/// Proof that the platform holds a token that permits this, or that the user laid a finger on
/// the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct UserVerified(());

impl From<FingerMatched> for UserVerified {
    fn from(_: FingerMatched) -> Self {
        Self(())
    }
}

/// A pinUvAuthParam with the protocol it was made by.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    protocol: PinProtocol,
    param: &'a [u8],
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// Reads the two members; `None` where there is no pinUvAuthParam.
    pub(super) fn given<'g>(
        &self,
        protocol: Option<u8>,
        param: Option<&'g [u8]>,
    ) -> Result<Option<Given<'g>>, Status> {
        let Some(param) = param else { return Ok(None) };
        let protocol = self.supported(protocol.ok_or(Status::MissingParameter)?)?;
        Ok(Some(Given { protocol, param }))
    }

    /// Checks a MAC over `message` and that the token permits `permission`, and notes the use.
    pub(super) fn verify_token(
        &mut self,
        given: Given<'_>,
        message: &[&[u8]],
        permission: Permissions,
    ) -> Result<UserVerified, Status> {
        self.verify(given, message, |token| token.permits(permission))
    }

    /// As [`verify_token`](Self::verify_token), for the preview of a command: its platforms know
    /// tokens without permissions.
    pub(super) fn verify_preview_token(
        &mut self,
        given: Given<'_>,
        message: &[&[u8]],
        permission: Permissions,
    ) -> Result<UserVerified, Status> {
        self.verify(given, message, |token| {
            token.permits_preview() || token.permits(permission)
        })
    }

    fn verify(
        &mut self,
        given: Given<'_>,
        message: &[&[u8]],
        permits: impl FnOnce(&Token) -> bool,
    ) -> Result<UserVerified, Status> {
        let token = self.ram.token.as_mut().ok_or(Status::PinAuthInvalid)?;
        if token.value.protocol() != given.protocol {
            return Err(Status::PinAuthInvalid);
        }
        let _: MacVerified = token
            .value
            .verify(&mut self.crypto, message, given.param)
            .map_err(|_| Status::PinAuthInvalid)?;
        token.used();
        if permits(token) {
            Ok(UserVerified(()))
        } else {
            Err(Status::PinAuthInvalid)
        }
    }

    /// Checks a MAC made with the persistent token, which permits reading and no more.
    pub(super) fn verify_persistent_token(
        &mut self,
        given: Given<'_>,
        message: &[&[u8]],
    ) -> Result<UserVerified, Status> {
        let bytes = Secret(self.owner.persistent_token.0);
        let token = PinUvAuthToken::restore(given.protocol, bytes);
        let _: MacVerified = token
            .verify(&mut self.crypto, message, given.param)
            .map_err(|_| Status::PinAuthInvalid)?;
        Ok(UserVerified(()))
    }

    /// As [`verify_token`](Self::verify_token), for one RP: the token is bound to it from now on.
    pub(super) fn verify_token_for(
        &mut self,
        given: Given<'_>,
        client_data_hash: &[u8; 32],
        permission: Permissions,
        rp_id_hash: &[u8; 32],
    ) -> Result<UserVerified, Status> {
        let verified = self.verify_token(given, &[client_data_hash], permission)?;
        let rules = self.features().permissions;
        let token = self.ram.token.as_mut().ok_or(Status::PinAuthInvalid)?;
        // Before 2.1 a token was for every RP.
        if rules {
            if token.bound_elsewhere(rp_id_hash) {
                return Err(Status::PinAuthInvalid);
            }
            token.bind(rp_id_hash);
        }
        Ok(verified)
    }

    /// An empty pinUvAuthParam: the platform of CTAP 2.0 asks which key the user means.
    pub(super) fn answer_empty_param(&self, _: Present) -> Status {
        if self.owner.pin.is_some() {
            Status::PinInvalid
        } else {
            Status::PinNotSet
        }
    }

    /// One touch ends what the token permits, but for large blobs.
    pub(super) fn spend_token(&mut self, _: Present) {
        if let Some(token) = self.ram.token.as_mut()
            && self.factory.profile.features().permissions
        {
            token.clear_after_touch();
        }
    }

    /// Runs before every command, so that a token that is there is a token that is valid.
    pub(super) fn expire_token(&mut self, now: Millis) {
        let features = self.features();
        let expired = self
            .ram
            .token
            .as_ref()
            .is_some_and(|token| token.expired(features.initial_usage_limit, now));
        if expired && features.permissions {
            self.ram.token = None;
        }
    }

    /// Whether some user verification is set up: a PIN, or fingers.
    pub(super) fn protected(&self) -> bool {
        self.owner.pin.is_some() || self.built_in_uv() == Some(true)
    }

    /// The touch that came with the token, or one that is asked for now.
    pub(super) fn presence_for(
        &self,
        given: Option<Given<'_>>,
        environment: &mut dyn Environment,
    ) -> Result<Present, Status> {
        let now = environment.now();
        match (given, &self.ram.token) {
            (Some(_), Some(token)) if token.user_present(now) => Ok(Present(())),
            _ => user_presence(environment),
        }
    }

    /// A protocol of this key.
    pub(super) fn supported(&self, protocol: u8) -> Result<PinProtocol, Status> {
        PinProtocol::from_id(protocol.into())
            .filter(|known| self.features().pin_uv_auth_protocols.contains(&known.id()))
            .ok_or(Status::InvalidParameter)
    }
}
