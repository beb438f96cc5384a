//! A PIN becomes a pinUvAuthToken. CTAP 2.3 §6.5.5.7.

use super::pin::{cose, crypto, present};
use super::{CtapTransport, Error, Feature, Session};
use crate::crypto::Crypto;
use crate::ctap2::client_pin::{Permissions, Request, Response, Subcommand};
use crate::ctap2::{Command, Status};
use crate::pin_protocol::{Pin, PinUvAuthToken};

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Proves the PIN and gets a token for `permissions`; those for
    /// makeCredential and getAssertion want an RP ID.
    ///
    /// Tokens that know no permissions give one that is good for
    /// makeCredential, getAssertion and the preview of credentialManagement,
    /// bound to the first RP ID it is used for. Every earlier pinUvAuthToken
    /// is void afterwards.
    pub fn token(
        &mut self,
        pin: &Pin,
        permissions: Permissions,
        rp_id: Option<&str>,
    ) -> Result<PinUvAuthToken, Error<T::Error>> {
        let facts = self.facts()?;
        match facts.client_pin {
            None => return Err(Error::Unsupported(Feature::ClientPin)),
            Some(false) => return Err(Error::PinNotSet),
            Some(true) if facts.force_pin_change => return Err(Error::PinChangeRequired),
            Some(true) => {}
        }
        let for_credentials = Permissions::MAKE_CREDENTIAL.0 | Permissions::GET_ASSERTION.0;
        if facts.no_mc_ga_permissions_with_client_pin && permissions.0 & for_credentials != 0 {
            return Err(Error::Unsupported(Feature::PinForCredentials));
        }
        let asked = if facts.pin_uv_auth_token {
            match self.token_with_permissions(pin, permissions, rp_id) {
                Err(Error::Refused {
                    status: Status::InvalidCommand | Status::InvalidSubcommand,
                    ..
                }) => self.token_without_permissions(pin),
                outcome => outcome,
            }
        } else {
            self.token_without_permissions(pin)
        };
        asked.map_err(|error| self.with_retries(error))
    }

    /// 0x09
    fn token_with_permissions(
        &mut self,
        pin: &Pin,
        permissions: Permissions,
        rp_id: Option<&str>,
    ) -> Result<PinUvAuthToken, Error<T::Error>> {
        let request = Request {
            permissions: Some(permissions),
            rp_id,
            ..Request::new(Subcommand::PinUvAuthTokenUsingPinWithPermissions)
        };
        match self.ask_for_token(pin, request) {
            // Here the policy is forcePINChange: no PIN is being set.
            Err(Error::PinPolicy(_)) => {
                self.forget_facts();
                Err(Error::PinChangeRequired)
            }
            outcome => outcome,
        }
    }

    /// 0x05
    fn token_without_permissions(&mut self, pin: &Pin) -> Result<PinUvAuthToken, Error<T::Error>> {
        self.ask_for_token(pin, Request::new(Subcommand::PinToken))
    }

    fn ask_for_token(
        &mut self,
        pin: &Pin,
        request: Request<'_>,
    ) -> Result<PinUvAuthToken, Error<T::Error>> {
        let (platform, secret) = self.encapsulate()?;
        let hash = pin.hash(self.crypto);
        let pin_hash_enc = secret.encrypt(self.crypto, &hash.0).map_err(crypto)?;
        let answer = self.exchange(
            Command::ClientPin,
            Some(&Request {
                pin_uv_auth_protocol: Some(secret.protocol().id()),
                key_agreement: Some(cose(&platform)),
                pin_hash_enc: Some(&pin_hash_enc),
                ..request
            }),
        )?;
        let response: Response<'_> = self.read(answer)?;
        let encrypted: &[u8] = present(response.pin_uv_auth_token, "pinUvAuthToken (0x02)")?;
        // The answer lies in the session's buffer, the key in its crypto.
        let encrypted =
            crate::pin_protocol::Ciphertext::from_slice(encrypted).map_err(|_| Error::Crypto)?;
        PinUvAuthToken::decrypt(self.crypto, &secret, &encrypted).map_err(crypto)
    }
}
