//! Authenticators and their states.
//!
//! ```text
//!  import ─> pending ── user activates ─> active <── API ──> suspended
//!               |                           |  ^                 |
//!               |                  console  v  | console         |
//!               |                         locked                 |
//!               '───────────────── DELETE ──┴────────────────────'
//! ```

use crate::sta_stand_in::{answer::Refused, webauthn::CredentialKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthenticatorState {
    Pending,
    Active,
    Suspended,
    Locked,
}

/// A credential as its registration shows it.
#[derive(Clone, Debug)]
pub(in crate::sta_stand_in) struct Registration {
    pub(in crate::sta_stand_in) credential_id: Vec<u8>,
    pub(in crate::sta_stand_in) key: CredentialKey,
    pub(in crate::sta_stand_in) aaguid: [u8; 16],
    pub(in crate::sta_stand_in) sign_count: u32,
    pub(in crate::sta_stand_in) rp_id: String,
}

/// One of a user's authenticators, imported.
#[derive(Clone, Debug)]
pub(in crate::sta_stand_in) struct Authenticator {
    id: String,
    state: AuthenticatorState,
    friendly_name: String,
    registration: Registration,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
}

impl Authenticator {
    pub(super) fn imported(id: String, friendly_name: String, registration: Registration) -> Self {
        Self {
            id,
            state: AuthenticatorState::Pending,
            friendly_name,
            registration,
            created_at: Timestamp::now(),
            last_used_at: None,
            last_success_at: None,
        }
    }

    pub(in crate::sta_stand_in) fn id(&self) -> &str {
        &self.id
    }

    pub(in crate::sta_stand_in) fn has_id(&self, id: &str) -> bool {
        self.id.eq_ignore_ascii_case(id)
    }

    pub(in crate::sta_stand_in) const fn state(&self) -> AuthenticatorState {
        self.state
    }

    pub(in crate::sta_stand_in) fn friendly_name(&self) -> &str {
        &self.friendly_name
    }

    pub(in crate::sta_stand_in) fn credential_id(&self) -> &[u8] {
        &self.registration.credential_id
    }

    pub(in crate::sta_stand_in) const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// The members that are published, and `metadata` as another of Thales's
    /// servers fills it.
    pub(in crate::sta_stand_in) fn to_json(&self) -> Value {
        let registration = &self.registration;
        json!({
            "id": self.id,
            "type": "fido",
            "state": self.state,
            "createdDateTime": self.created_at,
            "lastUsedAuthnDateTime": self.last_used_at,
            "lastSuccessAuthnDateTime": self.last_success_at,
            "metadata": {
                "aaguid": uuid::Uuid::from_bytes(registration.aaguid).to_string(),
                "coseAlgoId": -7,
                "credentialId": BASE64URL.encode(&registration.credential_id),
                "friendlyName": self.friendly_name,
                "rpId": registration.rp_id,
                "signatureCounter": registration.sign_count,
            },
        })
    }

    /// A name, once there, cannot be set to blank.
    pub(in crate::sta_stand_in) fn rename(&mut self, name: &str) -> Result<(), Refused> {
        if name.trim().is_empty() && !self.friendly_name.trim().is_empty() {
            return Err(Refused::bad_request(
                "a friendly name cannot be set to blank",
            ));
        }
        name.clone_into(&mut self.friendly_name);
        Ok(())
    }

    pub(super) fn set_state_by_api(&mut self, state: AuthenticatorState) -> Result<(), Refused> {
        use AuthenticatorState::{Active, Suspended};
        match (self.state, state) {
            (Active, Suspended) | (Suspended, Active) => {
                self.state = state;
                Ok(())
            }
            (from, to) => Err(Refused::bad_request(format!(
                "the state cannot be changed from {from:?} to {to:?}: only Active to Suspended and back"
            ))),
        }
    }

    pub(super) fn activate(&mut self) -> Result<(), Refused> {
        if self.state != AuthenticatorState::Pending {
            return Err(Refused::forbidden(format!(
                "the authenticator is {:?}",
                self.state
            )));
        }
        self.state = AuthenticatorState::Active;
        Ok(())
    }

    /// What an administrator may do in the console, and failed sign-ins do.
    pub(in crate::sta_stand_in) fn set_locked(&mut self, locked: bool) -> Result<(), Refused> {
        use AuthenticatorState::{Active, Locked};
        let (from, to) = if locked {
            (Active, Locked)
        } else {
            (Locked, Active)
        };
        if self.state != from {
            return Err(Refused::bad_request(format!(
                "the authenticator is {:?}",
                self.state
            )));
        }
        self.state = to;
        Ok(())
    }

    /// After an assertion was verified. Its counter must have moved, unless
    /// the authenticator keeps none. WebAuthn Level 3 §7.2, step 22.
    pub(in crate::sta_stand_in) fn note_use(&mut self, sign_count: u32) -> Result<(), Refused> {
        let known = self.registration.sign_count;
        self.last_used_at = Some(Timestamp::now());
        if (sign_count, known) != (0, 0) && sign_count <= known {
            return Err(Refused::forbidden(format!(
                "the signature counter went from {known} to {sign_count}: the authenticator may have been copied"
            )));
        }
        self.registration.sign_count = sign_count;
        self.last_success_at = self.last_used_at;
        Ok(())
    }
}
