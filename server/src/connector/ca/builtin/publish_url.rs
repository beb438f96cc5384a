//! The address that stands in certificates: where their readers find the
//! revocation list and the responder. RFC 5280 sections 4.2.1.13 and 4.2.2.1.

use crate::connector::SettingError;
use reqwest::Url;
use std::fmt;

/// A plain HTTP address in its normal form, without a slash at the end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishUrl {
    text: String,
    /// Empty, or with a slash at its beginning and none at its end.
    path: String,
}

impl PublishUrl {
    /// None where it is no such address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        // Over TLS a reader would have to check a certificate to check a certificate.
        let plain = url.scheme() == "http"
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        // Other letters would be written in other ways: this one would not be found again.
        (plain && text.is_ascii()).then(|| Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Empty, or with a slash at its beginning and none at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is `base` or below it.
    #[must_use]
    pub fn is_within(&self, base: &Self) -> bool {
        let rest = self.text.strip_prefix(&base.text);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether what is published under `bases` is found under this address.
    ///
    /// # Errors
    /// Names the setting of the server's file that is missing.
    pub fn check(&self, bases: &[Self]) -> Result<(), SettingError> {
        if bases.iter().any(|base| self.is_within(base)) {
            return Ok(());
        }
        let allowed = if bases.is_empty() {
            "none while the server's settings have no publish.urls: put this address there, and \
             let readers of certificates reach publish.listen under it"
                .to_owned()
        } else {
            let bases: Vec<&str> = bases.iter().map(Self::as_str).collect();
            let bases = bases.join(", ");
            format!("an address of publish.urls in the server's settings, or one below it: {bases}")
        };
        Err(SettingError::new(FIELD, self.as_str(), allowed))
    }

    /// Whether another authority answers at this path already. Proxies do not
    /// always say for which name they were asked.
    ///
    /// # Errors
    /// Names the one that does.
    pub fn check_alone(&self, others: &[(String, Self)]) -> Result<(), SettingError> {
        match others.iter().find(|(_, other)| other.path == self.path) {
            None => Ok(()),
            Some((name, _)) => Err(SettingError::new(
                FIELD,
                self.as_str(),
                format!("an address whose path is not that of {name:?}"),
            )),
        }
    }
}

impl fmt::Display for PublishUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) const FIELD: &str = "publish_url";

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublishUrl {
        PublishUrl::parse(text).unwrap()
    }

    #[test]
    fn an_address_has_one_form_and_a_path_without_a_slash_at_the_end() {
        for (text, normal, path) in [
            ("http://pki.example.com", "http://pki.example.com", ""),
            ("http://pki.example.com/", "http://pki.example.com", ""),
            (
                "http://PKI.example.com:80/ca//",
                "http://pki.example.com/ca",
                "/ca",
            ),
            (
                " http://[::1]:8446/a b/../:c ",
                "http://[::1]:8446/:c",
                "/:c",
            ),
        ] {
            let url = url(text);
            assert_eq!((url.as_str(), url.path()), (normal, path), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_address_is_none() {
        for text in [
            "",
            "pki.example.com",
            "https://pki.example.com/ca",
            "http://me@pki.example.com",
            "http://:geheim@pki.example.com",
            "http://pki.example.com/?a",
            "http://pki.example.com/#a",
            "http://pki.example.com/ö",
            "http:///ca?",
        ] {
            assert_eq!(PublishUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_fits_at_and_below_what_is_published_and_nowhere_else() {
        let bases = [
            url("http://pki.example.com/ks"),
            url("http://old.example.com"),
        ];
        for fits in [
            "http://pki.example.com/ks",
            "http://pki.example.com/ks/office",
            "http://old.example.com/ca",
        ] {
            assert_eq!(url(fits).check(&bases), Ok(()), "{fits}");
        }
        for other in [
            "http://pki.example.com",
            "http://pki.example.com/ksx",
            "http://pki.example.com/KS",
            "http://pki.example.com:8446/ks",
            "http://old.example.com.evil.example/ca",
        ] {
            let error = url(other).check(&bases).unwrap_err();
            assert_eq!((error.field, error.found.as_str()), (FIELD, other));
            assert!(
                error.allowed.contains("http://pki.example.com/ks"),
                "{error}"
            );
        }
        let error = url("http://pki.example.com").check(&[]).unwrap_err();
        assert!(error.allowed.contains("publish.urls"), "{error}");
    }

    #[test]
    fn two_authorities_do_not_answer_at_one_path() {
        let others = [("office".to_owned(), url("http://pki.example.com/ks"))];
        let same = url("http://pki2.example.com/ks/").check_alone(&others);
        assert!(same.unwrap_err().allowed.contains("office"));
        let below = url("http://pki.example.com/ks/plant");
        assert_eq!(below.check_alone(&others), Ok(()));
    }
}
