//! A connection's settings as they are stored, by vendor, and its secret.

use super::{
    CertificationAuthority, ClientIdentity, Now, Secret,
    builtin::{self, Builtin, IssuedCertificates, Publisher},
    cfssl::{self, Cfssl},
    entrust::{self, EntrustCaGateway},
};
use crate::connector::SettingError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The public part; the [`Secret`] is sealed elsewhere.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum Settings {
    #[serde(rename = "builtin-ca")]
    Builtin(builtin::Settings),
    #[serde(rename = "entrust-ca-gateway")]
    EntrustCaGateway(entrust::Settings),
    #[serde(rename = "cfssl")]
    Cfssl(cfssl::Settings),
}

/// What an administrator gives once, when the connection is made.
#[expect(missing_debug_implementations, reason = "a secret")]
pub enum Credential {
    Nothing,
    /// A file with its password.
    Pkcs12 {
        file: Zeroizing<Vec<u8>>,
        password: Zeroizing<String>,
    },
    /// A private key, with its certificates where it is a client's; or a shared
    /// key in hexadecimal digits.
    Text(Zeroizing<String>),
}

/// What a connection needs of the server it is in.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The list of this connection's own certificates: of the built-in CA only.
    pub issued: Arc<dyn IssuedCertificates>,
    pub now: Now,
}

/// A connection that is ready.
#[derive(Clone, Debug)]
pub struct Connected {
    pub authority: Arc<dyn CertificationAuthority>,
    /// What has to be served over plain HTTP for it: of the built-in CA only.
    pub publisher: Option<Publisher>,
}

impl Settings {
    /// The kind of the CA inside this server.
    pub const BUILTIN: &str = "builtin-ca";

