//! What the host's administrator decided: one TOML file.
//!
//! Beside the layers; read once, before anything starts. A key that does not
//! exist and a value that is not allowed are refused by name, all of them at
//! once, with what was found and what is allowed. Where a key is left out, its
//! default stands; an empty file is a valid one.
//!
//! ```
//! let settings = keysteward_agent::settings::Settings::parse(
//!     r#"
//!     state_dir = "/var/lib/keysteward-agent"
//!
//!     [server]
//!     address = "keys.example.com:8443"
//!
//!     [policy]
//!     forbid = ["delete_credential"]
//!     rp_ids = ["login.example.com"]
//!     "#,
//! )
//! .unwrap();
//! assert_eq!(settings.server.unwrap().port, 8443);
//! assert!(!settings.policy.allow_raw);
//! ```

mod policy;
mod section;
#[cfg(test)]
mod tests;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

pub use policy::{Forbidden, Policy};
use section::Section;

/// Where [`Settings`] are looked for when nobody says otherwise.
pub const DEFAULT_PATH: &str = if cfg!(windows) {
    r"C:\ProgramData\Keysteward\agent.toml"
} else {
    "/etc/keysteward/agent.toml"
};

/// Everything the file says, with defaults filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// `state_dir`: journal, certificate and key of this host. Mode 0700.
    pub state_dir: PathBuf,
    /// `[local_socket]`
    pub local_socket: LocalSocket,
    /// `[server]`: absent until the host is to be administered from elsewhere.
    pub server: Option<ServerAddress>,
    /// `[redial]`
    pub redial: Redial,
    /// `pcsc`: cards at readers are looked for, through the system's smart card service. Default
    /// true.
    pub pcsc: bool,
    /// `lease_idle_s`: a caller that holds a token and says nothing for so long loses it, so that
    /// others get it. Default 300.
    pub lease_idle: Duration,
    /// `danger_virtual_token_socket`: programs that connect here are taken for tokens. For tests
    /// and demonstrations: whoever can connect can make up a token.
    pub danger_virtual_token_socket: Option<PathBuf>,
    /// `[policy]`
    pub policy: Policy,
    /// `[log]`
    pub log: Log,
}

/// Who may speak to this agent on this machine, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalSocket {
    /// `local_socket.path`
    pub path: PathBuf,
    /// `local_socket.mode`: 0o600 or 0o660.
    pub mode: u32,
    /// `local_socket.group`: its members may call, beside root and the agent's own user.
    pub group: Option<String>,
}

/// `server.address`: where the uplink dials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerAddress {
    /// DNS name, or IP address without brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidServerAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        server_address(text).ok_or(InvalidServerAddress)
    }
}

/// What was given is no [`ServerAddress`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("allowed: {SERVER_ADDRESS}")]
pub struct InvalidServerAddress;

/// `[redial]`: how patient the agent is with a server that is away. Ten thousand agents that lose
/// their server together must not come back together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Redial {
    /// `redial.first_within_s`: after losing a link that worked, the first dial comes at a random
    /// moment within this time. Default 60.
    pub first_within: Duration,
    /// `redial.longest_s`: no pause is longer. Default 300.
    pub longest: Duration,
}

/// `[log]`: on standard error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Log {
    /// `log.level`
    pub level: LogLevel,
    /// `log.format`
    pub format: LogFormat,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// As tracing's filters spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
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
    /// As one would write it: `policy.forbid`.
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
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads the text of a settings file.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let table: toml::Table = text.parse()?;
        let mut root = Section::root(table);
        let settings = Self {
            state_dir: root.path("state_dir").unwrap_or_else(default_state_dir),
            pcsc: root.bool("pcsc").unwrap_or(true),
            lease_idle: root
                .seconds("lease_idle_s", 30..=3600)
                .unwrap_or(Duration::from_secs(300)),
            danger_virtual_token_socket: root.path("danger_virtual_token_socket"),
            local_socket: root.within("local_socket", local_socket),
            server: root.within("server", server),
            redial: root.within("redial", redial),
            policy: root.within("policy", Policy::read),
            log: root.within("log", log),
        };
        match root.finish() {
            problems if problems.is_empty() => Ok(settings),
            problems => Err(SettingsError::Wrong(problems)),
        }
    }
}

fn local_socket(section: &mut Section) -> LocalSocket {
    LocalSocket {
        path: section.path("path").unwrap_or_else(default_local_socket),
        mode: section
            .choice("mode", &[("0600", 0o600), ("0660", 0o660)])
            .unwrap_or(0o660),
        group: section.checked("group", "the name of a group", |name| {
            (!name.is_empty() && !name.contains(char::is_whitespace)).then(|| name.to_owned())
        }),
    }
}

fn server(section: &mut Section) -> Option<ServerAddress> {
    section.checked("address", SERVER_ADDRESS, server_address)
}

/// Splits `HOST:PORT`; an IPv6 address stands in brackets.
fn server_address(text: &str) -> Option<ServerAddress> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().ok()?.to_string(),
        // Without brackets, where does the address end?
        None if host.contains(':') => return None,
        None => host.to_owned(),
    };
    rustls_pki_types::ServerName::try_from(host.as_str()).ok()?;
    Some(ServerAddress { host, port })
}

fn redial(section: &mut Section) -> Redial {
    Redial {
        first_within: section
            .seconds("first_within_s", 0..=3600)
            .unwrap_or(Duration::from_secs(60)),
        longest: section
            .seconds("longest_s", 1..=3600)
            .unwrap_or(Duration::from_secs(300)),
    }
}

fn log(section: &mut Section) -> Log {
    use LogLevel::{Debug, Error, Info, Trace, Warn};
    let levels = [Error, Warn, Info, Debug, Trace].map(|level| (level.as_str(), level));
    Log {
        level: section.choice("level", &levels).unwrap_or(Info),
        format: section
            .choice(
                "format",
                &[("human", LogFormat::Human), ("json", LogFormat::Json)],
            )
            .unwrap_or(LogFormat::Human),
    }
}

fn default_state_dir() -> PathBuf {
    if cfg!(windows) {
        PathBuf::from(r"C:\ProgramData\Keysteward\agent")
    } else {
        PathBuf::from("/var/lib/keysteward-agent")
    }
}

fn default_local_socket() -> PathBuf {
    if cfg!(windows) {
        PathBuf::from(r"\\.\pipe\keysteward-agent")
    } else {
        PathBuf::from("/run/keysteward-agent/agent.sock")
    }
}

const SERVER_ADDRESS: &str = "HOST:PORT, such as keys.example.com:8443";

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}
