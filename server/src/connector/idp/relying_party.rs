//! The relying party that credentials are made for. WebAuthn Level 3 §5.1.2.

use crate::connector::SettingError;
use reqwest::Url;

/// Checked when made: the origin may use the id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelyingParty {
    id: String,
    name: String,
    origin: String,
}

impl RelyingParty {
    /// # Errors
    /// Names `rp_id`, `rp_name` or `origin`.
    pub fn new(id: &str, name: &str, origin: &str) -> Result<Self, SettingError> {
        if !is_domain(id) {
            let allowed = "a domain in lower case, such as login.example.com (no scheme, no port)";
            return Err(SettingError::new("rp_id", id, allowed));
        }
        if name.trim().is_empty() || name.chars().any(char::is_control) || name.len() > MAX_NAME {
            let allowed = format!("1 to {MAX_NAME} bytes without control characters");
            return Err(SettingError::new("rp_name", name, allowed));
        }
        if !origin_may_use(origin, id) {
            let allowed =
                format!("https:// and {id} or a subdomain of it, nothing after it but a port");
            return Err(SettingError::new("origin", origin, allowed));
        }
        Ok(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            origin: origin.to_owned(),
        })
    }

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// A valid domain string (WHATWG URL) with its labels in ASCII.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The last label tells a domain from an IPv4 address.
    let last_is_a_name = text
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    text.len() <= 253 && text.split('.').all(label) && last_is_a_name
}

fn origin_may_use(origin: &str, rp_id: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let host_fits = url.host_str().is_some_and(|host| {
        host == rp_id
            || host
                .strip_suffix(rp_id)
                .is_some_and(|subdomain| subdomain.ends_with('.'))
    });
    // Clients compare origins as text, so only the serialised form will do.
    url.scheme() == "https" && host_fits && url.origin().ascii_serialization() == origin
}

/// CTAP 2.3 §6.1: a token may cut names at 64 bytes.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_domain() {
        for id in [
            "example.com",
            "login.eu.example.com",
            "xn--bcher-kva.example",
            "localhost",
        ] {
            RelyingParty::new(id, "Example", &format!("https://{id}")).unwrap();
        }
        for id in [
            "",
            "Example.com",
            "https://example.com",
            "example.com:443",
            "192.0.2.1",
            "-a.com",
            "a..com",
            "bücher.example",
            "example.com.",
        ] {
            let error = RelyingParty::new(id, "Example", "https://example.com").unwrap_err();
            assert_eq!(error.field, "rp_id", "{id}");
        }
    }

    #[test]
    fn an_origin_is_https_at_the_id_or_below_it() {
        for origin in ["https://example.com", "https://a.example.com:8443"] {
            RelyingParty::new("example.com", "Example", origin).unwrap();
        }
        for origin in [
            "",
            "example.com",
            "http://example.com",
            "https://notexample.com",
            "https://example.com.evil.org",
            "https://example.com/",
            "https://example.com:443",
            "https://user@example.com",
            "https://EXAMPLE.com",
            "https://com",
        ] {
            let error = RelyingParty::new("example.com", "Example", origin).unwrap_err();
            assert_eq!((error.field, error.found.as_str()), ("origin", origin));
        }
    }

    #[test]
    fn a_name_is_there_and_printable() {
        for name in ["", " ", "a\nb", &"n".repeat(65)] {
            let error = RelyingParty::new("example.com", name, "https://example.com").unwrap_err();
            assert_eq!(error.field, "rp_name");
        }
    }
}
