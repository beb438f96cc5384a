//! Who may do this: the pinUvAuthToken's MAC, permissions and RP ID, checked in one place.
//! CTAP 2.3 §6.5.5.7, §6.5.6 and §6.5.7 (verify).

use super::token::Token;
use super::{Authenticator, Present};
use crate::storage::Storage;
use keysteward_core::crypto::{Crypto, Secret};
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::pin_protocol::{MacVerified, PinProtocol, PinUvAuthToken};
use keysteward_core::time::Millis;

/// Proof that the platform holds a token that permits this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct UserVerified(());

/// A pinUvAuthParam with the protocol it was made by.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    protocol: PinProtocol,
    param: &'a [u8],
}

impl<'a> Given<'a> {
    /// Reads the two members; `None` where there is no pinUvAuthParam.
    pub(super) fn read(
        protocol: Option<u8>,
        param: Option<&'a [u8]>,
    ) -> Result<Option<Self>, Status> {
        let Some(param) = param else { return Ok(None) };
        let protocol = supported(protocol.ok_or(Status::MissingParameter)?)?;
        Ok(Some(Self { protocol, param }))
    }
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// Checks a MAC over `message` and that the token permits `permission`, and notes the use.
    pub(super) fn verify_token(
        &mut self,
        given: Given<'_>,
        message: &[&[u8]],
        permission: Permissions,
    ) -> Result<UserVerified, Status> {
        self.verify(given, message, |token| token.permits(permission))
    }

    /// As [`verify_token`](Self::verify_token), for the preview of credentialManagement.
    pub(super) fn verify_preview_token(
        &mut self,
        given: Given<'_>,
        message: &[&[u8]],
    ) -> Result<UserVerified, Status> {
        self.verify(given, message, |token| {
            token.permits_preview() || token.permits(Permissions::CREDENTIAL_MANAGEMENT)
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
        let token = self.ram.token.as_mut().ok_or(Status::PinAuthInvalid)?;
        if token.bound_elsewhere(rp_id_hash) {
            return Err(Status::PinAuthInvalid);
        }
        token.bind(rp_id_hash);
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
        if let Some(token) = self.ram.token.as_mut() {
            token.clear_after_touch();
        }
    }

    /// Runs before every command, so that a token that is there is a token that is valid.
    pub(super) fn expire_token(&mut self, now: Millis) {
        if self
            .ram
            .token
            .as_ref()
            .is_some_and(|token| token.expired(now))
        {
            self.ram.token = None;
        }
    }

    /// Whether some user verification is set up. This key has the PIN only.
    pub(super) fn protected(&self) -> bool {
        self.owner.pin.is_some()
    }
}

/// The protocols of this key.
pub(super) fn supported(protocol: u8) -> Result<PinProtocol, Status> {
    PinProtocol::from_id(protocol.into()).ok_or(Status::InvalidParameter)
}
