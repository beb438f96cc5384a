//! Identity providers: where a credential's public key is published, and where
//! its owner signs in with it.
//!
//! ```text
//!            import             user activates           suspend
//!  absent ----------> pending ----------------> active <---------> suspended
//!     ^                  |                        |      resume        |
//!     '------------------+--------- delete -------+--------------------'
//! ```
//!
//! [`IdentityProvider`] is what an operation sees; a folder per vendor
//! implements it. [`Settings::connect`] picks the vendor.
//!
//! ```
//! use keysteward_server::connector::{ApiKey, idp::{Settings, sta}};
//!
//! let settings = Settings::Sta(sta::Settings {
//!     rest_url: "https://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/".into(),
//!     tenant_code: "Q41RKXHPWU".into(),
//!     mapping_attribute: "userPrincipalName".into(),
//!     rp_id: "safenetid.com".into(),
//!     rp_name: "STA".into(),
//!     origin: "https://login.example.com".into(),
//!     trusted_roots: String::new(),
//! });
//! let refused = settings.connect(ApiKey::parse("0123456789")?).unwrap_err();
//! assert_eq!(refused.field, "origin");
//! # Ok::<(), keysteward_server::connector::SettingError>(())
//! ```

mod error;
mod relying_party;
mod settings;
pub mod sta;

pub use super::{Finding, Outcome};
pub use error::{Call, IdpError, Why};
pub use relying_party::RelyingParty;
pub use settings::Settings;

use async_trait::async_trait;
use jiff::Timestamp;
use std::fmt;

/// One configured identity provider.
///
/// Nothing here retries: what a failure leaves behind is for the caller to
/// judge, by [`IdpError::outcome`], and to look at before it tries again.
#[async_trait]
pub trait IdentityProvider: fmt::Debug + Send + Sync {
    /// For whom credentials are made.
    fn relying_party(&self) -> &RelyingParty;

    /// Whether the provider can be reached and knows us: what an administrator
    /// asks for before saving a connection. Changes nothing.
    async fn check(&self) -> Vec<Finding>;

    /// Finds the user by the connection's mapping attribute, or creates it.
    async fn ensure_user(&self, user: &User) -> Result<IdpUserId, IdpError>;

    /// All authenticators of a user, whoever registered them.
    async fn list_authenticators(&self, user: &IdpUserId) -> Result<Vec<Authenticator>, IdpError>;

    /// Publishes a credential. The answer says under which id and in which
    /// state the provider holds it.
    async fn add_authenticator(
        &self,
        user: &IdpUserId,
        new: &NewAuthenticator,
    ) -> Result<Authenticator, IdpError>;

    /// Active to suspended.
    async fn suspend(&self, user: &IdpUserId, id: &AuthenticatorId) -> Result<(), IdpError>;

    /// Suspended to active.
    async fn resume(&self, user: &IdpUserId, id: &AuthenticatorId) -> Result<(), IdpError>;

    /// Absent afterwards, whatever it was before.
    async fn delete(&self, user: &IdpUserId, id: &AuthenticatorId) -> Result<Deleted, IdpError>;
}

/// A person as the directory knows them; empty where it says nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct User {
    pub user_name: String,
    pub mail: String,
    pub given_name: String,
    pub sn: String,
    pub sam_account_name: String,
    pub user_principal_name: String,
}

/// A user's id at the provider.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct IdpUserId(pub String);

/// An authenticator's id at the provider; unique within its user at least.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AuthenticatorId(pub String);

impl fmt::Display for IdpUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AuthenticatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything known of a fresh credential, so that no provider's form of import
/// asks for something that was thrown away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewAuthenticator {
    pub credential_id: Vec<u8>,
    /// COSE_Key, as it stands in the authenticator data.
    pub public_key_cose: Vec<u8>,
    pub aaguid: [u8; 16],
    pub sign_count: u32,
    /// CBOR with `fmt`, `authData`, `attStmt`.
    pub attestation_object: Vec<u8>,
    /// The bytes that were hashed for the token.
    pub client_data_json: Vec<u8>,
    /// `user.id` on the token.
    pub user_handle: Vec<u8>,
    pub rp_id: String,
    pub origin: String,
    /// As the token says: `usb`, `nfc`, `smart-card`, ...
    pub transports: Vec<String>,
    /// What the user sees in the list of their authenticators.
    pub friendly_name: String,
}

/// An authenticator as the provider holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authenticator {
    pub id: AuthenticatorId,
    pub state: AuthenticatorState,
    /// Absent where the provider does not say.
    pub credential_id: Option<Vec<u8>>,
    pub friendly_name: Option<String>,
    pub created_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuthenticatorState {
    /// Imported; its user has not proved yet to hold it.
    Pending,
    Active,
    Suspended,
    Locked,
    /// A word that this version does not know.
    Other(String),
}

impl AuthenticatorState {
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Locked => "locked",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for AuthenticatorState {
    fn from(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pending" => Self::Pending,
            "active" => Self::Active,
            "suspended" => Self::Suspended,
            "locked" => Self::Locked,
            _ => Self::Other(word.to_owned()),
        }
    }
}

impl fmt::Display for AuthenticatorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an authenticator came to be absent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deleted {
    Now,
    /// It, or its user, was not there.
    AlreadyGone,
}
