//! A PIN becomes a pinUvAuthToken. CTAP 2.3 §6.5.5.7.

use super::pin::{cose, crypto, present};
use super::{CtapTransport, Error, Facts, Feature, Session};
use crate::crypto::Crypto;
use crate::ctap2::client_pin::{Permissions, Request, Response, Subcommand};
use crate::ctap2::{Command, Status};
use crate::pin_protocol::{Ciphertext, PersistentToken, Pin, PinUvAuthToken};

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Proves the PIN and gets a token for `permissions`; those for
    /// makeCredential and getAssertion want an RP ID.
    ///
    /// With an RP ID, the permission for credentialManagement is good for that
    /// relying party's credentials alone: it neither counts nor lists relying
    /// parties.
    ///
    /// Tokens that know no permissions give one that is good for
    /// makeCredential, getAssertion and the previews of credentialManagement
    /// and bioEnrollment, bound to the first RP ID it is used for. Every earlier
    /// pinUvAuthToken is void afterwards.
    pub fn token(
        &mut self,
        pin: &Pin,
        permissions: Permissions,
        rp_id: Option<&str>,
    ) -> Result<PinUvAuthToken, Error<T::Error>> {
        let facts = self.check_pin_is_usable()?;
        let for_credentials = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
        if facts.no_mc_ga_permissions_with_client_pin && permissions.0 & for_credentials.0 != 0 {
            return Err(Error::Unsupported(Feature::PinForCredentials));
        }
        let asked = if facts.pin_uv_auth_token && !is_for_previews(&facts, permissions) {
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

    /// Proves the PIN and gets a token that reads the list of credentials,
    /// without the PIN, until the PIN is changed or the token is reset.
    pub fn persistent_token(&mut self, pin: &Pin) -> Result<PersistentToken, Error<T::Error>> {
        if !self.facts()?.per_cred_mgmt_ro {
            return Err(Error::Unsupported(Feature::PersistentToken));
        }
        self.check_pin_is_usable()?;
        let token = self
            .token_with_permissions(pin, PERSISTENT, None)
            .map_err(|error| self.with_retries(error))?;
        PersistentToken::new(token).ok_or(Error::Crypto)
    }

    fn check_pin_is_usable(&mut self) -> Result<Facts, Error<T::Error>> {
        let facts = self.facts()?;
        match facts.client_pin {
            None => Err(Error::Unsupported(Feature::ClientPin)),
            Some(false) => Err(Error::PinNotSet),
            Some(true) if facts.force_pin_change => Err(Error::PinChangeRequired),
            Some(true) => Ok(facts),
        }
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
        match self.ask_for_token(Some(pin), request) {
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
        self.ask_for_token(Some(pin), Request::new(Subcommand::PinToken))
    }

    /// Sends the request for a token, with the proof of a PIN where one is
    /// given, over a key agreed upon for it alone.
    pub(super) fn ask_for_token(
        &mut self,
        pin: Option<&Pin>,
        request: Request<'_>,
    ) -> Result<PinUvAuthToken, Error<T::Error>> {
        let (platform, secret) = self.encapsulate()?;
        let pin_hash_enc = match pin {
            Some(pin) => {
                let hash = pin.hash(self.crypto);
                Some(secret.encrypt(self.crypto, &hash.0).map_err(crypto)?)
            }
            None => None,
        };
        let permissions = request.permissions;
        let answer = self
            .exchange(
                Command::ClientPin,
                Some(&Request {
                    pin_uv_auth_protocol: Some(secret.protocol().id()),
                    key_agreement: Some(cose(&platform)),
                    pin_hash_enc: pin_hash_enc.as_deref(),
                    ..request
                }),
            )
            .map_err(|error| match (error, permissions) {
                (
                    Error::Refused {
                        status: Status::UnauthorizedPermission,
                        ..
                    },
                    Some(permissions),
                ) => Error::PermissionRefused { permissions },
                (error, _) => error,
            })?;
        let response: Response<'_> = self.read(answer)?;
        let encrypted: &[u8] = present(response.pin_uv_auth_token, "pinUvAuthToken (0x02)")?;
        // The answer lies in the session's buffer, the key in its crypto.
        let encrypted = Ciphertext::from_slice(encrypted).map_err(|_| Error::Crypto)?;
        PinUvAuthToken::decrypt(self.crypto, &secret, &encrypted).map_err(crypto)
    }
}

/// Whether these permissions are for nothing but what a token without
/// permissions does, and a preview among it: previews know no permissions.
fn is_for_previews(facts: &Facts, permissions: Permissions) -> bool {
    let preview = |command: Option<Command>, preview: Command, permission: Permissions| {
        if command == Some(preview) {
            permission.0
        } else {
            0
        }
    };
    let previews = preview(
        facts.credential_management,
        Command::CredentialManagementPreview,
        Permissions::CREDENTIAL_MANAGEMENT,
    ) | preview(
        facts.bio_enrollment,
        Command::BioEnrollmentPreview,
        Permissions::BIO_ENROLLMENT,
    );
    let always = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    permissions.0 & previews != 0 && permissions.0 & !(previews | always.0) == 0
}

/// Alone, or it is refused.
pub(super) const PERSISTENT: Permissions = Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY;
