//! Where a tenant of STA is, and how its users are found.

use crate::connector::{
    SettingError,
    idp::{RelyingParty, User},
};
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// As an administrator typed them; `Checked` once they make sense.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Settings {
    /// `https://api.<zone>.safenetid.com/api/v1/tenants/<tenant code>/`
    pub rest_url: String,
    /// 10 characters of A-Z and 0-9.
    pub tenant_code: String,
    /// "mail", "sAMAccountName" or "userPrincipalName".
    pub mapping_attribute: String,
    pub rp_id: String,
    pub rp_name: String,
    pub origin: String,
    /// PEM; empty: the system's roots.
    #[serde(default)]
    pub trusted_roots: String,
}

/// Settings that passed every check.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// Ends with a slash.
    pub(super) base: Url,
    pub(super) tenant_code: String,
    pub(super) mapping_attribute: MappingAttribute,
    pub(super) relying_party: RelyingParty,
}

/// The directory attribute whose value is the user name at STA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MappingAttribute {
    Mail,
    SamAccountName,
    UserPrincipalName,
}

impl MappingAttribute {
    fn parse(text: &str) -> Option<Self> {
        [Self::Mail, Self::SamAccountName, Self::UserPrincipalName]
            .into_iter()
            .find(|attribute| attribute.name() == text)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::SamAccountName => "sAMAccountName",
            Self::UserPrincipalName => "userPrincipalName",
        }
    }

    pub(super) fn of(self, user: &User) -> &str {
        match self {
            Self::Mail => &user.mail,
            Self::SamAccountName => &user.sam_account_name,
            Self::UserPrincipalName => &user.user_principal_name,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<Checked, SettingError> {
        let tenant_code = self.tenant_code.as_str();
        let of_tenant_alphabet = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if tenant_code.len() != TENANT_CODE_LENGTH || !tenant_code.bytes().all(of_tenant_alphabet) {
            let allowed =
                "10 characters of A-Z and 0-9, as STA shows them under Settings > API Keys";
            return Err(SettingError::new("tenant_code", tenant_code, allowed));
        }
        let mapping_attribute =
            MappingAttribute::parse(&self.mapping_attribute).ok_or_else(|| {
                SettingError::new(
                    "mapping_attribute",
                    &self.mapping_attribute,
                    "mail, sAMAccountName or userPrincipalName",
                )
            })?;
        Ok(Checked {
            base: base(&self.rest_url, tenant_code)?,
            tenant_code: tenant_code.to_owned(),
            mapping_attribute,
            relying_party: RelyingParty::new(&self.rp_id, &self.rp_name, &self.origin)?,
        })
    }
}

fn base(rest_url: &str, tenant_code: &str) -> Result<Url, SettingError> {
    let wrong = || {
        let allowed = format!("https://api.<zone>.safenetid.com/api/v1/tenants/{tenant_code}/");
        SettingError::new("rest_url", rest_url, allowed)
    };
    let mut url = Url::parse(rest_url.trim()).map_err(|_| wrong())?;
    let path = url.path().trim_end_matches('/').to_owned();
    let tenant_in_path = path.strip_prefix(TENANTS).ok_or_else(wrong)?;
    // A key sent to another tenant's path would only be a confusing 403.
    let plain = url.scheme() == "https"
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain || tenant_in_path != tenant_code {
        return Err(wrong());
    }
    url.set_path(&format!("{path}/"));
    Ok(url)
}

const TENANT_CODE_LENGTH: usize = 10;
const TENANTS: &str = "/api/v1/tenants/";

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            rest_url: "https://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/".to_owned(),
            tenant_code: "Q41RKXHPWU".to_owned(),
            mapping_attribute: "userPrincipalName".to_owned(),
            rp_id: "safenetid.com".to_owned(),
            rp_name: "STA".to_owned(),
            origin: "https://idp.eu.safenetid.com".to_owned(),
            trusted_roots: String::new(),
        }
    }

    #[test]
    fn what_the_console_shows_is_accepted_with_and_without_the_last_slash() {
        let with = settings().check().unwrap();
        let without = Settings {
            rest_url: settings().rest_url.trim_end_matches('/').to_owned(),
            ..settings()
        };
        assert_eq!(with.base, without.check().unwrap().base);
        assert!(with.base.path().ends_with("/Q41RKXHPWU/"));
    }

    #[test]
    fn a_wrong_rest_url_is_named_with_what_was_found_and_what_is_allowed() {
        for rest_url in [
            "",
            "api.eu.safenetid.com",
            "http://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/",
            "https://api.eu.safenetid.com/",
            "https://api.eu.safenetid.com/api/v1/tenants/",
            "https://api.eu.safenetid.com/api/v1/tenants/AAAAAAAAAA/",
            "https://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/users",
            "https://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/?a=b",
            "https://me@api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/",
            "https://api.eu.safenetid.com/tenants/Q41RKXHPWU/scim/v2/",
        ] {
            let error = Settings {
                rest_url: rest_url.to_owned(),
                ..settings()
            }
            .check()
            .unwrap_err();
            assert_eq!((error.field, error.found.as_str()), ("rest_url", rest_url));
            assert!(
                error.allowed.contains("/api/v1/tenants/Q41RKXHPWU/"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_wrong_tenant_code_or_attribute_is_named() {
        for tenant_code in ["", "Q41RKXHPW", "Q41RKXHPWUA", "q41rkxhpwu", "Q41RKXHPW/"] {
            let error = Settings {
                tenant_code: tenant_code.to_owned(),
                ..settings()
            }
            .check()
            .unwrap_err();
            assert_eq!(error.field, "tenant_code");
        }
        for attribute in ["", "Mail", "upn", "samaccountname"] {
            let error = Settings {
                mapping_attribute: attribute.to_owned(),
                ..settings()
            }
            .check()
            .unwrap_err();
            assert_eq!(error.field, "mapping_attribute");
        }
    }

    #[test]
    fn the_relying_party_is_checked_too() {
        let error = Settings {
            origin: "https://example.com".to_owned(),
            ..settings()
        }
        .check()
        .unwrap_err();
        assert_eq!(error.field, "origin");
    }
}
