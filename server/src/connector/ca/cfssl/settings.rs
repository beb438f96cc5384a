//! Where a cfssl is, and with which of its profiles it signs.

use crate::connector::{
    SettingError,
    ca::{Secret, http},
    https::Plain,
};
use reqwest::Url;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};
use zeroize::Zeroizing;

/// As an administrator typed them. The secret beside them is the key of
/// authenticated requests (`auth_keys` in cfssl's own settings) in hexadecimal
/// digits; empty where its profiles want none.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Settings {
    /// `https://HOST:8888`; `http://` for this machine's own addresses only.
    pub url: String,
    /// Of the signer, where a cfssl has several; else empty.
    #[serde(default)]
    pub label: String,
    /// The profiles that templates may name: cfssl does not list its own.
    pub profiles: Vec<String>,
    /// PEM of the signer's certificate. Empty: taken from cfssl.
    #[serde(default)]
    pub authority: String,
    /// PEM, for TLS; empty: the system's roots.
    #[serde(default)]
    pub trusted_roots: String,
    /// Seconds that one request may take, 1 to 300; 0: 30.
    #[serde(default)]
    pub time_limit_s: u32,
}

/// Settings that passed every check.
pub(in super::super) struct Checked {
    pub(super) base: Url,
    pub(super) plain: Plain,
    pub(super) label: String,
    pub(super) profiles: Vec<String>,
    pub(super) authority: Option<Vec<u8>>,
    pub(super) key: Option<Zeroizing<Vec<u8>>>,
    pub(super) time_limit: Duration,
}

impl Settings {
    pub(in super::super) fn check(&self, secret: &Secret) -> Result<Checked, SettingError> {
        let (base, plain) = base(&self.url)?;
        let word = |text: &str| {
            !text.is_empty()
                && text.len() <= LONGEST
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let label = self.label.trim();
        if !label.is_empty() && !word(label) {
            let allowed = "up to 64 visible ASCII characters, or nothing";
            return Err(SettingError::new("label", label, allowed));
        }
        if self.profiles.is_empty() || !self.profiles.iter().all(|profile| word(profile)) {
            let allowed = "names of profiles of cfssl, one at least";
            return Err(SettingError::new(
                "profiles",
                self.profiles.join(", "),
                allowed,
            ));
        }
        Ok(Checked {
            base,
            plain,
            label: label.to_owned(),
            profiles: self.profiles.clone(),
            authority: authority(&self.authority)?,
            key: key(secret)?,
            time_limit: http::time_limit(self.time_limit_s, TIME_LIMIT)?,
        })
    }
}

fn base(text: &str) -> Result<(Url, Plain), SettingError> {
    let wrong = || {
        let allowed = "https://HOST:PORT, or http:// for an address of this machine such as \
                       127.0.0.1";
        SettingError::new("url", text, allowed)
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let host = url.host_str().unwrap_or_default();
    let own = host
        .trim_matches(['[', ']'])
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    let plain = match url.scheme() {
        "https" => Plain::Never,
        "http" if own => Plain::OnThisMachine,
        _ => return Err(wrong()),
    };
    let bare = !host.is_empty()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !bare || url.path().contains("/api/") {
        return Err(wrong());
    }
    Ok((url, plain))
}

fn authority(text: &str) -> Result<Option<Vec<u8>>, SettingError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    match CertificateDer::from_pem_slice(text.as_bytes()) {
        Ok(der) => Ok(Some(der.to_vec())),
        Err(error) => {
            let allowed = "a certificate in PEM, or nothing";
            Err(SettingError::new("authority", error.to_string(), allowed))
        }
    }
}

/// The error does not show the key.
fn key(secret: &Secret) -> Result<Option<Zeroizing<Vec<u8>>>, SettingError> {
    let text = secret.expose().trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    match hex::decode(text) {
        Ok(key) if key.len() >= SHORTEST_KEY => Ok(Some(Zeroizing::new(key))),
        _ => {
            let found = format!("{} characters", text.len());
            let allowed = "32 hexadecimal digits or more, or nothing";
            Err(SettingError::new("credential", found, allowed))
        }
    }
}

const LONGEST: usize = 64;
const SHORTEST_KEY: usize = 16;
const TIME_LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            url: "http://127.0.0.1:8888".to_owned(),
            profiles: vec!["smartcard".to_owned()],
            ..Settings::default()
        }
    }

    fn refused(settings: &Settings, secret: &str) -> SettingError {
        let secret = Secret::new(Zeroizing::new(secret.as_bytes().to_vec()));
        match settings.check(&secret) {
            Err(error) => error,
            Ok(_) => panic!("{settings:?} was accepted"),
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for (url, plain) in [
            ("http://127.0.0.1:8888", Plain::OnThisMachine),
            ("http://[::1]:8888/", Plain::OnThisMachine),
            ("https://127.0.0.1:8888", Plain::Never),
            ("https://cfssl.example.com", Plain::Never),
        ] {
            let url = url.to_owned();
            let settings = Settings { url, ..settings() };
            assert_eq!(
                settings.check(&Secret::default()).ok().unwrap().plain,
                plain
            );
        }
        for url in [
            "",
            "127.0.0.1:8888",
            "http://cfssl.example.com",
            "http://10.0.0.1:8888",
            "http://localhost:8888",
            "ftp://127.0.0.1",
            "https://me@cfssl.example.com",
            "https://cfssl.example.com/?a",
            "https://cfssl.example.com/api/v1/cfssl/sign",
        ] {
            let url = url.to_owned();
            let error = refused(&Settings { url, ..settings() }, "");
            assert_eq!(error.field, "url");
        }
    }

    #[test]
    fn each_other_setting_is_named_where_it_is_wrong() {
        let of = |settings: Settings| refused(&settings, "").field;
        let profiles = Vec::new();
        assert_eq!(
            of(Settings {
                profiles,
                ..settings()
            }),
            "profiles"
        );
        let profiles = vec!["a b".to_owned()];
        assert_eq!(
            of(Settings {
                profiles,
                ..settings()
            }),
            "profiles"
        );
        let label = "a b".to_owned();
        assert_eq!(
            of(Settings {
                label,
                ..settings()
            }),
            "label"
        );
        let time_limit_s = 301;
        assert_eq!(
            of(Settings {
                time_limit_s,
                ..settings()
            }),
            "time_limit_s"
        );
        let authority = "hello".to_owned();
        assert_eq!(
            of(Settings {
                authority,
                ..settings()
            }),
            "authority"
        );
    }

    #[test]
    fn a_wrong_key_is_refused_and_not_shown() {
        for key in [
            "secret",
            "0011223344556677",
            "0011223344556677001122334455667g",
        ] {
            let error = refused(&settings(), key);
            assert_eq!(error.field, "credential");
            assert!(!error.to_string().contains(key), "{error}");
        }
        let key = Secret::new(Zeroizing::new(
            b" 00112233445566778899aabbccddeeff\n".to_vec(),
        ));
        assert!(settings().check(&key).ok().unwrap().key.is_some());
    }
}
