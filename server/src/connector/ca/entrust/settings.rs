//! Where a CA Gateway is, and which CA behind it is meant.

use crate::connector::{SettingError, ca::http};
use reqwest::{Url, header::HeaderValue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// As an administrator typed them. The secret beside them is the client
/// certificate with its key: [`ClientIdentity`](super::ClientIdentity).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Settings {
    /// `https://HOST/cagw`
    pub url: String,
    /// `<partition>~<ca>`, as the gateway lists it. Empty while it is not
    /// chosen: then only the list can be had.
    #[serde(default)]
    pub ca_id: String,
    /// The header `ca-client-id`, which some installations want; else empty.
    #[serde(default)]
    pub client_id: String,
    /// PEM; empty: the system's roots.
    #[serde(default)]
    pub trusted_roots: String,
    /// Seconds that one request may take, 1 to 300; 0: 45.
    #[serde(default)]
    pub time_limit_s: u32,
}

/// Settings that passed every check.
#[derive(Clone, Debug)]
pub(in super::super) struct Checked {
    pub(super) base: Url,
    pub(super) ca_id: String,
    pub(super) client_id: Option<HeaderValue>,
    pub(super) time_limit: Duration,
}

impl Settings {
    pub(in super::super) fn check(&self) -> Result<Checked, SettingError> {
        let ca_id = self.ca_id.trim();
        let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if ca_id.len() > LONGEST || !printable(ca_id) || ca_id == "." || ca_id == ".." {
            let allowed = "the id of a certification authority as the gateway lists it";
            return Err(SettingError::new("ca_id", ca_id, allowed));
        }
        let client_id = self.client_id.trim();
        let wrong_client = || {
            let allowed = "up to 128 visible ASCII characters, or nothing";
            SettingError::new("client_id", client_id, allowed)
        };
        if client_id.len() > LONGEST || !printable(client_id) {
            return Err(wrong_client());
        }
        let header = HeaderValue::from_str(client_id).map_err(|_| wrong_client())?;
        Ok(Checked {
            base: base(&self.url)?,
            ca_id: ca_id.to_owned(),
            client_id: (!client_id.is_empty()).then_some(header),
            time_limit: http::time_limit(self.time_limit_s, TIME_LIMIT)?,
        })
    }
}

fn base(text: &str) -> Result<Url, SettingError> {
    let wrong = || {
        let allowed = "https://HOST/cagw, without /v1 behind it";
        SettingError::new("url", text, allowed)
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let path = url.path().trim_end_matches('/');
    let plain = url.scheme() == "https"
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let whole = path.ends_with("/v1") || path.contains("/v1/");
    if !plain || whole {
        return Err(wrong());
    }
    Ok(url)
}

const LONGEST: usize = 128;
/// The vendor's example for its own client.
const TIME_LIMIT: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            url: "https://cagw.example.com/cagw".to_owned(),
            ca_id: "ecsmcn158emsuw~1sw46hf1g0wrdc".to_owned(),
            ..Settings::default()
        }
    }

    #[test]
    fn addresses_that_the_vendor_gives_are_accepted() {
        for url in [
            "https://cagw.pkiaas.entrust.com/cagw",
            "https://cagw.eu.pkiaas.entrust.com/cagw/",
            " https://ca.example.com:8443/cagw ",
            "https://gateway.example.com",
        ] {
            let url = url.to_owned();
            Settings { url, ..settings() }.check().unwrap();
        }
    }

    #[test]
    fn a_wrong_address_is_named_with_what_is_allowed() {
        for url in [
            "",
            "cagw.example.com/cagw",
            "http://cagw.example.com/cagw",
            "https://me@cagw.example.com/cagw",
            "https://cagw.example.com/cagw?a=b",
            "https://cagw.example.com/cagw#a",
            "https://cagw.example.com/cagw/v1",
            "https://cagw.example.com/cagw/v1/certificate-authorities",
        ] {
            let error = Settings {
                url: url.to_owned(),
                ..settings()
            }
            .check()
            .unwrap_err();
            assert_eq!((error.field, error.found.as_str()), ("url", url));
        }
    }

    #[test]
    fn a_ca_id_or_client_id_that_cannot_be_one_is_named() {
        for id in ["a b", "ö", "..", &"a".repeat(129)] {
            let error = Settings {
                ca_id: id.to_owned(),
                ..settings()
            }
            .check()
            .unwrap_err();
            assert_eq!(error.field, "ca_id");
        }
        for id in ["a b", "a\r\nb", &"a".repeat(129)] {
            let error = Settings {
                client_id: id.to_owned(),
                ..settings()
            }
            .check()
            .unwrap_err();
            assert_eq!(error.field, "client_id");
        }
    }

    #[test]
    fn the_time_for_a_request_is_45_seconds_unless_another_is_set() {
        let of = |time_limit_s| {
            let settings = Settings {
                time_limit_s,
                ..settings()
            };
            settings.check().map(|checked| checked.time_limit.as_secs())
        };
        assert_eq!((of(0).unwrap(), of(7).unwrap()), (45, 7));
        assert_eq!(of(301).unwrap_err().field, "time_limit_s");
    }

    #[test]
    fn a_ca_that_is_not_chosen_yet_is_allowed() {
        let settings = Settings {
            ca_id: String::new(),
            ..settings()
        };
        assert!(settings.check().unwrap().ca_id.is_empty());
    }
}
