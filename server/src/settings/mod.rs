//! What the server's administrator decided: one TOML file.
//!
//! Beside the layers; read once, before anything starts. A key that does not
//! exist and a value that is not allowed are refused by name, all of them at
//! once, with what was found and what is allowed. An empty file is a valid one,
//! and listens on loopback only.
//!
//! ```
//! let settings = keysteward_server::settings::Settings::parse(
//!     r#"
//!     data_dir = "/srv/keysteward"
//!
//!     [agents]
//!     listen = "0.0.0.0:8443"
//!     "#,
//! )
//! .unwrap();
//! assert!(settings.api.listen.ip().is_loopback());
//! assert_eq!(settings.database().to_str(), Some("/srv/keysteward/keysteward.db"));
//! ```

mod section;
#[cfg(test)]
mod tests;

use std::{
    fmt, fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use rustls_pki_types::ServerName;

use crate::{
    attestation::{Files, MetadataFiles, Stale},
    connector::ca::builtin::PublishUrl,
    key_store::Pkcs11Settings,
};
use section::Section;

/// Where [`Settings`] are looked for when nobody says otherwise.
pub const DEFAULT_PATH: &str = "/etc/keysteward/server.toml";

/// Everything the file says, with defaults filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// `data_dir`: the database, and what `init` makes. Mode 0700.
    pub data_dir: PathBuf,
    /// `master_key`: 32 bytes, mode 0600. By default in `data_dir`; better on another disk.
    pub master_key: PathBuf,
    /// `[api]`
    pub api: Api,
    /// `agents.listen`: where agents enrol and dial in.
    pub agents_listen: SocketAddr,
    /// `metrics.listen`: Prometheus, in clear and to everybody.
    pub metrics_listen: SocketAddr,
    /// `[publish]`: what readers of the certificates of a CA inside this server ask for.
    pub publish: Option<Publish>,
    /// `[attestation]`: whom token types may trust beside their own roots.
    pub attestation: Files,
    /// `[hsm]`: a PKCS #11 token for card master keys; without it they are sealed under
    /// `master_key`.
    pub hsm: Option<Pkcs11Settings>,
    /// `[log]`
    pub log: Log,
}

/// `[api]`: the public interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Api {
    /// `api.listen`
    pub listen: SocketAddr,
    /// `api.names`: DNS names and addresses in the certificate that the server makes itself.
    pub names: Vec<String>,
    /// `api.certificate` and `api.key`: a certificate from elsewhere instead, both PEM.
    pub certificate: Option<CertificateFiles>,
}

/// A certificate from elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// `[publish]`: revocation lists and responders, over plain HTTP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Publish {
    /// `publish.listen`
    pub listen: SocketAddr,
    /// `publish.urls`: under which addresses its readers reach it; those that stand in
    /// certificates are among them, or below.
    pub urls: Vec<PublishUrl>,
}

/// `[log]`: on standard error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Log {
    /// `log.level`
    pub level: &'static str,
    /// `log.format`
    pub format: LogFormat,
}

/// For whom it is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file could not be read.
    #[error("cannot read the settings {}", path.display())]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not TOML; the message has line and column.
    #[error(transparent)]
    NotToml(#[from] toml::de::Error),
    /// Every key and value that is wrong.
    #[error("{}", lines(.0))]
    Wrong(Vec<Problem>),
}

/// One key or value that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// As one would write it: `api.listen`.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            found,
            allowed,
        } = self;
        write!(f, "{key}: found {found}, allowed: {allowed}")
    }
}

impl Settings {
    /// Reads `path`.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads the text of a settings file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let table: toml::Table = text.parse()?;
        let mut root = Section::root(table);
        let data_dir = root
            .path("data_dir")
            .unwrap_or_else(|| "/var/lib/keysteward".into());
        let settings = Self {
            master_key: root
                .path("master_key")
                .unwrap_or_else(|| data_dir.join("master.key")),
            data_dir,
            api: root.within("api", api),
            agents_listen: root
                .within("agents", |agents| agents.address("listen"))
                .unwrap_or(loopback(8443)),
            metrics_listen: root
                .within("metrics", |metrics| metrics.address("listen"))
                .unwrap_or(loopback(8445)),
            publish: root.within("publish", publish),
            attestation: root.within("attestation", attestation),
            hsm: root.within("hsm", hsm),
            log: root.within("log", log),
        };
        match root.finish() {
            problems if problems.is_empty() => Ok(settings),
            problems => Err(SettingsError::Wrong(problems)),
        }
    }

    /// The database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("keysteward.db")
    }
}

fn api(section: &mut Section) -> Api {
    let names = section.list("names", "DNS names and IP addresses", |name| {
        ServerName::try_from(name).ok().map(|_| name.to_owned())
    });
    let certificate = section.path("certificate");
    let key = section.path("key");
    let certificate = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => section.missing("key", "the key of api.certificate"),
        (None, Some(_)) => section.missing("certificate", "the certificate of api.key"),
    };
    Api {
        listen: section.address("listen").unwrap_or(loopback(8444)),
        names: names.unwrap_or_else(|| ["localhost", "127.0.0.1", "::1"].map(String::from).into()),
        certificate,
    }
}

fn attestation(section: &mut Section) -> Files {
    let truststore = section.path("truststore");
    let blob = section.path("metadata");
    let root = section.path("metadata_root");
    let signer = section.text("metadata_signer", "a name, such as mds.fidoalliance.org");
    let stale = section.choice(
        "stale_metadata",
        &[("refuse", Stale::Refuse), ("warn", Stale::Warn)],
    );
    let metadata = match (blob, root) {
        (Some(blob), Some(root)) => Some(MetadataFiles {
            blob,
            root,
            signer: signer.unwrap_or_else(|| SIGNER.to_owned()),
            stale: stale.unwrap_or_default(),
        }),
        (None, None) => None,
        (Some(_), None) => section.missing(
            "metadata_root",
            "the PEM file of the root that attestation.metadata leads to",
        ),
        (None, Some(_)) => section.missing("metadata", "the file that leads to it"),
    };
    Files {
        truststore,
        metadata,
    }
}

fn publish(section: &mut Section) -> Option<Publish> {
    const URLS: &str = "addresses such as http://pki.example.com/keysteward";
    let listen = section.address("listen");
    if listen.is_some() && !section.holds("urls") {
        return section.missing("urls", URLS);
    }
    Some(Publish {
        urls: section.list("urls", URLS, PublishUrl::parse)?,
        listen: listen.unwrap_or(loopback(8446)),
    })
}

fn hsm(section: &mut Section) -> Option<Pkcs11Settings> {
    const KEYS: [(&str, &str); 3] = [
        ("module", "the absolute path of the vendor's library"),
        ("token", "the label of a PKCS #11 token"),
        (
            "pin_file",
            "the absolute path of a file of mode 0600 with the user's PIN",
        ),
    ];
    if KEYS.iter().any(|(key, _)| section.holds(key)) {
        for (key, what) in KEYS {
            if !section.holds(key) {
                let _: Option<()> = section.missing(key, what);
            }
        }
    }
    let module = section.path("module");
    let token = section.text("token", "the label of a PKCS #11 token");
    let pin_file = section.path("pin_file");
    Some(Pkcs11Settings {
        module: module?,
        token: token?,
        pin_file: pin_file?,
    })
}

fn log(section: &mut Section) -> Log {
    let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
    let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
    Log {
        level: section.choice("level", &levels).unwrap_or("info"),
        format: section
            .choice("format", &formats)
            .unwrap_or(LogFormat::Human),
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// Of the FIDO Alliance.
const SIGNER: &str = "mds.fidoalliance.org";
