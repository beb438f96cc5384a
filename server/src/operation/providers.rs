//! From a connection's row to the identity provider that it speaks to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    connector::{
        ApiKey,
        idp::{IdentityProvider, Settings},
    },
    key_store::{Context, KeyStore},
    store::{ConnectionId, connection::Connection},
};

/// Finds the identity provider of a connection: the connectors in a server, a
/// script in a test.
pub trait Providers: Send + Sync + 'static {
    /// The provider of this connection.
    ///
    /// # Errors
    /// Why the connection cannot be used, as a sentence.
    fn provider(&self, connection: &Connection) -> Result<Arc<dyn IdentityProvider>, String>;
}

/// Connections of the database, each opened once.
#[derive(Debug)]
pub struct Connections {
    keys: Arc<KeyStore>,
    open: Mutex<HashMap<ConnectionId, Arc<dyn IdentityProvider>>>,
}

impl Connections {
    /// With the key store that the API keys are sealed in.
    #[must_use]
    pub fn new(keys: Arc<KeyStore>) -> Self {
        Self {
            keys,
            open: Mutex::default(),
        }
    }

    /// The context in which a connection's API key is sealed.
    #[must_use]
    pub fn context(id: &str) -> Context<'_> {
        Context {
            table: "connection",
            id,
            kind: "api-key",
        }
    }
}

impl Providers for Connections {
    fn provider(&self, connection: &Connection) -> Result<Arc<dyn IdentityProvider>, String> {
        // A connection never changes: it is made, and deleted.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = open.get(&connection.id) {
            return Ok(provider.clone());
        }
        let unusable = |why: String| format!("connection {:?}: {why}", connection.name);
        let settings: Settings = serde_json::from_str(&connection.settings)
            .map_err(|_| unusable("its settings are not readable".into()))?;
        let secret = self
            .keys
            .open(
                Self::context(&connection.id.to_string()),
                &connection.sealed_secret,
            )
            .map_err(|error| unusable(error.to_string()))?;
        let key = core::str::from_utf8(&secret)
            .map_err(|_| unusable("its API key is not text".into()))?;
        let key = ApiKey::parse(key).map_err(|error| unusable(error.to_string()))?;
        let provider = settings
            .connect(key)
            .map_err(|error| unusable(error.to_string()))?;
        open.insert(connection.id, provider.clone());
        Ok(provider)
    }
}
