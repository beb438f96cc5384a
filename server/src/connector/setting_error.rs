//! Why a connection's settings were refused.

use std::fmt;

/// A setting that cannot be used, named as the public interface names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingError {
    pub field: &'static str,
    pub found: String,
    /// What would be accepted, as a noun phrase.
    pub allowed: String,
}

impl SettingError {
    pub(super) fn new(
        field: &'static str,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            field,
            found: found.into(),
            allowed: allowed.into(),
        }
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            found,
            allowed,
        } = self;
        write!(f, "{field} is {found:?}; allowed is {allowed}")
    }
}

impl std::error::Error for SettingError {}
