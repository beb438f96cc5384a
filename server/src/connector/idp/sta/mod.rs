//! Thales SafeNet Trusted Access (STA), through its REST API.
//!
//! | file | of Thales's documentation |
//! |---|---|
//! | `settings` | REST API for STA: base address, tenant code, API key |
//! | `api` | headers, diagnostics, statuses, rate limits |
//! | `users` | users |
//! | `authenticators` | authenticator management API: list, states, deletion |
//! | `payload` | what Thales does not publish: our proposal, in one place |
//!
//! An imported authenticator is pending until its user activates it at STA. By
//! this API a state goes from active to suspended and back, and no other way.
//! What is documented, and what is not, stands in `docs/sta.md`.

mod api;
mod authenticators;
mod payload;
mod settings;
mod users;

pub use settings::Settings;

use super::{
    Authenticator, AuthenticatorId, Call, Deleted, Finding, IdentityProvider, IdpError, IdpUserId,
    NewAuthenticator, RelyingParty, User,
};
use crate::connector::{ApiKey, SettingError};
use api::Api;
use async_trait::async_trait;
use reqwest::Method;
use settings::Checked;
use std::{fmt, time::Duration};

/// One tenant of STA.
pub struct Sta {
    settings: Checked,
    api: Api,
}

impl Sta {
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn new(settings: &Settings, key: ApiKey) -> Result<Self, SettingError> {
        Self::with_time_limit(settings, key, TIME_LIMIT)
    }

    /// [`new`](Self::new), with a time for each request other than 30 s.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn with_time_limit(
        settings: &Settings,
        key: ApiKey,
        limit: Duration,
    ) -> Result<Self, SettingError> {
        let checked = settings.check()?;
        let api = Api::new(checked.base.clone(), key, &settings.trusted_roots, limit)?;
        Ok(Self {
            settings: checked,
            api,
        })
    }
}

impl fmt::Debug for Sta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sta")
            .field(&self.settings.base.as_str())
            .finish()
    }
}

#[async_trait]
impl IdentityProvider for Sta {
    fn relying_party(&self) -> &RelyingParty {
        &self.settings.relying_party
    }

    async fn check(&self) -> Vec<Finding> {
        let url = self.api.url(&["authorized"]);
        let tenant = &self.settings.tenant_code;
        vec![
            match self.api.send(Call::Check, Method::GET, url, None).await {
                Ok(_) => Finding {
                    ok: true,
                    text: format!("STA accepts the API key for tenant {tenant}"),
                },
                Err(error) => Finding {
                    ok: false,
                    text: format!("tenant {tenant}: {error}"),
                },
            },
        ]
    }

    async fn ensure_user(&self, user: &User) -> Result<IdpUserId, IdpError> {
        users::ensure(&self.api, self.settings.mapping_attribute, user).await
    }

    async fn list_authenticators(&self, user: &IdpUserId) -> Result<Vec<Authenticator>, IdpError> {
        authenticators::list(&self.api, user).await
    }

    async fn add_authenticator(
        &self,
        user: &IdpUserId,
        new: &NewAuthenticator,
    ) -> Result<Authenticator, IdpError> {
        authenticators::add(&self.api, user, new).await
    }

    async fn suspend(&self, user: &IdpUserId, id: &AuthenticatorId) -> Result<(), IdpError> {
        authenticators::set_state(&self.api, Call::Suspend, user, id).await
    }

    async fn resume(&self, user: &IdpUserId, id: &AuthenticatorId) -> Result<(), IdpError> {
        authenticators::set_state(&self.api, Call::Resume, user, id).await
    }

    async fn delete(&self, user: &IdpUserId, id: &AuthenticatorId) -> Result<Deleted, IdpError> {
        authenticators::delete(&self.api, user, id).await
    }
}

const TIME_LIMIT: Duration = Duration::from_secs(30);
