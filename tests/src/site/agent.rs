//! An agent as a process, behind a cable.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{
    cable::Cable,
    process::{Process, program},
};

/// The agent of one host.
#[derive(Debug)]
pub struct Agent {
    folder: PathBuf,
    process: Option<Process>,
    /// To the server.
    pub cable: Cable,
}

impl Agent {
    /// Enrols in `folder` and starts.
    pub fn enrol(folder: &Path, server: SocketAddr, join_token: &Path) -> Result<Self> {
        let cable = Cable::lay(server)?;
        let mut agent = Self {
            folder: folder.to_owned(),
            process: None,
            cable,
        };
        fs::write(agent.settings(), agent.text())?;
        let output = agent
            .program()?
            .args(["enrol", "--server", &agent.cable.address().to_string()])
            .arg("--join-token-file")
            .arg(join_token)
            .output()?;
        if !output.status.success() {
            bail!("cannot enrol: {}", String::from_utf8_lossy(&output.stderr));
        }
        agent.run()?;
        Ok(agent)
    }

    fn text(&self) -> String {
        format!(
            "state_dir = {:?}\ndanger_virtual_token_socket = {:?}\n\
             [local_socket]\npath = {:?}\n\
             [server]\naddress = \"{}\"\n\
             [redial]\nfirst_within_s = 0\nlongest_s = 1\n\
             [policy]\nallow_reset = true\n\
             [log]\nlevel = \"debug\"\n",
            self.folder.join("state"),
            self.token_socket(),
            self.socket(),
            self.cable.address(),
        )
    }

    /// Starts it again.
    pub fn run(&mut self) -> Result<()> {
        let mut command = self.program()?;
        let logs = self.folder.join("logs");
        self.process = Some(Process::start("agent", command.arg("run"), &logs)?);
        Ok(())
    }

    /// Ends it between two instructions.
    pub fn kill_9(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill_9(),
            None => bail!("the agent does not run"),
        }
    }

    /// The id under which the server knows this enrolment.
    pub fn host_id(&self) -> Result<String> {
        let output = self
            .program()?
            .args(["status", "--output", "json"])
            .output()?;
        let status: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("no status: {}", String::from_utf8_lossy(&output.stderr)))?;
        status["host_id"]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("no host_id in {status}"))
    }

    /// Where the command line reaches it without a server.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("agent.sock")
    }

    /// Where virtual tokens are plugged in.
    #[must_use]
    pub fn token_socket(&self) -> PathBuf {
        self.folder.join("tokens.sock")
    }

    /// Where everything of this host is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    fn program(&self) -> Result<Command> {
        let mut command = Command::new(program("keysteward-agent")?);
        command.arg("--settings").arg(self.settings());
        Ok(command)
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }
}
