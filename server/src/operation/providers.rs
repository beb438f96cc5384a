//! From a connection's row to the identity provider that it speaks to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Authorities, issued_list::IssuedList};
use crate::{
    connector::{
        ApiKey, SettingError,
        ca::{self, CertificationAuthority, Connected},
        idp::{IdentityProvider, Settings},
    },
    key_store::{Context, KeyStore},
    store::{Clock, ConnectionId, Store, connection::Connection},
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
    pub(super) store: Store,
    clock: Clock,
    open: Mutex<HashMap<ConnectionId, Arc<dyn IdentityProvider>>>,
    authorities: Mutex<HashMap<ConnectionId, Connected>>,
}

impl Connections {
    /// With the key store that their secrets are sealed in, and the database that the
    /// authority inside this server keeps its list in.
    #[must_use]
    pub fn new(keys: Arc<KeyStore>, store: Store, clock: Clock) -> Self {
        Self {
            keys,
            store,
            clock,
            open: Mutex::default(),
            authorities: Mutex::default(),
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

/// Checks every setting of a certification authority and speaks to nobody.
///
/// # Errors
/// Names the setting.
pub(crate) fn connect(
    settings: &ca::Settings,
    secret: &ca::Secret,
    (store, clock, connection): (&Store, &Clock, ConnectionId),
) -> Result<Connected, SettingError> {
    let clock = clock.clone();
    settings.connect(
        secret,
        ca::Surroundings {
            issued: Arc::new(IssuedList {
                store: store.clone(),
                connection,
            }),
            now: ca::Now::new(move || super::trust::timestamp(clock.now())),
        },
    )
}

impl Connections {
    /// A certification authority that is ready, opened once.
    pub(super) fn connected(&self, connection: &Connection) -> Result<Connected, String> {
        // A connection never changes: it is made, and deleted.
        let mut open = self
            .authorities
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(connected) = open.get(&connection.id) {
            return Ok(connected.clone());
        }
        let unusable = |why: String| format!("connection {:?}: {why}", connection.name);
        let settings: ca::Settings = serde_json::from_str(&connection.settings)
            .map_err(|_| unusable("it is no certification authority".into()))?;
        let id = connection.id.to_string();
        let secret = self
            .keys
            .open(Self::context(&id), &connection.sealed_secret)
            .map_err(|error| unusable(error.to_string()))?;
        let place = (&self.store, &self.clock, connection.id);
        let connected = connect(&settings, &ca::Secret::new(secret), place)
            .map_err(|error| unusable(error.to_string()))?;
        open.insert(connection.id, connected.clone());
        Ok(connected)
    }
}

impl Authorities for Connections {
    fn authority(
        &self,
        connection: &Connection,
    ) -> Result<Arc<dyn CertificationAuthority>, String> {
        self.connected(connection)
            .map(|connected| connected.authority)
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
