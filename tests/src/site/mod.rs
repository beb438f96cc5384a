//! One installation on this machine, every party a process of its own.
//!
//! ```text
//!   Cli ──> Server ──> StandIn, CaGateway, Cfssl
//!             ▲
//!           Cable
//!             │
//!           Agent <── Key, Card (Contacts)
//! ```

pub mod agent;
pub mod browser;
pub mod builtin_ca;
pub mod ca_gateway;
pub mod cable;
pub mod card;
pub mod cfssl;
pub mod cli;
pub mod contacts;
pub mod hand;
pub mod key;
pub mod process;
pub mod server;
pub mod stand_in;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;

use self::{
    agent::Agent,
    cli::Cli,
    key::{Key, Make},
    process::eventually,
    server::Server,
    stand_in::StandIn,
};

/// A server, its operator and its identity provider, in a folder of their own.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    /// Made for us, and removed with us.
    temporary: Option<tempfile::TempDir>,
    /// The central server.
    pub server: Server,
    /// STA.
    pub stand_in: StandIn,
    /// The operator.
    pub cli: Cli,
}

impl Site {
    /// In a fresh folder that is removed at the end.
    pub fn start() -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("keysteward-").tempdir()?;
        let mut site = Self::start_in(temporary.path())?;
        site.temporary = Some(temporary);
        Ok(site)
    }

    /// In `folder`, which stays.
    pub fn start_in(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let stand_in = StandIn::start(folder)?;
        let server = Server::start(folder)?;
        Ok(Self {
            cli: Cli::new(&server.profile())?,
            folder: folder.to_owned(),
            temporary: None,
            server,
            stand_in,
        })
    }

    /// Where everything of this site is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps the folder when this is dropped.
    pub fn keep(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            self.folder = temporary.keep();
        }
    }

    /// A new host: a join token is made, an agent enrols and dials in.
    pub fn host(&self, name: &str) -> Result<Agent> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        let join_token = folder.join("join.token");
        let path = join_token.to_str().context("a path that is no text")?;
        self.cli.json(&[
            "join-token",
            "create",
            "--group",
            "desks",
            "--secret-file",
            path,
        ])?;
        let agent = Agent::enrol(&folder, self.server.agents(), &join_token)?;
        let id = agent.host_id()?;
        self.wait_until_linked(&id)?;
        Ok(agent)
    }

    /// Waits until the host's uplink is up.
    pub fn wait_until_linked(&self, host: &str) -> Result<()> {
        eventually("the agent dials in", Duration::from_secs(20), || {
            let host = self.cli.json(&["host", "show", host])?;
            Ok((host["linked"] == true).then_some(()))
        })
    }

    /// Plugs a key into a host, and waits until the server has seen it; the server's row.
    ///
    /// A blank key without a serial number may be taken for a blank one that was there before.
    pub fn plug_in(&self, agent: &Agent, make: Make, name: &str) -> Result<(Key, Value)> {
        let before = self.present()?;
        let key = Key::start(make, name, agent.folder(), &agent.token_socket())?;
        let token = eventually("the server sees the key", Duration::from_secs(20), || {
            Ok(self
                .present()?
                .into_iter()
                .find(|token| !before.iter().any(|old| old["id"] == token["id"])))
        })?;
        Ok((key, token))
    }

    /// Describes the stand-in to the server, as the connection `name`.
    pub fn add_connection(&self, name: &str) -> Result<Value> {
        let sta = &self.stand_in;
        let key_file = sta.api_key_file()?;
        self.cli.json(&[
            "connection",
            "add",
            "sta",
            name,
            "--rest-url",
            sta.fact("rest_url")?,
            "--tenant-code",
            sta.fact("tenant_code")?,
            "--rp-id",
            sta.fact("rp_id")?,
            "--origin",
            sta.fact("origin")?,
            "--roots",
            sta.fact("root")?,
            "--sta-key-file",
            key_file.to_str().context("a path that is no text")?,
        ])
    }

    /// The first token with which it is so, once it is there; what the server calls it.
    pub fn wait_for_token(&self, is_so: impl Fn(&Value) -> bool) -> Result<String> {
        eventually("the server sees the token", SOON, || {
            let all = self.present()?;
            let ours = all.iter().find(|token| is_so(token));
            let id = ours.map(|token| token["id"].as_str().context("a token without an id"));
            Ok(id.transpose()?.map(str::to_owned))
        })
    }

    /// The tokens that are plugged in, as the server sees them.
    pub fn present(&self) -> Result<Vec<Value>> {
        let tokens = self.cli.json(&["token", "list", "--present", "true"])?;
        list(tokens, "tokens")
    }

    /// Every token that the server knows.
    pub fn tokens(&self) -> Result<Vec<Value>> {
        list(self.cli.json(&["token", "list"])?, "tokens")
    }
}

/// pcscd looks at vpcd's readers every 400 ms; the rest is for machines that are busy.
const SOON: Duration = Duration::from_secs(60);

/// The list in an answer of the command line.
pub fn list(answer: Value, name: &str) -> Result<Vec<Value>> {
    match answer[name].clone() {
        Value::Array(items) => Ok(items),
        _ => anyhow::bail!("no list {name} in {answer}"),
    }
}
