//! The secret by which an outside system knows us.

use super::SettingError;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// An API key: wiped when dropped, never printed.
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Takes a key as the outside system's console shows it; space around it
    /// is an accident of copying.
    ///
    /// # Errors
    /// A key that cannot stand in a header. The error does not show it.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let found = match key.len() {
                0 => "empty".to_owned(),
                length => format!("{length} bytes, some of them no visible ASCII"),
            };
            return Err(SettingError::new(
                "api_key",
                found,
                "visible ASCII characters",
            ));
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// Marked sensitive, so that HTTP traces hide it.
    pub(super) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&self.0).expect("parse admits visible ASCII only");
        value.set_sensitive(true);
        value
    }

    /// Takes the key out of a text that a peer sent, should it repeat it.
    pub(super) fn redact(&self, text: &str) -> String {
        text.replace(self.0.as_str(), "[api key]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_a_line_break_inside_is_refused_without_being_shown() {
        for text in ["", "  \n", "secret\nvalue", "sécret"] {
            let Err(error) = ApiKey::parse(text) else {
                panic!("{text:?} was accepted");
            };
            assert_eq!(error.field, "api_key");
            assert!(!error.to_string().contains("cret"), "{error}");
        }
    }

    #[test]
    fn space_around_a_key_is_ignored_and_its_header_is_sensitive() {
        let header = ApiKey::parse(" k3y\n").unwrap().header();
        assert_eq!(header, "k3y");
        assert!(header.is_sensitive());
    }
}