    /// What `connection.kind` holds.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Builtin(_) => Self::BUILTIN,
            Self::EntrustCaGateway(_) => "entrust-ca-gateway",
            Self::Cfssl(_) => "cfssl",
        }
    }

    /// Makes the secret of a new connection from what the administrator gives,
    /// and checks every setting. Speaks to nobody. The built-in CA makes its own,
    /// by [`builtin::Settings::create`] and [`builtin::Settings::import`].
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn secret(&self, credential: Credential, now: Timestamp) -> Result<Secret, SettingError> {
        let of_text =
            |text: Zeroizing<String>| Secret::new(Zeroizing::new(text.trim().as_bytes().to_vec()));
        let refused =
            |found: &str, allowed: &str| Err(SettingError::new("credential", found, allowed));
        let secret = match (self, credential) {
            (Self::Builtin(_), Credential::Nothing) => {
                return refused("nothing", "the key that was made or imported with the CA");
            }
            (Self::Builtin(_), Credential::Pkcs12 { .. }) => {
                return refused("PKCS#12", "the CA's private key in PEM");
            }
            (Self::Builtin(settings), Credential::Text(key)) => {
                let builtin::Settings {
                    authority,
                    publish_url,
                    days,
                } = settings;
                return builtin::Settings::import(authority, &key, publish_url, *days, now)
                    .map(|(_, secret)| secret);
            }
            (Self::EntrustCaGateway(_), Credential::Nothing) => {
                return refused(
                    "nothing",
                    "a client certificate with its key, PKCS#12 or PEM",
                );
            }
            (Self::EntrustCaGateway(_), Credential::Pkcs12 { file, password }) => {
                ClientIdentity::from_pkcs12(&file, &password)?.to_secret()
            }
            (Self::EntrustCaGateway(_), Credential::Text(text)) => {
                ClientIdentity::from_pem(&text)?.to_secret()
            }
            (Self::Cfssl(_), Credential::Nothing) => Secret::default(),
            (Self::Cfssl(_), Credential::Pkcs12 { .. }) => {
                return refused("PKCS#12", "a shared key in hexadecimal digits, or nothing");
            }
            (Self::Cfssl(_), Credential::Text(text)) => of_text(text),
        };
        match self {
            Self::Builtin(_) => {}
            Self::EntrustCaGateway(settings) => drop(settings.check()?),
            Self::Cfssl(settings) => drop(settings.check(&secret)?),
        }
        Ok(secret)
    }

    /// Checks every setting and speaks to nobody.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn connect(
        &self,
        secret: &Secret,
        surroundings: Surroundings,
    ) -> Result<Connected, SettingError> {
        let Surroundings { issued, now } = surroundings;
        let alone = |authority: Arc<dyn CertificationAuthority>| Connected {
            authority,
            publisher: None,
        };
        Ok(match self {
            Self::Builtin(settings) => {
                let ca = Builtin::open(settings, secret, issued, now)?;
                Connected {
                    publisher: Some(ca.publisher()),
                    authority: ca,
                }
            }
            Self::EntrustCaGateway(settings) => {
                let identity = ClientIdentity::from_secret(secret)?;
                alone(Arc::new(EntrustCaGateway::new(settings, &identity, now)?))
            }
            Self::Cfssl(settings) => alone(Arc::new(Cfssl::new(settings, secret)?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn now() -> Timestamp {
        "2026-11-01T00:00:00Z".parse().unwrap()
    }

    fn gateway() -> Settings {
        Settings::EntrustCaGateway(entrust::Settings {
            url: "https://cagw.example.com/cagw".to_owned(),
            ..entrust::Settings::default()
        })
    }

    fn cfssl() -> Settings {
        Settings::Cfssl(cfssl::Settings {
            url: "https://cfssl.example.com".to_owned(),
            profiles: vec!["smartcard".to_owned()],
            ..cfssl::Settings::default()
        })
    }

    fn builtin() -> (Settings, Secret) {
        let made = builtin::Settings::create("CA", "http://pki.example.com", 30, now());
        let (settings, secret) = made.unwrap();
        (Settings::Builtin(settings), secret)
    }

    fn text(text: &str) -> Credential {
        Credential::Text(Zeroizing::new(text.to_owned()))
    }

    fn client() -> String {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::default().self_signed(&key).unwrap();
        key.serialize_pem() + &own.pem()
    }

    #[test]
    fn stored_settings_say_their_kind_and_are_read_again() {
        for settings in [gateway(), cfssl(), builtin().0] {
            let stored = serde_json::to_value(&settings).unwrap();
            assert_eq!(stored["kind"], settings.kind());
            let read: Settings = serde_json::from_value(stored).unwrap();
            assert_eq!(read, settings);
        }
    }

    #[test]
    fn each_kind_takes_its_own_credential_and_no_other() {
        let pkcs12 = || Credential::Pkcs12 {
            file: Zeroizing::new(b"hello".to_vec()),
            password: Zeroizing::new("geheim".to_owned()),
        };
        let (own, secret) = builtin();
        let key = KeyPair::try_from(secret.expose()).unwrap().serialize_pem();
        gateway().secret(text(&client()), now()).ok().unwrap();
        cfssl().secret(Credential::Nothing, now()).ok().unwrap();
        let shared = "00112233445566778899aabbccddeeff";
        cfssl().secret(text(shared), now()).ok().unwrap();
        let imported = own.secret(text(&key), now()).ok().unwrap();
        assert_eq!(imported.expose(), secret.expose());
        for (settings, credential, field) in [
            (gateway(), Credential::Nothing, "credential"),
            (gateway(), pkcs12(), "credential"),
            (gateway(), text("hello"), "credential"),
            (cfssl(), pkcs12(), "credential"),
            (cfssl(), text("hello"), "credential"),
            (own.clone(), Credential::Nothing, "credential"),
            (own.clone(), pkcs12(), "credential"),
            (own, text("hello"), "private_key"),
        ] {
            let kind = settings.kind();
            match settings.secret(credential, now()) {
                Err(error) => assert_eq!(error.field, field, "{kind}: {error}"),
                Ok(_) => panic!("{kind} took it"),
            }
        }
    }

    #[test]
    fn a_wrong_setting_is_named_before_the_secret_is_kept() {
        let settings = Settings::EntrustCaGateway(entrust::Settings::default());
        let error = settings.secret(text(&client()), now()).err().unwrap();
        assert_eq!(error.field, "url");
    }
}
