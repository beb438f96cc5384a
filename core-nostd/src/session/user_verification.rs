//! The token verifies its user itself, by finger or face, and gives a
//! pinUvAuthToken for it. CTAP 2.3 §6.5.5.3, §6.5.5.7.3.
//!
//! Where that fails, [`Error::pin_helps`] says whether to ask for the PIN
//! instead: when it does is the caller's choice, since it means another prompt.

use super::pin::present;
use super::token::PERSISTENT;
use super::{CtapTransport, Error, Feature, Session};
use crate::crypto::Crypto;
use crate::ctap2::client_pin::{Permissions, Request, Response, Subcommand};
use crate::ctap2::{Command, Status};
use crate::pin_protocol::{PersistentToken, PinUvAuthToken};
use core::ops::ControlFlow;

/// A finger or face that was not recognised, and what is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UvMismatch {
    /// Tries before the token wants its PIN, where it says.
    pub retries: Option<u8>,
    /// Whether this flow asks the token to try again.
    pub will_try_again: bool,
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// How often the token still lets fingers or faces try. Costs none of the
    /// tries.
    pub fn uv_retries(&mut self) -> Result<u8, Error<T::Error>> {
        let protocol = self.pin_protocol()?;
        let answer = self.exchange(
            Command::ClientPin,
            Some(&Request {
                pin_uv_auth_protocol: Some(protocol.id()),
                ..Request::new(Subcommand::UvRetries)
            }),
        )?;
        let response: Response<'_> = self.read(answer)?;
        present(response.uv_retries, "uvRetries (0x05)")
    }

    /// Lets the token verify its user and gets a token for `permissions`, with
    /// the same meaning as in [`token`](Self::token).
    ///
    /// Tries as often as the token prefers before its PIN is asked for
    /// (preferredPlatformUvAttempts). `mismatched` hears of each try that
    /// failed; its `Break` ends the flow with [`Error::UvInvalid`].
    pub fn token_by_user_verification(
        &mut self,
        permissions: Permissions,
        rp_id: Option<&str>,
        mismatched: &mut dyn FnMut(UvMismatch) -> ControlFlow<()>,
    ) -> Result<PinUvAuthToken, Error<T::Error>> {
        let facts = self.facts()?;
        let asks = |permission: Permissions| permissions.0 & permission.0 != 0;
        let lacks = match facts.uv {
            Some(false) => return Err(Error::UvNotSetUp),
            None => Some(Feature::UserVerification),
            Some(true) if !facts.pin_uv_auth_token => Some(Feature::UserVerification),
            Some(true) if asks(Permissions::BIO_ENROLLMENT) && !facts.uv_bio_enroll => {
                Some(Feature::UserVerificationForFingerprints)
            }
            Some(true) if asks(Permissions::AUTHENTICATOR_CONFIG) && !facts.uv_acfg => {
                Some(Feature::UserVerificationForConfiguration)
            }
            Some(true) => None,
        };
        if let Some(feature) = lacks {
            return Err(Error::Unsupported(feature));
        }
        let attempts = facts.preferred_platform_uv_attempts.min(MAX_UV_RETRIES);
        let mut attempt = 1;
        loop {
            let retries = match self.verify_user_once(permissions, rp_id) {
                Err(Error::UvInvalid { .. }) => self.uv_retries().ok(),
                outcome => return outcome,
            };
            if retries == Some(0) {
                return Err(Error::UvBlocked);
            }
            let will_try_again = attempt < attempts;
            let go_on = mismatched(UvMismatch {
                retries,
                will_try_again,
            });
            if !will_try_again || go_on.is_break() {
                return Err(Error::UvInvalid { retries });
            }
            attempt = attempt.saturating_add(1);
        }
    }

    /// Like [`persistent_token`](Self::persistent_token), by the token's own
    /// user verification.
    pub fn persistent_token_by_user_verification(
        &mut self,
        mismatched: &mut dyn FnMut(UvMismatch) -> ControlFlow<()>,
    ) -> Result<PersistentToken, Error<T::Error>> {
        if !self.facts()?.per_cred_mgmt_ro {
            return Err(Error::Unsupported(Feature::PersistentToken));
        }
        let token = self.token_by_user_verification(PERSISTENT, None, mismatched)?;
        PersistentToken::new(token).ok_or(Error::Crypto)
    }

    /// 0x06
    fn verify_user_once(
        &mut self,
        permissions: Permissions,
        rp_id: Option<&str>,
    ) -> Result<PinUvAuthToken, Error<T::Error>> {
        let request = Request {
            permissions: Some(permissions),
            rp_id,
            ..Request::new(Subcommand::PinUvAuthTokenUsingUvWithPermissions)
        };
        match self.ask_for_token(None, request) {
            Err(Error::Refused {
                status: Status::NotAllowed,
                ..
            }) => {
                // Since it was asked, the last finger was removed.
                self.forget_facts();
                Err(Error::UvNotSetUp)
            }
            Err(Error::Refused {
                status: Status::InvalidCommand | Status::InvalidSubcommand,
                ..
            }) => Err(Error::Unsupported(Feature::UserVerification)),
            outcome => outcome,
        }
    }
}

/// uvRetries is at most this: no token is asked more often.
const MAX_UV_RETRIES: u32 = 25;
