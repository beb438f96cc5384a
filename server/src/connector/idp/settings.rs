//! A connection's settings as they are stored, by vendor.

use super::{IdentityProvider, sta};
use crate::connector::{ApiKey, SettingError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The public part; the API key is sealed elsewhere.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Settings {
    Sta(sta::Settings),
}

impl Settings {
    /// What `connection.kind` holds.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sta(_) => "sta",
        }
    }

    /// Checks every setting and speaks to nobody.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn connect(&self, key: ApiKey) -> Result<Arc<dyn IdentityProvider>, SettingError> {
        match self {
            Self::Sta(settings) => Ok(Arc::new(sta::Sta::new(settings, key)?)),
        }
    }
}
